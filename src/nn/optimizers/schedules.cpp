// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/schedules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numbers>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::optimizers::schedules {

namespace {

template <class T>
bool register_schedule() {
  return internal::register_configured<T, LearningRateSchedule>("keras.optimizers.schedules");
}

[[maybe_unused]] const bool kRegistered[] = {register_schedule<ExponentialDecay>(),
                                             register_schedule<InverseTimeDecay>(),
                                             register_schedule<PiecewiseConstantDecay>(),
                                             register_schedule<PolynomialDecay>(),
                                             register_schedule<CosineDecay>(),
                                             register_schedule<CosineDecayRestarts>()};

void check_positive(const char* where, const char* name, double steps) {
  if (steps > 0) return;
  internal::fail<ValueError>(
      {where, fmt::format("{} must be positive", name), fmt::format("{}={}", name, steps), ""});
}

Tensor as_rate(const Tensor& step) { return ops::cast(step, floatx()); }

// How often the decay is due by now.
template <class Options>
Tensor periods(const Tensor& step, const Options& o) {
  const Tensor p = as_rate(step) / o.decay_steps;
  return o.staircase ? ops::floor(p) : p;
}

Tensor half_cosine(const Tensor& fraction) { return 0.5 * (1.0 + ops::cos(std::numbers::pi * fraction)); }

template <class Options>
Options decaying(Options o, double rate, double steps, double decay) {
  o.initial_learning_rate = rate;
  o.decay_steps = steps;
  o.decay_rate = decay;
  return o;
}

template <class Options>
Options lasting(Options o, double rate, double steps) {
  o.initial_learning_rate = rate;
  o.decay_steps = steps;
  return o;
}

}  // namespace

ExponentialDecay::ExponentialDecay(ExponentialDecayOptions options) : Configured(std::move(options)) {
  check_positive(kClassName, "decay_steps", options_.decay_steps);
}
ExponentialDecay::ExponentialDecay(double rate, double steps, double decay, ExponentialDecayOptions options)
    : ExponentialDecay(decaying(std::move(options), rate, steps, decay)) {}

Tensor ExponentialDecay::operator()(const Tensor& step) const {
  return options_.initial_learning_rate * ops::power(options_.decay_rate, periods(step, options_));
}

InverseTimeDecay::InverseTimeDecay(InverseTimeDecayOptions options) : Configured(std::move(options)) {
  check_positive(kClassName, "decay_steps", options_.decay_steps);
}
InverseTimeDecay::InverseTimeDecay(double rate, double steps, double decay, InverseTimeDecayOptions options)
    : InverseTimeDecay(decaying(std::move(options), rate, steps, decay)) {}

Tensor InverseTimeDecay::operator()(const Tensor& step) const {
  return options_.initial_learning_rate / (1.0 + options_.decay_rate * periods(step, options_));
}

PiecewiseConstantDecay::PiecewiseConstantDecay(PiecewiseConstantDecayOptions options)
    : Configured(std::move(options)) {
  if (options_.boundaries.empty() || options_.boundaries.size() + 1 != options_.values.size()) {
    internal::fail<ValueError>({kClassName, "There must be boundaries, and one value more than those",
                                fmt::format("boundaries={}, values={}", options_.boundaries, options_.values),
                                ""});
  }
  // Not less, rather than not greater, so that NaN is refused.
  for (size_t i = 1; i < options_.boundaries.size(); ++i) {
    if (options_.boundaries[i - 1] < options_.boundaries[i]) continue;
    internal::fail<ValueError>(
        {kClassName, "boundaries must ascend", fmt::format("boundaries={}", options_.boundaries), ""});
  }
}
PiecewiseConstantDecay::PiecewiseConstantDecay(std::vector<double> boundaries, std::vector<double> values,
                                               PiecewiseConstantDecayOptions options)
    : PiecewiseConstantDecay([&] {
        options.boundaries = std::move(boundaries);
        options.values = std::move(values);
        return std::move(options);
      }()) {}

