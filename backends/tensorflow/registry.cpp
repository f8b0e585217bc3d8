// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <string_view>

#include "movement.h"

namespace keras::tensorflow {
namespace {

struct Entry {
  Factory factory;
  unsigned treatment;
};

std::map<std::string, Entry, std::less<>>& registry() {
  static std::map<std::string, Entry, std::less<>> entries;
  return entries;
}

// Gives results the dtypes and shapes that the op's rule states.
void fit(Builder& b, Values& results, const std::vector<TypedSizes>& wanted) {
  if (results.size() < wanted.size()) {
    throw Failure(KERAS_ERROR_INTERNAL, "the kernel gave fewer results than the op has");
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    results[i] = b.cast(results[i], wanted[i].type);
    if (b.sizes(results[i]) != wanted[i].sizes) results[i] = b.reshape(results[i], wanted[i].sizes);
  }
}

Values widened(Builder& b, const Values& operands) {
  Values wide = operands;
  for (Value& v : wide) {
    const TF_DataType type = b.type(v);
    if (type == TF_HALF || type == TF_BFLOAT16) v = b.cast(v, TF_FLOAT);
  }
  return wide;
}

// Operands of the result's shape, where TensorFlow could not broadcast them itself; else nothing.
std::vector<Sizes> shapes_to_broadcast(const keras_op& op) {
  std::vector<Sizes> shapes;
  bool in_steps = false;
  for (int i = 0; i < op.num_inputs; ++i) {
    shapes.push_back(sizes_of(op.inputs[i]));
    in_steps = in_steps || broadcasts_in_steps(shapes.back(), sizes_of(op.outputs[0]));
  }
  return in_steps ? shapes : std::vector<Sizes>();
}

bool any_half(const keras_op& op) {
  const auto half = [](const keras_desc& d) { return is_half(d.dtype); };
  return std::any_of(op.inputs, op.inputs + op.num_inputs, half) ||
         std::any_of(op.outputs, op.outputs + op.num_outputs, half);
}

}  // namespace

bool register_op(const char* name, Factory factory, unsigned treatment) {
  registry()[name] = {factory, treatment};
  return true;
}

std::shared_ptr<const Kernel> make_kernel(const keras_op& op, std::string& reason) {
  const auto found = registry().find(std::string_view(op.name));
  if (found == registry().end()) {
    reason = "TensorFlow has no kernel of this meaning";
    return nullptr;
  }
  const Factory factory = found->second.factory;
  const bool broadcasts = (found->second.treatment & kBroadcast) != 0;
  const std::vector<Sizes> shapes = broadcasts ? shapes_to_broadcast(op) : std::vector<Sizes>();
  const bool widen = (found->second.treatment & kWiden) != 0 && any_half(op);
  keras_op seen = op;
  std::vector<keras_desc> inputs(op.inputs, op.inputs + op.num_inputs);
  if (widen) {
    for (keras_desc& desc : inputs) {
      if (is_half(desc.dtype)) desc.dtype = KERAS_FLOAT32;
    }
    seen.inputs = inputs.data();
  }
  Answer answer = factory(Call(seen));
  if (!answer.write) {
    reason = answer.reason;
    return nullptr;
  }
  std::vector<TypedSizes> wanted;
  for (int i = 0; i < op.num_outputs; ++i) {
    wanted.push_back({tf_type(op.outputs[i].dtype), sizes_of(op.outputs[i])});
  }
  auto kernel = std::make_shared<Kernel>();
  kernel->residuals = answer.residuals;
  kernel->name = op.name;
  kernel->results = wanted;
  kernel->write = [write = std::move(answer.write), widen, wanted, shapes](Builder& b, const Values& in) {
    Values operands = widen ? widened(b, in) : in;
    for (size_t i = 0; i < shapes.size(); ++i) {
      operands[i] = broadcast(b, operands[i], shapes[i], wanted[0].sizes);
    }
    Values results = write(b, operands);
    fit(b, results, wanted);
    return results;
  };
  return kernel;
}

void probe(const Kernel& kernel, const keras_op& op) {
  Tracer tracer;
  Values arguments;
  for (int i = 0; i < op.num_inputs; ++i) {
    const Sizes sizes = sizes_of(op.inputs[i]);
    arguments.push_back(tracer.argument(tf_type(op.inputs[i].dtype), &sizes));
  }
  kernel.write(tracer, arguments);
}

bool has_elements(const keras_desc& desc) { return element_count(sizes_of(desc)) != 0; }

Value indices_of(Builder& b, const Value& x) { return b.cast(x, TF_INT64); }

Value activate(Builder& b, const Value& x, int64_t activation, double alpha) {
  switch (activation) {
    case KERAS_ACT_LINEAR:
      return x;
    case KERAS_ACT_RELU:
      return b.op("Relu", {x});
    case KERAS_ACT_SIGMOID:
      return b.op("Sigmoid", {x});
    case KERAS_ACT_TANH:
      return b.op("Tanh", {x});
    case KERAS_ACT_GELU: {
      const Value half = b.mul(x, 0.5);
      return b.mul(half, b.add(b.op("Erf", {b.mul(x, 0.70710678118654752440)}), 1));
    }
    case KERAS_ACT_GELU_TANH: {
      const Value cube = b.mul(b.mul(x, x), x);
      const Value inner = b.mul(b.add(x, b.mul(cube, 0.044715)), 0.79788456080286535588);
      return b.mul(b.mul(x, 0.5), b.add(b.op("Tanh", {inner}), 1));
    }
    case KERAS_ACT_SILU:
      return b.mul(x, b.op("Sigmoid", {x}));
    case KERAS_ACT_ELU: {
      const Value below = b.mul(b.op("Expm1", {x}), alpha);
      return b.select(b.op("Greater", {x, b.scalar(b.type(x), 0)}), x, below);
    }
    case KERAS_ACT_LEAKY_RELU:
      return b.select(b.op("Greater", {x, b.scalar(b.type(x), 0)}), x, b.mul(x, alpha));
    case KERAS_ACT_RELU6:
      return b.op("Relu6", {x});
    case KERAS_ACT_HARD_SIGMOID: {
      const Value moved = b.add(b.mul(x, 1.0 / 6), 0.5);
      return b.op("Maximum", {b.op("Minimum", {moved, b.scalar(b.type(x), 1)}), b.scalar(b.type(x), 0)});
    }
    default:
      throw Failure(KERAS_ERROR_UNSUPPORTED, "the plug-in has no activation of this number");
  }
}

}  // namespace keras::tensorflow
