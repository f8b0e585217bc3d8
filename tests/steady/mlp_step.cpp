// SPDX-License-Identifier: Apache-2.0
#include "steady/mlp_step.h"

#include <cmath>
#include <random>
#include <utility>

#include "keras/graph/op.h"

namespace keras::tests {
namespace {

using internal::make_attributes;
using Value = Graph::Value;

Tensor random(const Shape& shape, double scale, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> draw(-1, 1);
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (float& value : values) value = static_cast<float>(scale) * draw(engine);
  return Tensor::from(values, shape);
}

// Builds the graph beside the lists that go with it.
class Builder {
 public:
  Value input(Tensor tensor, keras_use use = KERAS_KEEP) {
    const Value v = graph_->add_input({tensor.dtype(), tensor.shape()});
    operands_.push_back(std::move(tensor));
    uses_.push_back(use);
    return v;
  }
  Value constant(Tensor tensor) { return graph_->add_constant(std::move(tensor)); }
  Value op(OpId id, const std::vector<Value>& inputs) {
    return graph_->add(id, make_attributes<NoAttributes>(), inputs);
  }
  Value dot(Value a, Value b, int64_t a_axis, int64_t b_axis) {
    auto attributes = make_attributes<DotAttributes>();
    attributes.lhs_contract.count = attributes.rhs_contract.count = 1;
    attributes.lhs_contract.v[0] = a_axis;
    attributes.rhs_contract.v[0] = b_axis;
    return graph_->add(OpId::dot_general_op, attributes, {a, b});
  }
  Value sum(Value a, int64_t axis) {
    auto attributes = make_attributes<ReduceAttributes>();
    attributes.axes.count = 1;
    attributes.axes.v[0] = axis;
    return graph_->add(OpId::reduce_sum_op, attributes, {a});
  }
  Value number(DType dtype, double real) {
    auto attributes = make_attributes<ConstantAttributes>();
    attributes.dtype = static_cast<int64_t>(dtype);
    attributes.real = real;
    attributes.integer = static_cast<int64_t>(real);
    return graph_->add(OpId::constant_op, attributes, {});
  }
  void output(Value v, int replaces = -1) {
    outputs_.push_back(v);
    replaces_.push_back(replaces);
  }
  Graph& graph() { return *graph_; }
  Program finish() {
    graph_->set_outputs(outputs_);
    return {graph_, std::move(operands_), std::move(uses_), std::move(replaces_)};
  }

 private:
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  std::vector<Tensor> operands_;
  std::vector<keras_use> uses_;
  std::vector<Value> outputs_;
  std::vector<int> replaces_;
};

// The layer's result before and after its activation; the last layer has none.
struct Layer {
  Value x, before, after;
};

std::vector<Layer> forward(Builder& b, Value x, const std::vector<Value>& weights) {
  std::vector<Layer> layers;
  for (size_t i = 0; i + 1 < weights.size(); i += 2) {
    const Value z = b.op(OpId::add_op, {b.dot(x, weights[i], 1, 0), weights[i + 1]});
    const Value y = i + 2 < weights.size() ? b.op(OpId::relu_op, {z}) : z;
    layers.push_back({x, z, y});
    x = y;
  }
  return layers;
}

std::vector<Tensor> initial_weights(const std::vector<int64_t>& widths) {
  std::vector<Tensor> out;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    out.push_back(random({widths[i], widths[i + 1]},
                         std::sqrt(6.0 / static_cast<double>(widths[i] + widths[i + 1])),
                         static_cast<unsigned>(i)));
    out.push_back(random({widths[i + 1]}, 0.01, 3));
  }
  return out;
}

}  // namespace

Program::Program(std::shared_ptr<const Graph> built, std::vector<Tensor> given, std::vector<keras_use> uses,
                 std::vector<int> output_variables)
    : graph(std::move(built)),
      executable(std::make_unique<internal::Executable>(internal::current_backend(), graph, std::move(uses),
                                                        output_variables)),
      operands(std::move(given)),
      results(output_variables.size()),
      replaces(std::move(output_variables)) {}

void Program::step() {
  executable->run(operands, results);
  for (size_t k = 0; k < results.size(); ++k) {
    if (replaces[k] >= 0) operands[static_cast<size_t>(replaces[k])] = std::move(results[k]);
  }
}

