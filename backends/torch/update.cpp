// SPDX-License-Identifier: Apache-2.0
// update_many: the optimizers' formulas as Keras 3 writes them, parameter by parameter. Weight decay comes
// first.
#include <cmath>

#include "kernel.h"
#include "update_loops.h"

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

// The rules that most training uses have loops of their own: one pass, and no memory asked for in it.
bool has_loop(const UpdateAttributes& at) {
  if (at.rule == KERAS_UPDATE_ADAM) return at.amsgrad == 0;
  return at.rule == KERAS_UPDATE_SGD && at.slots == 1;
}

void run_loop(const UpdateAttributes& at, const Step& step, const UpdatedElements& e) {
  const auto decay = static_cast<float>(at.weight_decay * step.rate);
  if (at.rule == KERAS_UPDATE_SGD) {
    momentum_loop(e, static_cast<float>(step.rate), static_cast<float>(at.momentum), at.nesterov != 0, decay);
    return;
  }
  const double alpha =
      step.rate * std::sqrt(1 - std::pow(at.beta_2, step.time)) / (1 - std::pow(at.beta_1, step.time));
  adam_loop(e, static_cast<float>(alpha), static_cast<float>(1 - at.beta_1),
            static_cast<float>(1 - at.beta_2), static_cast<float>(at.epsilon), decay);
}

bool is_plain(const Tensor& t) { return t.is_cpu() && t.scalar_type() == at::kFloat && t.is_contiguous(); }

// Two owners: the host's handle and the operand list.
bool is_ours(const Tensor& t) { return t.use_count() == 2 && t.storage().use_count() == 1; }

struct Update {
  UpdateAttributes at;
  size_t lead;

  Values operator()(const Values& in, const std::vector<char>& writable) const {
    Step step;
    step.rate = in[0].item<double>();
    step.time = static_cast<double>(in[1].item<int64_t>() + 1);
    if (lead == 3) step.product = in[2].item<double>();
    const auto count = static_cast<size_t>(at.count);
    const auto slots = static_cast<size_t>(at.slots);
    Values out(count * (1 + slots));
    std::vector<UpdatedElements> loops;
    Values gradients;
    // The result beside an operand: the operand itself where it may be written.
    const auto place = [&](size_t operand) {
      const Tensor& t = in[operand];
      return writable[operand] != 0 && is_ours(t) ? t : at::empty_like(t);
    };
    for (size_t p = 0; p < count; ++p) {
      const size_t w = lead + p, first_slot = lead + 2 * count + p * slots;
      bool plain = has_loop(at) && is_plain(in[w]) && in[w + count].scalar_type() == at::kFloat;
      for (size_t k = 0; k < slots; ++k) plain = plain && is_plain(in[first_slot + k]);
      if (!plain) {
        general(in, step, p, out);
        continue;
      }
      gradients.push_back(in[w + count].contiguous());
      out[p] = place(w);
      for (size_t k = 0; k < slots; ++k) out[count + p * slots + k] = place(first_slot + k);
      UpdatedElements e{};
      e.w = in[w].data_ptr<float>();
      e.g = gradients.back().data_ptr<float>();
      e.m = in[first_slot].data_ptr<float>();
      e.new_w = out[p].data_ptr<float>();
      e.new_m = out[count + p * slots].data_ptr<float>();
      if (slots > 1) {
        e.v = in[first_slot + 1].data_ptr<float>();
        e.new_v = out[count + p * slots + 1].data_ptr<float>();
      }
      e.count = in[w].numel();
      loops.push_back(e);
    }
    // From here on nothing fails.
    for (const UpdatedElements& e : loops) run_loop(at, step, e);
    return out;
  }

  // Any rule and dtype, by ATen's ops.
  void general(const Values& in, const Step& step, size_t p, Values& out) const {
    const auto count = static_cast<size_t>(at.count);
    const auto slots = static_cast<size_t>(at.slots);
    Tensor w = in[lead + p];
    // All in the precision of the parameter; the results go back to their own dtypes.
    const auto computed = [dtype = w.scalar_type()](const Tensor& t) { return t.to(dtype); };
    if (at.weight_decay != 0) w = at::sub(w, at::mul(w, at.weight_decay), step.rate);
    Slots s;
    for (size_t k = 0; k < slots; ++k) s.push_back(computed(in[lead + 2 * count + p * slots + k]));
    out[p] = updated(at, step, w, computed(in[lead + count + p]), s);
    for (size_t k = 0; k < slots; ++k) {
      out[count + p * slots + k] = s[k].to(in[lead + 2 * count + p * slots + k].scalar_type());
    }
  }
};

Answer update_many(const Call& call) {
  const auto& at = call.attributes<UpdateAttributes>();
  const int lead = at.rule == KERAS_UPDATE_NADAM ? 3 : 2;
  for (int i = lead; i < call.inputs(); ++i) {
    if (!is_float(call.input(i).dtype)) return Answer::no("parameters, gradients and slots are floats");
  }
  const Update update{at, static_cast<size_t>(lead)};
  Answer answer{Run([update](const Values& in) { return update(in, std::vector<char>(in.size(), 0)); })};
  answer.run_in_place = update;
  return answer;
}

const bool registered = register_op("update_many", update_many, kWiden);

}  // namespace
}  // namespace keras::aten
