// SPDX-License-Identifier: Apache-2.0
// lstm and its gradient, step by step: TensorFlow's own kernels have other orders of gates, no masks and no
// float64. Residuals: activated gates (steps, batch, 4 units), cell states after and hidden states before
// each step (steps, batch, units).
#include "kernel.h"

namespace keras::tensorflow {
namespace {

constexpr int kOperands = 6;  // x, h0, c0, kernel, recurrent kernel, bias; then perhaps a mask

// Activations whose slope follows from their result.
bool has_slope(int64_t activation) {
  return activation == KERAS_ACT_LINEAR || activation == KERAS_ACT_RELU || activation == KERAS_ACT_SIGMOID ||
         activation == KERAS_ACT_TANH || activation == KERAS_ACT_RELU6 ||
         activation == KERAS_ACT_HARD_SIGMOID;
}

// gradient times the slope of the activation whose result is y
Value times_slope(Builder& b, const Value& gradient, const Value& y, int64_t activation) {
  const auto inside = [&](double high) {
    const Value above = b.op("Greater", {y, b.scalar(b.type(y), 0)});
    return b.cast(b.op("LogicalAnd", {above, b.op("Less", {y, b.scalar(b.type(y), high)})}), b.type(y));
  };
  switch (activation) {
    case KERAS_ACT_SIGMOID:
      return b.op("SigmoidGrad", {y, gradient});
    case KERAS_ACT_TANH:
      return b.op("TanhGrad", {y, gradient});
    case KERAS_ACT_RELU:
      return b.op("ReluGrad", {gradient, y});
    case KERAS_ACT_RELU6:
      return b.mul(gradient, inside(6));
    case KERAS_ACT_HARD_SIGMOID:
      return b.mul(b.mul(gradient, inside(1)), 1.0 / 6);
    default:
      return gradient;
  }
}

struct Lstm {
  int64_t batch, steps, features, units;
  int64_t activation, recurrent_activation;
  bool reverse, masked;

