// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/initializers.h"

#include <fmt/format.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "keras/random.h"
#include "keras/tensor/host_buffer.h"
#include "ops/host_random.h"

namespace keras {

namespace {

Tensor to_tensor(const std::vector<double>& values, const Shape& shape, DType dtype) {
  if (dtype == DType::string) {
    internal::fail<TypeError>(
        {"initializer", "An initializer makes numbers", std::string(dtype_name(dtype)), ""});
  }
  return internal::host_cast(Tensor::from(values, shape), dtype);
}

size_t count_of(const Shape& shape) {
  return internal::host_entries("initializer", 2 * sizeof(double), {shape.elements()});
}

void check_float(const char* name, DType dtype) {
  if (!is_float(dtype)) {
    internal::fail<TypeError>(
        {name, "A random initializer makes floats", std::string(dtype_name(dtype)), ""});
  }
}

class CallableInitializer final : public Initializer {
 public:
  explicit CallableInitializer(std::function<Tensor(const Shape&, DType)> f) : f_(std::move(f)) {}
  std::string class_name() const override { return "callable"; }
  Tensor operator()(const Shape& shape, DType dtype) const override { return f_(shape, dtype); }
  std::shared_ptr<Initializer> clone() const override { return std::make_shared<CallableInitializer>(*this); }

