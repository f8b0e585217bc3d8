// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "keras/nn/optimizer.h"

namespace keras {

/// Arguments of optimizers::schedules::ExponentialDecay.
struct ExponentialDecayOptions {
  double initial_learning_rate = 0;  ///< rate at step 0
  double decay_steps = 0;            ///< steps in which decay_rate is applied once
  double decay_rate = 0;             ///< factor
  bool staircase = false;            ///< only after whole decay_steps
  std::string name = "ExponentialDecay";
};

/// Arguments of optimizers::schedules::InverseTimeDecay.
struct InverseTimeDecayOptions {
  double initial_learning_rate = 0;  ///< rate at step 0
  double decay_steps = 0;            ///< steps in which decay_rate is added once
  double decay_rate = 0;             ///< what the divisor grows by
  bool staircase = false;            ///< only after whole decay_steps
  std::string name = "InverseTimeDecay";
};

/// Arguments of optimizers::schedules::PiecewiseConstantDecay.
struct PiecewiseConstantDecayOptions {
  std::vector<double> boundaries = {};  ///< last steps of the values, ascending
  std::vector<double> values = {};      ///< one more than boundaries
  std::string name = "PiecewiseConstant";
};

/// Arguments of optimizers::schedules::PolynomialDecay.
struct PolynomialDecayOptions {
  double initial_learning_rate = 0;   ///< rate at step 0
  double decay_steps = 0;             ///< steps until the end rate
  double end_learning_rate = 0.0001;  ///< rate at the end
  double power = 1.0;                 ///< exponent; 1 is linear
  bool cycle = false;                 ///< begin again, over a longer time, beyond decay_steps
  std::string name = "PolynomialDecay";
};

/// Arguments of optimizers::schedules::CosineDecay.
struct CosineDecayOptions {
  double initial_learning_rate = 0;          ///< rate at step 0
  double decay_steps = 0;                    ///< steps of the decay, after the warmup
  double alpha = 0.0;                        ///< part of the rate that remains
  std::string name = "CosineDecay";          ///< name of the schedule
  std::optional<double> warmup_target = {};  ///< rate that a warmup rises to; none: no warmup
  double warmup_steps = 0;                   ///< steps of the warmup
};

/// Arguments of optimizers::schedules::CosineDecayRestarts.
struct CosineDecayRestartsOptions {
  double initial_learning_rate = 0;  ///< rate at step 0
  double first_decay_steps = 0;      ///< steps of the first period
  double t_mul = 2.0;                ///< how much longer the next period is
  double m_mul = 1.0;                ///< factor of the next period's first rate
  double alpha = 0.0;                ///< part of the rate that remains
  std::string name = "SGDRDecay";
};

/// The rows of exponential and inverse-time decay.
template <class O>
constexpr auto stepped_decay_fields() {
  return field_list(field<&O::initial_learning_rate>("initial_learning_rate", "Rate at step 0"),
                    field<&O::decay_steps>("decay_steps", "Steps of one decay"),
                    field<&O::decay_rate>("decay_rate", "Strength of the decay"),
                    field<&O::staircase>("staircase", "Only after whole decay_steps"),
                    field<&O::name>("name", "Name of the schedule"));
}

template <>
struct FieldTable<ExponentialDecayOptions> {
  static constexpr auto fields = stepped_decay_fields<ExponentialDecayOptions>();
};
template <>
struct FieldTable<InverseTimeDecayOptions> {
  static constexpr auto fields = stepped_decay_fields<InverseTimeDecayOptions>();
};
template <>
struct FieldTable<PiecewiseConstantDecayOptions> {
  using O = PiecewiseConstantDecayOptions;
  static constexpr auto fields =
      field_list(field<&O::boundaries>("boundaries", "Last steps of the values"),
                 field<&O::values>("values", "Rates"), field<&O::name>("name", "Name of the schedule"));
};
template <>
struct FieldTable<PolynomialDecayOptions> {
  using O = PolynomialDecayOptions;
  static constexpr auto fields = field_list(
      field<&O::initial_learning_rate>("initial_learning_rate", "Rate at step 0"),
      field<&O::decay_steps>("decay_steps", "Steps until the end rate"),
      field<&O::end_learning_rate>("end_learning_rate", "Rate at the end"),
      field<&O::power>("power", "Exponent"), field<&O::cycle>("cycle", "Begin again beyond decay_steps"),
      field<&O::name>("name", "Name of the schedule"));
};
template <>
struct FieldTable<CosineDecayOptions> {
  using O = CosineDecayOptions;
  static constexpr auto fields = field_list(
      field<&O::initial_learning_rate>("initial_learning_rate", "Rate at step 0"),
      field<&O::decay_steps>("decay_steps", "Steps of the decay"),
      field<&O::alpha>("alpha", "Part that remains"), field<&O::name>("name", "Name of the schedule"),
      field<&O::warmup_target>("warmup_target", "Rate that a warmup rises to"),
      field<&O::warmup_steps>("warmup_steps", "Steps of the warmup"));
};
template <>
struct FieldTable<CosineDecayRestartsOptions> {
  using O = CosineDecayRestartsOptions;
  static constexpr auto fields = field_list(
      field<&O::initial_learning_rate>("initial_learning_rate", "Rate at step 0"),
      field<&O::first_decay_steps>("first_decay_steps", "Steps of the first period"),
      field<&O::t_mul>("t_mul", "How much longer the next period is"),
      field<&O::m_mul>("m_mul", "Factor of the next period's first rate"),
      field<&O::alpha>("alpha", "Part that remains"), field<&O::name>("name", "Name of the schedule"));
};

/// The schedules of keras.optimizers.schedules. They throw ValueError for steps that are not positive, and
/// give the rate as a floatx scalar.
namespace optimizers::schedules {

/// initial * decay_rate^(step / decay_steps).
class ExponentialDecay : public Configured<ExponentialDecay, LearningRateSchedule, ExponentialDecayOptions> {
 public:
  static constexpr const char* kClassName = "ExponentialDecay";
  explicit ExponentialDecay(ExponentialDecayOptions options);
  ExponentialDecay(double initial_learning_rate, double decay_steps, double decay_rate,
                   ExponentialDecayOptions options = {});
  Tensor operator()(const Tensor& step) const override;
};

/// initial / (1 + decay_rate * step / decay_steps).
class InverseTimeDecay : public Configured<InverseTimeDecay, LearningRateSchedule, InverseTimeDecayOptions> {
 public:
  static constexpr const char* kClassName = "InverseTimeDecay";
  explicit InverseTimeDecay(InverseTimeDecayOptions options);
  InverseTimeDecay(double initial_learning_rate, double decay_steps, double decay_rate,
                   InverseTimeDecayOptions options = {});
  Tensor operator()(const Tensor& step) const override;
};

/// values[i] up to and including step boundaries[i], the last value after that.
class PiecewiseConstantDecay
    : public Configured<PiecewiseConstantDecay, LearningRateSchedule, PiecewiseConstantDecayOptions> {
 public:
  static constexpr const char* kClassName = "PiecewiseConstantDecay";
  explicit PiecewiseConstantDecay(PiecewiseConstantDecayOptions options);
  PiecewiseConstantDecay(std::vector<double> boundaries, std::vector<double> values,
                         PiecewiseConstantDecayOptions options = {});
  Tensor operator()(const Tensor& step) const override;
};

/// From the initial to the end rate along (1 - step / decay_steps)^power.
class PolynomialDecay : public Configured<PolynomialDecay, LearningRateSchedule, PolynomialDecayOptions> {
 public:
  static constexpr const char* kClassName = "PolynomialDecay";
  explicit PolynomialDecay(PolynomialDecayOptions options);
  PolynomialDecay(double initial_learning_rate, double decay_steps, PolynomialDecayOptions options = {});
  Tensor operator()(const Tensor& step) const override;
};

/// Half a cosine down to alpha of the rate, after an optional linear warmup (Loshchilov and Hutter, 2016).
class CosineDecay : public Configured<CosineDecay, LearningRateSchedule, CosineDecayOptions> {
 public:
  static constexpr const char* kClassName = "CosineDecay";
  explicit CosineDecay(CosineDecayOptions options);
  CosineDecay(double initial_learning_rate, double decay_steps, CosineDecayOptions options = {});
  Tensor operator()(const Tensor& step) const override;
};

/// Cosine decays one after another, each t_mul times as long and m_mul times as high as the one before it
/// (Loshchilov and Hutter, 2016).
class CosineDecayRestarts
    : public Configured<CosineDecayRestarts, LearningRateSchedule, CosineDecayRestartsOptions> {
 public:
  static constexpr const char* kClassName = "CosineDecayRestarts";
  explicit CosineDecayRestarts(CosineDecayRestartsOptions options);
  CosineDecayRestarts(double initial_learning_rate, double first_decay_steps,
                      CosineDecayRestartsOptions options = {});
  Tensor operator()(const Tensor& step) const override;
};

}  // namespace optimizers::schedules
}  // namespace keras
