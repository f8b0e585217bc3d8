// SPDX-License-Identifier: Apache-2.0
#include "batch_slices.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "elementwise.h"
#include "graph.h"
#include "parallel.h"

namespace keras::native {
namespace {

// What a slice's convolution reads and writes: about what the cache of one core holds.
constexpr int64_t kNear = int64_t{1} << 20;

// Operands, by number: which hold a sample in each row of their first axis.
using Batched = std::vector<char>;

bool is_convolution(std::string_view op) { return op == "conv" || op == "conv_bias_act"; }

bool leads_with(const keras_desc& desc, int64_t batch) { return desc.rank > 0 && desc.shape[0] == batch; }

bool contains(const keras_list& axes, int64_t axis) {
  return std::find(axes.v, axes.v + axes.count, axis) != axes.v + axes.count;
}

// Elementwise operands are broadcast: those of the result's rank and batch have the batch.
std::optional<Batched> broadcast_roles(const keras_node& node, int64_t batch) {
  Batched roles;
  for (int i = 0; i < node.op.num_inputs; ++i) {
    const keras_desc& in = node.op.inputs[i];
    roles.push_back(in.rank == node.op.outputs[0].rank && leads_with(in, batch));
  }
  return roles;
}

bool is_elementwise(const keras_op& op) {
  std::string reason;
  return op.num_outputs == 1 && find_element_loop(op, reason).loop != nullptr;
}

// The roles of a node that makes each sample of its results from the same sample of its operands; nothing for
// another one.
std::optional<Batched> sample_roles(const keras_node& node, int64_t batch) {
  if (node.num_residuals > 0 || node.op.num_inputs == 0) return std::nullopt;
  for (int o = 0; o < node.op.num_outputs; ++o) {
    if (!leads_with(node.op.outputs[o], batch)) return std::nullopt;
  }
  const std::string_view op = node.op.name;
  const bool first_leads = leads_with(node.op.inputs[0], batch);
  Batched first_only(static_cast<size_t>(node.op.num_inputs), 0);
  first_only[0] = 1;
  if (op == "pad") {
    const auto& at = attributes<PadAttributes>(node.op);
    if (at.low.v[0] != 0 || at.high.v[0] != 0 || at.interior.v[0] != 0) return std::nullopt;
  } else if (op == "reduce_sum" || op == "reduce_max" || op == "reduce_min") {
    if (contains(attributes<ReduceAttributes>(node.op).axes, 0)) return std::nullopt;
  } else if (op == "batch_norm_infer") {
    if (!contains(attributes<NormAttributes>(node.op).axes, 0)) return std::nullopt;
  } else if (op == "fusion" || is_elementwise(node.op)) {
    return broadcast_roles(node, batch);
  } else if (!is_convolution(op) && op != "pool") {
    return std::nullopt;
  }
  if (!first_leads) return std::nullopt;
  return first_only;
}

int64_t bytes_of(const keras_desc& desc) { return static_cast<int64_t>(byte_size(desc)); }

}  // namespace

int64_t slice_count(int64_t batch, int64_t sample_bytes, int64_t near_bytes) {
  const int64_t threads = thread_count();
  const int64_t near = std::max<int64_t>(near_bytes / std::max<int64_t>(sample_bytes, 1), 1);
  if (batch <= near) return 1;
  for (int64_t samples = near; samples > 0; --samples) {
    const int64_t slices = batch / samples;
    if (batch % samples == 0 && (slices % threads == 0 || slices >= 3 * threads)) return slices;
  }
  return 1;
}

// Nodes to be gathered.
struct BatchSlices::Run {
  int64_t batch = 0;
  int64_t slices = 1;
  std::vector<int> nodes;
  std::vector<int> before;        // nodes among them that wait for none of them: they go first
  std::vector<int32_t> operands;  // values from outside
  Batched operand_roles;
  std::vector<int32_t> results;  // values that are read outside

  bool makes(const keras_graph& graph, int32_t v) const {
    return std::any_of(nodes.begin(), nodes.end(), [&](int n) {
      const int32_t* const outputs = graph.nodes[n].outputs;
      return std::find(outputs, outputs + graph.nodes[n].op.num_outputs, v) !=
             outputs + graph.nodes[n].op.num_outputs;
    });
  }

  // Takes the node in, unless it is none for this run.
  bool take(const keras_graph& graph, int n) {
    const keras_node& node = graph.nodes[n];
    const auto roles = sample_roles(node, batch);
    if (!roles) return false;
    const size_t known = operands.size();
    for (int i = 0; i < node.op.num_inputs; ++i) {
      if (place(graph, node.inputs[i], (*roles)[static_cast<size_t>(i)])) continue;
      operands.resize(known);
      operand_roles.resize(known);
      return false;
    }
    nodes.push_back(n);
    return true;
  }

