// SPDX-License-Identifier: Apache-2.0
// One way to write what an op of ours is in TensorFlow's ops: run at once, or put into a graph.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <variant>

#include "framework.h"

namespace keras::tensorflow {

/// A tensor on the way through a kernel: a handle where ops run at once, an output of a node in a graph.
struct Value {
  Handle handle;
  TF_Output output{nullptr, 0};
};
using Values = std::vector<Value>;

/// An operand: one tensor, or a list of them.
struct Operand {
  Operand(Value value) : values{std::move(value)} {}                // NOLINT: written in braces
  Operand(Values list) : values(std::move(list)), is_list(true) {}  // NOLINT
  Values values;
  bool is_list = false;
};

/// The name of a function in a graph's attributes.
struct FunctionName {
  std::string name;
};
/// An attribute of one of TensorFlow's ops.
struct Attribute {
  const char* name;
  std::variant<bool, int64_t, float, std::string, TF_DataType, Sizes, std::vector<TF_DataType>, FunctionName>
      value;
};

class Builder {
 public:
  Builder() = default;
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;
  virtual ~Builder() = default;

  /// The results of one of TensorFlow's ops.
  virtual Values many(const char* op, int results, const std::vector<Operand>& operands,
                      const std::vector<Attribute>& attributes = {}) = 0;
  virtual Value constant(TF_DataType type, const Sizes& sizes, const void* data) = 0;
  virtual TF_DataType type(const Value& x) const = 0;
  /// Sizes, -1 where a graph does not know them; {-1} where not even the rank is known.
  virtual std::vector<int64_t> sizes(const Value& x) const = 0;
  /// A function of tensors like `operands` for control flow. Throws where ops run at once.
  virtual FunctionName function(const Values& operands,
                                const std::function<Values(Builder&, const Values&)>& body) = 0;

  /// Ops from here on belong to that op of ours, which failures then name.
  virtual void at(const std::string&) {}

  /// The only result of an op.
  Value op(const char* name, const std::vector<Operand>& operands,
           const std::vector<Attribute>& attributes = {}) {
    return std::move(many(name, 1, operands, attributes).front());
  }
  /// One number of a dtype.
  Value scalar(TF_DataType type, double value);
  Value integers(const Sizes& values);  ///< an int64 vector
  Value cast(const Value& x, TF_DataType to);
  Value reshape(const Value& x, const Sizes& sizes);
  Value transpose(const Value& x, const Sizes& permutation);
  Value zeros(TF_DataType type, const Sizes& sizes);
  /// Reductions over axes.
  Value reduce(const char* op, const Value& x, const Sizes& axes, bool keep);
  /// The box [start, limit) of x with steps.
  Value slice(const Value& x, const Sizes& start, const Sizes& limit, const Sizes& stride);

  Value add(const Value& a, const Value& b) { return op("AddV2", {a, b}); }
  Value sub(const Value& a, const Value& b) { return op("Sub", {a, b}); }
  Value mul(const Value& a, const Value& b) { return op("Mul", {a, b}); }
  Value div(const Value& a, const Value& b) { return op("RealDiv", {a, b}); }
  Value select(const Value& test, const Value& yes, const Value& no) {
    return op("SelectV2", {test, yes, no});
  }
  Value mul(const Value& a, double b) { return mul(a, scalar(type(a), b)); }
  Value add(const Value& a, double b) { return add(a, scalar(type(a), b)); }
};

/// Runs ops at once.
Builder& eager();

/// A function known to the context while it lives.
class Function {
 public:
  Function(std::string name, TF_Function* function);
  ~Function();
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// Puts ops into a graph, which becomes a function. Throws Failure(KERAS_ERROR_UNSUPPORTED) for an op without
/// a kernel for its dtypes.
class Tracer final : public Builder {
 public:
  Tracer();
  ~Tracer() override;
  Value argument(TF_DataType type, const Sizes* sizes);
  /// The graph from its arguments to `results` as a function; functions of control flow come along.
  std::vector<std::shared_ptr<Function>> finish(const Values& results);

  Values many(const char* op, int results, const std::vector<Operand>& operands,
              const std::vector<Attribute>& attributes) override;
  Value constant(TF_DataType type, const Sizes& sizes, const void* data) override;
  TF_DataType type(const Value& x) const override;
  std::vector<int64_t> sizes(const Value& x) const override;
  bool knows_rank(const Value& x) const;
  FunctionName function(const Values& operands,
                        const std::function<Values(Builder&, const Values&)>& body) override;

  void at(const std::string& op) override { place_ = op; }

 private:
  std::string next_name();
  TF_Operation* finished(TF_OperationDescription* node, const char* op);
  Owned<TF_Graph> graph_;
  std::vector<TF_Output> arguments_;
  std::vector<std::shared_ptr<Function>> functions_;
  std::string place_ = "n";
  int count_ = 0;
};

}  // namespace keras::tensorflow