  size_t step(int64_t k) const { return static_cast<size_t>(reverse ? steps - 1 - k : k); }
  // x by steps, as rows of one matrix
  Value rows(Builder& b, const Value& x) const {
    return b.reshape(b.transpose(x, {1, 0, 2}), {steps * batch, features});
  }
  Values steps_of(Builder& b, const Value& x, int64_t axis) const {
    return b.many("Unpack", static_cast<int>(steps), {x}, {{"num", steps}, {"axis", axis}});
  }
  // (batch, 1) for each step; nothing without a mask
  Values masks(Builder& b, const Values& in) const {
    return masked ? steps_of(b, b.reshape(in[6], {batch, steps, 1}), 1) : Values(static_cast<size_t>(steps));
  }
  Values gates(Builder& b, const Value& z) const {
    return b.many("Split", 4, {b.scalar(TF_INT32, 1), z}, {{"num_split", int64_t{4}}});
  }
  Value choose(Builder& b, const Value& valid, const Value& yes, const Value& no) const {
    return masked ? b.select(valid, yes, no) : yes;
  }
};

Value stacked(Builder& b, const Values& steps, int64_t axis) {
  return b.op("Pack", {steps}, {{"axis", axis}});
}
Value side_by_side(Builder& b, const Values& parts) {
  return b.op("ConcatV2", {parts, b.scalar(TF_INT32, 1)});
}
Value product(Builder& b, const Value& x, const Value& y, bool turn_x, bool turn_y) {
  return b.op("MatMul", {x, y}, {{"transpose_a", turn_x}, {"transpose_b", turn_y}});
}

Values forward(const Lstm& l, Builder& b, const Values& in, bool keep) {
  Value h = in[1];
  Value c = in[2];
  Value out = b.zeros(b.type(h), {l.batch, l.units});
  const Value all = b.op("BiasAdd", {b.op("MatMul", {l.rows(b, in[0]), in[3]}), in[5]});
  const Values projected = l.steps_of(b, b.reshape(all, {l.steps, l.batch, 4 * l.units}), 0);
  const Values masks = l.masks(b, in);
  const auto count = static_cast<size_t>(l.steps);
  Values outputs(count), gates(count), cells(count), before(count);
  for (int64_t k = 0; k < l.steps; ++k) {
    const size_t t = l.step(k);
    const Values z = l.gates(b, b.add(projected[t], b.op("MatMul", {h, in[4]})));
    const Value i = activate(b, z[0], l.recurrent_activation, 0);
    const Value f = activate(b, z[1], l.recurrent_activation, 0);
    const Value g = activate(b, z[2], l.activation, 0);
    const Value o = activate(b, z[3], l.recurrent_activation, 0);
    const Value next = b.add(b.mul(f, c), b.mul(i, g));
    const Value next_h = b.mul(o, activate(b, next, l.activation, 0));
    if (keep) {
      gates[t] = side_by_side(b, {i, f, g, o});
      before[t] = h;
    }
    out = l.choose(b, masks[t], next_h, out);
    h = l.choose(b, masks[t], next_h, h);
    c = l.choose(b, masks[t], next, c);
    outputs[t] = out;
    cells[t] = c;
  }
  Values results{stacked(b, outputs, 1), h, c};
  if (keep) {
    for (const Values& v : {gates, cells, before}) results.push_back(stacked(b, v, 0));
  }
  return results;
}

Values backward(const Lstm& l, Builder& b, const Values& in) {
  const Value* const after = in.data() + kOperands + (l.masked ? 1 : 0);  // dy, dh, dc, gates, cells, states
  const Values dy = l.steps_of(b, after[0], 1);
  const Values gates = l.steps_of(b, after[3], 0);
  const Values cells = l.steps_of(b, after[4], 0);
  const Values masks = l.masks(b, in);
  Value dh = after[1];
  Value dc = after[2];
  const TF_DataType type = b.type(dh);
  Value repeated;  // gradients of masked steps' outputs, on their way to the step that they repeat
  Values dgates(static_cast<size_t>(l.steps));
  for (int64_t k = l.steps; k-- > 0;) {
    const size_t t = l.step(k);
    const bool last = k + 1 == l.steps;
    const Values z = l.gates(b, gates[t]);
    const Value c_before = k > 0 ? cells[l.step(k - 1)] : in[2];
    const Value activated = activate(b, cells[t], l.activation, 0);
    const Value dout = l.masked && !last ? b.add(dy[t], repeated) : dy[t];
    const Value dnew = b.add(dh, dout);
    const Value dcell = b.add(dc, times_slope(b, b.mul(dnew, z[3]), activated, l.activation));
    Value dz = side_by_side(b, {times_slope(b, b.mul(dcell, z[2]), z[0], l.recurrent_activation),
                                times_slope(b, b.mul(dcell, c_before), z[1], l.recurrent_activation),
                                times_slope(b, b.mul(dcell, z[0]), z[2], l.activation),
                                times_slope(b, b.mul(dnew, activated), z[3], l.recurrent_activation)});
    if (l.masked) {
      dz = b.mul(dz, b.cast(masks[t], type));
      repeated = b.mul(dout, b.cast(b.op("LogicalNot", {masks[t]}), type));
    }
    dc = l.choose(b, masks[t], b.mul(dcell, z[1]), dc);
    dh = l.choose(b, masks[t], product(b, dz, in[4], false, true), dh);
    dgates[t] = dz;
  }
  const Value dz = b.reshape(stacked(b, dgates, 0), {l.steps * l.batch, 4 * l.units});
  const Value dx = b.reshape(product(b, dz, in[3], false, true), {l.steps, l.batch, l.features});
  const Value states = b.reshape(after[5], {l.steps * l.batch, l.units});
  return {b.transpose(dx, {1, 0, 2}),
          dh,
          dc,
          product(b, l.rows(b, in[0]), dz, true, false),
          product(b, states, dz, true, false),
          b.reduce("Sum", dz, {0}, false)};
}

bool fits(const Call& call, Lstm& l, int without_mask) {
  const auto& at = call.attributes<RecurrentAttributes>();
  const keras_desc& x = call.input(0);
  l = {x.shape[0],      x.shape[1],
       x.shape[2],      call.input(1).shape[1],
       at.activation,   at.recurrent_activation,
       at.reverse != 0, call.inputs() > without_mask};
  return is_float(x.dtype) && l.batch > 0 && l.steps > 0 && l.units > 0 && has_slope(l.activation) &&
         has_slope(l.recurrent_activation);
}

Answer unfit() { return Answer::no("the slope of this activation does not follow from its result"); }

Answer lstm(const Call& call) {
  Lstm l;
  if (!fits(call, l, kOperands)) return unfit();
  const bool keep = call.wants_residuals();
  return {[l, keep](Builder& b, const Values& in) { return forward(l, b, in, keep); }, keep ? 3 : 0};
}

Answer lstm_grad(const Call& call) {
  Lstm l;
  // Three gradients and three residuals follow.
  if (!fits(call, l, kOperands + 6)) return unfit();
  return [l](Builder& b, const Values& in) { return backward(l, b, in); };
}

const bool registered = register_op("lstm", lstm, kWiden) && register_op("lstm_grad", lstm_grad, kWiden);

}  // namespace
}  // namespace keras::tensorflow