 private:
  bool place(const keras_graph& graph, int32_t v, char role) {
    if (makes(graph, v)) return role != 0;
    const auto found = std::find(operands.begin(), operands.end(), v);
    if (found != operands.end()) return operand_roles[static_cast<size_t>(found - operands.begin())] == role;
    operands.push_back(v);
    operand_roles.push_back(role);
    return true;
  }
};

namespace {

// Variables that no output replaces.
std::vector<char> fixed_inputs(const keras_graph& graph) {
  std::vector<char> fixed(static_cast<size_t>(graph.num_values), 0);
  const int32_t* const end = graph.output_variable + graph.num_outputs;
  for (int v = 0; v < graph.num_inputs; ++v) {
    fixed[static_cast<size_t>(v)] =
        graph.input_uses[v] == KERAS_VARIABLE && std::find(graph.output_variable, end, v) == end;
  }
  // A tensor of another shape over the same memory is as fixed.
  for (int n = 0; n < graph.num_nodes; ++n) {
    const keras_node& node = graph.nodes[n];
    if (std::string_view(node.op.name) == "reshape")
      fixed[static_cast<size_t>(node.outputs[0])] = fixed[static_cast<size_t>(node.inputs[0])];
  }
  return fixed;
}

}  // namespace

BatchSlices::BatchSlices(const keras_graph& graph) : source_(graph) {
  const std::vector<char> fixed = fixed_inputs(graph);
  readers_.resize(static_cast<size_t>(graph.num_values));
  for (int n = 0; n < graph.num_nodes; ++n) {
    for (int i = 0; i < graph.nodes[n].op.num_inputs; ++i)
      readers_[static_cast<size_t>(graph.nodes[n].inputs[i])].push_back(n);
  }
  for (int k = 0; k < graph.num_outputs; ++k)
    readers_[static_cast<size_t>(graph.outputs[k])].push_back(graph.num_nodes);

  const auto finish = [&](Run& run) {
    int convolutions = 0;
    int64_t sample_bytes = 0;
    for (const int n : run.nodes) {
      const keras_node& node = graph.nodes[n];
      if (is_convolution(node.op.name)) {
        ++convolutions;
        if (fixed[static_cast<size_t>(node.inputs[1])] == 0) return;
      }
      sample_bytes =
          std::max(sample_bytes, (bytes_of(node.op.inputs[0]) + bytes_of(node.op.outputs[0])) / run.batch);
      for (int o = 0; o < node.op.num_outputs; ++o) {
        const auto& readers = readers_[static_cast<size_t>(node.outputs[o])];
        const bool outside = std::any_of(readers.begin(), readers.end(), [&](int reader) {
          return std::find(run.nodes.begin(), run.nodes.end(), reader) == run.nodes.end();
        });
        if (outside) run.results.push_back(node.outputs[o]);
      }
    }
    if (convolutions < 2 || run.results.empty()) return;
    run.slices = slice_count(run.batch, sample_bytes, kNear);
    if (run.slices < 2) return;
    found_ = true;
    runs_.push_back(run);
  };

  Run run;
  for (int n = 0; n < graph.num_nodes; ++n) {
    const keras_node& node = graph.nodes[n];
    if (!run.nodes.empty()) {
      if (run.take(graph, n)) continue;
      bool waits = node.num_residuals > 0 || node.op.num_regions > 0;
      for (int i = 0; i < node.op.num_inputs; ++i) waits = waits || run.makes(graph, node.inputs[i]);
      if (!waits) {
        run.before.push_back(n);
        continue;
      }
      finish(run);
    }
    run = Run{};
    if (!is_convolution(node.op.name) || node.op.outputs[0].shape[0] < 2) continue;
    run.batch = node.op.outputs[0].shape[0];
    if (!run.take(graph, n)) run = Run{};
  }
  if (!run.nodes.empty()) finish(run);
  if (found_) write();
}

BatchSlices::~BatchSlices() = default;

std::vector<int32_t>& BatchSlices::list(std::vector<int32_t> numbers) {
  return lists_.emplace_back(std::move(numbers));
}
std::vector<keras_desc>& BatchSlices::descs(std::vector<keras_desc> list) {
  return desc_lists_.emplace_back(std::move(list));
}

// A run stands where its first node stood, after the nodes that it need not wait for.
void BatchSlices::write() {
  std::vector<char> written(static_cast<size_t>(source_.num_nodes), 0);
  auto next = runs_.begin();
  for (int n = 0; n < source_.num_nodes; ++n) {
    if (written[static_cast<size_t>(n)] != 0) continue;
    if (next == runs_.end() || n != next->nodes.front()) {
      nodes_.push_back(source_.nodes[n]);
      continue;
    }
    for (const int before : next->before) {
      nodes_.push_back(source_.nodes[before]);
      written[static_cast<size_t>(before)] = 1;
    }
    for (const int gathered : next->nodes) written[static_cast<size_t>(gathered)] = 1;
    nodes_.push_back(gathered(*next++));
  }
  result_ = source_;
  result_.nodes = nodes_.data();
  result_.num_nodes = static_cast<int32_t>(nodes_.size());
}

namespace {

keras_desc with_samples(keras_desc desc, int64_t samples) {
  desc.shape[0] = samples;
  return desc;
}

}  // namespace

keras_node BatchSlices::gathered(const Run& run) {
  const int64_t samples = run.batch / run.slices;
  const std::vector<char> fixed = fixed_inputs(source_);
  std::vector<int32_t> number(static_cast<size_t>(source_.num_values), -1);
  std::vector<keras_desc> values, operand_descs, result_descs;
  std::vector<keras_use>& uses = use_lists_.emplace_back();
  for (size_t i = 0; i < run.operands.size(); ++i) {
    const int32_t v = run.operands[i];
    number[static_cast<size_t>(v)] = static_cast<int32_t>(i);
    operand_descs.push_back(source_.values[v]);
    values.push_back(run.operand_roles[i] != 0 ? with_samples(source_.values[v], samples)
                                               : source_.values[v]);
    uses.push_back(fixed[static_cast<size_t>(v)] != 0 ? KERAS_VARIABLE : KERAS_KEEP);
  }
  std::vector<keras_node>& nodes = node_lists_.emplace_back();
  for (const int n : run.nodes) {
    const keras_node& node = source_.nodes[n];
    for (int o = 0; o < node.op.num_outputs; ++o) {
      number[static_cast<size_t>(node.outputs[o])] = static_cast<int32_t>(values.size());
      values.push_back(with_samples(source_.values[node.outputs[o]], samples));
    }
    nodes.push_back(resliced(node, run, samples, number));
  }
  std::vector<int32_t> outputs;
  for (const int32_t v : run.results) {
    outputs.push_back(number[static_cast<size_t>(v)]);
    result_descs.push_back(source_.values[v]);
  }

  keras_graph& region = regions_.emplace_back();
  region.struct_size = sizeof(keras_graph);
  region.num_inputs = static_cast<int32_t>(run.operands.size());
  region.input_uses = uses.data();
  region.num_values = static_cast<int32_t>(values.size());
  region.values = descs(std::move(values)).data();
  region.num_nodes = static_cast<int32_t>(nodes.size());
  region.nodes = nodes.data();
  region.num_outputs = static_cast<int32_t>(outputs.size());
  region.outputs = list(std::move(outputs)).data();
  region.output_variable = list(std::vector<int32_t>(run.results.size(), -1)).data();

  static const NoAttributes none{sizeof(NoAttributes)};
  keras_node node{};
  node.op.struct_size = sizeof(keras_op);
  node.op.name = "batch_slices";
  node.op.attributes = &none;
  node.op.attributes_size = sizeof(none);
  node.op.num_inputs = region.num_inputs;
  node.op.inputs = descs(std::move(operand_descs)).data();
  node.op.num_outputs = region.num_outputs;
  node.op.outputs = descs(std::move(result_descs)).data();
  node.op.num_regions = 1;
  node.op.regions = &region_pointers_.emplace_back(&region);
  node.inputs = list(run.operands).data();
  node.outputs = list(run.results).data();
  return node;
}

// The node for so many samples.
keras_node BatchSlices::resliced(const keras_node& node, const Run& run, int64_t samples,
                                 const std::vector<int32_t>& number) {
  const Batched roles = *sample_roles(node, run.batch);
  std::vector<int32_t> inputs, outputs;
  std::vector<keras_desc> in, out;
  for (int i = 0; i < node.op.num_inputs; ++i) {
    inputs.push_back(number[static_cast<size_t>(node.inputs[i])]);
    in.push_back(roles[static_cast<size_t>(i)] != 0 ? with_samples(node.op.inputs[i], samples)
                                                    : node.op.inputs[i]);
  }
  for (int o = 0; o < node.op.num_outputs; ++o) {
    outputs.push_back(number[static_cast<size_t>(node.outputs[o])]);
    out.push_back(with_samples(node.op.outputs[o], samples));
  }
  keras_node result = node;
  result.inputs = list(std::move(inputs)).data();
  result.outputs = list(std::move(outputs)).data();
  result.op.inputs = descs(std::move(in)).data();
  result.op.outputs = descs(std::move(out)).data();
  if (node.op.num_regions > 0) {
    result.op.regions = &region_pointers_.emplace_back(
        region_of(*node.op.regions[0], node.op.outputs[0].rank, run.batch, samples));
  }
  return result;
}

// A fused region: values broadcast to the result, as elementwise operands do.
const keras_graph* BatchSlices::region_of(const keras_graph& region, int32_t rank, int64_t batch,
                                          int64_t samples) {
  const auto sliced = [=](const keras_desc* from, int32_t count) {
    std::vector<keras_desc> out(from, from + count);
    for (keras_desc& desc : out) {
      if (desc.rank == rank && desc.shape[0] == batch) desc.shape[0] = samples;
    }
    return out;
  };
  std::vector<keras_node>& nodes = node_lists_.emplace_back(region.nodes, region.nodes + region.num_nodes);
  for (keras_node& node : nodes) {
    node.op.inputs = descs(sliced(node.op.inputs, node.op.num_inputs)).data();
    node.op.outputs = descs(sliced(node.op.outputs, node.op.num_outputs)).data();
  }
  keras_graph& result = regions_.emplace_back(region);
  result.values = descs(sliced(region.values, region.num_values)).data();
  result.nodes = nodes.data();
  return &result;
}

namespace {

class BatchSlicesKernel final : public keras_kernel {
 public:
  explicit BatchSlicesKernel(const keras_op& op) {
    const keras_graph& region = *op.regions[0];
    for (int i = 0; i < op.num_inputs; ++i) {
      const bool batched = region.values[i].rank > 0 && op.inputs[i].shape[0] != region.values[i].shape[0];
      operands_.push_back({region.values[i], batched ? byte_size(region.values[i]) : 0, batched});
      if (batched) slices_ = op.inputs[i].shape[0] / region.values[i].shape[0];
    }
    for (int o = 0; o < op.num_outputs; ++o) {
      const keras_desc& desc = region.values[region.outputs[o]];
      results_.push_back({desc, byte_size(desc), true});
    }
    const OneThread alone;  // a thread takes a slice from end to end
    executable_ = compile_whole(region);
  }

