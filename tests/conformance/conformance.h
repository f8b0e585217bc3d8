// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "chosen_backend.h"
#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"

/// What a backend must prove: the backend of the environment (KERAS_BACKEND) computes, and native is what its
/// results are compared with.
namespace keras::internal {

inline Tensor ramp(const Shape& shape, double scale = 0.1, double from = 1.0) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(scale * std::sin(from + 1.7 * static_cast<double>(i)));
  return Tensor::from(values, shape);
}

inline TensorType type_of(const Tensor& t) { return {t.dtype(), t.shape()}; }

inline std::vector<TensorType> types_of(std::span<const Tensor> tensors) {
  std::vector<TensorType> out;
  for (const Tensor& t : tensors) out.push_back(type_of(t));
  return out;
}

/// The same elements, not yet on any backend.
inline std::vector<Tensor> on_host(std::span<const Tensor> tensors) {
  std::vector<Tensor> out;
  for (const Tensor& t : tensors) out.push_back(Tensor::copy(t.host_data(), t.shape(), t.dtype()));
  return out;
}

inline double dot(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>();
  const auto y = b.to_vector<double>();
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

class Conformance : public testing::Test {
 protected:
  static const std::string& backend() { return current_backend().name(); }
  static bool native() { return backend() == "native"; }
  // Backends of which every case below wants the op itself: a decomposition would prove nothing about them.
  static bool complete() { return native() || backend() == "torch" || backend() == "tensorflow"; }
  static bool compiles() { return backend() != "plain"; }

  template <class A>
  static Tensors run(OpId op, const A& attributes, std::span<const Tensor> operands, bool residuals = false) {
    if (complete()) expect_native(op, attributes, operands, residuals);
    return apply(OpCall{&op_def(op), &attributes, operands, residuals, {}, {}});
  }

  // The backend's own answer must be "native": a decomposition would prove nothing.
  template <class A>
  static void expect_native(OpId op, const A& attributes, std::span<const Tensor> operands, bool residuals) {
    std::vector<keras_desc> in;
    std::vector<keras_desc> out;
    for (const Tensor& t : operands) in.push_back(to_desc(t));
    const auto types = types_of(operands);
    for (const TensorType& t : infer(op_def(op), &attributes, types)) out.push_back(to_desc(t));
    keras_op call{};
    call.struct_size = sizeof(call);
    call.name = op_def(op).name.c_str();
    call.attributes = &attributes;
    call.attributes_size = sizeof(A);
    call.num_inputs = static_cast<int32_t>(in.size());
    call.num_outputs = static_cast<int32_t>(out.size());
    call.inputs = in.data();
    call.outputs = out.data();
    call.wants_residuals = residuals ? 1 : 0;
    keras_prepared answer{};
    answer.struct_size = sizeof(answer);
    const auto& table = current_backend().table();
    EXPECT_EQ(table.prepare(0, &call, &answer), KERAS_OK) << table.last_error();
    EXPECT_EQ(answer.verdict, KERAS_NATIVE) << call.name << ": " << answer.reason;
    if (answer.kernel != nullptr) table.release_kernel(answer.kernel);
  }

  // Equal to rounding, integers exactly.
  static void expect_close(const Tensor& got, const Tensor& wanted, const std::string& what) {
    EXPECT_EQ(type_of(got), type_of(wanted)) << what;
    const auto x = got.to_vector<double>();
    const auto y = wanted.to_vector<double>();
    ASSERT_EQ(x.size(), y.size()) << what;
    const bool exact = !is_float(wanted.dtype());
    for (size_t i = 0; i < x.size(); ++i) {
      const double tolerance = exact ? 0 : 1e-6 + 1e-5 * std::abs(y[i]);
      EXPECT_LE(std::abs(x[i] - y[i]), tolerance)
          << what << ", element " << i << ": " << x[i] << ", " << y[i];
    }
  }

  // Eagerly, as a graph of one node (which must be bit for bit the same), and on native.
  template <class A>
  static std::vector<Tensor> everywhere(OpId op, const A& attributes, const std::vector<Tensor>& operands) {
    const Tensors eager = run(op, attributes, operands);
    auto graph = std::make_shared<Graph>();
    std::vector<Graph::Value> inputs;
    for (const Tensor& t : operands) inputs.push_back(graph->add_input(type_of(t)));
    graph->set_outputs(graph->add_node(op, &attributes, inputs));
    const Tensors compiled = execute(graph, operands);
    EXPECT_EQ(eager.size(), compiled.size());
    for (size_t i = 0; i < eager.size(); ++i) {
      EXPECT_EQ(type_of(eager[i]), type_of(compiled[i]));
      EXPECT_EQ(eager[i].to_vector<double>(), compiled[i].to_vector<double>())
          << op_def(op).name << " result " << i;
    }
    if (!native()) {
      const auto copies = on_host(operands);
      const tests::ChosenBackend reference("native");
      const Tensors wanted = run(op, attributes, copies);
      for (size_t i = 0; i < eager.size(); ++i) {
        expect_close(eager[i], wanted[i], op_def(op).name + " result " + std::to_string(i));
      }
    }
    return {eager.begin(), eager.end()};
  }

  static Tensors execute(const std::shared_ptr<const Graph>& graph, const std::vector<Tensor>& operands) {
    const Executable executable(current_backend(), graph, std::vector<keras_use>(operands.size(), KERAS_KEEP),
                                std::vector<int>(graph->outputs().size(), -1));
    EXPECT_EQ(executable.compiled(), compiles());
    std::vector<Tensor> given = operands;
    return executable.run(given);
  }
};

}  // namespace keras::internal
