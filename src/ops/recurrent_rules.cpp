// SPDX-License-Identifier: Apache-2.0
// Rules of lstm and gru and of their gradients. The decompositions go step by step, so they need a known
// number of steps.
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/fused_activation.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

using prim::add;
using prim::mul;
using prim::select;
using prim::sub;

bool fits(Dim a, Dim b) { return a == b || !a.known() || !b.known(); }

bool shape_fits(const Shape& given, const Shape& wanted) {
  bool good = given.size() == wanted.size();
  for (size_t i = 0; good && i < wanted.size(); ++i) good = fits(given[i], wanted[i]);
  return good;
}

// Checks x, the states, the weights and the mask; `states` is 2 for lstm, 1 for gru, `gates` 4 or 3.
void check_recurrent(const InferContext& c, size_t states, int64_t gates, bool with_mask) {
  const auto& at = c.attrs<RecurrentAttributes>();
  if (c.operands.size() < 1 + states + 3) {
    fail<ValueError>({c.op, "Operands are missing", fmt::format("{} operands", c.operands.size()), ""});
  }
  const Shape& x = c.shape(0);
  if (x.rank() != 3)
    fail<ValueError>({c.op, "x must be (batch, steps, features)", c.operands[0].to_string(), ""});
  if (c.shape(1).rank() != 2)
    fail<ValueError>({c.op, "A state must be (batch, units)", c.operands[1].to_string(), ""});
  const Dim units = c.shape(1)[1], width = units * Dim(gates);
  const auto check = [&](size_t i, const Shape& wanted, const char* what) {
    if (shape_fits(c.shape(i), wanted)) return;
    fail<ValueError>({c.op, fmt::format("{} must have shape {}", what, wanted.to_string()),
                      fmt::format("{} for x {}", c.operands[i].to_string(), c.operands[0].to_string()), ""});
  };
  for (size_t i = 0; i < states; ++i) check(1 + i, Shape{x[0], units}, "An initial state");
  check(1 + states, Shape{x[2], width}, "The kernel");
  check(2 + states, Shape{units, width}, "The recurrent kernel");
  check(3 + states, gates == 3 && at.reset_after != 0 ? Shape{2, width} : Shape{width}, "The bias");
  if (with_mask) {
    check(4 + states, Shape{x[0], x[1]}, "The mask");
    if (c.dtype(4 + states) != DType::bool_) {
      fail<TypeError>({c.op, "The mask must be bool", c.operands[4 + states].to_string(), ""});
    }
  }
}

// Steps in the order in which they are computed.
struct Steps {
  int64_t count;
  bool reverse;

  Steps(const char* where, const Tensor& x, bool backward) : count(0), reverse(backward) {
    if (!x.dim(1).known()) {
      fail<UnsupportedError>(
          {where, "Step by step, the number of steps must be known", x.shape().to_string(), ""});
    }
    count = x.dim(1).value();
  }
  int64_t at(int64_t i) const { return reverse ? count - 1 - i : i; }
};

Tensor step_of(const Tensor& sequence, int64_t t) { return prim::index_axis(sequence, 1, Dim(t)); }

// One tensor a step, put side by side along axis 1.
class Sequence {
 public:
  explicit Sequence(int64_t steps) : values_(static_cast<size_t>(steps)) {}
  Tensor& operator[](int64_t t) { return values_[static_cast<size_t>(t)]; }
  Tensor stack() const {
    std::vector<Tensor> parts;
    for (const Tensor& v : values_) parts.push_back(prim::expand_dims(v, 1));
    return prim::concat(parts, 1);
  }

 private:
  std::vector<Tensor> values_;
};

// Part `index` of `count` equal parts of the last axis of (B, count * units).
Tensor gate(const Tensor& z, int index, Dim units) {
  return prim::slice_axis(z, 1, units * Dim(index), units * Dim(index + 1));
}

