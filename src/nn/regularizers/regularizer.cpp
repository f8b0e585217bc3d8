// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/nn/regularizers.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras {

namespace {

class CallableRegularizer final : public Regularizer {
 public:
  explicit CallableRegularizer(std::function<Tensor(const Tensor&)> f) : f_(std::move(f)) {}
  std::string class_name() const override { return "callable"; }
  Tensor operator()(const Tensor& x) const override { return f_(x); }

 private:
  std::function<Tensor(const Tensor&)> f_;
};

template <class T>
bool register_regularizer(std::vector<std::string> aliases) {
  return internal::register_configured<T, Regularizer>("keras.regularizers", std::move(aliases));
}

void check_factor(const char* where, const char* name, double value) {
  if (std::isfinite(value) && value >= 0) return;
  internal::fail<ValueError>({where, fmt::format("{} must be finite and not negative", name),
                              fmt::format("{}={}", name, value), ""});
}

// Keras holds these factors as tensors of the default float type, and that is what its configs show.
double as_floatx(double value) { return floatx() == DType::float64 ? value : static_cast<float>(value); }

}  // namespace

std::shared_ptr<Regularizer> Regularizer::from_name(const std::string& name) {
  return make_object<Regularizer>(kCategory, name, Json::dict(), "regularizers");
}

std::shared_ptr<Regularizer> Regularizer::from_callable(std::function<Tensor(const Tensor&)> f) {
  return std::make_shared<CallableRegularizer>(std::move(f));
}

namespace regularizers {

[[maybe_unused]] static const bool kRegistered[] = {
    register_regularizer<L1>({"l1"}), register_regularizer<L2>({"l2"}),
    register_regularizer<L1L2>({"l1l2", "l1_l2"}),
    register_regularizer<OrthogonalRegularizer>({"orthogonal_regularizer"})};

L1::L1(L1Options options) : Configured(options) {
  check_factor(kClassName, "l1", options_.l1);
  options_.l1 = as_floatx(options_.l1);
}

Tensor L1::operator()(const Tensor& x) const { return options_.l1 * ops::sum(ops::abs(x)); }

L2::L2(L2Options options) : Configured(options) { check_factor(kClassName, "l2", options_.l2); }

Tensor L2::operator()(const Tensor& x) const { return options_.l2 * ops::sum(ops::square(x)); }

L1L2::L1L2(L1L2Options options) : Configured(options) {
  check_factor(kClassName, "l1", options_.l1);
  check_factor(kClassName, "l2", options_.l2);
}

Tensor L1L2::operator()(const Tensor& x) const {
  Tensor penalty = ops::zeros({}, x.dtype());
  if (options_.l1 != 0) penalty = penalty + options_.l1 * ops::sum(ops::abs(x));
  if (options_.l2 != 0) penalty = penalty + options_.l2 * ops::sum(ops::square(x));
  return penalty;
}

OrthogonalRegularizer::OrthogonalRegularizer(OrthogonalRegularizerOptions options)
    : Configured(std::move(options)) {
  check_factor(kClassName, "factor", options_.factor);
  options_.factor = as_floatx(options_.factor);
  if (options_.mode != "rows" && options_.mode != "columns") {
    internal::fail<ValueError>(
        {kClassName, "mode must be \"rows\" or \"columns\"", fmt::format("mode=\"{}\"", options_.mode), ""});
  }
}

Tensor OrthogonalRegularizer::operator()(const Tensor& x) const {
  if (x.rank() != 2) {
    internal::fail<ValueError>({kClassName, "The input must be a matrix", x.shape().to_string(), ""});
  }
  const bool rows = options_.mode == "rows";
  const Tensor unit = ops::normalize(x, {rows ? 1 : 0});
  const Tensor turned = ops::transpose(unit);
  const Tensor products = rows ? ops::matmul(unit, turned) : ops::matmul(turned, unit);
  const int64_t count = x.dim(rows ? 0 : 1).value();
  const Tensor others = products * (1.0 - ops::eye(count, {}, 0, x.dtype()));
  const double pairs = static_cast<double>(count) * (static_cast<double>(count) - 1.0) / 2.0;
  return options_.factor * 0.5 * ops::sum(ops::abs(others)) / pairs;
}

}  // namespace regularizers
}  // namespace keras
