// SPDX-License-Identifier: Apache-2.0
// What the tests of the passes share: hand-made programs, run before and after.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "compile/pass.h"
#include "keras/graph/graph.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"

namespace keras::internal::tests {

using Value = Graph::Value;

inline TensorType f32(Shape shape) { return {DType::float32, std::move(shape)}; }

/// A program under construction, with short names for what the tests add.
struct Draft {
  Graph graph;

  Value input(const TensorType& type) { return graph.add_input(type); }
  Value op(OpId id, const std::vector<Value>& in) {
    return graph.add(id, make_attributes<NoAttributes>(), in);
  }
  template <class A>
  Value op(OpId id, const A& attributes, const std::vector<Value>& in) {
    return graph.add(id, attributes, in);
  }
  Value number(double value, DType dtype = DType::float32, const Shape& shape = {}) {
    auto at = make_attributes<ConstantAttributes>();
    at.dtype = static_cast<int64_t>(dtype);
    at.shape = to_list(shape);
    at.real = value;
    at.integer = static_cast<int64_t>(value);
    return graph.add(OpId::constant_op, at, {});
  }
  Value cast(Value x, DType dtype) {
    auto at = make_attributes<CastAttributes>();
    at.dtype = static_cast<int64_t>(dtype);
    return op(OpId::cast_op, at, {x});
  }
  Value reshape(Value x, const Shape& shape) { return shaped(OpId::reshape_op, x, shape); }
  Value broadcast(Value x, const Shape& shape) { return shaped(OpId::broadcast_to_op, x, shape); }
  Value transpose(Value x, std::initializer_list<int64_t> permutation) {
    auto at = make_attributes<PermutationAttributes>();
    at.permutation = to_list(permutation);
    return op(OpId::transpose_op, at, {x});
  }
  Value reduce(OpId id, Value x, std::initializer_list<int64_t> axes, bool keepdims = false) {
    auto at = make_attributes<ReduceAttributes>();
    at.axes = to_list(axes);
    at.keepdims = keepdims ? 1 : 0;
    return op(id, at, {x});
  }
  Value compare(keras_compare direction, Value a, Value b) {
    auto at = make_attributes<CompareAttributes>();
    at.direction = direction;
    return op(OpId::compare_op, at, {a, b});
  }
  Value dot(Value a, Value b, std::initializer_list<int64_t> lc, std::initializer_list<int64_t> rc,
            std::initializer_list<int64_t> lb = {}, std::initializer_list<int64_t> rb = {}) {
    auto at = make_attributes<DotAttributes>();
    at.lhs_contract = to_list(lc);
    at.rhs_contract = to_list(rc);
    at.lhs_batch = to_list(lb);
    at.rhs_batch = to_list(rb);
    return op(OpId::dot_general_op, at, {a, b});
  }

 private:
  Value shaped(OpId id, Value x, const Shape& shape) {
    auto at = make_attributes<ShapeAttributes>();
    at.shape = to_list(shape);
    return op(id, at, {x});
  }
};

/// How many nodes of an op a program has, regions included.
inline int count(const Graph& graph, OpId op) {
  int n = 0;
  for (const auto& node : graph.nodes()) {
    n += node.op == op ? 1 : 0;
    for (const auto& region : node.regions) n += count(*region, op);
  }
  return n;
}
inline int count(const Graph& graph) { return static_cast<int>(graph.nodes().size()); }

/// Elements of any dtype: floats between -2 and 2, integers from 0 to 3.
inline Tensor random_tensor(const TensorType& type, std::mt19937& generator) {
  const auto n = static_cast<size_t>(type.shape.elements());
  if (is_float(type.dtype)) {
    std::uniform_real_distribution<float> uniform(-2, 2);
    std::vector<float> values(n);
    for (float& v : values) v = uniform(generator);
    const Tensor narrow = Tensor::from(values, type.shape);
    if (type.dtype == DType::float32) return narrow;
    auto at = make_attributes<CastAttributes>();
    at.dtype = static_cast<int64_t>(type.dtype);
    return apply_op(OpId::cast_op, at, {narrow});
  }
  std::uniform_int_distribution<int> uniform(0, 3);
  std::vector<int32_t> values(n);
  for (auto& v : values) v = uniform(generator);
  auto at = make_attributes<CastAttributes>();
  at.dtype = static_cast<int64_t>(type.dtype);
  const Tensor wide = Tensor::from(values, type.shape);
  return type.dtype == DType::int32 ? wide : apply_op(OpId::cast_op, at, {wide});
}

inline std::vector<Tensor> random_operands(const Graph& graph, unsigned seed = 1) {
  std::mt19937 generator(seed);
  std::vector<Tensor> out;
  for (const Value v : graph.inputs()) out.push_back(random_tensor(graph.type(v), generator));
  return out;
}

inline Tensors execute(const Graph& graph, std::vector<Tensor> operands) {
  const Executable executable(current_backend(), std::make_shared<Graph>(graph),
                              std::vector<keras_use>(operands.size(), KERAS_KEEP),
                              std::vector<int>(graph.outputs().size(), -1));
  return executable.run(operands);
}

/// Same types; same bits, or values that agree to `tolerance` (relative, and absolute below 1).
inline void expect_same(const Tensors& got, const Tensors& wanted, double tolerance,
                        const std::string& what = "") {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].dtype(), wanted[i].dtype()) << what;
    EXPECT_EQ(got[i].shape(), wanted[i].shape()) << what;
    const auto x = got[i].to_vector<double>(), y = wanted[i].to_vector<double>();
    ASSERT_EQ(x.size(), y.size()) << what;
    for (size_t k = 0; k < x.size(); ++k) {
      if (std::isnan(x[k]) && std::isnan(y[k])) continue;
      const bool equal =
          tolerance == 0 ? x[k] == y[k]
                         : x[k] == y[k] || std::abs(x[k] - y[k]) <= tolerance * std::max(1.0, std::abs(y[k]));
      EXPECT_TRUE(equal) << what << " result " << i << ", element " << k << ": " << x[k] << ", " << y[k];
      if (!equal) return;
    }
  }
}

/// Options under which only the named passes run.
inline PassOptions only(std::initializer_list<const char*> names) {
  PassOptions options;
  for (const auto& name : pass_names()) {
    bool named = false;
    for (const char* n : names) named = named || name == n;
    if (!named) options.disabled.push_back(name);
  }
  return options;
}

/// The program after the passes; its results on random operands must be those from before.
inline Graph optimized(const Graph& before, const PassOptions& options, double tolerance = 0) {
  Graph after = before;
  optimize(after, options);
  EXPECT_EQ(after.inputs().size(), before.inputs().size());
  EXPECT_EQ(after.outputs().size(), before.outputs().size());
  for (size_t i = 0; i < after.inputs().size(); ++i)
    EXPECT_EQ(after.type(after.inputs()[i]), before.type(before.inputs()[i]));
  const auto operands = random_operands(before);
  expect_same(execute(after, operands), execute(before, operands), tolerance,
              "before:\n" + before.to_string() + "after:\n" + after.to_string());
  return after;
}

}  // namespace keras::internal::tests
