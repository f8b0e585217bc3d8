// SPDX-License-Identifier: Apache-2.0
// Batch and layer normalization, softmax and its relatives.
#include <algorithm>
#include <cmath>

#include "kernel.h"

namespace keras::aten {
namespace {

using at::Tensor;

// Statistics over all axes but one: rows of channels, as (rows, channels).
struct Channels {
  int64_t axis = 0, rows = 0, count = 0;

  bool from(const keras_desc& x, const keras_list& axes) {
    if (axes.count != x.rank - 1 || !is_float(x.dtype)) return false;
    for (axis = 0; axis < axes.count && axes.v[axis] == axis;) ++axis;
    count = x.shape[axis];
    rows = element_count(x) / std::max<int64_t>(count, 1);
    return count > 0 && rows > 0;
  }
  Tensor table(const Tensor& x) const { return x.movedim(axis, -1).reshape({rows, count}); }
  Tensor restore(const Tensor& table, at::IntArrayRef sizes) const {
    std::vector<int64_t> moved = sizes.vec();
    moved.erase(moved.begin() + axis);
    moved.push_back(count);
    return table.reshape(moved).movedim(-1, axis);
  }
  Tensor line(const Tensor& t) const { return t.reshape({count}); }
};

bool same_dtypes(const Call& call) {
  for (int i = 1; i < call.inputs(); ++i) {
    if (call.input(i).dtype != call.input(0).dtype) return false;
  }
  return true;
}

Answer unfit() { return Answer::no("ATen normalizes floats of one dtype by channel"); }

Answer batch_norm_train(const Call& call) {
  const auto& at = call.attributes<NormAttributes>();
  Channels c;
  if (!c.from(call.input(0), at.axes) || !same_dtypes(call)) return unfit();
  if (c.rows < 2) return Answer::no("ATen's variance of a single value is no number");
  return [c, epsilon = at.epsilon](const Values& in) {
    // With momentum 1 the "running" statistics are this batch's; ATen's variance is the unbiased one.
    Tensor mean = at::zeros({c.count}, in[0].options());
    Tensor variance = at::zeros({c.count}, in[0].options());
    const Tensor y = std::get<0>(at::native_batch_norm(c.table(in[0]), c.line(in[1]), c.line(in[2]), mean,
                                                       variance, true, 1.0, epsilon));
    const double biased = static_cast<double>(c.rows - 1) / static_cast<double>(c.rows);
    return Values{c.restore(y, in[0].sizes()), mean, at::mul(variance, biased)};
  };
}

Answer batch_norm_train_grad(const Call& call) {
  const auto& at = call.attributes<NormAttributes>();
  Channels c;
  if (!c.from(call.input(0), at.axes) || !same_dtypes(call)) return unfit();
  return [c, epsilon = at.epsilon](const Values& in) {
    const Tensor rstd = at::rsqrt(at::add(c.line(in[3]), epsilon));
    const auto [dx, dgamma, dbeta] =
        at::native_batch_norm_backward(c.table(in[4]), c.table(in[0]), c.line(in[1]), {}, {}, c.line(in[2]),
                                       rstd, true, epsilon, std::array<bool, 3>{true, true, true});
    return Values{c.restore(dx, in[0].sizes()), dgamma, dbeta};
  };
}

Answer batch_norm_infer(const Call& call) {
  const auto& at = call.attributes<NormAttributes>();
  Channels c;
  if (!c.from(call.input(0), at.axes) || !same_dtypes(call)) return unfit();
  return [c, epsilon = at.epsilon](const Values& in) {
    const Tensor y = std::get<0>(at::native_batch_norm(c.table(in[0]), c.line(in[1]), c.line(in[2]),
                                                       c.line(in[3]), c.line(in[4]), false, 0.0, epsilon));
    return Values{c.restore(y, in[0].sizes())};
  };
}

// The trailing axes that a layer normalization covers, or nothing.
std::vector<int64_t> trailing(const keras_desc& x, const keras_list& axes) {
  const int64_t first = x.rank - axes.count;
  for (int64_t i = 0; i < axes.count; ++i) {
    if (axes.v[i] != first + i) return {};
  }
  return {x.shape + first, x.shape + x.rank};
}

bool layer_norm_fits(const Call& call, const std::vector<int64_t>& shape) {
  if (shape.empty() || !is_float(call.input(0).dtype) || !same_dtypes(call)) return false;
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count > 0 && element_count(call.input(0)) > 0 && element_count(call.input(1)) == count;
}

Answer layer_norm(const Call& call) {
  const auto& at = call.attributes<NormAttributes>();
  const auto shape = trailing(call.input(0), at.axes);
  if (!layer_norm_fits(call, shape)) return unfit();
  const bool keep = call.wants_residuals();
  return {[shape, epsilon = at.epsilon, keep](const Values& in) {
            const auto [y, mean, rstd] =
                at::native_layer_norm(in[0], shape, in[1].reshape(shape), in[2].reshape(shape), epsilon);
            return keep ? Values{y, mean, rstd} : Values{y};
          },
          keep ? 2 : 0};
}

Answer layer_norm_grad(const Call& call) {
  const auto shape = trailing(call.input(0), call.attributes<NormAttributes>().axes);
  if (shape.empty()) return unfit();
  return [shape](const Values& in) {
    const Tensor gamma = in[1].reshape(shape);
    const auto [dx, dgamma, dbeta] =
        at::native_layer_norm_backward(in[2].contiguous(), in[0].contiguous(), shape, in[3], in[4], gamma,
                                       gamma, std::array<bool, 3>{true, true, true});
    return Values{dx, dgamma, dbeta};
  };
}

Answer one_axis() { return Answer::no("ATen's softmax is over one axis of floats"); }

bool over_one_axis(const Call& call) {
  return call.attributes<AxesAttributes>().axes.count == 1 && is_float(call.input(0).dtype);
}
int64_t axis_of(const Call& call) { return call.attributes<AxesAttributes>().axes.v[0]; }

Answer softmax(const Call& call) {
  if (!over_one_axis(call)) return one_axis();
  return [axis = axis_of(call)](const Values& in) { return Values{at::softmax(in[0], axis)}; };
}
Answer softmax_grad(const Call& call) {
  if (!over_one_axis(call)) return one_axis();
  return [axis = axis_of(call)](const Values& in) {
    return Values{at::_softmax_backward_data(in[1], in[0], axis, in[0].scalar_type())};
  };
}
Answer log_softmax(const Call& call) {
  if (!over_one_axis(call)) return one_axis();
  return [axis = axis_of(call)](const Values& in) { return Values{at::log_softmax(in[0], axis)}; };
}
Answer log_softmax_grad(const Call& call) {
  if (!over_one_axis(call)) return one_axis();
  return [axis = axis_of(call)](const Values& in) {
    return Values{at::_log_softmax_backward_data(in[1], in[0], axis, in[0].scalar_type())};
  };
}

// Labels as int64 (rows, 1), inside the classes.
Tensor checked_labels(const Tensor& labels, int32_t dtype, int64_t classes) {
  const Tensor rows = indices_of(labels, dtype).reshape({-1, 1});
  if (rows.numel() == 0) return rows;
  const Tensor wrong = at::logical_or(at::lt(rows, 0), at::ge(rows, classes)).reshape({-1});
  if (!wrong.any().item<bool>()) return rows;
  const int64_t row = at::argmax(wrong.to(at::kByte), 0).item<int64_t>();
  throw Failure(KERAS_ERROR_VALUE, "softmax_cross_entropy: label " +
                                       std::to_string(rows[row].item<int64_t>()) + " of row " +
                                       std::to_string(row) + " is outside [0, " + std::to_string(classes) +
                                       "), the number of classes");
}

bool classifies(const Call& call) {
  const keras_desc& logits = call.input(0);
  const int32_t labels = call.input(1).dtype;
  return is_float(logits.dtype) && logits.shape[logits.rank - 1] > 0 &&
         (is_integer(labels) || labels == KERAS_BOOL);
}

Answer softmax_cross_entropy(const Call& call) {
  if (!classifies(call)) return Answer::no("logits are floats and labels integers");
  const int64_t classes = call.input(0).shape[call.input(0).rank - 1];
  const bool keep = call.wants_residuals();
  return {[classes, keep, dtype = call.input(1).dtype](const Values& in) {
            const Tensor labels = checked_labels(in[1], dtype, classes);
            const Tensor logits = in[0].reshape({-1, classes});
            const Tensor log_sums = at::logsumexp(logits, {1}, false);
            const Tensor loss = at::sub(log_sums, at::gather(logits, 1, labels).squeeze(1));
            return keep ? Values{loss, log_sums} : Values{loss};
          },
          keep ? 1 : 0};
}

Answer softmax_cross_entropy_grad(const Call& call) {
  const int64_t classes = call.input(0).shape[call.input(0).rank - 1];
  return [classes, dtype = call.input(1).dtype](const Values& in) {
    const Tensor labels = checked_labels(in[1], dtype, classes);
    const Tensor logits = in[0].reshape({-1, classes});
    const Tensor dy = in[2].reshape({-1, 1});
    Tensor dx = at::mul(at::exp(at::sub(logits, in[3].reshape({-1, 1}))), dy);
    dx.scatter_add_(1, labels, at::neg(dy));
    return Values{dx};
  };
}

const bool registered =
    register_op("batch_norm_train", batch_norm_train, kWiden) &&
    register_op("batch_norm_train_grad", batch_norm_train_grad, kWiden) &&
    register_op("batch_norm_infer", batch_norm_infer, kWiden) &&
    register_op("layer_norm", layer_norm, kWiden) &&
    register_op("layer_norm_grad", layer_norm_grad, kWiden) && register_op("softmax", softmax, kWiden) &&
    register_op("softmax_grad", softmax_grad, kWiden) && register_op("log_softmax", log_softmax, kWiden) &&
    register_op("log_softmax_grad", log_softmax_grad, kWiden) &&
    register_op("softmax_cross_entropy", softmax_cross_entropy, kWiden | kUnsigned) &&
    register_op("softmax_cross_entropy_grad", softmax_cross_entropy_grad, kWiden | kUnsigned);

}  // namespace
}  // namespace keras::aten
