// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <vector>

#include "graph.h"

// Ops that run regions. A region's graph is compiled with its node and keeps its arena; its results are
// written where the node's results shall be. A loop's state goes back and forth between two buffers, or stays
// in one where the body can write over it.
namespace keras::native {
namespace {

class Region {
 public:
  Region(const keras_graph& graph, int64_t state)
      : executable_(compile_region(graph, static_cast<int>(state))) {
    operands_.assign(graph.values, graph.values + graph.num_inputs);
    for (int i = 0; i < graph.num_outputs; ++i) results_.push_back(graph.values[graph.outputs[i]]);
  }
  const std::vector<keras_desc>& operands() const { return operands_; }
  const std::vector<keras_desc>& results() const { return results_; }
  const keras_executable& executable() const { return *executable_; }

  void run(const keras_tensor* in, keras_tensor* out) const {
    executable_->execute(in, static_cast<int>(operands_.size()), out, static_cast<int>(results_.size()));
  }

 private:
  std::unique_ptr<keras_executable> executable_;
  std::vector<keras_desc> operands_;
  std::vector<keras_desc> results_;
};

class CallKernel final : public keras_kernel {
 public:
  explicit CallKernel(const keras_op& op) : region_(*op.regions[0], 0) {}
  void reserve() const override { region_.executable().reserve(); }
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override { region_.run(in, out); }

 private:
  Region region_;
};

class CondKernel final : public keras_kernel {
 public:
  explicit CondKernel(const keras_op& op) : yes_(*op.regions[0], 0), no_(*op.regions[1], 0) {}
  void reserve() const override {
    yes_.executable().reserve();
    no_.executable().reserve();
  }
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    (*input_as<uint8_t>(in[0]) != 0 ? yes_ : no_).run(in + 1, out);
  }

 private:
  Region yes_;
  Region no_;
};

// A loop's state, and what its body reads and writes in one step: the state, then what the kernel sets.
class LoopState {
 public:
  /// `steps` is their number where it is known, else -1.
  LoopState(const Region& body, int64_t carries, const keras_tensor* in, keras_tensor* out, int64_t steps)
      : body_(body),
        carries_(static_cast<int>(carries)),
        out_(out),
        memory_((body.operands().size() + body.results().size()) *
                    (sizeof(keras_tensor) + sizeof(keras_buffer)) +
                static_cast<size_t>(carries) * sizeof(keras_buffer*)),
        operands_(memory_.as<keras_tensor>()),
        results_(operands_ + body.operands().size()),
        views_(reinterpret_cast<keras_buffer*>(results_ + body.results().size())),
        spare_(reinterpret_cast<keras_buffer**>(views_ + body.operands().size() + body.results().size())) {
    for (size_t i = 0; i < body.operands().size(); ++i) operands_[i] = {nullptr, body.operands()[i]};
    for (size_t i = 0; i < body.results().size(); ++i) results_[i] = {nullptr, body.results()[i]};
    std::fill_n(spare_, carries_, nullptr);
    for (int k = 0; k < carries_; ++k) start(k, in[k].buffer, steps);
  }
  ~LoopState() {
    for (int k = 0; k < carries_; ++k) {
      if (spare_[k] != nullptr) release(spare_[k]);
    }
  }
  LoopState(const LoopState&) = delete;
  LoopState& operator=(const LoopState&) = delete;

  /// The state, as the loop's operands have it, then the others' places.
  keras_tensor* operands() const { return operands_; }

  /// Shows an operand or a result after the state at a place of a larger array.
  void view_operand(int64_t i, char* data) const { view(operands_[i], views_ + i, data); }
  void view_result(int64_t i, char* data) const {
    view(results_[i], views_ + body_.operands().size() + static_cast<size_t>(i), data);
  }

  void step() {
    body_.run(operands_, results_);
    for (int k = 0; k < carries_; ++k) std::swap(operands_[k].buffer, results_[k].buffer);
  }

  /// Puts the state into the loop's results.
  void finish() const {
    for (int k = 0; k < carries_; ++k) {
      if (operands_[k].buffer != out_[k].buffer) copy(k, operands_[k].buffer, out_[k].buffer);
    }
  }

