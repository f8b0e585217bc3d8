// SPDX-License-Identifier: Apache-2.0
#include "update.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "update.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "elementwise.h"
#include "half.h"
#include "loops-inl.h"
#include "update_rules-inl.h"

// update_many: one optimizer step over all parameters in one pass.
//
// Operands: the learning rate (a float scalar), the iteration (an int64 scalar: the number of steps done
// before this one, so that Keras' local step is iteration + 1), for NADAM the running product of momenta with
// this step's factor already in it, then `count` parameters, `count` gradients, and the slots: those of
// parameter p are operands p * slots ... p * slots + slots - 1 of the slot block, in keras_update's order.
// Results: the new parameters, then the new slots in the same order. A gradient is converted to its
// parameter's dtype; half types compute in float32 and round once at the end. Weight decay, where not 0,
// comes first: w -= w * weight_decay * rate.

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

template <class Rule, class T>
void Run(const UpdateAttributes& at, const StepScalars& step, const UpdatePiece& piece) {
  const Rule rule(at, step);
  const T decay = static_cast<T>(at.weight_decay);
  const T rate = static_cast<T>(step.rate);
  const T* w = static_cast<const T*>(piece.parameter);
  const T* g = static_cast<const T*>(piece.gradient);
  const T* s0 = static_cast<const T*>(piece.slots[0]);
  const T* s1 = static_cast<const T*>(piece.slots[1]);
  const T* s2 = static_cast<const T*>(piece.slots[2]);
  T* w_out = static_cast<T*>(piece.new_parameter);
  T* s0_out = static_cast<T*>(piece.new_slots[0]);
  T* s1_out = static_cast<T*>(piece.new_slots[1]);
  T* s2_out = static_cast<T*>(piece.new_slots[2]);
  const auto one = [&](int64_t i, T start) HWY_ATTR {
    T s[kMostSlots] = {};
    if constexpr (Rule::kSlots > 0) s[0] = s0[i];
    if constexpr (Rule::kSlots > 1) s[1] = s1[i];
    if constexpr (Rule::kSlots > 2) s[2] = s2[i];
    w_out[i] = rule(start, g[i], s);
    if constexpr (Rule::kSlots > 0) s0_out[i] = s[0];
    if constexpr (Rule::kSlots > 1) s1_out[i] = s[1];
    if constexpr (Rule::kSlots > 2) s2_out[i] = s[2];
  };
  if (decay != T{0}) {
    KERAS_NATIVE_INDEPENDENT
    for (int64_t i = 0; i < piece.count; ++i) one(i, w[i] - w[i] * decay * rate);
  } else {
    KERAS_NATIVE_INDEPENDENT
    for (int64_t i = 0; i < piece.count; ++i) one(i, w[i]);
  }
}

template <class T>
void RunRule(const UpdateAttributes& at, const StepScalars& step, const UpdatePiece& piece) {
  switch (at.rule) {
    case KERAS_UPDATE_SGD:
      if (at.slots == 0) return Run<PlainSgd<T>, T>(at, step, piece);
      if (at.nesterov != 0) return Run<MomentumSgd<T, true>, T>(at, step, piece);
      return Run<MomentumSgd<T, false>, T>(at, step, piece);
    case KERAS_UPDATE_RMSPROP:
      if (at.momentum > 0) {
        if (at.centered != 0) return Run<Rmsprop<T, true, true>, T>(at, step, piece);
        return Run<Rmsprop<T, true, false>, T>(at, step, piece);
      }
      if (at.centered != 0) return Run<Rmsprop<T, false, true>, T>(at, step, piece);
      return Run<Rmsprop<T, false, false>, T>(at, step, piece);
    case KERAS_UPDATE_ADAM:
      if (at.amsgrad != 0) return Run<Adam<T, true>, T>(at, step, piece);
      return Run<Adam<T, false>, T>(at, step, piece);
    case KERAS_UPDATE_ADAGRAD:
      return Run<Adagrad<T>, T>(at, step, piece);
    case KERAS_UPDATE_ADADELTA:
      return Run<Adadelta<T>, T>(at, step, piece);
    case KERAS_UPDATE_ADAMAX:
      return Run<Adamax<T>, T>(at, step, piece);
    case KERAS_UPDATE_LION:
      return Run<Lion<T>, T>(at, step, piece);
    default:
      return Run<Nadam<T>, T>(at, step, piece);
  }
}

