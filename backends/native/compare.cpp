// SPDX-License-Identifier: Apache-2.0
#include "elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compare.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

struct Eq {
  template <class T>
  uint8_t operator()(T a, T b) const {
    return a == b;
  }
};
struct Ne {
  template <class T>
  uint8_t operator()(T a, T b) const {
    return a != b;
  }
};
struct Lt {
  template <class T>
  uint8_t operator()(T a, T b) const {
    return a < b;
  }
};
struct Le {
  template <class T>
  uint8_t operator()(T a, T b) const {
    return a <= b;
  }
};
struct Gt {
  template <class T>
  uint8_t operator()(T a, T b) const {
    return a > b;
  }
};
struct Ge {
  template <class T>
  uint8_t operator()(T a, T b) const {
    return a >= b;
  }
};

template <class T>
Loop OfDirection(int64_t direction) {
  switch (direction) {
    case KERAS_EQ:
      return PlainBinary<Eq, T, uint8_t>;
    case KERAS_NE:
      return PlainBinary<Ne, T, uint8_t>;
    case KERAS_LT:
      return PlainBinary<Lt, T, uint8_t>;
    case KERAS_LE:
      return PlainBinary<Le, T, uint8_t>;
    case KERAS_GT:
      return PlainBinary<Gt, T, uint8_t>;
    default:
      return PlainBinary<Ge, T, uint8_t>;
  }
}

Loop FindCompare(int64_t direction, int32_t dtype) {
  switch (dtype) {
    case KERAS_BOOL:
    case KERAS_UINT8:
      return OfDirection<uint8_t>(direction);
    case KERAS_UINT16:
      return OfDirection<uint16_t>(direction);
    case KERAS_UINT32:
      return OfDirection<uint32_t>(direction);
    case KERAS_UINT64:
      return OfDirection<uint64_t>(direction);
    case KERAS_INT8:
      return OfDirection<int8_t>(direction);
    case KERAS_INT16:
      return OfDirection<int16_t>(direction);
    case KERAS_INT32:
      return OfDirection<int32_t>(direction);
    case KERAS_INT64:
      return OfDirection<int64_t>(direction);
    case KERAS_FLOAT32:
      return OfDirection<float>(direction);
    case KERAS_FLOAT64:
      return OfDirection<double>(direction);
    default:
      return nullptr;
  }
}

// Elements are moved, never computed with: one loop a width. Most selects read three full operands or put a
// constant in; the general loop serves the rest.
template <class T>
void SelectLoop(const void* const* in, const int* steps, void* out, int64_t count) {
  const uint8_t* choice = static_cast<const uint8_t*>(in[0]);
  const T* a = static_cast<const T*>(in[1]);
  const T* b = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  const int kind = steps[0] * 4 + steps[1] * 2 + steps[2];
  if (kind == 7) {
    KERAS_NATIVE_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) {
      const T left = a[i];
      const T right = b[i];
      y[i] = choice[i] != 0 ? left : right;
    }
  } else if (kind == 6) {
    const T right = b[0];
    KERAS_NATIVE_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) {
      const T left = a[i];
      y[i] = choice[i] != 0 ? left : right;
    }
  } else if (kind == 5) {
    const T left = a[0];
    KERAS_NATIVE_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) {
      const T right = b[i];
      y[i] = choice[i] != 0 ? left : right;
    }
  } else {
    for (int64_t i = 0; i < count; ++i) {
      y[i] = choice[i * steps[0]] != 0 ? a[i * steps[1]] : b[i * steps[2]];
    }
  }
}

Loop FindSelect(size_t width) {
  switch (width) {
    case 1:
      return SelectLoop<uint8_t>;
    case 2:
      return SelectLoop<uint16_t>;
    case 4:
      return SelectLoop<uint32_t>;
    default:
      return SelectLoop<uint64_t>;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(FindCompare);
HWY_EXPORT(FindSelect);

namespace {

ElementLoop find_compare(const keras_op& op, std::string& reason) {
  const int64_t direction = attributes<CompareAttributes>(op).direction;
  const int32_t dtype = op.inputs[0].dtype;
  if (dtype == KERAS_COMPLEX64) {
    if (direction == KERAS_EQ) return {complex_loop("equal"), 1, false};
    if (direction == KERAS_NE) return {complex_loop("not_equal"), 1, false};
    reason = "complex numbers have no order";
    return {};
  }
  return {HWY_DYNAMIC_DISPATCH(FindCompare)(direction, compute_dtype(dtype)), 1, is_half(dtype)};
}

ElementLoop find_select(const keras_op& op, std::string&) {
  return {HWY_DYNAMIC_DISPATCH(FindSelect)(dtype_size(op.inputs[1].dtype)), 1, false};
}

const bool registered =
    register_elementwise("compare", find_compare) && register_elementwise("select", find_select);

}  // namespace
}  // namespace keras::native
#endif
