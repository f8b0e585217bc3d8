// SPDX-License-Identifier: Apache-2.0
#include "graph.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "batch_slices.h"
#include "fixed_part.h"
#include "float_state.h"
#include "graph_check.h"
#include "graph_plan.h"
#include "packed_weights.h"
#include "profile.h"

// A compiled graph holds the slots of all its kernels, filled in as far as the plan goes. Each execution
// leases a copy of them with an arena, puts the caller's buffers in, and runs kernel after kernel: it asks
// for memory only where a result leaves the graph.
namespace keras::native {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kApart = true;  // every home a block of its own, so that the sanitizer sees its ends
#elif defined(__has_feature)
constexpr bool kApart = __has_feature(address_sanitizer);
#else
constexpr bool kApart = false;
#endif

// A kernel with its operands and results: places in the list of slots.
struct Step {
  std::shared_ptr<const keras_kernel> kernel;
  int first_in;
  int num_in;
  int first_out;
  int num_out;
  int packed;  // among the packed weights, or -1
};

// What one execution at a time needs.
struct Lease {
  std::vector<keras_tensor> slots;
  std::vector<keras_buffer> homes;       // headers for places in the arena
  std::vector<keras_buffer*> buffers;    // by home: where it is now
  std::vector<keras_buffer*> brought;    // by kernels that gave a buffer of their own
  std::vector<keras_buffer*> memory;     // the arena; several blocks where homes stand apart
  std::vector<PackedWeights::Use> uses;  // of packed weights
  bool stale = false;                    // slots no longer as planned
  Lease* next = nullptr;                 // in the list of free ones

  Lease() = default;
  ~Lease() {
    for (keras_buffer* buffer : memory) release(buffer);
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
};

class CompiledGraph final : public keras_executable {
 public:
  CompiledGraph(const keras_graph& graph, int state) : CompiledGraph(graph, state, GraphPlan(graph, state)) {}

  void execute(const keras_tensor* in, int num_in, keras_tensor* out, int num_out) const override {
    if (num_in != num_inputs_ || num_out != static_cast<int>(outputs_.size())) {
      throw Failure(KERAS_ERROR_INTERNAL, "the executable was compiled for other operands");
    }
    const FlushDenormals flush;
    Running run(*this);
    run.take_operands(in);
    run.take_memory(in, out);
    if (const keras_profiler profiler = current_profiler()) {
      for (size_t s = 0; s < steps_.size(); ++s) run.advance(steps_[s], profiler, names_[s]);
    } else {
      for (const Step& step : steps_) run.advance(step);
    }
    run.hand_out(in, out);
  }

  void reserve() const override {
    auto lease = make_lease();
    const std::lock_guard lock(mutex_);
    keep(std::move(lease));
  }

  bool replaces_in_place(int output) const override {
    const int home = output_homes_[output];
    return home >= 0 && homes_[home].operand == output;
  }

 private:
  CompiledGraph(const keras_graph& graph, int state, const GraphPlan& plan)
      : num_inputs_(graph.num_inputs),
        region_(state >= 0),
        homes_(plan.homes),
        arena_bytes_(plan.arena_bytes),
        sizes_(plan.tell_sizes(graph)) {
    reads_.resize(static_cast<size_t>(graph.num_values));
    slots_of_home_.resize(homes_.size());
    for (const PlannedNode& planned : plan.nodes) add_step(graph.nodes[planned.node], planned.kernel, plan);
    for (int k = 0; k < graph.num_outputs; ++k) {
      outputs_.push_back(plan.root_of[graph.outputs[k]]);
      output_homes_.push_back(plan.home_of[graph.outputs[k]]);
      output_bytes_.push_back(byte_size(plan.descs[graph.outputs[k]]));
    }
    for (size_t h = 0; h < homes_.size(); ++h) {
      if (homes_[h].kind == Home::Kind::kOwn) own_homes_.push_back(static_cast<int>(h));
    }
    for (size_t s = 0; s < steps_.size(); ++s) find_weights(graph, steps_[s]);
  }

