// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/abstract_evaluation.h"

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"

namespace keras {

namespace {

class TypeOnly final : public internal::AbstractValue {
 public:
  std::string why_unreadable() const override {
    return "Only dtypes and shapes are computed here (a layer's or function's output shape is being found), "
           "so "
           "a tensor has no values to read";
  }
};

// The types of a control-flow op: the last region's results, those of a scan's step stacked along axis 0.
Tensors region_results(const internal::OpCall& call) {
  if (call.regions.empty()) {
    internal::fail<UnsupportedError>({call.op->name, "A control-flow op needs its regions", "", ""});
  }
  const Graph& body = call.op->id == OpId::custom_vjp_op ? *call.regions.front() : *call.regions.back();
  Tensors out;
  for (const Graph::Value v : body.outputs()) out.push_back(AbstractEvaluation::tensor(body.type(v)));
  if (call.op->id == OpId::scan_op) {
    const auto& attributes = *static_cast<const ScanAttributes*>(call.attributes);
    const auto carries = static_cast<size_t>(attributes.carries);
    const Dim length =
        attributes.length >= 0 ? Dim(attributes.length) : call.operands[carries].shape().front();
    for (size_t i = carries; i < out.size(); ++i) {
      out[i] = AbstractEvaluation::tensor({out[i].dtype(), Shape{length} + out[i].shape()});
    }
  }
  return out;
}

class TypeInterpreter final : public internal::Interpreter {
 public:
  Tensors apply(const internal::OpCall& call) override {
    if (call.op->has('X')) return region_results(call);
    SmallVector<TensorType, 6> types;
    for (const Tensor& t : call.operands) types.push_back({t.dtype(), t.shape()});
    Tensors out;
    for (const auto& type : internal::infer(*call.op, call.attributes, types)) {
      out.push_back(AbstractEvaluation::tensor(type));
    }
    return out;
  }
  Tensor read(internal::VariableSlot& variable) override {
    return AbstractEvaluation::tensor({variable.dtype, variable.shape});
  }
  void assign(internal::VariableSlot&, Tensor) override {}
  bool tracing() const override { return true; }
};

}  // namespace

struct AbstractEvaluation::State {
  TypeInterpreter interpreter;
  internal::InterpreterScope scope{interpreter};
};

AbstractEvaluation::AbstractEvaluation() : state_(std::make_unique<State>()) {}
AbstractEvaluation::~AbstractEvaluation() = default;

Tensor AbstractEvaluation::tensor(const TensorType& type) {
  static const auto value = std::make_shared<TypeOnly>();
  auto* impl = new internal::TensorImpl;  // NOLINT: the Tensor adopts it
  impl->dtype = type.dtype;
  impl->shape = type.shape;
  impl->abstract = value;
  return Tensor(impl);
}

bool AbstractEvaluation::running() {
  return dynamic_cast<TypeInterpreter*>(&internal::current_interpreter()) != nullptr;
}

}  // namespace keras
