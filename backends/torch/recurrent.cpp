// SPDX-License-Identifier: Apache-2.0
// lstm and its gradient by hand: torch's own has two biases, another order of gates and no masks, and keeps
// what its gradient needs in autograd. Residuals: activated gates (steps, batch, 4 units), cell states after
// and hidden states before each step (steps, batch, units).
#include "kernel.h"

namespace keras::aten {
namespace {

using at::Tensor;

constexpr int kOperands = 6;  // x, h0, c0, kernel, recurrent kernel, bias; then perhaps a mask

// Activations whose slope follows from their result.
bool has_slope(int64_t activation) {
  return activation == KERAS_ACT_LINEAR || activation == KERAS_ACT_RELU || activation == KERAS_ACT_SIGMOID ||
         activation == KERAS_ACT_TANH || activation == KERAS_ACT_RELU6 ||
         activation == KERAS_ACT_HARD_SIGMOID;
}

// gradient times the slope of the activation whose result is y
Tensor times_slope(const Tensor& gradient, const Tensor& y, int64_t activation) {
  switch (activation) {
    case KERAS_ACT_SIGMOID:
      return at::sigmoid_backward(gradient, y);
    case KERAS_ACT_TANH:
      return at::tanh_backward(gradient, y);
    case KERAS_ACT_RELU:
      return at::mul(gradient, at::gt(y, 0));
    case KERAS_ACT_RELU6:
      return at::mul(gradient, at::logical_and(at::gt(y, 0), at::lt(y, 6)));
    case KERAS_ACT_HARD_SIGMOID:
      return at::mul(gradient, at::logical_and(at::gt(y, 0), at::lt(y, 1)).to(y.scalar_type()).div(6));
    default:
      return gradient;
  }
}

struct Lstm {
  int64_t batch, steps, features, units;
  int64_t activation, recurrent_activation;
  bool reverse, masked;

  int64_t step(int64_t k) const { return reverse ? steps - 1 - k : k; }
  Tensor gate(const Tensor& z, int64_t index) const { return z.narrow(1, index * units, units); }
  // (batch, 1) at a step; undefined without a mask
  Tensor mask_at(const Values& in, int64_t t) const {
    return masked ? in[6].select(1, t).unsqueeze(1) : Tensor();
  }
};

Tensor choose(const Tensor& valid, const Tensor& yes, const Tensor& no) {
  return valid.defined() ? at::where(valid, yes, no) : yes;
}

Values forward(const Lstm& l, const Values& in, bool keep) {
  const Tensor& recurrent = in[4];
  Tensor h = in[1];
  Tensor c = in[2];
  Tensor out = at::zeros_like(h);
  const Tensor x = in[0].transpose(0, 1).reshape({l.steps * l.batch, l.features});
  const Tensor projected = at::addmm(in[5], x, in[3]).view({l.steps, l.batch, 4 * l.units});
  const auto count = static_cast<size_t>(l.steps);
  Values outputs(count), gates(count), cells(count), before(count);
  for (int64_t k = 0; k < l.steps; ++k) {
    const int64_t t = l.step(k);
    const auto at_t = static_cast<size_t>(t);
    const Tensor valid = l.mask_at(in, t);
    const Tensor z = at::addmm(projected[t], h, recurrent);
    const Tensor i = activate(l.gate(z, 0), l.recurrent_activation, 0);
    const Tensor f = activate(l.gate(z, 1), l.recurrent_activation, 0);
    const Tensor g = activate(l.gate(z, 2), l.activation, 0);
    const Tensor o = activate(l.gate(z, 3), l.recurrent_activation, 0);
    const Tensor next = at::addcmul(at::mul(f, c), i, g);
    const Tensor next_h = at::mul(o, activate(next, l.activation, 0));
    if (keep) {
      gates[at_t] = at::cat({i, f, g, o}, 1);
      before[at_t] = h;
    }
    out = choose(valid, next_h, out);
    h = choose(valid, next_h, h);
    c = choose(valid, next, c);
    outputs[at_t] = out;
    if (keep) cells[at_t] = c;
  }
  Values results{at::stack(outputs, 1), h, c};
  if (keep) {
    for (const Values& v : {gates, cells, before}) results.push_back(at::stack(v));
  }
  return results;
}

Values backward(const Lstm& l, const Values& in) {
  const Tensor* const after = in.data() + kOperands + (l.masked ? 1 : 0);  // dy, dh, dc, gates, cells, states
  const Tensor dy = after[0].transpose(0, 1);
  const Tensor& gates = after[3];
  const Tensor& cells = after[4];
  const Tensor& before = after[5];
  Tensor dh = after[1];
  Tensor dc = after[2];
  Tensor repeated;  // gradients of masked steps' outputs, on their way to the step that they repeat
  const Tensor recurrent = in[4].t();
  Values dgates(static_cast<size_t>(l.steps));
  for (int64_t k = l.steps; k-- > 0;) {
    const int64_t t = l.step(k);
    const Tensor valid = l.mask_at(in, t);
    const Tensor z = gates[t];
    const Tensor i = l.gate(z, 0), f = l.gate(z, 1), g = l.gate(z, 2), o = l.gate(z, 3);
    const Tensor c_before = k > 0 ? cells[l.step(k - 1)] : in[2];
    const Tensor activated = activate(cells[t], l.activation, 0);
    const Tensor dout = repeated.defined() ? at::add(dy[t], repeated) : dy[t];
    const Tensor dnew = at::add(dh, dout);
    const Tensor dcell = at::add(dc, times_slope(at::mul(dnew, o), activated, l.activation));
    Tensor dz = at::cat({times_slope(at::mul(dcell, g), i, l.recurrent_activation),
                         times_slope(at::mul(dcell, c_before), f, l.recurrent_activation),
                         times_slope(at::mul(dcell, i), g, l.activation),
                         times_slope(at::mul(dnew, activated), o, l.recurrent_activation)},
                        1);
    if (valid.defined()) {
      dz = at::mul(dz, valid);
      repeated = at::mul(dout, at::logical_not(valid));
    }
    dc = choose(valid, at::mul(dcell, f), dc);
    dh = choose(valid, at::mm(dz, recurrent), dh);
    dgates[static_cast<size_t>(t)] = dz;
  }
  const Tensor dz = at::stack(dgates).view({l.steps * l.batch, 4 * l.units});
  const Tensor x = in[0].transpose(0, 1).reshape({l.steps * l.batch, l.features});
  const Tensor dx = at::mm(dz, in[3].t()).view({l.steps, l.batch, l.features}).transpose(0, 1);
  const Tensor drecurrent = at::mm(before.reshape({l.steps * l.batch, l.units}).t(), dz);
  return {dx, dh, dc, at::mm(x.t(), dz), drecurrent, at::sum(dz, {0})};
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
  return {[l, keep](const Values& in) { return forward(l, in, keep); }, keep ? 3 : 0};
}

Answer lstm_grad(const Call& call) {
  Lstm l;
  // Three gradients and three residuals follow.
  if (!fits(call, l, kOperands + 6)) return unfit();
  return [l](const Values& in) { return backward(l, in); };
}

const bool registered = register_op("lstm", lstm, kWiden) && register_op("lstm_grad", lstm_grad, kWiden);

}  // namespace
}  // namespace keras::aten
