// SPDX-License-Identifier: Apache-2.0
// Batch normalization, softmax and its relatives.
#include <algorithm>

#include "kernel.h"

namespace keras::tensorflow {
namespace {

// x as (rows, 1, 1, channels), where statistics are over all axes but the last.
struct Channels {
  int64_t rows = 0, count = 0;

  bool from(const Call& call) {
    const keras_desc& x = call.input(0);
    const keras_list& axes = call.attributes<NormAttributes>().axes;
    for (int i = 0; i < call.inputs(); ++i) {
      if (call.input(i).dtype != KERAS_FLOAT32) return false;
    }
    if (axes.count != x.rank - 1 || !has_elements(x)) return false;
    for (int64_t i = 0; i < axes.count; ++i) {
      if (axes.v[i] != i) return false;
    }
    count = x.shape[x.rank - 1];
    rows = element_count(sizes_of(x)) / count;
    return true;
  }
  Value table(Builder& b, const Value& x) const { return b.reshape(x, {rows, 1, 1, count}); }
  Value line(Builder& b, const Value& x) const { return b.reshape(x, {count}); }
};

Answer unfit() { return Answer::no("TensorFlow normalizes float32 by the last axis"); }

std::vector<Attribute> norm_attributes(double epsilon, bool training) {
  return {{"epsilon", static_cast<float>(epsilon)}, {"is_training", training}};
}

Answer batch_norm_train(const Call& call) {
  Channels c;
  if (!c.from(call)) return unfit();
  return [c, epsilon = call.attributes<NormAttributes>().epsilon](Builder& b, const Values& in) {
    const Value none = b.zeros(TF_FLOAT, {0});
    // The statistics that it returns are unbiased; those that it reserves for its gradient are not.
    const Values out =
        b.many("FusedBatchNormV3", 6, {c.table(b, in[0]), c.line(b, in[1]), c.line(b, in[2]), none, none},
               norm_attributes(epsilon, true));
    return Values{out[0], out[3], out[4]};
  };
}

Answer batch_norm_train_grad(const Call& call) {
  Channels c;
  if (!c.from(call)) return unfit();
  return [c, epsilon = call.attributes<NormAttributes>().epsilon](Builder& b, const Values& in) {
    Values out = b.many("FusedBatchNormGradV3", 5,
                        {c.table(b, in[4]), c.table(b, in[0]), c.line(b, in[1]), c.line(b, in[2]),
                         c.line(b, in[3]), b.zeros(TF_FLOAT, {0})},
                        norm_attributes(epsilon, true));
    out.resize(3);
    return out;
  };
}

Answer batch_norm_infer(const Call& call) {
  Channels c;
  if (!c.from(call)) return unfit();
  return [c, epsilon = call.attributes<NormAttributes>().epsilon](Builder& b, const Values& in) {
    const Values out =
        b.many("FusedBatchNormV3", 6,
               {c.table(b, in[0]), c.line(b, in[1]), c.line(b, in[2]), c.line(b, in[3]), c.line(b, in[4])},
               norm_attributes(epsilon, false));
    return Values{out[0]};
  };
}

// Softmax is over the last axis.
struct LastAxis {
  Sizes order;  // its own inverse: two axes change places

  bool from(const Call& call) {
    const auto& axes = call.attributes<AxesAttributes>().axes;
    const keras_desc& x = call.input(0);
    if (axes.count != 1 || !is_float(x.dtype) || !has_elements(x)) return false;
    for (int64_t axis = 0; axis < x.rank; ++axis) order.push_back(axis);
    std::swap(order[static_cast<size_t>(axes.v[0])], order.back());
    return true;
  }
  Value over(Builder& b, const char* op, const Value& x) const {
    return b.transpose(b.op(op, {b.transpose(x, order)}), order);
  }
};

Answer one_axis() { return Answer::no("TensorFlow's softmax is over one axis of floats"); }

Answer softmax_by(const Call& call, const char* op) {
  LastAxis axis;
  if (!axis.from(call)) return one_axis();
  return [axis, op](Builder& b, const Values& in) { return Values{axis.over(b, op, in[0])}; };
}
Answer softmax(const Call& call) { return softmax_by(call, "Softmax"); }
Answer log_softmax(const Call& call) { return softmax_by(call, "LogSoftmax"); }

Answer softmax_grad(const Call& call) {
  LastAxis axis;
  if (!axis.from(call)) return one_axis();
  return [axes = ints(call.attributes<AxesAttributes>().axes)](Builder& b, const Values& in) {
    const Value sum = b.reduce("Sum", b.mul(in[0], in[1]), axes, true);
    return Values{b.mul(b.sub(in[1], sum), in[0])};
  };
}
Answer log_softmax_grad(const Call& call) {
  LastAxis axis;
  if (!axis.from(call)) return one_axis();
  return [axes = ints(call.attributes<AxesAttributes>().axes)](Builder& b, const Values& in) {
    const Value sum = b.reduce("Sum", in[1], axes, true);
    return Values{b.sub(in[1], b.mul(b.op("Exp", {in[0]}), sum))};
  };
}

// The framework's op gives the loss and its slope by the logits, which is the residual.
Answer softmax_cross_entropy(const Call& call) {
  const keras_desc& logits = call.input(0);
  const int32_t labels = call.input(1).dtype;
  if (!is_float(logits.dtype) || !(is_integer(labels) || labels == KERAS_BOOL) || !has_elements(logits)) {
    return Answer::no("logits are floats and labels integers");
  }
  const bool keep = call.wants_residuals();
  return {[classes = logits.shape[logits.rank - 1], keep](Builder& b, const Values& in) {
            Values out = b.many("SparseSoftmaxCrossEntropyWithLogits", 2,
                                {b.reshape(in[0], {-1, classes}), b.reshape(indices_of(b, in[1]), {-1})});
            if (!keep) out.resize(1);
            return out;
          },
          keep ? 1 : 0};
}

Answer softmax_cross_entropy_grad(const Call& call) {
  if (call.inputs() != 4) return Answer::no("it follows a native softmax_cross_entropy");
  return [](Builder& b, const Values& in) { return Values{b.mul(in[3], b.reshape(in[2], {-1, 1}))}; };
}

const bool registered =
    register_op("batch_norm_train", batch_norm_train, kWiden) &&
    register_op("batch_norm_train_grad", batch_norm_train_grad, kWiden) &&
    register_op("batch_norm_infer", batch_norm_infer, kWiden) && register_op("softmax", softmax, kWiden) &&
    register_op("softmax_grad", softmax_grad, kWiden) && register_op("log_softmax", log_softmax, kWiden) &&
    register_op("log_softmax_grad", log_softmax_grad, kWiden) &&
    register_op("softmax_cross_entropy", softmax_cross_entropy, kWiden) &&
    register_op("softmax_cross_entropy_grad", softmax_cross_entropy_grad, kWiden);

}  // namespace
}  // namespace keras::tensorflow