  void reserve() const override {
    for (int64_t i = 0; i < std::min<int64_t>(thread_count(), slices_); ++i) executable_->reserve();
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    for (size_t o = 0; o < results_.size(); ++o) output(out[o]);
    parallel_for(slices_, 1, [=, this](int64_t begin, int64_t end) { run_slices(in, out, begin, end); });
  }

 private:
  // An operand or result of a slice.
  struct Part {
    keras_desc desc;
    size_t bytes;
    bool batched;
  };

  void run_slices(const keras_tensor* in, const keras_tensor* out, int64_t begin, int64_t end) const {
    const size_t count = operands_.size() + results_.size();
    const Scratch memory(count * (sizeof(keras_tensor) + sizeof(keras_buffer)));
    auto* const buffers = memory.as<keras_buffer>();
    auto* const tensors = reinterpret_cast<keras_tensor*>(buffers + count);
    for (size_t i = 0; i < count; ++i) new (buffers + i) keras_buffer;
    for (int64_t slice = begin; slice < end; ++slice) {
      for (size_t i = 0; i < operands_.size(); ++i) {
        tensors[i] = operands_[i].batched ? part(in[i], operands_[i], slice, buffers[i])
                                          : keras_tensor{in[i].buffer, operands_[i].desc};
      }
      for (size_t o = 0; o < results_.size(); ++o) {
        const size_t i = operands_.size() + o;
        tensors[i] = part(out[o], results_[o], slice, buffers[i]);
      }
      executable_->execute(tensors, static_cast<int>(operands_.size()), tensors + operands_.size(),
                           static_cast<int>(results_.size()));
    }
  }

  static keras_tensor part(const keras_tensor& whole, const Part& part, int64_t slice, keras_buffer& buffer) {
    buffer.data = static_cast<char*>(whole.buffer->data) + static_cast<size_t>(slice) * part.bytes;
    buffer.bytes = part.bytes;
    return {&buffer, part.desc};
  }

  int64_t slices_ = 1;
  std::vector<Part> operands_, results_;
  std::unique_ptr<keras_executable> executable_;
};

std::unique_ptr<keras_kernel> make_batch_slices(const keras_op& op, std::string& reason) {
  if (op.num_regions < 1) {
    reason = "slices of a batch run inside compiled graphs";
    return nullptr;
  }
  return std::make_unique<BatchSlicesKernel>(op);
}

const bool registered = register_kernel("batch_slices", make_batch_slices);

}  // namespace
}  // namespace keras::native
