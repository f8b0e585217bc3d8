// SPDX-License-Identifier: Apache-2.0
// softmax_cross_entropy of logits (..., C) with integer labels (...), and its gradient.
#include <algorithm>

#include "axis_split.h"
#include "residual.h"
#include "softmax_rows.h"
#include "through_float32.h"

namespace keras::native {

namespace {

template <class L>
void check_labels(const L* labels, int64_t rows, int64_t classes) {
  for (int64_t r = 0; r < rows; ++r) {
    if (labels[r] >= 0 && static_cast<uint64_t>(labels[r]) < static_cast<uint64_t>(classes)) continue;
    throw Failure(KERAS_ERROR_VALUE, "softmax_cross_entropy: label " + std::to_string(labels[r]) +
                                         " of row " + std::to_string(r) + " is outside [0, " +
                                         std::to_string(classes) + "), the number of classes");
  }
}

template <class T, class L>
class CrossEntropy final : public keras_kernel {
 public:
  CrossEntropy(int64_t rows, int64_t classes, bool wants_residuals) : rows_(rows), classes_(classes) {
    residuals = wants_residuals ? 1 : 0;
  }

  bool residual_desc(int, keras_desc& desc) const override {
    desc = describe_residual(dtype_number<T>, {rows_});
    return true;
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const logits = input_as<T>(in[0]);
    const L* const labels = input_as<L>(in[1]);
    check_labels(labels, rows_, classes_);
    T* const loss = output_as<T>(out[0]);
    T* const log_sums = residuals > 0 ? residual<T>(*this, 0, out[1]) : loss;
    parallel_for(rows_, std::max<int64_t>(1, 4096 / classes_), [=, this](int64_t begin, int64_t end) {
      SoftmaxRows<T>::logsumexp(logits, log_sums, begin, end, classes_, 1);
      for (int64_t r = begin; r < end; ++r) loss[r] = log_sums[r] - logits[r * classes_ + labels[r]];
    });
  }

 private:
  int64_t rows_, classes_;
};

template <class T, class L>
class CrossEntropyGrad final : public keras_kernel {
 public:
  CrossEntropyGrad(int64_t rows, int64_t classes, bool) : rows_(rows), classes_(classes) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const logits = input_as<T>(in[0]);
    const L* const labels = input_as<L>(in[1]);
    const T* const dy = input_as<T>(in[2]);
    const T* const log_sums = input_as<T>(in[3]);
    check_labels(labels, rows_, classes_);
    T* const dx = output_as<T>(out[0]);
    parallel_for(rows_, std::max<int64_t>(1, 4096 / classes_), [=, this](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        SoftmaxRows<T>::scaled_exp(logits + r * classes_, dx + r * classes_, classes_, log_sums[r], dy[r]);
        dx[r * classes_ + labels[r]] -= dy[r];
      }
    });
  }

 private:
  int64_t rows_, classes_;
};

template <template <class, class> class Kernel, class T>
std::unique_ptr<keras_kernel> with_labels(const keras_op& op, std::string& reason) {
  const keras_desc& logits = op.inputs[0];
  const int64_t classes = logits.shape[logits.rank - 1], rows = element_count(op.inputs[1]);
  if (classes == 0) {
    reason = "there are no classes";
    return nullptr;
  }
  switch (op.inputs[1].dtype) {
    case KERAS_BOOL:
    case KERAS_UINT8:
      return std::make_unique<Kernel<T, uint8_t>>(rows, classes, op.wants_residuals != 0);
    case KERAS_UINT16:
      return std::make_unique<Kernel<T, uint16_t>>(rows, classes, op.wants_residuals != 0);
    case KERAS_UINT32:
      return std::make_unique<Kernel<T, uint32_t>>(rows, classes, op.wants_residuals != 0);
    case KERAS_UINT64:
      return std::make_unique<Kernel<T, uint64_t>>(rows, classes, op.wants_residuals != 0);
    case KERAS_INT8:
      return std::make_unique<Kernel<T, int8_t>>(rows, classes, op.wants_residuals != 0);
    case KERAS_INT16:
      return std::make_unique<Kernel<T, int16_t>>(rows, classes, op.wants_residuals != 0);
    case KERAS_INT32:
      return std::make_unique<Kernel<T, int32_t>>(rows, classes, op.wants_residuals != 0);
    case KERAS_INT64:
      return std::make_unique<Kernel<T, int64_t>>(rows, classes, op.wants_residuals != 0);
    default:
      reason = "labels are integers";
      return nullptr;
  }
}

template <template <class, class> class Kernel>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make<Kernel>, reason);
  if (op.inputs[0].dtype == KERAS_FLOAT32) return with_labels<Kernel, float>(op, reason);
  if (op.inputs[0].dtype == KERAS_FLOAT64) return with_labels<Kernel, double>(op, reason);
  reason = "logits are floats";
  return nullptr;
}

[[maybe_unused]] const bool registered =
    register_kernel("softmax_cross_entropy", make<CrossEntropy>, 10) &&
    register_kernel("softmax_cross_entropy_grad", make<CrossEntropyGrad>, 10);

}  // namespace

}  // namespace keras::native
