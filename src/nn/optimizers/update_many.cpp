// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>

#include "keras/nn/optimizer.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/runtime/interpreter.h"

namespace keras {

Json FieldCodec<LearningRate>::to_json(const LearningRate& value) {
  if (value.schedule()) return serialize_object(*value.schedule());
  return static_cast<double>(static_cast<float>(value.callable() ? value.callable()() : value.value()));
}

LearningRate FieldCodec<LearningRate>::from_json(const Json& json, std::string_view where) {
  if (json.is_number()) return json.as_real(where);
  const auto envelope = ObjectEnvelope::from_json(json, where);
  return make_object<LearningRateSchedule>(ObjectCategory::schedule, envelope.lookup_name(), envelope.config,
                                           where);
}

Json Optimizer::with_current_rate(Json config) const {
  if (learning_rate_.defined()) config.set("learning_rate", learning_rate_.value().item<double>());
  if (!settings_.loss_scale_factor) config.set("loss_scale_factor", nullptr);
  return config;
}

std::shared_ptr<Optimizer> Optimizer::from_name(const std::string& name) {
  // Keras looks the name up in lower case: "RMSProp" is "rmsprop".
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool known = find_object(kCategory, name) != nullptr || find_object(kCategory, lower) == nullptr;
  return make_object<Optimizer>(kCategory, known ? name : lower, Json::dict(), "optimizers");
}

namespace internal {

namespace {

// Takes values out of variables so that the op may write into their memory, and puts them back unless the
// new values were stored: an op that fails leaves the variables as they were.
class BorrowedValues {
 public:
  explicit BorrowedValues(std::vector<Variable> variables) : variables_(std::move(variables)) {}
  BorrowedValues(const BorrowedValues&) = delete;
  BorrowedValues& operator=(const BorrowedValues&) = delete;
  ~BorrowedValues() {
    for (size_t i = 0; i < taken_; ++i) {
      auto& value = variables_[i].slot().value;
      if (!value.defined()) value = std::move((*operands_)[first_ + i]);
    }
  }
  void take(std::vector<Tensor>& operands) {
    operands_ = &operands;
    first_ = operands.size();
    for (const auto& v : variables_) {
      operands.push_back(std::move(v.slot().value));
      ++taken_;
    }
  }

 private:
  std::vector<Variable> variables_;
  std::vector<Tensor>* operands_ = nullptr;
  size_t first_ = 0;
  size_t taken_ = 0;
};

}  // namespace

void update_many(const UpdateAttributes& rule, const Tensor& rate, const Tensor& iteration,
                 const Tensor& extra, const std::vector<Tensor>& gradients,
                 const std::vector<Variable>& variables, const std::vector<size_t>& indices,
                 const std::vector<std::vector<Variable>>& slots) {
  UpdateAttributes attributes = rule;
  attributes.count = static_cast<int64_t>(variables.size());
  attributes.slots = static_cast<int64_t>(slots.size());
  std::vector<Variable> states;
  for (const size_t i : indices) {
    for (const auto& kind : slots) states.push_back(kind[i]);
  }
  std::vector<Tensor> operands{rate, iteration};
  if (extra.defined()) operands.push_back(extra);
  const OpDef& op = op_def(OpId::update_many_op);
  const bool eager = top_interpreter() == nullptr;
  const size_t parameters_at = operands.size();
  const size_t count = variables.size();
  const size_t states_at = parameters_at + 2 * count;
  Tensors results;
  if (eager) {
    BorrowedValues parameters(variables);
    BorrowedValues kept(states);
    parameters.take(operands);
    for (size_t i = 0; i < count; ++i) operands.push_back(ops::cast(gradients[i], variables[i].dtype()));
    kept.take(operands);
    std::vector<int> donations(operands.size(), -1);
    for (size_t i = 0; i < count; ++i) donations[parameters_at + i] = static_cast<int>(i);
    for (size_t i = 0; i < states.size(); ++i) donations[states_at + i] = static_cast<int>(count + i);
    results = apply(OpCall{&op, &attributes, operands, false, donations, {}});
    for (size_t i = 0; i < count; ++i) eager_interpreter().assign(variables[i].slot(), results[i]);
    for (size_t i = 0; i < states.size(); ++i)
      eager_interpreter().assign(states[i].slot(), results[count + i]);
    return;
  }
  for (const auto& v : variables) operands.push_back(v.value());
  for (size_t i = 0; i < count; ++i) operands.push_back(ops::cast(gradients[i], variables[i].dtype()));
  for (const auto& s : states) operands.push_back(s.value());
  results = apply(OpCall{&op, &attributes, operands, false, {}, {}});
  for (size_t i = 0; i < count; ++i) variables[i].assign(results[i]);
  for (size_t i = 0; i < states.size(); ++i) states[i].assign(results[count + i]);
}

}  // namespace internal
}  // namespace keras
