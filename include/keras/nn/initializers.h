// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keras/nn/object.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// Makes the first value of a weight (keras.initializers.Initializer). Initializers are stateless: the same
/// instance gives the same values every time for one shape. Values are computed on the host, so they are
/// bit-identical on every backend.
class Initializer : public Configurable {
 public:
  static constexpr ObjectCategory kCategory = ObjectCategory::initializer;
  std::string module() const override { return "keras.initializers"; }
  /// A tensor of the shape and dtype.
  virtual Tensor operator()(const Shape& shape, DType dtype) const = 0;
  /// A copy whose random draws differ unless a seed was given, for sublayers that share one configured
  /// initializer.
  virtual std::shared_ptr<Initializer> clone() const = 0;
  /// The initializer of a Keras name ("glorot_uniform", "zeros", "GlorotUniform"). Throws ValueError with
  /// the valid names.
  static std::shared_ptr<Initializer> from_name(const std::string& name);
  /// A C++ function as an initializer. It has no name, so a layer that has it cannot be saved.
  static std::shared_ptr<Initializer> from_callable(std::function<Tensor(const Shape&, DType)> f);
};

namespace initializers {

struct NoOptions {};
struct ConstantOptions {
  double value = 0.0;
};
struct IdentityOptions {
  double gain = 1.0;
};
struct RandomNormalOptions {
  double mean = 0.0;
  double stddev = 0.05;
  std::optional<int64_t> seed = {};
};
struct RandomUniformOptions {
  double minval = -0.05;
  double maxval = 0.05;
  std::optional<int64_t> seed = {};
};
struct OrthogonalOptions {
  double gain = 1.0;
  std::optional<int64_t> seed = {};
};
struct VarianceScalingOptions {
  double scale = 1.0;
  std::string mode = "fan_in";                    ///< "fan_in", "fan_out" or "fan_avg"
  std::string distribution = "truncated_normal";  ///< that, "untruncated_normal" or "uniform"
  std::optional<int64_t> seed = {};
  std::optional<std::vector<int>> input_axes = {};  ///< axes that are inputs; none: by the layout of kernels
  std::optional<std::vector<int>> output_axes = {};
};
struct FanOptions {
  std::optional<int64_t> seed = {};
  std::optional<std::vector<int>> input_axes = {};
  std::optional<std::vector<int>> output_axes = {};
};

/// All zeros.
class Zeros : public Configured<Zeros, Initializer, NoOptions> {
 public:
  static constexpr const char* kClassName = "Zeros";
  explicit Zeros(NoOptions options = {}) : Configured(options) {}
  Tensor operator()(const Shape& shape, DType dtype) const override;
  std::shared_ptr<Initializer> clone() const override { return std::make_shared<Zeros>(*this); }
};

/// All ones.
class Ones : public Configured<Ones, Initializer, NoOptions> {
 public:
  static constexpr const char* kClassName = "Ones";
  explicit Ones(NoOptions options = {}) : Configured(options) {}
  Tensor operator()(const Shape& shape, DType dtype) const override;
  std::shared_ptr<Initializer> clone() const override { return std::make_shared<Ones>(*this); }
};

/// One value everywhere.
class Constant : public Configured<Constant, Initializer, ConstantOptions> {
 public:
  static constexpr const char* kClassName = "Constant";
  explicit Constant(ConstantOptions options = {}) : Configured(options) {}
  explicit Constant(double value) : Constant(ConstantOptions{value}) {}
  Tensor operator()(const Shape& shape, DType dtype) const override;
  std::shared_ptr<Initializer> clone() const override { return std::make_shared<Constant>(*this); }
};

/// A multiple of the identity matrix. Throws ValueError for a shape that is not 2-D.
class Identity : public Configured<Identity, Initializer, IdentityOptions> {
 public:
  static constexpr const char* kClassName = "Identity";
  explicit Identity(IdentityOptions options = {}) : Configured(options) {}
  Tensor operator()(const Shape& shape, DType dtype) const override;
  std::shared_ptr<Initializer> clone() const override { return std::make_shared<Identity>(*this); }
};

/// Initializers that draw: they keep the seed that was given, or one of their own.
template <class Derived, class Options>
class Seeded : public Configured<Derived, Initializer, Options> {
 public:
  std::shared_ptr<Initializer> clone() const override { return std::make_shared<Derived>(this->options_); }

 protected:
  explicit Seeded(Options options)
      : Configured<Derived, Initializer, Options>(std::move(options)),
        seed_(draw_seed(this->options_.seed)) {}
  uint32_t seed_;

