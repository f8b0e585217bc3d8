// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstring>

#include "builder.h"

namespace keras::tensorflow {
namespace {

struct Setter {
  TF_OperationDescription* node;
  const char* name;
  void operator()(bool v) const { TF_SetAttrBool(node, name, v ? 1 : 0); }
  void operator()(int64_t v) const { TF_SetAttrInt(node, name, v); }
  void operator()(float v) const { TF_SetAttrFloat(node, name, v); }
  void operator()(const std::string& v) const { TF_SetAttrString(node, name, v.data(), v.size()); }
  void operator()(TF_DataType v) const { TF_SetAttrType(node, name, v); }
  void operator()(const Sizes& v) const {
    TF_SetAttrIntList(node, name, v.data(), static_cast<int>(v.size()));
  }
  void operator()(const std::vector<TF_DataType>& v) const {
    TF_SetAttrTypeList(node, name, v.data(), static_cast<int>(v.size()));
  }
  void operator()(const FunctionName& v) const {
    TF_SetAttrFuncName(node, name, v.name.data(), v.name.size());
  }
};

std::string new_function_name() {
  static std::atomic<uint64_t> count{0};
  return "keras_function_" + std::to_string(count.fetch_add(1));
}

}  // namespace

Function::Function(std::string name, TF_Function* function) : name_(std::move(name)) {
  const Status status;
  TFE_ContextAddFunction(context(), function, status);
  status.check("TFE_ContextAddFunction");
}

Function::~Function() {
  const Status status;
  TFE_ContextRemoveFunction(context(), name_.c_str(), status);
}

Tracer::Tracer() : graph_(TF_NewGraph()) {}
Tracer::~Tracer() = default;

std::string Tracer::next_name() { return place_ + "_" + std::to_string(count_++); }

TF_Operation* Tracer::finished(TF_OperationDescription* node, const char* op) {
  const Status status;
  TF_Operation* done = TF_FinishOperation(node, status);
  status.check(op);
  return done;
}

Value Tracer::argument(TF_DataType type, const Sizes* sizes) {
  TF_OperationDescription* node = TF_NewOperation(graph_.get(), "Placeholder", next_name().c_str());
  TF_SetAttrType(node, "dtype", type);
  if (sizes != nullptr) TF_SetAttrShape(node, "shape", sizes->data(), static_cast<int>(sizes->size()));
  arguments_.push_back({finished(node, "Placeholder"), 0});
  return {nullptr, arguments_.back()};
}

Values Tracer::many(const char* op, int results, const std::vector<Operand>& operands,
                    const std::vector<Attribute>& attributes) {
  TF_OperationDescription* node = TF_NewOperation(graph_.get(), op, next_name().c_str());
  for (const Operand& operand : operands) {
    if (operand.is_list) {
      std::vector<TF_Output> list;
      for (const Value& v : operand.values) list.push_back(v.output);
      TF_AddInputList(node, list.data(), static_cast<int>(list.size()));
    } else {
      TF_AddInput(node, operand.values.front().output);
    }
  }
  for (const Attribute& a : attributes) std::visit(Setter{node, a.name}, a.value);
  TF_Operation* done = finished(node, op);
  if (!has_kernel(done)) {
    throw Failure(KERAS_ERROR_UNSUPPORTED,
                  std::string("TensorFlow has no CPU kernel of ") + op + " for this dtype");
  }
  Values values;
  for (int i = 0; i < results; ++i) values.push_back({nullptr, {done, i}});
  return values;
}

Value Tracer::constant(TF_DataType type, const Sizes& sizes, const void* data) {
  const size_t bytes = static_cast<size_t>(element_count(sizes)) * TF_DataTypeSize(type);
  const Owned<TF_Tensor> tensor(TF_AllocateTensor(type, sizes.data(), static_cast<int>(sizes.size()), bytes));
  if (bytes != 0) std::memcpy(TF_TensorData(tensor.get()), data, bytes);
  TF_OperationDescription* node = TF_NewOperation(graph_.get(), "Const", next_name().c_str());
  const Status status;
  TF_SetAttrType(node, "dtype", type);
  TF_SetAttrTensor(node, "value", tensor.get(), status);
  TF_Operation* done = finished(node, "Const");
  status.check("Const");
  return {nullptr, {done, 0}};
}

TF_DataType Tracer::type(const Value& x) const { return TF_OperationOutputType(x.output); }

bool Tracer::knows_rank(const Value& x) const {
  const Status status;
  const int rank = TF_GraphGetTensorNumDims(graph_.get(), x.output, status);
  return status.ok() && rank >= 0;
}

std::vector<int64_t> Tracer::sizes(const Value& x) const {
  const Status status;
  const int rank = TF_GraphGetTensorNumDims(graph_.get(), x.output, status);
  status.check("TF_GraphGetTensorNumDims");
  if (rank < 0) return {-1};
  std::vector<int64_t> out(static_cast<size_t>(rank));
  TF_GraphGetTensorShape(graph_.get(), x.output, out.data(), rank, status);
  status.check("TF_GraphGetTensorShape");
  return out;
}

std::vector<std::shared_ptr<Function>> Tracer::finish(const Values& results) {
  // A function's result is the output of a node of its own, never an argument.
  std::vector<TF_Output> outputs;
  for (const Value& v : results) outputs.push_back(op("Identity", {v}).output);
  const std::string name = new_function_name();
  const Status status;
  const Owned<TF_Function> function(TF_GraphToFunction(
      graph_.get(), name.c_str(), 0, -1, nullptr, static_cast<int>(arguments_.size()), arguments_.data(),
      static_cast<int>(outputs.size()), outputs.data(), nullptr, nullptr, nullptr, status));
  status.check("TF_GraphToFunction");
  auto all = functions_;
  all.push_back(std::make_shared<Function>(name, function.get()));
  return all;
}

FunctionName Tracer::function(const Values& operands,
                              const std::function<Values(Builder&, const Values&)>& body) {
  Tracer inner;
  Values arguments;
  for (const Value& v : operands) {
    const Sizes known = sizes(v);
    arguments.push_back(inner.argument(type(v), knows_rank(v) ? &known : nullptr));
  }
  const auto made = inner.finish(body(inner, arguments));
  functions_.insert(functions_.end(), made.begin(), made.end());
  return {made.back()->name()};
}

}  // namespace keras::tensorflow
