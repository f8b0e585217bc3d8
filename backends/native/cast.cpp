// SPDX-License-Identifier: Apache-2.0
#include "elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cast.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

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
void copy_loop_impl(const void* const* in, const int*, void* out, int64_t count, size_t width) {
  if (in[0] != out) __builtin_memcpy(out, in[0], static_cast<size_t>(count) * width);
}

template <size_t kWidth>
void copy_loop(const void* const* in, const int* steps, void* out, int64_t count) {
  copy_loop_impl(in, steps, out, count, kWidth);
}

std::unique_ptr<keras_kernel> make_cast(const keras_op& op, std::string&) {
  const int32_t from = op.inputs[0].dtype;
  const int32_t to = op.outputs[0].dtype;
  if (from == to) {
    static constexpr Loop loops[] = {copy_loop<1>, copy_loop<2>, copy_loop<4>, copy_loop<8>};
    return elementwise(op, loops[__builtin_ctzll(dtype_size(from))], 1);
  }
  if (from == KERAS_COMPLEX64 || to == KERAS_COMPLEX64) return std::make_unique<ComplexCastKernel>(op);
  const Loop loop = HWY_DYNAMIC_DISPATCH(FindCast)(compute_dtype(from), compute_dtype(to));
  return elementwise(op, loop, 1, is_half(from) || is_half(to));
}

const bool registered = register_kernel("cast", make_cast);

}  // namespace
}  // namespace keras::native
#endif
