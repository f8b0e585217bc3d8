// SPDX-License-Identifier: Apache-2.0
// update_many: the optimizers' formulas as Keras 3 writes them, parameter by parameter. Weight decay comes
// first.
#include <cmath>

#include "kernel.h"

namespace keras::aten {
namespace {

using at::Tensor;

// The numbers of one step. Powers are taken in double precision.
struct Step {
  double rate = 0;
  double time = 0;     // steps done, this one included
  double product = 0;  // Nadam's
};

using Slots = std::vector<Tensor>;

// The new parameter; slots are replaced.
Tensor updated(const UpdateAttributes& at, const Step& step, const Tensor& w, const Tensor& g, Slots& s) {
  const double rate = step.rate;
  const auto towards = [](const Tensor& from, const Tensor& to, double beta) {
    return at::add(from, at::sub(to, from), 1 - beta);
  };
  switch (at.rule) {
    case KERAS_UPDATE_SGD: {
      if (at.slots == 0) return at::sub(w, g, rate);
      const Tensor delta = at::mul(g, rate);
      s[0] = at::sub(at::mul(s[0], at.momentum), delta);
      return at.nesterov != 0 ? at::add(w, at::sub(at::mul(s[0], at.momentum), delta)) : at::add(w, s[0]);
    }
    case KERAS_UPDATE_RMSPROP: {
      const bool momentum = at.momentum > 0;
      s[0] = at::add(at::mul(s[0], at.beta_1), at::mul(g, g), 1 - at.beta_1);
      Tensor denominator = s[0];
      if (at.centered != 0) {
        Tensor& average = s[momentum ? 2 : 1];
        average = at::add(at::mul(average, at.beta_1), g, 1 - at.beta_1);
        denominator = at::sub(denominator, at::mul(average, average));
      }
      const Tensor increment = at::div(at::mul(g, rate), at::sqrt(at::add(denominator, at.epsilon)));
      if (!momentum) return at::sub(w, increment);
      s[1] = at::add(at::mul(s[1], at.momentum), increment);
      return at::sub(w, s[1]);
    }
    case KERAS_UPDATE_ADAM: {
      const double alpha =
          rate * std::sqrt(1 - std::pow(at.beta_2, step.time)) / (1 - std::pow(at.beta_1, step.time));
      s[0] = towards(s[0], g, at.beta_1);
      s[1] = towards(s[1], at::mul(g, g), at.beta_2);
      if (at.amsgrad != 0) s[2] = at::maximum(s[2], s[1]);
      const Tensor& second = at.amsgrad != 0 ? s[2] : s[1];
      return at::sub(w, at::div(at::mul(s[0], alpha), at::add(at::sqrt(second), at.epsilon)));
    }
    case KERAS_UPDATE_ADAGRAD:
      s[0] = at::add(s[0], at::mul(g, g));
      return at::sub(w, at::div(at::mul(g, rate), at::sqrt(at::add(s[0], at.epsilon))));
    case KERAS_UPDATE_ADADELTA: {
      s[0] = at::add(at::mul(s[0], at.beta_1), at::mul(g, g), 1 - at.beta_1);
      const Tensor ratio =
          at::div(at::mul(at::sqrt(at::add(s[1], at.epsilon)), g), at::sqrt(at::add(s[0], at.epsilon)));
      s[1] = at::add(at::mul(s[1], at.beta_1), at::mul(ratio, ratio), 1 - at.beta_1);
      return at::sub(w, ratio, rate);
    }
    case KERAS_UPDATE_ADAMAX: {
      s[0] = towards(s[0], g, at.beta_1);
      s[1] = at::maximum(at::mul(s[1], at.beta_2), at::abs(g));
      const double bias = 1 - std::pow(at.beta_1, step.time);
      return at::sub(w, at::div(at::mul(s[0], rate), at::mul(at::add(s[1], at.epsilon), bias)));
    }
    case KERAS_UPDATE_LION: {
      const Tensor mixed = at::add(at::mul(s[0], at.beta_1), g, 1 - at.beta_1);
      s[0] = at::add(at::mul(s[0], at.beta_2), g, 1 - at.beta_2);
      return at::sub(w, at::where(at::isnan(mixed), mixed, at::sign(mixed)), rate);
    }
    default: {  // Nadam
      const auto factor = [&](double time) { return at.beta_1 * (1 - 0.5 * std::pow(0.96, time)); };
      const double next = factor(step.time + 1);
      s[0] = towards(s[0], g, at.beta_1);
      s[1] = towards(s[1], at::mul(g, g), at.beta_2);
      const Tensor first = at::add(at::mul(s[0], next / (1 - step.product * next)), g,
                                   (1 - factor(step.time)) / (1 - step.product));
      const Tensor second = at::sqrt(at::div(s[1], 1 - std::pow(at.beta_2, step.time)));
      return at::sub(w, at::div(at::mul(first, rate), at::add(second, at.epsilon)));
    }
  }
}

Answer update_many(const Call& call) {
  const auto& at = call.attributes<UpdateAttributes>();
  const int lead = at.rule == KERAS_UPDATE_NADAM ? 3 : 2;
  for (int i = lead; i < call.inputs(); ++i) {
    if (!is_float(call.input(i).dtype)) return Answer::no("parameters, gradients and slots are floats");
  }
  return [at, lead](const Values& in) {
    Step step;
    step.rate = in[0].item<double>();
    step.time = static_cast<double>(in[1].item<int64_t>() + 1);
    if (lead == 3) step.product = in[2].item<double>();
    const auto count = static_cast<size_t>(at.count);
    const auto slots = static_cast<size_t>(at.slots);
    const auto first = static_cast<size_t>(lead);
    Values out(count * (1 + slots));
    for (size_t p = 0; p < count; ++p) {
      Tensor w = in[first + p];
      // All in the precision of the parameter; the results go back to their own dtypes.
      const auto computed = [dtype = w.scalar_type()](const Tensor& t) { return t.to(dtype); };
      if (at.weight_decay != 0) w = at::sub(w, at::mul(w, at.weight_decay), step.rate);
      Slots s;
      for (size_t k = 0; k < slots; ++k) s.push_back(computed(in[first + 2 * count + p * slots + k]));
      out[p] = updated(at, step, w, computed(in[first + count + p]), s);
      for (size_t k = 0; k < slots; ++k) out[count + p * slots + k] = s[k];
    }
    return out;
  };
}

const bool registered = register_op("update_many", update_many, kWiden);

}  // namespace
}  // namespace keras::aten