void UpdateElements(const UpdateAttributes& at, const StepScalars& step, const UpdatePiece& piece,
                    bool wide) {
  if (wide) {
    RunRule<double>(at, step, piece);
  } else {
    RunRule<float>(at, step, piece);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(UpdateElements);

namespace {

constexpr int64_t kGrain = 8192;
constexpr int64_t kPiece = 512;  // elements converted at a time

double read_scalar(const keras_tensor& scalar) {
  float value = 0;
  switch (scalar.desc.dtype) {
    case KERAS_FLOAT64:
      return *input_as<double>(scalar);
    case KERAS_FLOAT32:
      return *input_as<float>(scalar);
    default:
      half_to_float(scalar.desc.dtype, scalar.buffer->data, &value, 1);
      return value;
  }
}

// Elements of any float dtype as T: where they lie, or converted into `buffer`.
template <class T>
const void* as_computed(int32_t dtype, const void* data, int64_t begin, int64_t count, T* buffer) {
  const char* from = static_cast<const char*>(data) + begin * static_cast<int64_t>(dtype_size(dtype));
  if (dtype == KERAS_FLOAT32) {
    if constexpr (std::is_same_v<T, float>) return from;
    std::copy_n(reinterpret_cast<const float*>(from), count, buffer);
  } else if (dtype == KERAS_FLOAT64) {
    if constexpr (std::is_same_v<T, double>) return from;
    for (int64_t i = 0; i < count; ++i) buffer[i] = static_cast<T>(reinterpret_cast<const double*>(from)[i]);
  } else if constexpr (std::is_same_v<T, float>) {
    half_to_float(dtype, from, buffer, count);
  } else {
    float narrow[kPiece];
    half_to_float(dtype, from, narrow, count);
    std::copy_n(narrow, count, buffer);
  }
  return buffer;
}

class UpdateKernel final : public keras_kernel {
 public:
  explicit UpdateKernel(const keras_op& op)
      : at_(attributes<UpdateAttributes>(op)), lead_(at_.rule == KERAS_UPDATE_NADAM ? 3 : 2) {
    ends_.push_back(0);
    for (int64_t p = 0; p < at_.count; ++p)
      ends_.push_back(ends_.back() + element_count(op.inputs[lead_ + p]));
  }

  bool may_overwrite(int input, int output) const override {
    const int64_t place = input - lead_;
    return place < at_.count ? place == output : place - at_.count == output;
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int num_out) const override {
    for (int i = 0; i < num_out; ++i) output(out[i]);
    StepScalars step;
    step.rate = read_scalar(in[0]);
    step.iteration = *input_as<int64_t>(in[1]);
    if (lead_ == 3) step.product = read_scalar(in[2]);
    parallel_for(ends_.back(), kGrain, [&](int64_t begin, int64_t end) {
      auto p = std::upper_bound(ends_.begin(), ends_.end(), begin) - ends_.begin() - 1;
      for (; begin < end; ++p) {
        const int64_t stop = std::min(end, ends_[p + 1]);
        update(in, out, step, p, begin - ends_[p], stop - ends_[p]);
        begin = stop;
      }
    });
  }

 private:
  // Elements begin..end-1 of parameter p.
  void update(const keras_tensor* in, keras_tensor* out, const StepScalars& step, int64_t p, int64_t begin,
              int64_t end) const {
    const keras_tensor& parameter = in[lead_ + p];
    const keras_tensor& gradient = in[lead_ + at_.count + p];
    const keras_tensor* slots = in + lead_ + 2 * at_.count + p * at_.slots;
    keras_tensor* new_slots = out + at_.count + p * at_.slots;
    const int32_t dtype = parameter.desc.dtype;
    bool direct = dtype == gradient.desc.dtype && !is_half(dtype);
    for (int64_t k = 0; k < at_.slots; ++k) direct &= slots[k].desc.dtype == dtype;
    const int64_t width = static_cast<int64_t>(dtype_size(dtype));
    if (!direct) {
      for (; begin < end; begin += kPiece) {
        const int64_t count = std::min(kPiece, end - begin);
        if (dtype == KERAS_FLOAT64) {
          convert_and_update<double>(in, out, step, p, begin, count);
        } else {
          convert_and_update<float>(in, out, step, p, begin, count);
        }
      }
      return;
    }
    UpdatePiece piece{};
    piece.parameter = input_as<char>(parameter) + begin * width;
    piece.gradient = input_as<char>(gradient) + begin * width;
    piece.new_parameter = static_cast<char*>(out[p].buffer->data) + begin * width;
    for (int64_t k = 0; k < at_.slots; ++k) {
      piece.slots[k] = input_as<char>(slots[k]) + begin * width;
      piece.new_slots[k] = static_cast<char*>(new_slots[k].buffer->data) + begin * width;
    }
    piece.count = end - begin;
    HWY_DYNAMIC_DISPATCH(UpdateElements)(at_, step, piece, dtype == KERAS_FLOAT64);
  }

  template <class T>
  void convert_and_update(const keras_tensor* in, keras_tensor* out, const StepScalars& step, int64_t p,
                          int64_t begin, int64_t count) const {
    T wide[2 + kMostSlots][kPiece];
    T result[1 + kMostSlots][kPiece];
    UpdatePiece piece{};
    const auto load = [&](const keras_tensor& tensor, T* buffer) {
      return as_computed(tensor.desc.dtype, tensor.buffer->data, begin, count, buffer);
    };
    piece.parameter = load(in[lead_ + p], wide[0]);
    piece.gradient = load(in[lead_ + at_.count + p], wide[1]);
    piece.new_parameter = result[0];
    for (int64_t k = 0; k < at_.slots; ++k) {
      piece.slots[k] = load(in[lead_ + 2 * at_.count + p * at_.slots + k], wide[2 + k]);
      piece.new_slots[k] = result[1 + k];
    }
    piece.count = count;
    HWY_DYNAMIC_DISPATCH(UpdateElements)(at_, step, piece, std::is_same_v<T, double>);
    store(out[p], begin, count, result[0]);
    for (int64_t k = 0; k < at_.slots; ++k)
      store(out[at_.count + p * at_.slots + k], begin, count, result[1 + k]);
  }

  template <class T>
  static void store(keras_tensor& slot, int64_t begin, int64_t count, const T* values) {
    const int32_t dtype = slot.desc.dtype;
    char* to = static_cast<char*>(slot.buffer->data) + begin * static_cast<int64_t>(dtype_size(dtype));
    if (dtype == KERAS_FLOAT64) {
      std::copy_n(values, count, reinterpret_cast<double*>(to));
      return;
    }
    float narrow[kPiece];
    for (int64_t i = 0; i < count; ++i) narrow[i] = static_cast<float>(values[i]);
    if (dtype == KERAS_FLOAT32) {
      std::copy_n(narrow, count, reinterpret_cast<float*>(to));
    } else {
      float_to_half(dtype, narrow, to, count);
    }
  }

  UpdateAttributes at_;
  int64_t lead_;
  std::vector<int64_t> ends_;  // prefix sums of the parameters' sizes
};

std::unique_ptr<keras_kernel> make_update(const keras_op& op, std::string& reason) {
  const auto& at = attributes<UpdateAttributes>(op);
  const int lead = at.rule == KERAS_UPDATE_NADAM ? 3 : 2;
  for (int i = lead; i < op.num_inputs; ++i) {
    const int32_t dtype = op.inputs[i].dtype;
    if (dtype >= KERAS_FLOAT16 && dtype <= KERAS_FLOAT64) continue;
    reason = "parameters, gradients and slots must be float tensors";
    return nullptr;
  }
  return std::make_unique<UpdateKernel>(op);
}

const bool registered = register_kernel("update_many", make_update);

}  // namespace
}  // namespace keras::native
#endif
