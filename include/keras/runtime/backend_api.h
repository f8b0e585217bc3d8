/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between keras.cpp and a backend: one append-only C table.
 *
 * A backend is a shared library "libkeras_<name>.so" that exports
 *     int keras_backend_open(const keras_host* host, keras_backend* table);
 * It fills the entries it has up to table->struct_size and returns KERAS_OK. A backend executes ops; what
 * an op means (shapes, dtypes, gradients, decompositions) is decided above it. Shapes and dtypes in calls
 * are already checked; operands of an op are dense, row-major.
 *
 * Threads: every entry may be called from several threads. Errors are status codes; the sentence is what
 * last_error() gives on the same thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "keras/graph/op_attributes.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Version of this interface; grows when the meaning of an entry changes. */
#define KERAS_BACKEND_INTERFACE 2

/** What every entry that can fail returns. */
typedef enum keras_status {
  KERAS_OK = 0,                /**< done */
  KERAS_ERROR_VALUE = 1,       /**< the data are wrong: an index out of range, a matrix that is singular */
  KERAS_ERROR_UNSUPPORTED = 2, /**< right, but not here */
  KERAS_ERROR_MEMORY = 3,      /**< out of memory */
  KERAS_ERROR_INTERNAL = 4     /**< the framework failed */
} keras_status;

/** What a tensor is. */
typedef struct keras_desc {
  int32_t dtype;                 /**< a number of keras::DType */
  int32_t rank;                  /**< how many entries of shape count */
  int64_t shape[KERAS_MAX_RANK]; /**< sizes, outermost first */
} keras_desc;

/** Backend-owned, reference-counted memory. Never changes once published by an op's end. */
typedef struct keras_buffer keras_buffer;

/** A tensor at the border. An output slot arrives with buffer == NULL (the backend allocates) or with a
 * donated buffer (the same handle stands in an operand slot, nobody else holds it): the backend may write
 * the result there and leaves the handle in the slot, or releases it and puts another. */
typedef struct keras_tensor {
  keras_buffer* buffer; /**< its memory */
  keras_desc desc;      /**< its dtype and shape */
} keras_tensor;

/** May the backend run this op natively? */
typedef enum keras_verdict {
  KERAS_NATIVE = 0,     /**< yes: a kernel comes with the answer */
  KERAS_COMPOSED = 1,   /**< decompose it (core ops without a decomposition go to the host) */
  KERAS_HOST = 2,       /**< let the native backend compute it, with copies */
  KERAS_UNSUPPORTED = 3 /**< cannot be done; reason says why */
} keras_verdict;

typedef struct keras_kernel keras_kernel;         /**< a prepared op: holds whatever is built once */
typedef struct keras_executable keras_executable; /**< a compiled graph */
typedef struct keras_graph keras_graph;           /**< a program, see below */

/** One call of an op. */
typedef struct keras_op {
  uint64_t struct_size;      /**< bytes of this struct that the host knows */
  const char* name;          /**< as in ops.def */
  const void* attributes;    /**< the op's attribute struct; its first field is its size */
  uint64_t attributes_size;  /**< bytes of it */
  int32_t num_inputs;        /**< length of inputs */
  int32_t num_outputs;       /**< length of outputs */
  const keras_desc* inputs;  /**< the operands */
  const keras_desc* outputs; /**< by the op's own rule, without residuals */
  /** A gradient will follow: the kernel also gives its residuals. To answer native here is to promise that
   * `op`_grad is native for the operands that follow from it. */
  int32_t wants_residuals;
  int32_t num_regions;               /**< control flow, inside compile only */
  const keras_graph* const* regions; /**< bodies and branches */
} keras_op;

/** The answer of `prepare`. */
typedef struct keras_prepared {
  uint64_t struct_size;  /**< bytes of this struct that the host knows */
  keras_verdict verdict; /**< whether and how */
  keras_kernel* kernel;  /**< for KERAS_NATIVE; the host releases it */
  int32_t num_residuals; /**< extra outputs after the op's own, opaque above; dtype and shape are free */
  char reason[256];      /**< why not native, or which implementation */
} keras_prepared;

/** How a graph operand may be used. */
typedef enum keras_use {
  KERAS_KEEP = 0,   /**< read only */
  KERAS_DONATE = 1, /**< its memory may be reused; the caller lets go of it */
  /** Read, the same from call to call, so that packed copies may be kept; replaced by the output that names
   * it, if one does. */
  KERAS_VARIABLE = 2
} keras_use;

/** One op of a graph. */
typedef struct keras_node {
  keras_op op;            /**< what it computes */
  const int32_t* inputs;  /**< value numbers */
  const int32_t* outputs; /**< value numbers, residuals included */
  int32_t num_residuals;  /**< how many of the outputs are residuals */
} keras_node;

/** A flat SSA graph. Values 0..num_inputs-1 are the inputs; every other value is made by one node, in order.
 */