  void add_step(const keras_node& node, const std::shared_ptr<const keras_kernel>& kernel,
                const GraphPlan& plan) {
    Step step{kernel, static_cast<int>(slots_.size()), node.op.num_inputs, 0, 0, -1};
    for (int i = 0; i < node.op.num_inputs; ++i) {
      reads_[plan.root_of[node.inputs[i]]].push_back(static_cast<int>(slots_.size()));
      add_slot(plan, node.inputs[i]);
    }
    step.first_out = static_cast<int>(slots_.size());
    step.num_out = node.op.num_outputs + node.num_residuals;
    for (int o = 0; o < step.num_out; ++o) {
      add_slot(plan, node.outputs[o]);
      ++num_results_;
    }
    steps_.push_back(std::move(step));
    names_.emplace_back(node.op.name);
  }

  void add_slot(const GraphPlan& plan, int value) {
    const int home = plan.home_of[value];
    if (home >= 0) slots_of_home_[home].push_back(static_cast<int>(slots_.size()));
    slots_.push_back({nullptr, plan.descs[value]});
    if (plan.descs[value].rank < 0) slots_.back().desc.rank = 0;
    slot_home_.push_back(home);
    slot_value_.push_back(plan.root_of[value]);
  }

  // Weights may be packed that the caller keeps as they are: variables that no output replaces.
  void find_weights(const keras_graph& graph, Step& step) {
    if (region_) return;
    uint32_t fixed = 0;  // operands that may be packed
    for (int i = 0; i < std::min(step.num_in, 32); ++i) {
      const int v = slot_value_[step.first_in + i];
      if (v >= num_inputs_ || graph.input_uses[v] != KERAS_VARIABLE) continue;
      const int32_t* const end = graph.output_variable + graph.num_outputs;
      if (std::find(graph.output_variable, end, v) == end) fixed |= uint32_t{1} << i;
    }
    // Kernels build what packing takes when they are asked.
    if (fixed == 0) return;
    const uint32_t wanted = step.kernel->packed_operands();
    if (wanted == 0 || (wanted & ~fixed) != 0) return;
    step.packed = static_cast<int>(weights_.size());
    weights_.push_back(std::make_unique<PackedWeights>(step.kernel));
  }

  std::unique_ptr<Lease> make_lease() const {
    auto lease = std::make_unique<Lease>();
    lease->slots = slots_;
    lease->homes = std::vector<keras_buffer>(homes_.size());
    lease->buffers.assign(homes_.size(), nullptr);
    lease->brought.reserve(num_results_);
    lease->uses.resize(weights_.size());
    lease->memory.reserve(homes_.size() + 1);
    try {
      if (!kApart) lease->memory.push_back(allocate(arena_bytes_));
      for (size_t h = 0; h < homes_.size(); ++h) {
        if (homes_[h].kind != Home::Kind::kArena) continue;
        if (kApart) lease->memory.push_back(allocate(homes_[h].bytes));
        keras_buffer& buffer = lease->homes[h];
        buffer.data = static_cast<char*>(lease->memory.back()->data) + (kApart ? 0 : homes_[h].offset);
        buffer.bytes = homes_[h].bytes;
        place(*lease, static_cast<int>(h), &buffer);
      }
      for (const Step& step : steps_) step.kernel->reserve();
    } catch (const Failure& failure) {
      if (failure.status() == KERAS_ERROR_MEMORY) tell_memory();
      throw;
    }
    return lease;
  }

  // Puts a home's buffer into all slots that see it.
  void place(Lease& lease, int home, keras_buffer* buffer) const {
    lease.buffers[home] = buffer;
    for (const int slot : slots_of_home_[home]) lease.slots[slot].buffer = buffer;
  }