Tensor PiecewiseConstantDecay::operator()(const Tensor& step) const {
  Tensor rate = ops::cast(options_.values.back(), floatx());
  for (size_t i = options_.boundaries.size(); i-- > 0;) {
    const Tensor boundary = ops::cast(options_.boundaries[i], step.dtype());
    rate = ops::where(step <= boundary, options_.values[i], rate);
  }
  return rate;
}

PolynomialDecay::PolynomialDecay(PolynomialDecayOptions options) : Configured(std::move(options)) {
  check_positive(kClassName, "decay_steps", options_.decay_steps);
}
PolynomialDecay::PolynomialDecay(double rate, double steps, PolynomialDecayOptions options)
    : PolynomialDecay(lasting(std::move(options), rate, steps)) {}

Tensor PolynomialDecay::operator()(const Tensor& step) const {
  Tensor now = as_rate(step);
  Tensor steps = ops::cast(options_.decay_steps, now.dtype());
  if (options_.cycle) {
    steps = steps * ops::where(ops::equal(now, 0), 1.0, ops::ceil(now / options_.decay_steps));
  } else {
    now = ops::minimum(now, steps);
  }
  const double end = options_.end_learning_rate;
  return (options_.initial_learning_rate - end) * ops::power(1.0 - now / steps, options_.power) + end;
}

CosineDecay::CosineDecay(CosineDecayOptions options) : Configured(std::move(options)) {
  check_positive(kClassName, "decay_steps", options_.decay_steps);
}
CosineDecay::CosineDecay(double rate, double steps, CosineDecayOptions options)
    : CosineDecay(lasting(std::move(options), rate, steps)) {}

Tensor CosineDecay::operator()(const Tensor& step) const {
  const auto decayed = [this](const Tensor& now, double from) {
    return from * ((1 - options_.alpha) * half_cosine(now / options_.decay_steps) + options_.alpha);
  };
  const Tensor now = as_rate(step);
  const double initial = options_.initial_learning_rate;
  if (!options_.warmup_target) return decayed(ops::minimum(now, options_.decay_steps), initial);
  const double target = *options_.warmup_target;
  const double warmup = options_.warmup_steps;
  const Tensor bounded = ops::minimum(now, options_.decay_steps + warmup);
  const Tensor after = decayed(bounded - warmup, target);
  if (warmup <= 0) return after;
  return ops::where(bounded < warmup, (target - initial) * (bounded / warmup) + initial, after);
}

CosineDecayRestarts::CosineDecayRestarts(CosineDecayRestartsOptions options)
    : Configured(std::move(options)) {
  check_positive(kClassName, "first_decay_steps", options_.first_decay_steps);
}
CosineDecayRestarts::CosineDecayRestarts(double rate, double steps, CosineDecayRestartsOptions options)
    : CosineDecayRestarts([&] {
        options.initial_learning_rate = rate;
        options.first_decay_steps = steps;
        return std::move(options);
      }()) {}

Tensor CosineDecayRestarts::operator()(const Tensor& step) const {
  Tensor fraction = as_rate(step) / options_.first_decay_steps;
  Tensor restarts;
  if (options_.t_mul == 1.0) {
    restarts = ops::floor(fraction);
    fraction = fraction - restarts;
  } else {
    const Tensor t = ops::cast(options_.t_mul, fraction.dtype());
    restarts = ops::floor(ops::log(1.0 - fraction * (1.0 - t)) / ops::log(t));
    const Tensor length = ops::power(t, restarts);
    fraction = (fraction - (1.0 - length) / (1.0 - t)) / length;
  }
  const Tensor wave = ops::power(options_.m_mul, restarts) * half_cosine(fraction);
  return options_.initial_learning_rate * ((1 - options_.alpha) * wave + options_.alpha);
}

}  // namespace keras::optimizers::schedules
