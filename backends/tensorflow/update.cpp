// SPDX-License-Identifier: Apache-2.0
// update_many: the optimizers' formulas as Keras 3 writes them, parameter by parameter. Weight decay comes
// first. TensorFlow's own ops for this write to variables of its own.
#include <cmath>

#include "kernel.h"

namespace keras::tensorflow {
namespace {

// The numbers of one step, as float64 scalars, in the precision of a parameter where they meet one.
struct Step {
  Builder& b;
  Value rate;
  Value time;     // steps done, this one included
  Value product;  // Nadam's

  Value number(double v) const { return b.scalar(TF_DOUBLE, v); }
  // 1 - base^exponent
  Value complement(double base, const Value& exponent) const {
    return b.sub(number(1), b.op("Pow", {number(base), exponent}));
  }
};

using Slots = Values;

class Rule {
 public:
  Rule(const UpdateAttributes& at, const Step& step, TF_DataType type)
      : at_(at), step_(step), b_(step.b), type_(type) {}

  // x times a scalar of the step
  Value scaled(const Value& x, const Value& by) const { return b_.mul(x, b_.cast(by, type_)); }
  Value square(const Value& x) const { return b_.mul(x, x); }
  // decay * average + (1 - decay) * x
  Value average(const Value& old, const Value& x, double decay) const {
    return b_.add(b_.mul(old, decay), b_.mul(x, 1 - decay));
  }
  // the same, as Adam writes it
  Value towards(const Value& from, const Value& to, double decay) const {
    return b_.add(from, b_.mul(b_.sub(to, from), 1 - decay));
  }
  Value root(const Value& x) const { return b_.op("Sqrt", {x}); }

  // The new parameter; slots are replaced.
  Value apply(const Value& w, const Value& g, Slots& s) const {
    switch (at_.rule) {
      case KERAS_UPDATE_SGD:
        return sgd(w, g, s);
      case KERAS_UPDATE_RMSPROP:
        return rmsprop(w, g, s);
      case KERAS_UPDATE_ADAM:
        return adam(w, g, s);
      case KERAS_UPDATE_ADAGRAD:
        s[0] = b_.add(s[0], square(g));
        return b_.sub(w, b_.div(scaled(g, step_.rate), root(b_.add(s[0], at_.epsilon))));
      case KERAS_UPDATE_ADADELTA: {
        s[0] = average(s[0], square(g), at_.beta_1);
        const Value ratio =
            b_.div(b_.mul(root(b_.add(s[1], at_.epsilon)), g), root(b_.add(s[0], at_.epsilon)));
        s[1] = average(s[1], square(ratio), at_.beta_1);
        return b_.sub(w, scaled(ratio, step_.rate));
      }
      case KERAS_UPDATE_ADAMAX: {
        s[0] = towards(s[0], g, at_.beta_1);
        s[1] = b_.op("Maximum", {b_.mul(s[1], at_.beta_2), b_.op("Abs", {g})});
        const Value bias = step_.complement(at_.beta_1, step_.time);
        return b_.sub(w, b_.div(scaled(s[0], step_.rate), scaled(b_.add(s[1], at_.epsilon), bias)));
      }
      case KERAS_UPDATE_LION: {
        const Value mixed = average(s[0], g, at_.beta_1);
        s[0] = average(s[0], g, at_.beta_2);
        return b_.sub(w, scaled(b_.op("Sign", {mixed}), step_.rate));
      }
      default:
        return nadam(w, g, s);
    }
  }

 private:
  Value sgd(const Value& w, const Value& g, Slots& s) const {
    const Value delta = scaled(g, step_.rate);
    if (s.empty()) return b_.sub(w, delta);
    s[0] = b_.sub(b_.mul(s[0], at_.momentum), delta);
    return b_.add(w, at_.nesterov != 0 ? b_.sub(b_.mul(s[0], at_.momentum), delta) : s[0]);
  }