  Lease& keep(std::unique_ptr<Lease> lease) const {
    leases_.push_back(std::move(lease));
    leases_.back()->next = free_;
    free_ = leases_.back().get();
    return *free_;
  }

  Lease& take_lease() const {
    {
      const std::lock_guard lock(mutex_);
      if (free_ != nullptr) return pop();
    }
    auto fresh = make_lease();
    const std::lock_guard lock(mutex_);
    keep(std::move(fresh));
    return pop();
  }
  Lease& pop() const {
    Lease& lease = *free_;
    free_ = lease.next;
    return lease;
  }
  void give_back(Lease& lease) const {
    const std::lock_guard lock(mutex_);
    lease.next = free_;
    free_ = &lease;
  }

  [[noreturn]] void tell_memory() const { throw Failure(KERAS_ERROR_MEMORY, "out of memory: " + sizes_); }

  // One execution; lets go of what is left when it ends, well or not.
  class Running {
   public:
    explicit Running(const CompiledGraph& graph) : graph_(graph), lease_(graph.take_lease()) {
      if (lease_.stale) refresh();
    }
    ~Running() {
      for (const int h : graph_.own_homes_) {
        if (lease_.buffers[h] == nullptr) continue;
        release(lease_.buffers[h]);
        lease_.buffers[h] = nullptr;
      }
      for (keras_buffer* buffer : lease_.brought) release(buffer);
      lease_.brought.clear();
      graph_.give_back(lease_);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    void take_operands(const keras_tensor* in) {
      for (int i = 0; i < graph_.num_inputs_; ++i) graph_.place(lease_, i, in[i].buffer);
    }

    void take_memory(const keras_tensor* in, const keras_tensor* out) {
      for (const int h : graph_.own_homes_) graph_.place(lease_, h, buffer_for(graph_.homes_[h], in, out));
    }

    void advance(const Step& step, keras_profiler profiler, const std::string& name) {
      const ProfiledKernel event(profiler, name.c_str(), lease_.slots.data() + step.first_in, step.num_in,
                                 lease_.slots.data() + step.first_out, step.num_out);
      advance(step);
    }

    void advance(const Step& step) {
      keras_tensor* const operands = lease_.slots.data() + step.first_in;
      keras_tensor* const results = lease_.slots.data() + step.first_out;
      try {
        if (step.packed >= 0) {
          PackedWeights& weights = *graph_.weights_[step.packed];
          const void* packed = weights.find(operands, lease_.uses[step.packed]);
          step.kernel->run_packed(operands, step.num_in, results, step.num_out, packed);
        } else {
          step.kernel->run(operands, step.num_in, results, step.num_out);
        }
      } catch (...) {
        for (int o = 0; o < step.num_out; ++o) {
          if (results[o].buffer != nullptr && results[o].buffer != planned(step.first_out + o)) {
            lease_.brought.push_back(results[o].buffer);
            lease_.stale = true;
          }
        }
        throw;
      }
      for (int o = 0; o < step.num_out; ++o) {
        if (results[o].buffer != planned(step.first_out + o)) accept(step.first_out + o);
      }
    }

    void hand_out(const keras_tensor* in, keras_tensor* out) {
      for (size_t k = 0; k < graph_.outputs_.size(); ++k) {
        keras_buffer* buffer = value_buffer(in, k);
        if (out[k].buffer == nullptr) {
          retain(buffer);
          out[k].buffer = buffer;
        } else if (out[k].buffer != buffer && graph_.output_bytes_[k] != 0) {
          std::memcpy(out[k].buffer->data, buffer->data, graph_.output_bytes_[k]);
        }
      }
    }

   private:
    keras_buffer* planned(int slot) const {
      const int home = graph_.slot_home_[slot];
      return home < 0 ? nullptr : lease_.buffers[home];
    }

    // A kernel put a buffer of its own into a result slot: its readers see that.
    void accept(int slot) {
      const keras_tensor& result = lease_.slots[slot];
      lease_.stale = true;
      lease_.brought.push_back(result.buffer);
      for (const int reader : graph_.reads_[graph_.slot_value_[slot]]) {
        lease_.slots[reader].buffer = result.buffer;
        if (graph_.slot_home_[slot] < 0) lease_.slots[reader].desc = result.desc;
      }
    }

    keras_buffer* buffer_for(const Home& home, const keras_tensor* in, const keras_tensor* out) const {
      if (home.operand >= 0) {
        keras_buffer* buffer = in[home.operand].buffer;
        const bool free_to_write =
            !buffer->imported && buffer->references.load(std::memory_order_acquire) == 1;
        if (graph_.region_ || free_to_write) {
          retain(buffer);
          renew_content(buffer);
          return buffer;
        }
      }
      if (home.output >= 0 && out[home.output].buffer != nullptr) {
        retain(out[home.output].buffer);
        return out[home.output].buffer;
      }
      try {
        return allocate(home.bytes);
      } catch (const Failure&) {
        graph_.tell_memory();
      }
    }

    keras_buffer* value_buffer(const keras_tensor* in, size_t k) const {
      const int v = graph_.outputs_[k];
      if (v < graph_.num_inputs_) return in[v].buffer;
      if (lease_.stale) {
        if (keras_buffer* own = brought_for(v)) return own;
      }
      return lease_.buffers[graph_.output_homes_[k]];
    }

    keras_buffer* brought_for(int v) const {
      for (const Step& step : graph_.steps_) {
        for (int slot = step.first_out; slot < step.first_out + step.num_out; ++slot) {
          if (graph_.slot_value_[slot] == v && lease_.slots[slot].buffer != planned(slot))
            return lease_.slots[slot].buffer;
        }
      }
      return nullptr;
    }

    void refresh() {
      for (size_t slot = 0; slot < lease_.slots.size(); ++slot) {
        lease_.slots[slot] = graph_.slots_[slot];
        lease_.slots[slot].buffer = planned(static_cast<int>(slot));
      }
      lease_.stale = false;
    }

    const CompiledGraph& graph_;
    Lease& lease_;
  };

