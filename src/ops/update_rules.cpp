// SPDX-License-Identifier: Apache-2.0
// The rule of update_many: the optimizers' formulas, as Keras 3 writes them.
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

size_t leading(const UpdateAttributes& at) { return at.rule == KERAS_UPDATE_NADAM ? 3 : 2; }

int64_t expected_slots(const UpdateAttributes& at) {
  switch (at.rule) {
    case KERAS_UPDATE_SGD:
      return at.momentum != 0 ? 1 : 0;
    case KERAS_UPDATE_RMSPROP:
      return 1 + (at.momentum > 0 ? 1 : 0) + (at.centered != 0 ? 1 : 0);
    case KERAS_UPDATE_ADAM:
      return at.amsgrad != 0 ? 3 : 2;
    case KERAS_UPDATE_ADADELTA:
    case KERAS_UPDATE_ADAMAX:
    case KERAS_UPDATE_NADAM:
      return 2;
    case KERAS_UPDATE_ADAGRAD:
    case KERAS_UPDATE_LION:
      return 1;
    default:
      return -1;
  }
}

void infer_update_many(InferContext& c) {
  const auto& at = c.attrs<UpdateAttributes>();
  const auto received = fmt::format("{} operands; {}", c.operands.size(),
                                    attributes_to_string(attribute_table<UpdateAttributes>(), &at));
  if (expected_slots(at) != at.slots) {
    fail<ValueError>(
        {c.op, fmt::format("This rule keeps {} slots per parameter", expected_slots(at)), received, ""});
  }
  const size_t lead = leading(at);
  const auto count = static_cast<size_t>(at.count);
  if (c.operands.size() != lead + count * (2 + static_cast<size_t>(at.slots))) {
    fail<ValueError>({c.op, "The operands must be the scalars, the parameters, the gradients and the slots",
                      received, ""});
  }
  for (size_t i = 0; i < count; ++i) {
    const Shape& shape = c.shape(lead + i);
    if (!(c.shape(lead + count + i) == shape)) {
      fail<ValueError>({c.op, "A gradient must have its parameter's shape",
                        fmt::format("parameter {}: {}, gradient {}", i, shape.to_string(),
                                    c.shape(lead + count + i).to_string()),
                        ""});
    }
    c.results.push_back(c.operands[lead + i]);
  }
  for (size_t i = lead + 2 * count; i < c.operands.size(); ++i) c.results.push_back(c.operands[i]);
}

using namespace prim;

// One parameter's step: what the formulas read, and the slots that they replace.
struct Step {
  const UpdateAttributes& at;
  Tensor rate, step, product;  // of the parameter's dtype; `step` counts from 1
  Tensor gradient;
  std::span<Tensor> slots;

  Tensor number(double value) const { return scalar_like(gradient, value); }
  /// x + (target - x) * weight
  Tensor towards(const Tensor& x, const Tensor& target, double weight) const {
    return add(x, mul(sub(target, x), number(weight)));
  }
  /// decay * x + (1 - decay) * target
  Tensor blend(const Tensor& x, const Tensor& target, double decay) const {
    return add(mul(number(decay), x), mul(number(1 - decay), target));
  }
  Tensor one_minus_power(double base, const Tensor& exponent) const {
    return sub(number(1), pow(number(base), exponent));
  }
  Tensor square(const Tensor& x) const { return mul(x, x); }
};

Tensor sgd(const Tensor& w, Step& s) {
  const Tensor delta = mul(s.gradient, s.rate);
  if (s.slots.empty()) return sub(w, delta);
  Tensor& m = s.slots[0];
  const Tensor momentum = s.number(s.at.momentum);
  m = sub(mul(m, momentum), delta);
  return add(w, s.at.nesterov != 0 ? sub(mul(m, momentum), delta) : m);
}

Tensor rmsprop(const Tensor& w, Step& s) {
  const double rho = s.at.beta_1;
  size_t next = 0;
  Tensor& velocity = s.slots[next++];
  Tensor* momentum = s.at.momentum > 0 ? &s.slots[next++] : nullptr;
  velocity = s.blend(velocity, s.square(s.gradient), rho);
  Tensor denominator = velocity;
  if (s.at.centered != 0) {
    Tensor& average = s.slots[next];
    average = s.blend(average, s.gradient, rho);
    denominator = sub(velocity, s.square(average));
  }
  denominator = add(denominator, s.number(s.at.epsilon));
  const Tensor increment = div(mul(s.rate, s.gradient), sqrt(denominator));
  if (momentum == nullptr) return sub(w, increment);
  *momentum = add(mul(s.number(s.at.momentum), *momentum), increment);
  return sub(w, *momentum);
}