 private:
  std::function<Tensor(const Shape&, DType)> f_;
};

// Keras' fans: inputs and outputs are the last two axes, the axes before them a kernel's window.
std::pair<double, double> fans(const Shape& shape, const std::optional<std::vector<int>>& inputs,
                               const std::optional<std::vector<int>>& outputs) {
  const int rank = shape.rank();
  const auto extent = [&](int a) { return static_cast<double>(shape[static_cast<size_t>(a)].value()); };
  if (inputs || outputs) {
    double fan_in = 1;
    double fan_out = 1;
    double window = 1;
    std::vector<int> role(static_cast<size_t>(rank), 0);
    for (const int a : inputs.value_or(std::vector<int>{}))
      role[static_cast<size_t>(normalize_axis("initializer", a, rank))] |= 1;
    for (const int a : outputs.value_or(std::vector<int>{}))
      role[static_cast<size_t>(normalize_axis("initializer", a, rank))] |= 2;
    for (int a = 0; a < rank; ++a) {
      const int r = role[static_cast<size_t>(a)];
      if (r == 0) window *= extent(a);
      if ((r & 1) != 0) fan_in *= extent(a);
      if ((r & 2) != 0) fan_out *= extent(a);
    }
    return {fan_in * window, fan_out * window};
  }
  if (rank == 0) return {1, 1};
  if (rank == 1) return {extent(0), extent(0)};
  double window = 1;
  for (int a = 0; a < rank - 2; ++a) window *= extent(a);
  return {extent(rank - 2) * window, extent(rank - 1) * window};
}

Tensor scaled_variance(uint32_t seed, double scale, const std::string& mode, const std::string& distribution,
                       const std::optional<std::vector<int>>& input_axes,
                       const std::optional<std::vector<int>>& output_axes, const Shape& shape, DType dtype) {
  check_float("VarianceScaling", dtype);
  const auto [fan_in, fan_out] = fans(shape, input_axes, output_axes);
  scale /= std::max(1.0, mode == "fan_in" ? fan_in : mode == "fan_out" ? fan_out : (fan_in + fan_out) / 2);
  if (distribution == "uniform") {
    const double limit = std::sqrt(3.0 * scale);
    return internal::host_uniform(shape, -limit, limit, dtype, seed, 0);
  }
  if (distribution == "untruncated_normal") {
    return internal::host_normal(shape, 0, std::sqrt(scale), dtype, seed, 0);
  }
  // Cutting at two deviations shrinks the variance; this factor restores it.
  return internal::host_truncated_normal(shape, 0, std::sqrt(scale) / 0.87962566103423978, dtype, seed, 0);
}

}  // namespace

std::shared_ptr<Initializer> Initializer::from_name(const std::string& name) {
  return make_object<Initializer>(kCategory, name, Json::dict(), "initializers");
}

std::shared_ptr<Initializer> Initializer::from_callable(std::function<Tensor(const Shape&, DType)> f) {
  return std::make_shared<CallableInitializer>(std::move(f));
}

namespace initializers {

template <class Derived, class Options>
uint32_t Seeded<Derived, Options>::draw_seed(std::optional<int64_t> seed) {
  return seed ? static_cast<uint32_t>(*seed) : static_cast<uint32_t>(random::make_default_seed());
}

Tensor Zeros::operator()(const Shape& shape, DType dtype) const {
  return to_tensor(std::vector<double>(count_of(shape), 0.0), shape, dtype);
}

Tensor Ones::operator()(const Shape& shape, DType dtype) const {
  return to_tensor(std::vector<double>(count_of(shape), 1.0), shape, dtype);
}

Tensor Constant::operator()(const Shape& shape, DType dtype) const {
  return to_tensor(std::vector<double>(count_of(shape), options_.value), shape, dtype);
}

Tensor Identity::operator()(const Shape& shape, DType dtype) const {
  if (shape.rank() != 2) {
    internal::fail<ValueError>(
        {"Identity", "The identity initializer makes matrices", shape.to_string(), ""});
  }
  std::vector<double> values(count_of(shape), 0.0);
  const auto columns = static_cast<size_t>(shape[1].value());
  for (size_t i = 0; i < static_cast<size_t>(shape[0].value()) && i < columns; ++i)
    values[i * columns + i] = options_.gain;
  return to_tensor(values, shape, dtype);
}

Tensor RandomNormal::operator()(const Shape& shape, DType dtype) const {
  check_float(kClassName, dtype);
  return internal::host_normal(shape, options_.mean, options_.stddev, dtype, seed_, 0);
}

Tensor TruncatedNormal::operator()(const Shape& shape, DType dtype) const {
  check_float(kClassName, dtype);
  return internal::host_truncated_normal(shape, options_.mean, options_.stddev, dtype, seed_, 0);
}

Tensor RandomUniform::operator()(const Shape& shape, DType dtype) const {
  const auto draw = [&](DType as) {
    return internal::host_uniform(shape, options_.minval, options_.maxval, as, seed_, 0);
  };
  if (is_float(dtype)) return draw(dtype);
  auto values = draw(DType::float64).to_vector<double>();
  for (double& v : values) v = std::floor(v);
  return to_tensor(values, shape, dtype);
}

Tensor Orthogonal::operator()(const Shape& shape, DType dtype) const {
  check_float(kClassName, dtype);
  if (shape.rank() < 2) {
    internal::fail<ValueError>({"Orthogonal", "The orthogonal initializer makes tensors of two axes or more",
                                shape.to_string(), ""});
  }
  const auto columns = static_cast<size_t>(shape.back().value());
  const size_t rows = columns == 0 ? 0 : count_of(shape) / columns;
  // Gram-Schmidt (twice, for accuracy) on the longer side's random vectors gives Q with R's diagonal
  // positive.
  const size_t tall = std::max(rows, columns);
  const size_t flat = std::min(rows, columns);
  // flat vectors of length tall, one after another
  auto q = internal::host_normal(Shape{static_cast<int64_t>(tall * flat)}, 0, 1, DType::float64, seed_, 0)
               .to_vector<double>();
  for (size_t j = 0; j < flat; ++j) {
    double* v = &q[j * tall];
    for (int pass = 0; pass < 2; ++pass) {
      for (size_t k = 0; k < j; ++k) {
        const double* u = &q[k * tall];
        double dot = 0;
        for (size_t i = 0; i < tall; ++i) dot += u[i] * v[i];
        for (size_t i = 0; i < tall; ++i) v[i] -= dot * u[i];
      }
    }
    double norm = 0;
    for (size_t i = 0; i < tall; ++i) norm += v[i] * v[i];
    for (size_t i = 0; i < tall; ++i) v[i] /= std::sqrt(norm);
  }
  std::vector<double> values(rows * columns);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      values[r * columns + c] = options_.gain * (rows < columns ? q[r * tall + c] : q[c * tall + r]);
    }
  }
  return to_tensor(values, shape, dtype);
}