  int num_inputs_;
  bool region_;
  std::vector<Home> homes_;  // the first ones are the operands
  size_t arena_bytes_;
  std::string sizes_;  // for the error of a step without memory
  std::vector<Step> steps_;
  std::vector<std::string> names_;               // of the steps, for profiles
  std::vector<keras_tensor> slots_;              // descriptors; buffers are null
  std::vector<int> slot_home_;                   // by slot, or -1
  std::vector<int> slot_value_;                  // by slot: the root of its value
  std::vector<std::vector<int>> reads_;          // by root: the slots of its readers
  std::vector<std::vector<int>> slots_of_home_;  // by home
  std::vector<int> own_homes_;
  std::vector<int> outputs_;  // roots
  std::vector<int> output_homes_;
  std::vector<size_t> output_bytes_;
  std::vector<std::unique_ptr<PackedWeights>> weights_;
  size_t num_results_ = 0;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Lease>> leases_;
  mutable Lease* free_ = nullptr;
};

}  // namespace

std::unique_ptr<keras_executable> compile_graph(const keras_graph& graph) {
  check_graph(graph);
  auto in_parts = compile_in_parts(graph);
  return in_parts != nullptr ? std::move(in_parts) : compile_whole(graph);
}

std::unique_ptr<keras_executable> compile_whole(const keras_graph& graph) {
  const BatchSlices slices(graph);
  return std::make_unique<CompiledGraph>(slices.found() ? slices.graph() : graph, -1);
}

std::unique_ptr<keras_executable> compile_region(const keras_graph& graph, int state) {
  check_graph(graph);
  return std::make_unique<CompiledGraph>(graph, state);
}

}  // namespace keras::native