Tensor adam(const Tensor& w, Step& s) {
  Tensor& m = s.slots[0];
  Tensor& v = s.slots[1];
  const Tensor alpha =
      div(mul(s.rate, sqrt(s.one_minus_power(s.at.beta_2, s.step))), s.one_minus_power(s.at.beta_1, s.step));
  m = s.towards(m, s.gradient, 1 - s.at.beta_1);
  v = s.towards(v, s.square(s.gradient), 1 - s.at.beta_2);
  Tensor second = v;
  if (s.at.amsgrad != 0) second = s.slots[2] = maximum(s.slots[2], v);
  return sub(w, div(mul(m, alpha), add(sqrt(second), s.number(s.at.epsilon))));
}

Tensor adagrad(const Tensor& w, Step& s) {
  Tensor& accumulator = s.slots[0];
  accumulator = add(accumulator, s.square(s.gradient));
  return sub(w, div(mul(s.rate, s.gradient), sqrt(add(accumulator, s.number(s.at.epsilon)))));
}

Tensor adadelta(const Tensor& w, Step& s) {
  const double rho = s.at.beta_1;
  Tensor& gradients = s.slots[0];
  Tensor& deltas = s.slots[1];
  const auto rms = [&](const Tensor& x) { return sqrt(add(x, s.number(s.at.epsilon))); };
  gradients = s.blend(gradients, s.square(s.gradient), rho);
  const Tensor delta = neg(div(mul(rms(deltas), s.gradient), rms(gradients)));
  deltas = s.blend(deltas, s.square(delta), rho);
  return add(w, mul(s.rate, delta));
}

Tensor adamax(const Tensor& w, Step& s) {
  Tensor& m = s.slots[0];
  Tensor& u = s.slots[1];
  m = s.towards(m, s.gradient, 1 - s.at.beta_1);
  u = maximum(mul(s.number(s.at.beta_2), u), abs(s.gradient));
  return sub(
      w, div(mul(s.rate, m), mul(s.one_minus_power(s.at.beta_1, s.step), add(u, s.number(s.at.epsilon)))));
}

Tensor lion(const Tensor& w, Step& s) {
  Tensor& m = s.slots[0];
  const auto mixed = [&](double beta) {
    return add(mul(m, s.number(beta)), mul(s.gradient, s.number(1 - beta)));
  };
  const Tensor moved = sub(w, mul(s.rate, sign(mixed(s.at.beta_1))));
  m = mixed(s.at.beta_2);
  return moved;
}

Tensor nadam(const Tensor& w, Step& s) {
  Tensor& m = s.slots[0];
  Tensor& v = s.slots[1];
  const Tensor one = s.number(1);
  const auto factor = [&](const Tensor& step) {
    return mul(s.number(s.at.beta_1), sub(one, mul(s.number(0.5), pow(s.number(0.96), step))));
  };
  const Tensor now = factor(s.step), next = factor(add(s.step, one));
  m = s.towards(m, s.gradient, 1 - s.at.beta_1);
  v = s.towards(v, s.square(s.gradient), 1 - s.at.beta_2);
  const Tensor m_hat = add(div(mul(next, m), sub(one, mul(s.product, next))),
                           div(mul(sub(one, now), s.gradient), sub(one, s.product)));
  const Tensor v_hat = div(v, s.one_minus_power(s.at.beta_2, s.step));
  return sub(w, div(mul(m_hat, s.rate), add(sqrt(v_hat), s.number(s.at.epsilon))));
}

Tensor updated(const Tensor& w, Step& s) {
  switch (s.at.rule) {
    case KERAS_UPDATE_SGD:
      return sgd(w, s);
    case KERAS_UPDATE_RMSPROP:
      return rmsprop(w, s);
    case KERAS_UPDATE_ADAM:
      return adam(w, s);
    case KERAS_UPDATE_ADAGRAD:
      return adagrad(w, s);
    case KERAS_UPDATE_ADADELTA:
      return adadelta(w, s);
    case KERAS_UPDATE_ADAMAX:
      return adamax(w, s);
    case KERAS_UPDATE_LION:
      return lion(w, s);
    case KERAS_UPDATE_NADAM:
      return nadam(w, s);
    default:
      fail<ValueError>(
          {"update_many", "The rule must be one of keras_update", fmt::format("{}", s.at.rule), ""});
  }
}