 private:
  static uint32_t draw_seed(std::optional<int64_t> seed);
};

/// Normal distribution.
class RandomNormal : public Seeded<RandomNormal, RandomNormalOptions> {
 public:
  static constexpr const char* kClassName = "RandomNormal";
  explicit RandomNormal(RandomNormalOptions options = {}) : Seeded(options) {}
  Tensor operator()(const Shape& shape, DType dtype) const override;
};

/// Normal distribution without the values beyond two standard deviations.
class TruncatedNormal : public Seeded<TruncatedNormal, RandomNormalOptions> {
 public:
  static constexpr const char* kClassName = "TruncatedNormal";
  explicit TruncatedNormal(RandomNormalOptions options = {}) : Seeded(options) {}
  Tensor operator()(const Shape& shape, DType dtype) const override;
};

/// Uniform distribution in [minval, maxval).
class RandomUniform : public Seeded<RandomUniform, RandomUniformOptions> {
 public:
  static constexpr const char* kClassName = "RandomUniform";
  explicit RandomUniform(RandomUniformOptions options = {}) : Seeded(options) {}
  Tensor operator()(const Shape& shape, DType dtype) const override;
};

/// A (semi-)orthogonal matrix times gain, of the shape's leading axes by its last (Saxe et al., 2014).
class Orthogonal : public Seeded<Orthogonal, OrthogonalOptions> {
 public:
  static constexpr const char* kClassName = "Orthogonal";
  explicit Orthogonal(OrthogonalOptions options = {}) : Seeded(options) {}
  Tensor operator()(const Shape& shape, DType dtype) const override;
};

/// A variance of scale / n, where n counts inputs, outputs or their mean. Throws ValueError for a scale that
/// is not positive or an unknown mode or distribution.
class VarianceScaling : public Seeded<VarianceScaling, VarianceScalingOptions> {
 public:
  static constexpr const char* kClassName = "VarianceScaling";
  explicit VarianceScaling(VarianceScalingOptions options = {});
  Tensor operator()(const Shape& shape, DType dtype) const override;
};

/// The VarianceScaling family under the names of its papers: only seed and axes can be chosen.
template <class Derived>
class Fan : public Seeded<Derived, FanOptions> {
 public:
  Tensor operator()(const Shape& shape, DType dtype) const override;

 protected:
  explicit Fan(FanOptions options) : Seeded<Derived, FanOptions>(std::move(options)) {}
};

#define KERAS_FAN_INITIALIZER(Name, Scale, Mode, Distribution)          \
  class Name : public Fan<Name> {                                       \
   public:                                                              \
    static constexpr const char* kClassName = #Name;                    \
    static constexpr double kScale = Scale;                             \
    static constexpr const char* kMode = Mode;                          \
    static constexpr const char* kDistribution = Distribution;          \
    explicit Name(FanOptions options = {}) : Fan(std::move(options)) {} \
  };
/// Glorot and Bengio (2010), He et al. (2015), LeCun et al. (1998).
KERAS_FAN_INITIALIZER(GlorotUniform, 1.0, "fan_avg", "uniform")
KERAS_FAN_INITIALIZER(GlorotNormal, 1.0, "fan_avg", "truncated_normal")
KERAS_FAN_INITIALIZER(HeUniform, 2.0, "fan_in", "uniform")
KERAS_FAN_INITIALIZER(HeNormal, 2.0, "fan_in", "truncated_normal")
KERAS_FAN_INITIALIZER(LecunUniform, 1.0, "fan_in", "uniform")
KERAS_FAN_INITIALIZER(LecunNormal, 1.0, "fan_in", "truncated_normal")
#undef KERAS_FAN_INITIALIZER

}  // namespace initializers

template <>
struct FieldTable<initializers::NoOptions> {
  static constexpr auto fields = field_list();
};
template <>
struct FieldTable<initializers::ConstantOptions> {
  static constexpr auto fields =
      field_list(field<&initializers::ConstantOptions::value>("value", "The value"));
};
template <>
struct FieldTable<initializers::IdentityOptions> {
  static constexpr auto fields =
      field_list(field<&initializers::IdentityOptions::gain>("gain", "Factor of the identity"));
};
template <>
struct FieldTable<initializers::RandomNormalOptions> {
  using O = initializers::RandomNormalOptions;
  static constexpr auto fields =
      field_list(field<&O::mean>("mean", "Mean"), field<&O::stddev>("stddev", "Standard deviation"),
                 field<&O::seed>("seed", "Seed of the draw; drawn itself when null"));
};
template <>
struct FieldTable<initializers::RandomUniformOptions> {
  using O = initializers::RandomUniformOptions;
  static constexpr auto fields =
      field_list(field<&O::minval>("minval", "Least value"), field<&O::maxval>("maxval", "Bound above"),
                 field<&O::seed>("seed", "Seed of the draw; drawn itself when null"));
};
template <>
struct FieldTable<initializers::OrthogonalOptions> {
  using O = initializers::OrthogonalOptions;
  static constexpr auto fields =
      field_list(field<&O::gain>("gain", "Factor of the matrix"),
                 field<&O::seed>("seed", "Seed of the draw; drawn itself when null"));
};
template <>
struct FieldTable<initializers::VarianceScalingOptions> {
  using O = initializers::VarianceScalingOptions;
  static constexpr auto fields =
      field_list(field<&O::scale>("scale", "Variance times the fan"),
                 field<&O::mode>("mode", "Which fan divides the scale"),
                 field<&O::distribution>("distribution", "Shape of the distribution"),
                 field<&O::seed>("seed", "Seed of the draw; drawn itself when null"),
                 field<&O::input_axes>("input_axes", "Axes counted as inputs"),
                 field<&O::output_axes>("output_axes", "Axes counted as outputs"));
};
template <>
struct FieldTable<initializers::FanOptions> {
  using O = initializers::FanOptions;
  static constexpr auto fields =
      field_list(field<&O::seed>("seed", "Seed of the draw; drawn itself when null"),
                 field<&O::input_axes>("input_axes", "Axes counted as inputs"),
                 field<&O::output_axes>("output_axes", "Axes counted as outputs"));
};

}  // namespace keras
