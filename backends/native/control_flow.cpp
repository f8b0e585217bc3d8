// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <vector>

#include "allocator.h"
#include "graph.h"

// Ops that run regions. A region's graph is compiled with its node; a loop hands its state from step to step
// and lets each step overwrite it.
namespace keras::native {
namespace {

// Tensors of which this object holds one reference each.
class Held {
 public:
  Held() = default;
  ~Held() { clear(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  /// Takes over the caller's reference.
  void adopt(const keras_tensor& tensor) { tensors_.push_back(tensor); }
  void share(const keras_tensor& tensor) {
    retain(tensor.buffer);
    tensors_.push_back(tensor);
  }
  void clear() {
    for (const keras_tensor& tensor : tensors_) release(tensor.buffer);
    tensors_.clear();
  }
  void swap(Held& other) { tensors_.swap(other.tensors_); }
  const std::vector<keras_tensor>& tensors() const { return tensors_; }

 private:
  std::vector<keras_tensor> tensors_;
};

class Region {
 public:
  /// The first `state` inputs are the loop's own and may be overwritten.
  Region(const keras_graph& graph, int64_t state) {
    std::vector<keras_use> uses(static_cast<size_t>(graph.num_inputs), KERAS_KEEP);
    std::fill_n(uses.begin(), state, KERAS_DONATE);
    keras_graph own = graph;
    own.input_uses = uses.data();
    executable_ = compile_graph(own);
    for (int i = 0; i < graph.num_outputs; ++i) results_.push_back(graph.values[graph.outputs[i]]);
  }
  const std::vector<keras_desc>& results() const { return results_; }

  void run(const std::vector<keras_tensor>& in, Held& out) const {
    std::vector<keras_tensor> slots;
    for (const keras_desc& desc : results_) slots.push_back({nullptr, desc});
    executable_->execute(in.data(), static_cast<int>(in.size()), slots.data(),
                         static_cast<int>(slots.size()));
    for (const keras_tensor& slot : slots) out.adopt(slot);
  }

 private:
  std::unique_ptr<keras_executable> executable_;
  std::vector<keras_desc> results_;
};

// Puts results into the output slots.
void hand_out(const std::vector<keras_tensor>& results, keras_tensor* out) {
  for (size_t i = 0; i < results.size(); ++i) {
    retain(results[i].buffer);
    out[i].buffer = results[i].buffer;
  }
}

class CallKernel final : public keras_kernel {
 public:
  explicit CallKernel(const keras_op& op) : region_(*op.regions[0], 0) {}
  void run(const keras_tensor* in, int num_in, keras_tensor* out, int) const override {
    Held results;
    region_.run({in, in + num_in}, results);
    hand_out(results.tensors(), out);
  }

 private:
  Region region_;
};

class CondKernel final : public keras_kernel {
 public:
  explicit CondKernel(const keras_op& op) : yes_(*op.regions[0], 0), no_(*op.regions[1], 0) {}
  void run(const keras_tensor* in, int num_in, keras_tensor* out, int) const override {
    Held results;
    (*input_as<uint8_t>(in[0]) != 0 ? yes_ : no_).run({in + 1, in + num_in}, results);
    hand_out(results.tensors(), out);
  }

 private:
  Region yes_;
  Region no_;
};

class WhileKernel final : public keras_kernel {
 public:
  explicit WhileKernel(const keras_op& op)
      : carries_(attributes<WhileAttributes>(op).carries),
        limit_(attributes<WhileAttributes>(op).maximum_iterations),
        test_(*op.regions[0], 0),
        step_(*op.regions[1], carries_) {}

  void run(const keras_tensor* in, int num_in, keras_tensor* out, int) const override {
    Held state;
    for (int64_t i = 0; i < carries_; ++i) state.share(in[i]);
    for (int64_t step = 0; limit_ < 0 || step < limit_; ++step) {
      std::vector<keras_tensor> operands = state.tensors();
      operands.insert(operands.end(), in + carries_, in + num_in);
      Held verdict;
      test_.run(operands, verdict);
      if (*input_as<uint8_t>(verdict.tensors()[0]) == 0) break;
      Held next;
      step_.run(operands, next);
      state.swap(next);
    }
    hand_out(state.tensors(), out);
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

  void run(const keras_tensor* in, int num_in, keras_tensor* out, int) const override {
    const int64_t carries = at_.carries;
    const int64_t sequences = at_.inputs;
    const int64_t results = static_cast<int64_t>(body_.results().size());
    for (int64_t k = carries; k < results; ++k) output(out[k]);
    Held state;
    for (int64_t k = 0; k < carries; ++k) state.share(in[k]);
    for (int64_t step = 0; step < length_; ++step) {
      const int64_t i = at_.reverse != 0 ? length_ - 1 - step : step;
      std::vector<keras_tensor> operands = state.tensors();
      Held rows;
      for (int64_t k = 0; k < sequences; ++k) {
        rows.adopt(row(in[carries + k], i));
        operands.push_back(rows.tensors().back());
      }
      operands.insert(operands.end(), in + carries + sequences, in + num_in);
      Held made;
      body_.run(operands, made);
      Held next;
      for (int64_t k = 0; k < results; ++k) {
        const keras_tensor& result = made.tensors()[k];
        if (k < carries) {
          next.share(result);
        } else if (const size_t bytes = byte_size(result.desc); bytes != 0) {
          char* to = static_cast<char*>(out[k].buffer->data) + static_cast<size_t>(i) * bytes;
          std::memcpy(to, result.buffer->data, bytes);
        }
      }
      made.clear();
      state.swap(next);
    }
    hand_out(state.tensors(), out);
  }

 private:
  // Row i of a sequence, without a copy: the view keeps the sequence alive.
  static keras_tensor row(const keras_tensor& sequence, int64_t i) {
    keras_tensor result = sequence;
    result.desc.rank = sequence.desc.rank - 1;
    std::copy_n(sequence.desc.shape + 1, result.desc.rank, result.desc.shape);
    const size_t bytes = byte_size(result.desc);
    const char* data = input_as<char>(sequence) + static_cast<size_t>(i) * bytes;
    result.buffer = wrap(
        data, bytes, [](void* parent) { release(static_cast<keras_buffer*>(parent)); }, sequence.buffer);
    retain(sequence.buffer);
    return result;
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