Program mlp_training(int64_t batch, const std::vector<int64_t>& widths) {
  Builder b;
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < batch; ++i) labels.push_back(static_cast<int32_t>(i % widths.back()));
  const Value x = b.input(random({batch, widths.front()}, 1, 50));
  const Value y = b.input(Tensor::from(labels));
  const Value iteration = b.input(Tensor::from(std::vector<int64_t>{0}, {}), KERAS_VARIABLE);
  std::vector<Value> weights;
  std::vector<Value> slots;
  for (const Tensor& t : initial_weights(widths)) weights.push_back(b.input(t, KERAS_VARIABLE));
  for (const Tensor& t : initial_weights(widths)) {
    const std::vector<float> zeros(static_cast<size_t>(t.elements()));
    for (int k = 0; k < 2; ++k) slots.push_back(b.input(Tensor::from(zeros, t.shape()), KERAS_VARIABLE));
  }
  const auto layers = forward(b, x, weights);
  const Value logits = layers.back().after;
  auto cross = make_attributes<NoAttributes>();
  const auto loss = b.graph().add_node(OpId::softmax_cross_entropy_op, &cross, {logits, y}, {},
                                       {{DType::float32, {batch}}});
  b.output(b.sum(loss[0], 0));
  auto everywhere = make_attributes<ConstantAttributes>();
  everywhere.dtype = static_cast<int64_t>(DType::float32);
  everywhere.shape.count = 1;
  everywhere.shape.v[0] = batch;
  everywhere.real = 1.0 / static_cast<double>(batch);
  const Value seed = b.graph().add(OpId::constant_op, everywhere, {});
  Value slope = b.op(OpId::softmax_cross_entropy_grad_op, {logits, y, seed, loss[1]});
  std::vector<Value> gradients(weights.size());
  for (size_t i = layers.size(); i-- > 0;) {
    if (i + 1 < layers.size()) {
      auto greater = make_attributes<CompareAttributes>();
      greater.direction = KERAS_GT;
      const Value zero = b.number(DType::float32, 0);
      const Value open = b.graph().add(OpId::compare_op, greater, {layers[i].after, zero});
      slope = b.op(OpId::select_op, {open, slope, zero});
    }
    gradients[2 * i] = b.dot(layers[i].x, slope, 0, 0);
    gradients[2 * i + 1] = b.sum(slope, 0);
    if (i > 0) slope = b.dot(slope, weights[2 * i], 1, 1);
  }
  auto adam = make_attributes<UpdateAttributes>();
  adam.rule = KERAS_UPDATE_ADAM;
  adam.count = static_cast<int64_t>(weights.size());
  adam.slots = 2;
  adam.beta_1 = 0.9;
  adam.beta_2 = 0.999;
  adam.epsilon = 1e-7;
  std::vector<Value> in = {b.number(DType::float32, 1e-3), iteration};
  in.insert(in.end(), weights.begin(), weights.end());
  in.insert(in.end(), gradients.begin(), gradients.end());
  in.insert(in.end(), slots.begin(), slots.end());
  const auto updated = b.graph().add_node(OpId::update_many_op, &adam, in);
  for (size_t k = 0; k < weights.size(); ++k) b.output(updated[k], weights[k]);
  for (size_t k = 0; k < slots.size(); ++k) b.output(updated[weights.size() + k], slots[k]);
  b.output(b.op(OpId::add_op, {iteration, b.number(DType::int64, 1)}), iteration);
  return b.finish();
}

Program mlp_inference(int64_t batch, const std::vector<int64_t>& widths, bool constants) {
  Builder b;
  const Value x = b.input(random({batch, widths.front()}, 1, 50));
  std::vector<Value> weights;
  for (const Tensor& t : initial_weights(widths)) {
    weights.push_back(constants ? b.constant(t) : b.input(t, KERAS_VARIABLE));
  }
  Value y = x;
  for (size_t i = 0; i < weights.size(); i += 2) {
    auto linear = make_attributes<ActivationAttributes>();
    linear.activation = i + 2 < weights.size() ? KERAS_ACT_RELU : KERAS_ACT_LINEAR;
    y = b.graph().add(OpId::linear_op, linear, {y, weights[i], weights[i + 1]});
  }
  b.output(y);
  return b.finish();
}

}  // namespace keras::tests
