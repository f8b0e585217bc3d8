// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keras/graph/attributes.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// Number of an op: a position in ops.def, or a number given to a user's op at registration.
enum class OpId : uint16_t {
#define KERAS_OP(name, operands, results, Attributes, traits, reads, doc) name##_op,
#include "keras/graph/ops.def"
#undef KERAS_OP
  count
};

namespace internal {

struct VjpContext;
struct DecomposeContext;

/// What an op's shape rule sees and fills.
struct InferContext {
  std::string_view op;
  const void* attributes = nullptr;
  std::span<const TensorType> operands;
  SmallVector<TensorType, 4> results;  ///< the rule appends these

  template <class A>
  const A& attrs() const {
    return *static_cast<const A*>(attributes);
  }
  const Shape& shape(size_t i) const { return operands[i].shape; }
  DType dtype(size_t i) const { return operands[i].dtype; }
  void result(DType dtype, const Shape& shape) { results.push_back({dtype, shape}); }
};

/// One sample call of an op, for the generated tests.
struct OpSample {
  std::string name;                 ///< "broadcast", "stride 2"
  std::vector<Tensor> operands;     ///< float operands in float64; the tests convert to other dtypes
  std::vector<uint8_t> attributes;  ///< bytes of the attribute struct
  bool differentiable = true;       ///< false where this sample sits on a kink
};

/// The rule block of an op: everything that it means. Registered by src/ops/<family>.cpp.
struct OpRule {
  void (*infer)(InferContext&) = nullptr;
  /// Cotangents of the operands; an undefined tensor where none flows.
  Tensors (*vjp)(VjpContext&) = nullptr;
  /// The same results (then canonical residuals, if asked) from other ops; required for fused ops.
  Tensors (*decompose)(DecomposeContext&) = nullptr;
  std::vector<OpSample> (*samples)() = nullptr;
};

/// One row of the op table, with its rule block.
struct OpDef {
  OpId id;
  std::string name;
  int operands = 0;  ///< -1: any number
  int results = 0;   ///< -1: given by infer
  AttributeTable attributes;
  std::string traits;
  std::string reads;
  std::string doc;
  OpRule rule;

  bool has(char trait) const { return traits.find(trait) != std::string::npos; }
};

/// The row of an op. Rows of ops.def exist from the start; their rules after static initialisation.
const OpDef& op_def(OpId id);
/// The row of a name, or nullptr.
const OpDef* find_op(std::string_view name);
/// Every row, in the order of ids.
std::vector<const OpDef*> all_ops();
/// Sets the rule block of an op; used through KERAS_OP_RULE.
bool register_rule(OpId id, const OpRule& rule);
/// Adds an op at run time; `name` must be new. Its attributes come from `attributes`.
OpId register_op(OpDef definition);

/// Runs the shape rule. Throws ValueError or TypeError with the op's name for operands that do not fit.
SmallVector<TensorType, 4> infer(const OpDef& op, const void* attributes,
                                 std::span<const TensorType> operands);

/// KERAS_OP_RULE(add, .infer = ..., .vjp = ...): registers a rule block at static initialisation.
#define KERAS_OP_RULE(name, ...)                                    \
  [[maybe_unused]] static const bool keras_rule_registered_##name = \
      ::keras::internal::register_rule(::keras::OpId::name##_op, ::keras::internal::OpRule{__VA_ARGS__})

}  // namespace internal
}  // namespace keras
