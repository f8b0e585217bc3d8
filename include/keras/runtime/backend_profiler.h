/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backend may export beside its table (backend_api.h): telling which kernels its compiled graphs run.
 */
#pragma once

#include "keras/runtime/backend_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One kernel of a compiled graph that ran. */
typedef struct keras_profile_event {
  uint64_t struct_size;        /**< bytes of this struct that the backend knows */
  const char* name;            /**< of the op, as in ops.def */
  int64_t begin;               /**< nanoseconds of the steady clock (CLOCK_MONOTONIC) */
  int64_t end;                 /**< the same */
  const keras_tensor* inputs;  /**< the operands; only their descriptors are read */
  const keras_tensor* outputs; /**< the results, residuals included */
  int32_t num_inputs;          /**< length of inputs */
  int32_t num_outputs;         /**< length of outputs */
} keras_profile_event;

/** Takes an event, on the thread that ran the kernel. The event is valid during the call only. */
typedef void (*keras_profiler)(const keras_profile_event* event);

/** Optional export of a backend, "keras_backend_set_profiler": from now on `execute` reports every kernel;
 * NULL ends that. */
typedef void (*keras_set_profiler)(keras_profiler profiler);

#ifdef __cplusplus
}
#endif
