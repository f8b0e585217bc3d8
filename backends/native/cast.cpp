// SPDX-License-Identifier: Apache-2.0
#include "elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cast.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

// Integers wrap; a float becomes the nearest integer towards zero that the type has, and NaN becomes 0, where
// C++ leaves the result undefined.
template <class R>
struct Cast {
  template <class T>
  R operator()(T x) const {
    if constexpr (std::is_floating_point_v<T> && std::is_integral_v<R>) {
      // The bounds as T: the upper one may round up to the first number that is too large.
      constexpr T low = static_cast<T>(std::numeric_limits<R>::min());
      constexpr T high = static_cast<T>(std::numeric_limits<R>::max());
      constexpr bool exact = std::numeric_limits<T>::digits >= std::numeric_limits<R>::digits;
      if constexpr (exact) {
        const T bounded = x < low ? low : (x > high ? high : x);
        return static_cast<R>(x == x ? bounded : T{0});
      }
      const bool inside = x > low && x < high;
      const R converted = static_cast<R>(inside ? x : T{0});
      const R outside = x >= high ? std::numeric_limits<R>::max() : std::numeric_limits<R>::min();
      return inside ? converted : (x == x ? outside : R{0});
    } else {
      return static_cast<R>(x);
    }
  }
};

struct Truth {
  template <class T>
  uint8_t operator()(T x) const {
    return x != T{0};
  }
};

template <class T>
Loop From(int32_t to) {
  switch (to) {
    case KERAS_BOOL:
      return PlainUnary<Truth, T, uint8_t>;
    case KERAS_UINT8:
      return PlainUnary<Cast<uint8_t>, T, uint8_t>;
    case KERAS_UINT16:
      return PlainUnary<Cast<uint16_t>, T, uint16_t>;
    case KERAS_UINT32:
      return PlainUnary<Cast<uint32_t>, T, uint32_t>;
    case KERAS_UINT64:
      return PlainUnary<Cast<uint64_t>, T, uint64_t>;
    case KERAS_INT8:
      return PlainUnary<Cast<int8_t>, T, int8_t>;
    case KERAS_INT16:
      return PlainUnary<Cast<int16_t>, T, int16_t>;
    case KERAS_INT32:
      return PlainUnary<Cast<int32_t>, T, int32_t>;
    case KERAS_INT64:
      return PlainUnary<Cast<int64_t>, T, int64_t>;
    case KERAS_FLOAT32:
      return PlainUnary<Cast<float>, T, float>;
    default:
      return PlainUnary<Cast<double>, T, double>;
  }
}

Loop FindCast(int32_t from, int32_t to) {
  switch (from) {
    case KERAS_BOOL:
    case KERAS_UINT8:
      return From<uint8_t>(to);
    case KERAS_UINT16:
      return From<uint16_t>(to);
    case KERAS_UINT32:
      return From<uint32_t>(to);
    case KERAS_UINT64:
      return From<uint64_t>(to);
    case KERAS_INT8:
      return From<int8_t>(to);
    case KERAS_INT16:
      return From<int16_t>(to);
    case KERAS_INT32:
      return From<int32_t>(to);
    case KERAS_INT64:
      return From<int64_t>(to);
    case KERAS_FLOAT32:
      return From<float>(to);
    default:
      return From<double>(to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(FindCast);

namespace {

// Complex numbers go through float32 pairs of their own: the real part is what other dtypes see.
class ComplexCastKernel final : public keras_kernel {
 public:
  explicit ComplexCastKernel(const keras_op& op) : from_(op.inputs[0].dtype), to_(op.outputs[0].dtype) {
    const int32_t other = from_ == KERAS_COMPLEX64 ? to_ : from_;
    keras_desc parts = op.outputs[0];
    parts.dtype = KERAS_FLOAT32;
    keras_desc others = parts;
    others.dtype = other;
    keras_op step = op;
    step.num_inputs = step.num_outputs = 1;
    step.inputs = from_ == KERAS_COMPLEX64 ? &parts : &others;
    step.outputs = from_ == KERAS_COMPLEX64 ? &others : &parts;
    const Loop loop = HWY_DYNAMIC_DISPATCH(FindCast)(compute_dtype(step.inputs[0].dtype),
                                                     compute_dtype(step.outputs[0].dtype));
    inner_ = elementwise(step, loop, 1, is_half(other));
    parts_ = parts;
  }
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const int64_t count = element_count(out[0].desc);
    const Scratch memory(static_cast<size_t>(count) * sizeof(float));
    auto* parts = memory.as<float>();
    keras_buffer view;
    view.data = parts;
    keras_tensor middle{&view, parts_};
    if (from_ == KERAS_COMPLEX64) {
      const auto* pairs = input_as<float>(in[0]);
      const bool truth = to_ == KERAS_BOOL;  // any part that is not 0
      for (int64_t i = 0; i < count; ++i) {
        parts[i] = truth && pairs[2 * i + 1] != 0 ? 1 : pairs[2 * i];
      }
      inner_->run(&middle, 1, out, 1);
    } else {
      inner_->run(in, 1, &middle, 1);
      auto* pairs = output_as<float>(out[0]);
      for (int64_t i = 0; i < count; ++i) {
        pairs[2 * i] = parts[i];
        pairs[2 * i + 1] = 0;
      }
    }
  }

 private:
  int32_t from_;
  int32_t to_;
  keras_desc parts_;
  std::unique_ptr<keras_kernel> inner_;
};

// A cast that changes nothing.
template <class T>
void copy_loop(const void* const* in, const int* steps, void* out, int64_t count) {
  const T* from = static_cast<const T*>(in[0]);
  if (steps[0] == 0) {
    std::fill_n(static_cast<T*>(out), count, *from);
  } else if (in[0] != out) {
    std::memcpy(out, from, static_cast<size_t>(count) * sizeof(T));
  }
}

ElementLoop find_cast(const keras_op& op, std::string& reason) {
  const int32_t from = op.inputs[0].dtype;
  const int32_t to = op.outputs[0].dtype;
  if (from == to) return {same_loop(dtype_size(from)), 1, false};
  if (from == KERAS_COMPLEX64 || to == KERAS_COMPLEX64) {
    reason = "complex numbers are cast in parts";
    return {};
  }
  const Loop loop = HWY_DYNAMIC_DISPATCH(FindCast)(compute_dtype(from), compute_dtype(to));
  return {loop, 1, is_half(from) || is_half(to)};
}

std::unique_ptr<keras_kernel> make_complex_cast(const keras_op& op, std::string& reason) {
  const int32_t from = op.inputs[0].dtype;
  const int32_t to = op.outputs[0].dtype;
  if (from != to && (from == KERAS_COMPLEX64 || to == KERAS_COMPLEX64)) {
    return std::make_unique<ComplexCastKernel>(op);
  }
  reason.clear();
  return nullptr;
}

const bool registered =
    register_elementwise("cast", find_cast) && register_kernel("cast", make_complex_cast, 1);

}  // namespace

Loop same_loop(size_t width) {
  switch (width) {
    case 1:
      return copy_loop<uint8_t>;
    case 2:
      return copy_loop<uint16_t>;
    case 4:
      return copy_loop<uint32_t>;
    default:
      return copy_loop<uint64_t>;
  }
}

}  // namespace keras::native
#endif