Tensor matmul(const Tensor& a, const Tensor& b) { return prim::dot_general(a, b, {a.rank() - 1}, {0}); }
// a b^T
Tensor matmul_transposed(const Tensor& a, const Tensor& b) {
  return prim::dot_general(a, b, {a.rank() - 1}, {1});
}
// Sum over batch and steps of outer products: (B, T, I), (B, T, O) to (I, O).
Tensor outer_sum(const Tensor& a, const Tensor& b) { return prim::dot_general(a, b, {0, 1}, {0, 1}); }

// What a mask does to the values of one step: undefined without a mask.
struct StepMask {
  Tensor valid;  // (B, 1)

  StepMask(const Tensor& mask, int64_t t) {
    if (mask.defined()) valid = prim::expand_dims(step_of(mask, t), 1);
  }
  Tensor choose(const Tensor& yes, const Tensor& no) const {
    return valid.defined() ? select(valid, yes, no) : yes;
  }
  Tensor where_valid(const Tensor& x) const { return choose(x, prim::scalar_like(x, 0)); }
  /// What passes a masked step by; undefined without a mask.
  Tensor where_masked(const Tensor& x) const {
    return valid.defined() ? select(valid, prim::scalar_like(x, 0), x) : Tensor();
  }
};

Tensor plus(const Tensor& a, const Tensor& b) { return b.defined() ? add(a, b) : a; }

// The states before each step, as a sequence at the steps' indices.
Tensor states_before(const Tensor& first, const Tensor& states, const Steps& steps) {
  const Tensor lead = prim::expand_dims(first, 1);
  if (steps.count == 1) return lead;
  if (steps.reverse) return prim::concat({prim::slice_axis(states, 1, Dim(1), Dim(steps.count)), lead}, 1);
  return prim::concat({lead, prim::slice_axis(states, 1, Dim(0), Dim(steps.count - 1))}, 1);
}

// lstm

void infer_lstm(InferContext& c) {
  check_recurrent(c, 2, 4, c.operands.size() > 6);
  const Dim units = c.shape(1)[1];
  c.result(c.dtype(0), Shape{c.shape(0)[0], c.shape(0)[1], units});
  c.result(c.dtype(0), c.shape(1));
  c.result(c.dtype(0), c.shape(2));
}

Tensors decompose_lstm(DecomposeContext& c) {
  const auto& at = c.attrs<RecurrentAttributes>();
  const Steps steps("lstm", c[0], at.reverse != 0);
  const Dim units = c[1].dim(1);
  const Tensor mask = c.operands.size() > 6 ? c[6] : Tensor();
  const Tensor projected = add(matmul(c[0], c[3]), c[5]);
  Tensor h = c[1], cell = c[2], out = prim::zeros_like(c[1]);
  Sequence outputs(steps.count), gates(steps.count), cells(steps.count), states(steps.count);
  for (int64_t i = 0; i < steps.count; ++i) {
    const int64_t t = steps.at(i);
    const StepMask m(mask, t);
    const Tensor z = add(step_of(projected, t), matmul(h, c[4]));
    const auto recurrent = [&](int k) { return activate(gate(z, k, units), at.recurrent_activation, 0); };
    const Tensor candidate = activate(gate(z, 2, units), at.activation, 0);
    const Tensor next = add(mul(recurrent(1), cell), mul(recurrent(0), candidate));
    const Tensor next_h = mul(recurrent(3), activate(next, at.activation, 0));
    out = m.choose(next_h, out);
    cell = m.choose(next, cell);
    h = m.choose(next_h, h);
    outputs[t] = out;
    gates[t] = z;
    cells[t] = cell;
    states[t] = h;
  }
  Tensors results{outputs.stack(), h, cell};
  if (c.residuals) {
    results.push_back(gates.stack());
    results.push_back(cells.stack());
    results.push_back(states.stack());
  }
  return results;
}

// The forward operands, the cotangents (zeros where none arrived) and the residuals.
Tensors gradient_operands(VjpContext& c, size_t results) {
  Tensors operands(c.operands.begin(), c.operands.end());
  for (size_t i = 0; i < results; ++i) operands.push_back(c.grad_or_zeros(i));
  operands.append(c.residuals.begin(), c.residuals.end());
  return operands;
}

