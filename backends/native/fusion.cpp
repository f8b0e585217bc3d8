// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>

#include "fusion_program.h"
#include "registry.h"

// The op "fusion": a region of elementwise ops over one shape. Each of its ops becomes the inner loop that
// its own kernel runs, so that results are the same bit by bit: half numbers are rounded after each op.
namespace keras::native {
namespace {

// True when the operand's shape broadcasts to the result's.
bool broadcasts(const keras_desc& from, const keras_desc& to) {
  if (from.rank > to.rank) return false;
  for (int axis = 0; axis < from.rank; ++axis) {
    const int64_t extent = from.shape[axis];
    if (extent != 1 && extent != to.shape[axis + to.rank - from.rank]) return false;
  }
  return true;
}

bool same_shape(const keras_desc& a, const keras_desc& b) {
  return a.rank == b.rank && std::equal(a.shape, a.shape + a.rank, b.shape);
}

// Turns a region into a program.
class Translator {
 public:
  Translator(const keras_graph& region, FusionProgram& program, std::string& reason)
      : region_(region),
        program_(program),
        reason_(reason),
        stored_(static_cast<size_t>(region.num_values), -1),
        wide_(static_cast<size_t>(region.num_values), -1) {}

  bool run(const keras_op& op) {
    if (op.num_inputs != region_.num_inputs || op.num_outputs != region_.num_outputs) {
      return decline("the region takes and gives as many values as the op");
    }
    for (int i = 0; i < op.num_outputs; ++i) {
      if (!same_shape(op.outputs[i], op.outputs[0])) return decline("all results have one shape");
    }
    for (int v = 0; v < region_.num_values; ++v) {
      if (!broadcasts(region_.values[v], op.outputs[0])) return decline("a value is larger than the results");
    }
    for (int i = 0; i < op.num_inputs; ++i) stored_[i] = program_.add_operand(op.inputs[i]);
    for (int n = 0; n < region_.num_nodes; ++n) {
      if (!add(region_.nodes[n])) return false;
    }
    for (int k = 0; k < region_.num_outputs; ++k) program_.add_result(stored_[region_.outputs[k]]);
    program_.finish();
    return true;
  }

 private:
  using Register = FusionProgram::Register;

  bool decline(const char* why) {
    reason_ = why;
    return false;
  }
  const keras_desc& desc(int v) const { return region_.values[v]; }

  bool add(const keras_node& node) {
    const std::string_view name = node.op.name;
    if (name == "constant") return add_constant(node);
    if (name == "broadcast_to" || name == "stop_gradient") {
      stored_[node.outputs[0]] = stored_[node.inputs[0]];
      wide_[node.outputs[0]] = wide_[node.inputs[0]];
      return true;
    }
    const ElementLoop loop = find_element_loop(node.op, reason_);
    if (loop.loop == nullptr) return false;
    std::vector<Register> in;
    for (int i = 0; i < node.op.num_inputs; ++i) {
      in.push_back(loop.through_float ? as_float(node.inputs[i]) : stored_[node.inputs[i]]);
    }
    const int out = node.outputs[0];
    const int32_t dtype = desc(out).dtype;
    if (loop.through_float && is_half(dtype)) {
      stored_[out] = program_.add_narrowing(dtype, program_.add_loop(loop, in, sizeof(float)));
    } else {
      stored_[out] = program_.add_loop(loop, in, dtype_size(dtype));
    }
    return true;
  }

  // A constant is one element, whatever its shape.
  bool add_constant(const keras_node& node) {
    keras_desc one{};
    one.dtype = desc(node.outputs[0]).dtype;
    keras_op op = node.op;
    op.outputs = &one;
    const auto kernel = make_kernel(op, reason_);
    if (kernel == nullptr) return false;
    char element[8] = {};
    keras_buffer memory;
    memory.data = element;
    memory.bytes = sizeof(element);
    keras_tensor slot{&memory, one};
    kernel->run(nullptr, 0, &slot, 1);
    stored_[node.outputs[0]] = program_.add_constant(element, dtype_size(one.dtype));
    return true;
  }

  // A value as float loops read it.
  Register as_float(int v) {
    if (!is_half(desc(v).dtype)) return stored_[v];
    if (wide_[v] < 0) wide_[v] = program_.add_widening(desc(v).dtype, stored_[v]);
    return wide_[v];
  }

  const keras_graph& region_;
  FusionProgram& program_;
  std::string& reason_;
  std::vector<Register> stored_;  // by value
  std::vector<Register> wide_;    // half values as float32, or -1
};

class FusionKernel final : public keras_kernel {
 public:
  explicit FusionKernel(FusionProgram program) : program_(std::move(program)) {}
  bool may_overwrite(int input, int output) const override { return program_.may_overwrite(input, output); }
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override { program_.run(in, out); }

 private:
  FusionProgram program_;
};

std::unique_ptr<keras_kernel> make_fusion(const keras_op& op, std::string& reason) {
  if (op.num_regions < 1) {
    reason = "fused regions run inside compiled graphs";
    return nullptr;
  }
  FusionProgram program(op.outputs[0]);
  if (!Translator(*op.regions[0], program, reason).run(op)) return nullptr;
  return std::make_unique<FusionKernel>(std::move(program));
}

const bool registered = register_kernel("fusion", make_fusion);

}  // namespace
}  // namespace keras::native
