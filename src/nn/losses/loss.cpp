// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/loss.h"

#include <fmt/format.h>

#include "base/error_context.h"
#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/extent.h"

namespace keras {

Json FieldCodec<Reduction>::to_json(Reduction value) {
  for (const auto& row : EnumNames<Reduction>::names) {
    if (row.value == value) return row.name;
  }
  return nullptr;
}

Reduction FieldCodec<Reduction>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return Reduction::none;
  const std::string& name = json.as_string(where);
  std::vector<std::string> names;
  for (const auto& row : EnumNames<Reduction>::names) {
    if (name == row.name) return row.value;
    names.emplace_back(row.name);
  }
  internal::fail_enum(where, name, names);
}

namespace internal {

std::pair<Tensor, Tensor> squeeze_or_expand_to_same_rank(Tensor a, Tensor b, bool expand_rank_1) {
  if (a.rank() == b.rank() + 1 && a.dim(-1) == Dim(1)) {
    if (b.rank() == 1 && expand_rank_1) {
      b = ops::expand_dims(b, -1);
    } else {
      a = ops::squeeze(a, -1);
    }
  } else if (b.rank() == a.rank() + 1 && b.dim(-1) == Dim(1)) {
    if (a.rank() == 1 && expand_rank_1) {
      a = ops::expand_dims(a, -1);
    } else {
      b = ops::squeeze(b, -1);
    }
  }
  return {std::move(a), std::move(b)};
}

namespace {
// The number of elements, as a tensor of the dtype; symbolic dimensions are read when data arrive.
Tensor element_count(const Tensor& t, DType dtype) {
  if (t.shape().known()) return ops::cast(Tensor(t.shape().elements()), dtype);
  Tensor count = Tensor(1);
  for (int i = 0; i < t.rank(); ++i) count = count * extent(t, i);
  return ops::cast(count, dtype);
}
}  // namespace

Tensor apply_mask(Tensor sample_weight, const Tensor& mask, DType dtype, Reduction reduction) {
  if (!mask.defined()) return sample_weight;
  Tensor weights = ops::cast(mask, dtype);
  if (reduction == Reduction::mean || reduction == Reduction::sum_over_batch_size) {
    const Tensor scale = ops::divide_no_nan(element_count(mask, dtype), ops::sum(weights));
    weights = ops::where(ops::cast(mask, DType::bool_), scale, ops::zeros_like(scale));
  }
  if (!sample_weight.defined()) return weights;
  auto [w, s] = squeeze_or_expand_to_same_rank(weights, ops::cast(sample_weight, dtype));
  return s * w;
}

Tensor reduce_weighted_values(Tensor values, Tensor sample_weight, const Tensor& mask, Reduction reduction,
                              DType dtype) {
  values = ops::cast(values, dtype);
  if (sample_weight.defined()) sample_weight = ops::cast(sample_weight, dtype);
  sample_weight = apply_mask(sample_weight, mask, dtype, reduction);
  if (sample_weight.defined()) {
    std::tie(values, sample_weight) = squeeze_or_expand_to_same_rank(values, sample_weight);
    values = values * sample_weight;
  }
  if (reduction == Reduction::none || values.rank() == 0 || values.shape() == Shape{0}) return values;
  const Tensor total = ops::sum(values);
  if (reduction == Reduction::sum) return total;
  if (reduction == Reduction::mean_with_sample_weight && sample_weight.defined()) {
    return ops::divide_no_nan(total, ops::cast(ops::sum(sample_weight), total.dtype()));
  }
  return ops::divide_no_nan(total, element_count(values, total.dtype()));
}

}  // namespace internal

Loss::Loss(LossOptions options) : base_(std::move(options)) {}

DType Loss::dtype() const { return base_.dtype.value_or(floatx()); }

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  const Tensor in_mask = y_pred.mask();
  const Tensor pred = ops::cast(y_pred, dtype());
  const auto where = [&](std::string_view) {
    return fmt::format("In loss '{}', of y_true {} and y_pred {}{}", name(), y_true.shape().to_string(),
                       y_pred.shape().to_string(),
                       sample_weight.defined() ? ", sample_weight " + sample_weight.shape().to_string() : "");
  };
  const Tensor losses = internal::in_context([&] { return call(ops::cast(y_true, dtype()), pred); }, where);
  const Tensor out_mask = losses.mask();
  Tensor mask = in_mask;
  if (out_mask.defined()) mask = mask.defined() ? ops::logical_and(mask, out_mask) : out_mask;
  return internal::in_context(
      [&] { return internal::reduce_weighted_values(losses, sample_weight, mask, base_.reduction, dtype()); },
      where);
}

namespace {

class CallableLoss final : public Loss {
 public:
  explicit CallableLoss(std::function<Tensor(const Tensor&, const Tensor&)> f)
      : Loss({.name = "loss"}), f_(std::move(f)) {}
  std::string class_name() const override { return "callable"; }
  Tensor call(const Tensor& y_true, const Tensor& y_pred) const override { return f_(y_true, y_pred); }

 private:
  std::function<Tensor(const Tensor&, const Tensor&)> f_;
};

}  // namespace

std::shared_ptr<Loss> Loss::from_name(const std::string& name) {
  return make_object<Loss>(kCategory, name, Json::dict(), "losses");
}

std::shared_ptr<Loss> Loss::from_callable(std::function<Tensor(const Tensor&, const Tensor&)> f) {
  return std::make_shared<CallableLoss>(std::move(f));
}

}  // namespace keras
