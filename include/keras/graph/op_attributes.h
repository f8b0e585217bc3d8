/* SPDX-License-Identifier: Apache-2.0 */
/* Dtypes, enumerators and attribute structs of the ops, as plain C: they cross to backends unchanged. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The highest rank of a tensor. */
#define KERAS_MAX_RANK 10

/** Element types: the numbers of keras::DType. Strings never cross. */
enum {
  KERAS_BOOL = 0,
  KERAS_UINT8 = 1,
  KERAS_UINT16 = 2,
  KERAS_UINT32 = 3,
  KERAS_UINT64 = 4,
  KERAS_INT8 = 5,
  KERAS_INT16 = 6,
  KERAS_INT32 = 7,
  KERAS_INT64 = 8,
  KERAS_FLOAT16 = 9,
  KERAS_BFLOAT16 = 10,
  KERAS_FLOAT32 = 11,
  KERAS_FLOAT64 = 12,
  KERAS_COMPLEX64 = 13
};

/** Enumerators of the ops' attributes. */
enum keras_compare { KERAS_EQ, KERAS_NE, KERAS_LT, KERAS_LE, KERAS_GT, KERAS_GE };
enum keras_cumulate { KERAS_CUM_SUM, KERAS_CUM_PROD, KERAS_CUM_MAX, KERAS_CUM_MIN };
enum keras_scatter {
  KERAS_SCATTER_SET,
  KERAS_SCATTER_ADD,
  KERAS_SCATTER_MUL,
  KERAS_SCATTER_MIN,
  KERAS_SCATTER_MAX
};
enum keras_pool { KERAS_POOL_MAX, KERAS_POOL_AVERAGE };
enum keras_fft { KERAS_FFT, KERAS_IFFT, KERAS_RFFT, KERAS_IRFFT };
enum keras_activation {
  KERAS_ACT_LINEAR,
  KERAS_ACT_RELU,
  KERAS_ACT_SIGMOID,
  KERAS_ACT_TANH,
  KERAS_ACT_GELU,
  KERAS_ACT_GELU_TANH,
  KERAS_ACT_SILU,
  KERAS_ACT_ELU,
  KERAS_ACT_LEAKY_RELU,
  KERAS_ACT_RELU6,
  KERAS_ACT_HARD_SIGMOID
};
enum keras_interpolation {
  KERAS_NEAREST,
  KERAS_BILINEAR,
  KERAS_BICUBIC,
  KERAS_LANCZOS3,
  KERAS_LANCZOS5,
  KERAS_AREA
};
/** Optimizer rules of update_many, and their slots per parameter in order. */
enum keras_update {
  KERAS_UPDATE_SGD,      /**< none, or momentum */
  KERAS_UPDATE_RMSPROP,  /**< velocity, momentum if momentum > 0, average if centered */
  KERAS_UPDATE_ADAM,     /**< m, v, v_hat if amsgrad */
  KERAS_UPDATE_ADAGRAD,  /**< accumulator */
  KERAS_UPDATE_ADADELTA, /**< accumulated gradient, accumulated delta */
  KERAS_UPDATE_ADAMAX,   /**< m, u */
  KERAS_UPDATE_LION,     /**< m */
  KERAS_UPDATE_NADAM     /**< m, v; the running product of momentum is the scalar operand after iteration */
};

/** A list inside an attribute struct. */
typedef struct keras_list {
  int64_t count;             /**< how many entries of v count */
  int64_t v[KERAS_MAX_RANK]; /**< the entries */
} keras_list;

/** The attribute structs, from the one list of fields. All bytes, padding included, are defined. */
#define KERAS_ATTRIBUTES(Struct, fields) \
  typedef struct Struct {                \
    uint64_t struct_size;                \
    fields                               \
  } Struct;
#define I(name, doc) int64_t name;
#define F(name, doc) double name;
#define B(name, doc) int64_t name;
#define E(name, doc) int64_t name;
#define T(name, doc) int64_t name;
#define L(name, doc) keras_list name;
#define S(name, doc) keras_list name;
#include "keras/graph/attributes.def"
#undef KERAS_ATTRIBUTES
#undef I
#undef F
#undef B
#undef E
#undef T
#undef L
#undef S

#ifdef __cplusplus
}
#endif