Tensors decompose_update_many(DecomposeContext& c) {
  const auto& at = c.attrs<UpdateAttributes>();
  const size_t lead = leading(at), count = static_cast<size_t>(at.count),
               slots = static_cast<size_t>(at.slots);
  std::vector<Tensor> kept(c.operands.begin() + static_cast<ptrdiff_t>(lead + 2 * count), c.operands.end());
  Tensors out;
  for (size_t i = 0; i < count; ++i) {
    Tensor w = c[lead + i];
    const DType dtype = w.dtype();
    const Tensor step = add(cast(c[1], dtype), scalar(1, dtype));
    Step s{at,
           cast(c[0], dtype),
           step,
           lead == 3 ? cast(c[2], dtype) : Tensor(),
           cast(c[lead + count + i], dtype),
           std::span<Tensor>(kept).subspan(i * slots, slots)};
    if (at.weight_decay != 0) w = sub(w, mul(mul(w, scalar(at.weight_decay, dtype)), s.rate));
    out.push_back(updated(w, s));
  }
  out.append(kept.begin(), kept.end());
  return out;
}

std::vector<OpSample> update_many_samples() {
  std::vector<OpSample> out;
  const auto add_case = [&](const char* name, const UpdateAttributes& given) {
    auto at = given;
    at.count = 2;
    at.slots = expected_slots(at);
    std::vector<Tensor> operands{sample_positive({}, 0.1), Tensor::from(std::vector<int64_t>{3}, Shape{})};
    if (leading(at) == 3) operands.push_back(sample_positive({}, -1.0));
    const std::vector<Shape> shapes{{3, 2}, {4}};
    for (const auto& s : shapes) operands.push_back(sample_values(s));
    for (const auto& s : shapes) operands.push_back(sample_values(s, 0.9));
    for (const auto& s : shapes) {
      for (int64_t k = 0; k < at.slots; ++k)
        operands.push_back(sample_positive(s, 0.2 + 0.3 * static_cast<double>(k)));
    }
    out.push_back(sample(name, operands, at, false));
  };
  auto at = make_attributes<UpdateAttributes>();
  at.epsilon = 1e-7;
  at.rule = KERAS_UPDATE_SGD;
  add_case("sgd", at);
  at.momentum = 0.9;
  add_case("sgd momentum", at);
  at.nesterov = 1;
  at.weight_decay = 0.01;
  add_case("sgd nesterov decay", at);
  at.nesterov = 0;
  at.weight_decay = 0;
  at.momentum = 0;
  at.rule = KERAS_UPDATE_RMSPROP;
  at.beta_1 = 0.9;
  add_case("rmsprop", at);
  at.momentum = 0.8;
  add_case("rmsprop momentum", at);
  at.centered = 1;
  at.momentum = 0;
  at.epsilon = 1;  // keeps the centered variance of the sample's slots positive
  add_case("rmsprop centered", at);
  at.centered = 0;
  at.epsilon = 1e-7;
  at.beta_2 = 0.99;
  at.rule = KERAS_UPDATE_ADAM;
  add_case("adam", at);
  at.amsgrad = 1;
  add_case("adam amsgrad", at);
  at.amsgrad = 0;
  const std::pair<const char*, int64_t> rest[] = {{"adagrad", KERAS_UPDATE_ADAGRAD},
                                                  {"adadelta", KERAS_UPDATE_ADADELTA},
                                                  {"adamax", KERAS_UPDATE_ADAMAX},
                                                  {"lion", KERAS_UPDATE_LION},
                                                  {"nadam", KERAS_UPDATE_NADAM}};
  for (const auto& [name, rule] : rest) {
    at.rule = rule;
    add_case(name, at);
  }
  return out;
}

}  // namespace

KERAS_OP_RULE(update_many, .infer = infer_update_many, .decompose = decompose_update_many,
              .samples = update_many_samples);

}  // namespace keras::internal