Tensors lstm_vjp(VjpContext& c) {
  Tensors out = apply(OpId::lstm_grad_op, c.attributes, gradient_operands(c, 3));
  out.resize(c.operands.size());  // nothing flows into a mask
  return out;
}

void infer_lstm_grad(InferContext& c) {
  for (size_t i = 0; i < 6 && i < c.operands.size(); ++i) c.results.push_back(c.operands[i]);
}

Tensors decompose_lstm_grad(DecomposeContext& c) {
  const auto& at = c.attrs<RecurrentAttributes>();
  const size_t own = c.operands.size() - 6;  // three cotangents and three residuals follow
  const Steps steps("lstm_grad", c[0], at.reverse != 0);
  const Dim units = c[1].dim(1);
  const Tensor mask = own > 6 ? c[6] : Tensor();
  const Tensor dy = c[own], gates = c[own + 3], cells = c[own + 4], states = c[own + 5];
  const Tensor cells_before = states_before(c[2], cells, steps);
  Tensor dh = c[own + 1], dcell = c[own + 2], repeated;
  Sequence dgates(steps.count);
  for (int64_t i = steps.count - 1; i >= 0; --i) {
    const int64_t t = steps.at(i);
    const StepMask m(mask, t);
    const Tensor z = step_of(gates, t), cell = step_of(cells, t), before = step_of(cells_before, t);
    Tensor zs[4], ys[4];
    for (int k = 0; k < 4; ++k) {
      zs[k] = gate(z, k, units);
      ys[k] = activate(zs[k], k == 2 ? at.activation : at.recurrent_activation, 0);
    }
    const Tensor dout = plus(step_of(dy, t), repeated);
    repeated = m.where_masked(dout);
    const Tensor dh_new = m.where_valid(add(dh, dout));
    const Tensor activated = activate(cell, at.activation, 0);
    const Tensor through = activation_gradient(cell, activated, mul(dh_new, ys[3]), at.activation, 0);
    const Tensor dnext = m.where_valid(add(dcell, through));
    const Tensor dys[4] = {mul(dnext, ys[2]), mul(dnext, before), mul(dnext, ys[0]), mul(dh_new, activated)};
    std::vector<Tensor> dzs;
    for (int k = 0; k < 4; ++k) {
      dzs.push_back(
          activation_gradient(zs[k], ys[k], dys[k], k == 2 ? at.activation : at.recurrent_activation, 0));
    }
    dgates[t] = prim::concat(dzs, 1);
    dcell = plus(mul(dnext, ys[1]), m.where_masked(dcell));
    dh = plus(matmul_transposed(dgates[t], c[4]), m.where_masked(dh));
  }
  const Tensor dz = dgates.stack();
  return {matmul_transposed(dz, c[3]),
          dh,
          dcell,
          outer_sum(c[0], dz),
          outer_sum(states_before(c[1], states, steps), dz),
          prim::reduce_sum(dz, {0, 1})};
}

// gru

void infer_gru(InferContext& c) {
  check_recurrent(c, 1, 3, c.operands.size() > 5);
  const Dim units = c.shape(1)[1];
  c.result(c.dtype(0), Shape{c.shape(0)[0], c.shape(0)[1], units});
  c.result(c.dtype(0), c.shape(1));
}

Tensor first_gates(const Tensor& kernel, Dim units) {
  return prim::slice_axis(kernel, 1, Dim(0), units * Dim(2));
}