 private:
  void start(int k, keras_buffer* first, int64_t steps) {
    output(out_[k]);
    keras_buffer* home = out_[k].buffer;
    keras_buffer* other = home;
    if (!body_.executable().replaces_in_place(k)) {
      other = spare_[k] = allocate(byte_size(operands_[k].desc));
      // An odd number of steps ends at home when it starts away.
      if (steps % 2 == 1 && home->data != first->data) std::swap(home, other);
    }
    if (home->data != first->data) copy(k, first, home);
    operands_[k].buffer = home;
    results_[k].buffer = other;
  }

  void copy(int k, const keras_buffer* from, keras_buffer* to) const {
    if (const size_t bytes = byte_size(operands_[k].desc); bytes != 0)
      std::memcpy(to->data, from->data, bytes);
  }

  static void view(keras_tensor& slot, keras_buffer* at, char* data) {
    slot.buffer = new (at) keras_buffer;
    slot.buffer->data = data;
    slot.buffer->bytes = byte_size(slot.desc);
  }

  const Region& body_;
  int carries_;
  keras_tensor* out_;
  Scratch memory_;
  keras_tensor* operands_;
  keras_tensor* results_;
  keras_buffer* views_;
  keras_buffer** spare_;  // second homes
};

class WhileKernel final : public keras_kernel {
 public:
  explicit WhileKernel(const keras_op& op)
      : carries_(attributes<WhileAttributes>(op).carries),
        limit_(attributes<WhileAttributes>(op).maximum_iterations),
        test_(*op.regions[0], 0),
        step_(*op.regions[1], carries_) {}

  bool may_overwrite(int input, int output) const override { return input == output; }
  void reserve() const override {
    test_.executable().reserve();
    step_.executable().reserve();
  }

  void run(const keras_tensor* in, int num_in, keras_tensor* out, int) const override {
    LoopState state(step_, carries_, in, out, -1);
    std::copy(in + carries_, in + num_in, state.operands() + carries_);
    uint8_t holds = 0;
    keras_buffer verdict;
    verdict.data = &holds;
    verdict.bytes = 1;
    for (int64_t step = 0; limit_ < 0 || step < limit_; ++step) {
      keras_tensor slot{&verdict, test_.results()[0]};
      test_.run(state.operands(), &slot);
      if (holds == 0) break;
      state.step();
    }
    state.finish();
  }

 private:
  int64_t carries_;
  int64_t limit_;
  Region test_;
  Region step_;
};

class ScanKernel final : public keras_kernel {
 public:
  explicit ScanKernel(const keras_op& op)
      : at_(attributes<ScanAttributes>(op)), body_(*op.regions[0], attributes<ScanAttributes>(op).carries) {
    length_ = at_.length >= 0 ? at_.length : op.inputs[at_.carries].shape[0];
  }

  bool may_overwrite(int input, int output) const override { return input == output && input < at_.carries; }
  void reserve() const override { body_.executable().reserve(); }

  void run(const keras_tensor* in, int num_in, keras_tensor* out, int num_out) const override {
    const int64_t carries = at_.carries;
    LoopState state(body_, carries, in, out, length_);
    std::copy(in + carries + at_.inputs, in + num_in, state.operands() + carries + at_.inputs);
    for (int64_t k = carries; k < num_out; ++k) output(out[k]);
    for (int64_t step = 0; step < length_; ++step) {
      const int64_t i = at_.reverse != 0 ? length_ - 1 - step : step;
      for (int64_t k = carries; k < carries + at_.inputs; ++k) {
        state.view_operand(k, row(in[k], body_.operands()[k], i));
      }
      for (int64_t k = carries; k < num_out; ++k) {
        state.view_result(k, row(out[k], body_.results()[k], i));
      }
      state.step();
    }
    state.finish();
  }

 private:
  static char* row(const keras_tensor& sequence, const keras_desc& desc, int64_t i) {
    return static_cast<char*>(sequence.buffer->data) + static_cast<size_t>(i) * byte_size(desc);
  }

  ScanAttributes at_;
  Region body_;
  int64_t length_;
};

template <class K, int kRegions>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (op.num_regions >= kRegions) return std::make_unique<K>(op);
  reason = "control flow runs inside compiled graphs";
  return nullptr;
}

const bool registered =
    register_kernel("call", make<CallKernel, 1>) && register_kernel("custom_vjp", make<CallKernel, 1>) &&
    register_kernel("cond", make<CondKernel, 2>) && register_kernel("while", make<WhileKernel, 2>) &&
    register_kernel("scan", make<ScanKernel, 1>);

}  // namespace
}  // namespace keras::native
