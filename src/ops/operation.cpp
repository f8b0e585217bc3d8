// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/operation.h"

#include <fmt/format.h>

#include <atomic>
#include <cctype>
#include <mutex>
#include <unordered_map>

#include "keras/base/error.h"
#include "keras/ops/abstract_evaluation.h"

namespace keras {

Json Operation::plain_argument(size_t) const { return nullptr; }

std::string SymbolicValue::why_unreadable() const {
  return fmt::format(
      "'{}' is a KerasTensor: it stands for a value of a functional model and has no elements. Use functions "
      "of "
      "keras::ops or layers on it, make a Model of it, and read that model's outputs",
      name);
}

namespace {

Tensor make_symbolic(const TensorType& type, std::shared_ptr<const OperationNode> node, int index,
                     std::string name) {
  auto value = std::make_shared<SymbolicValue>();
  value->node = std::move(node);
  value->output_index = index;
  value->name = name.empty() ? internal::auto_name("keras_tensor") : std::move(name);
  auto* impl = new internal::TensorImpl;  // NOLINT: the Tensor adopts it
  impl->dtype = type.dtype;
  impl->shape = type.shape;
  impl->abstract = std::move(value);
  return Tensor(impl);
}

}  // namespace

Tensor keras_tensor(const TensorType& type, std::string name) {
  return make_symbolic(type, nullptr, 0, std::move(name));
}

const SymbolicValue* symbolic_value(const Tensor& tensor) {
  if (!tensor.abstract()) return nullptr;
  return dynamic_cast<const SymbolicValue*>(tensor.impl().abstract.get());
}

bool has_keras_tensor(const Nest& nest) {
  for (const Tensor& t : nest.flatten()) {
    if (is_keras_tensor(t)) return true;
  }
  return false;
}

std::shared_ptr<OperationNode> make_node(std::shared_ptr<Operation> operation, Nest args, Nest kwargs,
                                         std::vector<TensorType> outputs, std::vector<std::string> names) {
  static std::atomic<uint64_t> count{0};
  auto node = std::make_shared<OperationNode>();
  node->operation = std::move(operation);
  node->args = std::move(args);
  node->kwargs = std::move(kwargs);
  node->outputs = std::move(outputs);
  node->names = std::move(names);
  node->serial = ++count;
  while (node->names.size() < node->outputs.size())
    node->names.push_back(internal::auto_name("keras_tensor"));
  return node;
}

std::vector<Tensor> node_outputs(const std::shared_ptr<const OperationNode>& node) {
  std::vector<Tensor> out;
  for (size_t i = 0; i < node->outputs.size(); ++i) {
    out.push_back(make_symbolic(node->outputs[i], node, static_cast<int>(i), node->names[i]));
    if (i < node->masks.size() && node->masks[i].defined()) out.back().set_mask(node->masks[i]);
  }
  return out;
}

std::vector<Tensor> record_node(std::shared_ptr<Operation> operation, Nest args, Nest kwargs,
                                std::vector<TensorType> outputs) {
  return node_outputs(
      make_node(std::move(operation), std::move(args), std::move(kwargs), std::move(outputs)));
}

std::vector<TensorType> abstract_outputs(const std::function<std::vector<Tensor>(const Nest&)>& f,
                                         const Nest& args) {
  const AbstractEvaluation scope;
  const Nest types = args.map([](const Tensor& t) {
    return is_keras_tensor(t) ? AbstractEvaluation::tensor({t.dtype(), t.shape()}) : t;
  });
  std::vector<TensorType> out;
  for (const Tensor& t : f(types)) out.push_back({t.dtype(), t.shape()});
  return out;
}

std::shared_ptr<Operation> make_operation(std::string_view class_name, const Json& config) {
  return make_object<Operation>(ObjectCategory::operation, class_name, config, "operation");
}

const std::vector<OperationInfo>& operation_infos() {
  static const std::vector<OperationInfo> infos = {
#define KERAS_OPERATION(function, module, class_name, parameters, call_arguments) \
  {#function, class_name, module, parameters, call_arguments},
#include "ops/operations.def"
#undef KERAS_OPERATION
  };
  return infos;
}

namespace internal {

std::string to_snake_case(std::string_view class_name) {
  std::string out;
  const auto upper = [&](size_t i) {
    return i < class_name.size() && std::isupper(static_cast<unsigned char>(class_name[i])) != 0;
  };
  const auto lower = [&](size_t i) {
    return i < class_name.size() && std::islower(static_cast<unsigned char>(class_name[i])) != 0;
  };
  for (size_t i = 0; i < class_name.size(); ++i) {
    const auto c = static_cast<unsigned char>(class_name[i]);
    if (std::isalnum(c) == 0 && c != '_') continue;
    // A word begins at a capital before a small letter, and at a capital after one.
    if (i > 0 && upper(i) && (lower(i + 1) || lower(i - 1)) && !out.empty()) out += '_';
    out += static_cast<char>(std::tolower(c));
  }
  return out;
}

namespace {

struct NameCounts {
  std::mutex mutex;
  std::unordered_map<std::string, int> used;
};

NameCounts& name_counts() {
  static NameCounts counts;
  return counts;
}

}  // namespace

std::string auto_name(std::string_view prefix) {
  std::string name = to_snake_case(prefix);
  auto& counts = name_counts();
  const std::lock_guard lock(counts.mutex);
  const int used = counts.used[name]++;
  return used == 0 ? name : fmt::format("{}_{}", name, used);
}

void reset_auto_names() {
  auto& counts = name_counts();
  const std::lock_guard lock(counts.mutex);
  counts.used.clear();
}

}  // namespace internal
}  // namespace keras
