// SPDX-License-Identifier: Apache-2.0
// softmax, log_softmax, their gradients, and logsumexp over neighbouring axes.
#include <algorithm>
#include <cmath>

#include "axis_split.h"
#include "softmax_rows.h"
#include "through_float32.h"

namespace keras::native {

namespace {

enum class Which { kSoftmax, kLogSoftmax, kLogSumExp, kSoftmaxGrad, kLogSoftmaxGrad };

template <class T, Which kWhich>
class SoftmaxKernel final : public keras_kernel {
 public:
  explicit SoftmaxKernel(const AxisSplit& split) : s_(split) {}

  // A row is read whole before it is written.
  bool may_overwrite(int, int) const override { return kWhich != Which::kLogSumExp; }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const a = input_as<T>(in[0]);
    T* const result = output_as<T>(out[0]);
    if (s_.outer * s_.inner == 0) return;
    if (s_.middle == 0) {
      if (kWhich == Which::kLogSumExp) std::fill_n(result, s_.outer * s_.inner, static_cast<T>(-INFINITY));
      return;
    }
    const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(1, s_.middle * s_.inner));
    parallel_for(s_.outer, grain, [=, this](int64_t begin, int64_t end) {
      using Rows = SoftmaxRows<T>;
      if constexpr (kWhich == Which::kSoftmax) {
        Rows::softmax(a, result, begin, end, s_.middle, s_.inner);
      } else if constexpr (kWhich == Which::kLogSoftmax) {
        Rows::log_softmax(a, result, begin, end, s_.middle, s_.inner);
      } else if constexpr (kWhich == Which::kLogSumExp) {
        Rows::logsumexp(a, result, begin, end, s_.middle, s_.inner);
      } else if constexpr (kWhich == Which::kSoftmaxGrad) {
        Rows::softmax_grad(a, input_as<T>(in[1]), result, begin, end, s_.middle, s_.inner);
      } else {
        Rows::log_softmax_grad(a, input_as<T>(in[1]), result, begin, end, s_.middle, s_.inner);
      }
    });
  }

 private:
  AxisSplit s_;
};

template <Which kWhich>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make<kWhich>, reason);
  const keras_list& axes = kWhich == Which::kLogSumExp ? attributes<ReduceAttributes>(op).axes
                                                       : attributes<AxesAttributes>(op).axes;
  const std::optional<AxisSplit> split = split_around(op.inputs[0], axes);
  if (!split) {
    reason = "softmax is native over neighbouring axes";
    return nullptr;
  }
  if (op.inputs[0].dtype == KERAS_FLOAT32) return std::make_unique<SoftmaxKernel<float, kWhich>>(*split);
  if (op.inputs[0].dtype == KERAS_FLOAT64) return std::make_unique<SoftmaxKernel<double, kWhich>>(*split);
  reason = "softmax is for floats";
  return nullptr;
}

[[maybe_unused]] const bool registered =
    register_kernel("softmax", make<Which::kSoftmax>, 10) &&
    register_kernel("softmax_grad", make<Which::kSoftmaxGrad>, 10) &&
    register_kernel("log_softmax", make<Which::kLogSoftmax>, 10) &&
    register_kernel("log_softmax_grad", make<Which::kLogSoftmaxGrad>, 10) &&
    register_kernel("logsumexp", make<Which::kLogSumExp>, 10);

}  // namespace

}  // namespace keras::native
