// SPDX-License-Identifier: Apache-2.0
#include "elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "elementwise_binary.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <type_traits>

#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

// Integers compute in unsigned words that are no narrower than int: overflow wraps and is never undefined.
template <class T>
using Word =
    std::conditional_t<std::is_floating_point_v<T>, T, std::conditional_t<sizeof(T) < 4, uint32_t, T>>;

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Word<T>>(a) + static_cast<Word<T>>(b));
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Word<T>>(a) - static_cast<Word<T>>(b));
  }
};
struct Mul {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Word<T>>(a) * static_cast<Word<T>>(b));
  }
};
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    return a / b;
  }
};
struct Maximum {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      const T larger = a > b ? a : b;  // b where one is NaN
      return a != a ? a : larger;
    }
    return a > b ? a : b;
  }
};
struct Minimum {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      const T smaller = a < b ? a : b;
      return a != a ? a : smaller;
    }
    return a < b ? a : b;
  }
};
struct And {
  template <class T>
  T operator()(T a, T b) const {
    return a & b;
  }
};
struct Or {
  template <class T>
  T operator()(T a, T b) const {
    return a | b;
  }
};
struct Xor {
  template <class T>
  T operator()(T a, T b) const {
    return a ^ b;
  }
};

// Signed and unsigned integers of a width share these.
template <class F>
Loop OfWidth(int32_t dtype) {
  switch (dtype) {
    case KERAS_UINT8:
    case KERAS_INT8:
      return PlainBinary<F, uint8_t>;
    case KERAS_UINT16:
    case KERAS_INT16:
      return PlainBinary<F, uint16_t>;
    case KERAS_UINT32:
    case KERAS_INT32:
      return PlainBinary<F, uint32_t>;
    case KERAS_UINT64:
    case KERAS_INT64:
      return PlainBinary<F, uint64_t>;
    default:
      return nullptr;
  }
}

template <class F>
Loop OfFloat(int32_t dtype) {
  if (dtype == KERAS_FLOAT32) return PlainBinary<F, float>;
  if (dtype == KERAS_FLOAT64) return PlainBinary<F, double>;
  return nullptr;
}

template <class F>
Loop Ordered(int32_t dtype) {
  switch (dtype) {
    case KERAS_UINT8:
      return PlainBinary<F, uint8_t>;
    case KERAS_UINT16:
      return PlainBinary<F, uint16_t>;
    case KERAS_UINT32:
      return PlainBinary<F, uint32_t>;
    case KERAS_UINT64:
      return PlainBinary<F, uint64_t>;
    case KERAS_INT8:
      return PlainBinary<F, int8_t>;
    case KERAS_INT16:
      return PlainBinary<F, int16_t>;
    case KERAS_INT32:
      return PlainBinary<F, int32_t>;
    case KERAS_INT64:
      return PlainBinary<F, int64_t>;
    default:
      return OfFloat<F>(dtype);
  }
}

template <class F>
Loop Number(int32_t dtype) {
  const Loop loop = OfFloat<F>(dtype);
  return loop != nullptr ? loop : OfWidth<F>(dtype);
}

// A sum of bools is their "or", a product their "and", as in NumPy.
Loop FindBinary(std::string_view op, int32_t dtype) {
  if (dtype == KERAS_BOOL) {
    if (op == "add" || op == "maximum" || op == "bit_or") return PlainBinary<Or, uint8_t>;
    if (op == "mul" || op == "minimum" || op == "bit_and") return PlainBinary<And, uint8_t>;
    if (op == "sub" || op == "bit_xor") return PlainBinary<Xor, uint8_t>;
    return nullptr;
  }
  if (op == "add") return Number<Add>(dtype);
  if (op == "sub") return Number<Sub>(dtype);
  if (op == "mul") return Number<Mul>(dtype);
  if (op == "div") return OfFloat<Div>(dtype);
  if (op == "maximum") return Ordered<Maximum>(dtype);
  if (op == "minimum") return Ordered<Minimum>(dtype);
  if (op == "bit_and") return OfWidth<And>(dtype);
  if (op == "bit_or") return OfWidth<Or>(dtype);
  if (op == "bit_xor") return OfWidth<Xor>(dtype);
  return nullptr;
}

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(FindBinary);

Loop vector_binary(std::string_view op, int32_t dtype) { return HWY_DYNAMIC_DISPATCH(FindBinary)(op, dtype); }

namespace {

ElementLoop find_binary(const keras_op& op, std::string& reason) {
  const int32_t dtype = op.inputs[0].dtype;
  if (dtype == KERAS_COMPLEX64) {
    if (const Loop loop = complex_loop(op.name)) return {loop, 4, false};
    reason = "not defined for complex numbers";
    return {};
  }
  const int32_t wide = compute_dtype(dtype);
  if (const Loop loop = vector_binary(op.name, wide)) return {loop, 1, is_half(dtype)};
  if (std::string_view(op.name) == "pow" && wide == KERAS_FLOAT32) {
    return {vector_pow(), 8, is_half(dtype)};
  }
  // The neighbours of a half number are not those of the float.
  const bool exact = std::string_view(op.name) == "nextafter";
  if (const Loop loop = scalar_binary(op.name, exact ? dtype : wide)) {
    return {loop, 16, is_half(dtype) && !exact};
  }
  reason = "not defined for this dtype";
  return {};
}

const bool registered = [] {
  for (const char* op : {"add", "sub", "mul", "div", "rem", "pow", "maximum", "minimum", "atan2", "nextafter",
                         "igamma", "bit_and", "bit_or", "bit_xor", "shl", "shr"}) {
    register_elementwise(op, find_binary);
  }
  return true;
}();

}  // namespace
}  // namespace keras::native
#endif