Tensors decompose_gru(DecomposeContext& c) {
  const auto& at = c.attrs<RecurrentAttributes>();
  const bool after = at.reset_after != 0;
  const Steps steps("gru", c[0], at.reverse != 0);
  const Dim units = c[1].dim(1);
  const Tensor mask = c.operands.size() > 5 ? c[5] : Tensor();
  const Tensor projected = add(matmul(c[0], c[2]), after ? prim::index_axis(c[4], 0, Dim(0)) : c[4]);
  Tensor h = c[1], out = prim::zeros_like(c[1]);
  Sequence outputs(steps.count), gates(steps.count), products(steps.count), states(steps.count);
  for (int64_t i = 0; i < steps.count; ++i) {
    const int64_t t = steps.at(i);
    const StepMask m(mask, t);
    const Tensor xz = step_of(projected, t);
    const Tensor inner =
        after ? add(matmul(h, c[3]), prim::index_axis(c[4], 0, Dim(1))) : matmul(h, first_gates(c[3], units));
    const Tensor z_in = add(gate(xz, 0, units), gate(inner, 0, units));
    const Tensor r_in = add(gate(xz, 1, units), gate(inner, 1, units));
    const Tensor z = activate(z_in, at.recurrent_activation, 0),
                 r = activate(r_in, at.recurrent_activation, 0);
    const Tensor product = after ? gate(inner, 2, units) : matmul(mul(r, h), gate(c[3], 2, units));
    const Tensor h_in = add(gate(xz, 2, units), after ? mul(r, product) : product);
    const Tensor candidate = activate(h_in, at.activation, 0);
    const Tensor next = add(mul(z, h), mul(sub(prim::scalar_like(z, 1), z), candidate));
    out = m.choose(next, out);
    h = m.choose(next, h);
    outputs[t] = out;
    gates[t] = prim::concat({z_in, r_in, h_in}, 1);
    products[t] = product;
    states[t] = h;
  }
  Tensors results{outputs.stack(), h};
  if (c.residuals) {
    results.push_back(gates.stack());
    results.push_back(products.stack());
    results.push_back(states.stack());
  }
  return results;
}

Tensors gru_vjp(VjpContext& c) {
  Tensors out = apply(OpId::gru_grad_op, c.attributes, gradient_operands(c, 2));
  out.resize(c.operands.size());
  return out;
}

void infer_gru_grad(InferContext& c) {
  for (size_t i = 0; i < 5 && i < c.operands.size(); ++i) c.results.push_back(c.operands[i]);
}

Tensors decompose_gru_grad(DecomposeContext& c) {
  const auto& at = c.attrs<RecurrentAttributes>();
  const bool after = at.reset_after != 0;
  const size_t own = c.operands.size() - 5;  // two cotangents and three residuals follow
  const Steps steps("gru_grad", c[0], at.reverse != 0);
  const Dim units = c[1].dim(1);
  const Tensor mask = own > 5 ? c[5] : Tensor();
  const Tensor dy = c[own], gates = c[own + 2], products = c[own + 3], states = c[own + 4];
  const Tensor before = states_before(c[1], states, steps);
  const Tensor early = after ? c[3] : first_gates(c[3], units);  // multiplies h itself
  const Tensor late = after ? Tensor() : gate(c[3], 2, units);   // multiplies r h
  Tensor dh = c[own + 1], repeated;
  Sequence dinputs(steps.count), dinner(steps.count), reset(steps.count), dcandidates(steps.count);
  for (int64_t i = steps.count - 1; i >= 0; --i) {
    const int64_t t = steps.at(i);
    const StepMask m(mask, t);
    const Tensor pre = step_of(gates, t), product = step_of(products, t), h = step_of(before, t);
    const Tensor z_in = gate(pre, 0, units), r_in = gate(pre, 1, units), h_in = gate(pre, 2, units);
    const Tensor z = activate(z_in, at.recurrent_activation, 0),
                 r = activate(r_in, at.recurrent_activation, 0);
    const Tensor candidate = activate(h_in, at.activation, 0);
    const Tensor dout = plus(step_of(dy, t), repeated);
    repeated = m.where_masked(dout);
    const Tensor dnext = m.where_valid(add(dh, dout));
    const Tensor dz_in =
        activation_gradient(z_in, z, mul(dnext, sub(h, candidate)), at.recurrent_activation, 0);
    const Tensor dcandidate = mul(dnext, sub(prim::scalar_like(z, 1), z));
    const Tensor dh_in = activation_gradient(h_in, candidate, dcandidate, at.activation, 0);
    const Tensor through = after ? Tensor() : matmul_transposed(dh_in, late);
    const Tensor dr = after ? mul(dh_in, product) : mul(through, h);
    const Tensor dr_in = activation_gradient(r_in, r, dr, at.recurrent_activation, 0);
    dinputs[t] = prim::concat({dz_in, dr_in, dh_in}, 1);
    dinner[t] = after ? prim::concat({dz_in, dr_in, mul(dh_in, r)}, 1) : prim::concat({dz_in, dr_in}, 1);
    reset[t] = mul(r, h);
    dcandidates[t] = dh_in;
    Tensor dh_before = add(mul(dnext, z), matmul_transposed(dinner[t], early));
    if (!after) dh_before = add(dh_before, mul(through, r));
    dh = plus(dh_before, m.where_masked(dh));
  }
  const Tensor dx_in = dinputs.stack(), dh_in = dinner.stack();
  const Tensor dbias = prim::reduce_sum(dx_in, {0, 1});
  Tensor drecurrent = outer_sum(before, dh_in);
  if (!after) drecurrent = prim::concat({drecurrent, outer_sum(reset.stack(), dcandidates.stack())}, 1);
  const Tensor dbiases =
      after ? prim::concat(
                  {prim::expand_dims(dbias, 0), prim::expand_dims(prim::reduce_sum(dh_in, {0, 1}), 0)}, 0)
            : dbias;
  return {matmul_transposed(dx_in, c[2]), dh, outer_sum(c[0], dx_in), drecurrent, dbiases};
}

