// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "compile/passes/list.h"
#include "compile/rewriter.h"
#include "compile/uniform.h"

namespace keras::internal {

using Value = Graph::Value;
inline constexpr Value kNone = Rewriter::kNone;

/// An op of one result on given operands, which may or may not become a node.
struct Expression {
  OpId op;
  const void* attributes;
  std::span<const Value> operands;
  TensorType type;  ///< of the result

  template <class A>
  const A& attrs() const {
    return *static_cast<const A*>(attributes);
  }
};

/// Makes nodes in their simplest form.
class Simplifier {
 public:
  explicit Simplifier(Rewriter& rewriter) : rewriter_(rewriter) {}

  /// A value equal to the expression, or kNone when no rule applies.
  Value simplified(const Expression& expression);
  /// A simplified op of one result.
  Value make(OpId op, const void* attributes, const std::vector<Value>& operands);
  template <class A>
  requires std::is_class_v<A> Value make(OpId op, const A& attributes, const std::vector<Value>& operands) {
    return make(op, static_cast<const void*>(&attributes), operands);
  }
  Value make(OpId op, const std::vector<Value>& operands) {
    const auto none = make_attributes<NoAttributes>();
    return make(op, static_cast<const void*>(&none), operands);
  }
  Value reshape(Value x, const Shape& shape);
  Value transpose(Value x, std::span<const int64_t> permutation);
  /// x in a larger shape.
  Value broadcast(Value x, const TensorType& wanted);
  /// One number everywhere.
  Value number(const TensorType& wanted, double value);

  Rewriter& rewriter() { return rewriter_; }
  const Rewriter& rewriter() const { return rewriter_; }
  const TensorType& type(Value v) const { return rewriter_.type(v); }
  const Graph::Node* maker(Value v, OpId op) const { return rewriter_.maker(v, op); }
  bool is(Value v, double number) const { return is_uniform(rewriter_, v, number); }

 private:
  Rewriter& rewriter_;
};

/// dot_general whose operands are transposed: the product of what they were, when the order of the result's
/// axes allows it.
Value product_of_transposed(Simplifier& simplifier, const Expression& expression);
/// transpose of a dot_general that nothing else reads: the product with its operands exchanged, when that is
/// what the permutation does.
Value transposed_product(Simplifier& simplifier, const Expression& expression);

}  // namespace keras::internal