struct keras_graph {
  uint64_t struct_size;           /**< bytes of this struct that the host knows */
  int32_t num_values;             /**< length of values */
  int32_t num_inputs;             /**< how many of the values are inputs */
  int32_t num_nodes;              /**< length of nodes */
  int32_t num_outputs;            /**< length of outputs */
  const keras_desc* values;       /**< dtype and shape of each value */
  const keras_use* input_uses;    /**< one for each input */
  const keras_node* nodes;        /**< in an order in which they can run */
  const int32_t* outputs;         /**< value numbers */
  const int32_t* output_variable; /**< input number that the output replaces, or -1 */
};

/** What a device holds. */
typedef struct keras_memory {
  uint64_t struct_size; /**< bytes of this struct that the host knows */
  uint64_t in_use;      /**< bytes held by live buffers */
  uint64_t reserved;    /**< bytes taken from the system */
  uint64_t peak;        /**< highest in_use */
} keras_memory;

/** Where exported elements lie. */
typedef struct keras_view {
  const void* data;                /**< the first element */
  int64_t strides[KERAS_MAX_RANK]; /**< in elements */
  int32_t device_type;             /**< DLPack's numbers: 1 cpu, 2 cuda */
  int32_t device_index;            /**< which of them */
} keras_view;

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

/** What the host offers to a backend. */
typedef struct keras_host {
  uint64_t struct_size;                        /**< bytes of this struct that the host knows */
  uint32_t interface_version;                  /**< KERAS_BACKEND_INTERFACE of the host */
  void (*log)(int level, const char* message); /**< 0 debug, 1 info, 2 warning */
} keras_host;

/** Called once when imported memory is no longer read. */
typedef void (*keras_deleter)(void* context);

/** The table that a backend fills. */
typedef struct keras_backend {
  uint64_t struct_size;       /**< set by the host to what it knows; the backend writes no further */
  uint32_t interface_version; /**< KERAS_BACKEND_INTERFACE of the backend */
  const char* name;           /**< as in libkeras_<name>.so */
  const char* version;        /**< of the framework underneath */

  /** How many devices there are; they are numbered from 0, the one that ops use by default. */
  int32_t (*device_count)(void);
  /** "cpu:0", "gpu:1". */
  const char* (*device_name)(int32_t device);
  /** Bits: 1 storage, 2 arithmetic, 4 accelerated. */
  uint32_t (*dtype_usage)(int32_t device, int32_t dtype);

  /** New memory with the elements of a dense row-major host array (NULL: uninitialised). */
  keras_status (*upload)(int32_t device, const keras_desc* desc, const void* data, keras_buffer** out);
  /** The caller's memory, which lies on that device, without a copy; or KERAS_ERROR_UNSUPPORTED (then the
   * host uploads). It is never written, whoever donates it. */
  keras_status (*import)(int32_t device, const keras_desc* desc, const void* data, keras_deleter deleter,
                         void* context, keras_buffer** out);
  /** The elements without a copy while the buffer lives, or KERAS_ERROR_UNSUPPORTED. */
  keras_status (*export_view)(keras_buffer* buffer, const keras_desc* desc, keras_view* out);
  /** Copies the elements to host memory, dense and row-major. */
  keras_status (*download)(keras_buffer* buffer, const keras_desc* desc, void* data);
  /** One more owner of the buffer. */
  void (*retain)(keras_buffer* buffer);
  /** One owner less; the last one frees the memory. */
  void (*free)(keras_buffer* buffer);
  /** The device that holds the buffer. */
  int32_t (*device_of)(keras_buffer* buffer);

  /** Says whether the op runs natively, and gives the kernel that does. */
  keras_status (*prepare)(int32_t device, const keras_op* op, keras_prepared* out);
  /** Runs a prepared op. The slots of its residuals arrive without buffer and descriptor; both are filled in.
   */
  keras_status (*launch)(keras_kernel* kernel, void* stream, const keras_tensor* in, int32_t num_in,
                         keras_tensor* out, int32_t num_out);
  /** Frees a prepared op. */
  void (*release_kernel)(keras_kernel* kernel);

  /** KERAS_ERROR_UNSUPPORTED: the host drives the graph node by node. */
  keras_status (*compile)(int32_t device, const keras_graph* graph, keras_executable** out);
  /** Runs a compiled graph. */
  keras_status (*execute)(keras_executable* executable, void* stream, const keras_tensor* in, int32_t num_in,
                          keras_tensor* out, int32_t num_out);
  /** Frees a compiled graph. */
  void (*release_executable)(keras_executable* executable);

  /** Waits until everything launched on the stream is done. */
  keras_status (*sync)(void* stream);
  /** Fills in what the device holds. */
  void (*memory)(int32_t device, keras_memory* out);
  /** The sentence of this thread's last failure. */
  const char* (*last_error)(void);

  /** Optional: binds threads for a long run (fit) and undoes it; NULL when the backend has no use for it. */
  void (*enter_run)(void);
  /** Undoes enter_run. */
  void (*leave_run)(void);

  /** Optional: the elements in new memory of a device; NULL: the host copies through its own memory. */
  keras_status (*copy)(int32_t device, keras_buffer* buffer, const keras_desc* desc, keras_buffer** out);
  /** Optional: from now on `execute` reports every kernel; a NULL profiler ends that. */
  void (*set_profiler)(keras_profiler profiler);
} keras_backend;

#ifdef __cplusplus
}
#endif