  Value rmsprop(const Value& w, const Value& g, Slots& s) const {
    const bool momentum = at_.momentum > 0;
    s[0] = average(s[0], square(g), at_.beta_1);
    Value denominator = s[0];
    if (at_.centered != 0) {
      Value& mean = s[momentum ? 2 : 1];
      mean = average(mean, g, at_.beta_1);
      denominator = b_.sub(denominator, square(mean));
    }
    const Value increment = b_.div(scaled(g, step_.rate), root(b_.add(denominator, at_.epsilon)));
    if (!momentum) return b_.sub(w, increment);
    s[1] = b_.add(b_.mul(s[1], at_.momentum), increment);
    return b_.sub(w, s[1]);
  }

  Value adam(const Value& w, const Value& g, Slots& s) const {
    const Value correction = b_.div(b_.op("Sqrt", {step_.complement(at_.beta_2, step_.time)}),
                                    step_.complement(at_.beta_1, step_.time));
    const Value alpha = b_.mul(step_.rate, correction);
    s[0] = towards(s[0], g, at_.beta_1);
    s[1] = towards(s[1], square(g), at_.beta_2);
    if (at_.amsgrad != 0) s[2] = b_.op("Maximum", {s[2], s[1]});
    const Value& second = at_.amsgrad != 0 ? s[2] : s[1];
    return b_.sub(w, b_.div(scaled(s[0], alpha), b_.add(root(second), at_.epsilon)));
  }

  Value nadam(const Value& w, const Value& g, Slots& s) const {
    const auto factor = [&](const Value& time) {
      const Value power = b_.op("Pow", {step_.number(0.96), time});
      return b_.mul(b_.sub(step_.number(1), b_.mul(power, 0.5)), at_.beta_1);
    };
    const Value one = step_.number(1);
    const Value next = factor(b_.add(step_.time, 1));
    s[0] = towards(s[0], g, at_.beta_1);
    s[1] = towards(s[1], square(g), at_.beta_2);
    const Value of_mean = b_.div(next, b_.sub(one, b_.mul(step_.product, next)));
    const Value of_gradient = b_.div(b_.sub(one, factor(step_.time)), b_.sub(one, step_.product));
    const Value first = b_.add(scaled(s[0], of_mean), scaled(g, of_gradient));
    const Value bias = b_.cast(step_.complement(at_.beta_2, step_.time), type_);
    const Value second = root(b_.div(s[1], bias));
    return b_.sub(w, b_.div(scaled(first, step_.rate), b_.add(second, at_.epsilon)));
  }

  const UpdateAttributes& at_;
  const Step& step_;
  Builder& b_;
  TF_DataType type_;
};

Answer update_many(const Call& call) {
  const auto& at = call.attributes<UpdateAttributes>();
  const int lead = at.rule == KERAS_UPDATE_NADAM ? 3 : 2;
  for (int i = lead; i < call.inputs(); ++i) {
    if (!is_float(call.input(i).dtype)) return Answer::no("parameters, gradients and slots are floats");
  }
  return [at, lead](Builder& b, const Values& in) {
    Step step{b, b.cast(in[0], TF_DOUBLE), b.add(b.cast(in[1], TF_DOUBLE), 1), {}};
    if (lead == 3) step.product = b.cast(in[2], TF_DOUBLE);
    const auto count = static_cast<size_t>(at.count);
    const auto slots = static_cast<size_t>(at.slots);
    const auto first = static_cast<size_t>(lead);
    Values out(count * (1 + slots));
    for (size_t p = 0; p < count; ++p) {
      Value w = in[first + p];
      // All in the precision of the parameter; the results go back to their own dtypes.
      const TF_DataType type = b.type(w);
      const Rule rule(at, step, type);
      if (at.weight_decay != 0) w = b.sub(w, rule.scaled(b.mul(w, at.weight_decay), step.rate));
      Slots s;
      for (size_t k = 0; k < slots; ++k) s.push_back(b.cast(in[first + 2 * count + p * slots + k], type));
      out[p] = rule.apply(w, b.cast(in[first + count + p], type), s);
      for (size_t k = 0; k < slots; ++k) out[count + p * slots + k] = s[k];
    }
    return out;
  };
}

const bool registered = register_op("update_many", update_many, kWiden);

}  // namespace
}  // namespace keras::tensorflow