VarianceScaling::VarianceScaling(VarianceScalingOptions options) : Seeded(std::move(options)) {
  if (!(options_.scale > 0)) {
    internal::fail<ValueError>(
        {kClassName, "scale must be positive", fmt::format("scale={}", options_.scale), ""});
  }
  if (options_.mode != "fan_in" && options_.mode != "fan_out" && options_.mode != "fan_avg") {
    internal::fail_unknown_name(kClassName, "mode", options_.mode, {"fan_in", "fan_out", "fan_avg"});
  }
  if (options_.distribution == "normal") options_.distribution = "truncated_normal";
  if (options_.distribution != "uniform" && options_.distribution != "truncated_normal" &&
      options_.distribution != "untruncated_normal") {
    internal::fail_unknown_name(kClassName, "distribution", options_.distribution,
                                {"uniform", "truncated_normal", "untruncated_normal"});
  }
}

Tensor VarianceScaling::operator()(const Shape& shape, DType dtype) const {
  return scaled_variance(seed_, options_.scale, options_.mode, options_.distribution, options_.input_axes,
                         options_.output_axes, shape, dtype);
}

template <class Derived>
Tensor Fan<Derived>::operator()(const Shape& shape, DType dtype) const {
  return scaled_variance(this->seed_, Derived::kScale, Derived::kMode, Derived::kDistribution,
                         this->options_.input_axes, this->options_.output_axes, shape, dtype);
}

// Programs make these classes, so their members must be in the library.
template class Seeded<RandomNormal, RandomNormalOptions>;
template class Seeded<TruncatedNormal, RandomNormalOptions>;
template class Seeded<RandomUniform, RandomUniformOptions>;
template class Seeded<Orthogonal, OrthogonalOptions>;
template class Seeded<VarianceScaling, VarianceScalingOptions>;
template class Seeded<GlorotUniform, FanOptions>;
template class Fan<GlorotUniform>;
template class Seeded<GlorotNormal, FanOptions>;
template class Fan<GlorotNormal>;
template class Seeded<HeUniform, FanOptions>;
template class Fan<HeUniform>;
template class Seeded<HeNormal, FanOptions>;
template class Fan<HeNormal>;
template class Seeded<LecunUniform, FanOptions>;
template class Fan<LecunUniform>;
template class Seeded<LecunNormal, FanOptions>;
template class Fan<LecunNormal>;

#define KERAS_REGISTER_INITIALIZER(Class, ...)            \
  [[maybe_unused]] static const bool registered_##Class = \
      internal::register_configured<Class, Initializer>("keras.initializers", {__VA_ARGS__})
KERAS_REGISTER_INITIALIZER(Zeros, "zeros");
KERAS_REGISTER_INITIALIZER(Ones, "ones");
KERAS_REGISTER_INITIALIZER(Constant, "constant");
KERAS_REGISTER_INITIALIZER(Identity, "identity", "IdentityInitializer");
KERAS_REGISTER_INITIALIZER(RandomNormal, "random_normal", "normal");
KERAS_REGISTER_INITIALIZER(TruncatedNormal, "truncated_normal");
KERAS_REGISTER_INITIALIZER(RandomUniform, "random_uniform", "uniform");
KERAS_REGISTER_INITIALIZER(Orthogonal, "orthogonal", "OrthogonalInitializer");
KERAS_REGISTER_INITIALIZER(VarianceScaling, "variance_scaling");
KERAS_REGISTER_INITIALIZER(GlorotUniform, "glorot_uniform");
KERAS_REGISTER_INITIALIZER(GlorotNormal, "glorot_normal");
KERAS_REGISTER_INITIALIZER(HeUniform, "he_uniform");
KERAS_REGISTER_INITIALIZER(HeNormal, "he_normal");
KERAS_REGISTER_INITIALIZER(LecunUniform, "lecun_uniform");
KERAS_REGISTER_INITIALIZER(LecunNormal, "lecun_normal");
#undef KERAS_REGISTER_INITIALIZER

}  // namespace initializers
}  // namespace keras