// samples

Tensor sample_mask() {
  // A first step that is masked, one in the middle, and a masked end.
  return Tensor::from(std::vector<bool>{false, true, true, false, true, false, true, false}, Shape{2, 4});
}

RecurrentAttributes recurrent(bool reverse = false, bool reset_after = false) {
  auto at = make_attributes<RecurrentAttributes>();
  at.activation = KERAS_ACT_TANH;
  at.recurrent_activation = KERAS_ACT_SIGMOID;
  at.reverse = reverse ? 1 : 0;
  at.reset_after = reset_after ? 1 : 0;
  return at;
}

std::vector<OpSample> lstm_samples() {
  const std::vector<Tensor> plain{sample_values({2, 4, 3}),   sample_values({2, 2}, 0.5),
                                  sample_values({2, 2}, 0.9), sample_values({3, 8}, 1.3),
                                  sample_values({2, 8}, 1.7), sample_values({8}, 2.1)};
  auto masked = plain;
  masked.push_back(sample_mask());
  auto other = recurrent();
  other.activation = KERAS_ACT_SILU;
  return {sample("plain", plain, recurrent()), sample("reverse", plain, recurrent(true)),
          sample("mask", masked, recurrent()), sample("reverse mask", masked, recurrent(true)),
          sample("other activation", plain, other)};
}

std::vector<OpSample> gru_samples() {
  std::vector<OpSample> out;
  for (const bool after : {false, true}) {
    const std::vector<Tensor> plain{sample_values({2, 4, 3}), sample_values({2, 2}, 0.5),
                                    sample_values({3, 6}, 1.3), sample_values({2, 6}, 1.7),
                                    after ? sample_values({2, 6}, 2.1) : sample_values({6}, 2.1)};
    auto masked = plain;
    masked.push_back(sample_mask());
    const std::string suffix = after ? ", reset after" : "";
    out.push_back(sample("plain" + suffix, plain, recurrent(false, after)));
    out.push_back(sample("reverse" + suffix, plain, recurrent(true, after)));
    out.push_back(sample("mask" + suffix, masked, recurrent(false, after)));
  }
  return out;
}

}  // namespace

KERAS_OP_RULE(lstm, .infer = infer_lstm, .vjp = lstm_vjp, .decompose = decompose_lstm,
              .samples = lstm_samples);
KERAS_OP_RULE(lstm_grad, .infer = infer_lstm_grad, .decompose = decompose_lstm_grad);
KERAS_OP_RULE(gru, .infer = infer_gru, .vjp = gru_vjp, .decompose = decompose_gru, .samples = gru_samples);
KERAS_OP_RULE(gru_grad, .infer = infer_gru_grad, .decompose = decompose_gru_grad);

}  // namespace keras::internal
