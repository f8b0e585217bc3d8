// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "runtime/graph_driver.h"
#include "runtime/graph_image.h"
#include "runtime/profiler.h"

namespace keras::internal {

namespace {

// The C structs of one call. They are kept, so that the next call only puts the operands' buffers in.
struct Call {
  std::vector<keras_tensor> in;
  std::vector<keras_tensor> out;
  std::vector<keras_buffer*> held;  // what the backend must not write over
};

}  // namespace

struct Executable::State {
  class Running;

  Backend& backend;
  int device;
  std::shared_ptr<const Graph> graph;
  std::vector<keras_use> uses;
  std::vector<char> replaced;              // by input: an output takes its place
  keras_executable* executable = nullptr;  // null: driven node by node
  std::mutex mutex;
  std::vector<std::unique_ptr<Call>> calls;  // those not in use
  Tensors constants;                         // on this device, where the graph's own lie elsewhere

  std::unique_ptr<Call> take_call() {
    {
      const std::lock_guard lock(mutex);
      if (!calls.empty()) {
        auto call = std::move(calls.back());
        calls.pop_back();
        return call;
      }
    }
    auto call = std::make_unique<Call>();
    call->held.reserve(uses.size());
    for (const auto v : graph->inputs()) call->in.push_back({nullptr, to_desc(graph->type(v))});
    for (const auto& [v, tensor] : graph->constants()) {
      const std::lock_guard lock(mutex);
      void* handle = device_handle(tensor, backend, device, constants);
      call->in.push_back({static_cast<keras_buffer*>(handle), to_desc(tensor)});
    }
    for (const auto v : graph->outputs()) call->out.push_back({nullptr, to_desc(graph->type(v))});
    return call;
  }
  void give_back(std::unique_ptr<Call> call) {
    const std::lock_guard lock(mutex);
    calls.push_back(std::move(call));
  }

  void check_operands(std::span<const Tensor> operands) const {
    if (operands.size() != uses.size()) {
      fail<ValueError>({"execute", fmt::format("The graph takes {} operands", uses.size()),
                        fmt::format("{}", operands.size()), ""});
    }
    for (size_t i = 0; i < operands.size(); ++i) {
      const TensorType& wanted = graph->type(graph->inputs()[i]);
      if (operands[i].dtype() == wanted.dtype && operands[i].shape() == wanted.shape) continue;
      fail<ValueError>({"execute", fmt::format("Operand {} must be {}", i, wanted.to_string()),
                        TensorType{operands[i].dtype(), operands[i].shape()}.to_string(), ""});
    }
  }
};

Executable::Executable(Backend& backend, std::shared_ptr<const Graph> graph, std::vector<keras_use> uses,
                       std::vector<int> output_variables)
    : state_(new State{
          backend, current_device(backend), std::move(graph), std::move(uses), {}, nullptr, {}, {}, {}}) {
  const Graph& g = *state_->graph;
  for (const auto& type : g.types()) {
    if (!type.shape.known()) {
      fail<ValueError>({"compile", "A graph is compiled for concrete shapes", type.to_string(), ""});
    }
  }
  state_->replaced.assign(state_->uses.size(), 0);
  for (const int input : output_variables) {
    if (input >= 0) state_->replaced[static_cast<size_t>(input)] = 1;
  }
  const GraphImage image(g, state_->uses, output_variables);
  const keras_status status = backend.table().compile(state_->device, image.image(), &state_->executable);
  if (status == KERAS_ERROR_UNSUPPORTED) {
    state_->executable = nullptr;
  } else {
    backend.check(status, "compile");
  }
}

Executable::~Executable() {
  if (state_->executable != nullptr) state_->backend.table().release_executable(state_->executable);
}

bool Executable::compiled() const { return state_->executable != nullptr; }

// One run of a compiled graph: what it holds is let go of when it ends, well or not.
class Executable::State::Running {
 public:
  Running(State& state, std::span<Tensor> operands)
      : state_(state), operands_(operands), call_(state.take_call()) {}
  ~Running() {
    for (keras_buffer* buffer : call_->held) state_.backend.table().free(buffer);
    call_->held.clear();
    for (keras_tensor& slot : call_->out) slot.buffer = nullptr;
    state_.give_back(std::move(call_));
    for (size_t i = 0; i < operands_.size(); ++i) {
      if (state_.uses[i] == KERAS_DONATE || (done_ && state_.replaced[i] != 0)) operands_[i] = Tensor();
    }
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void execute(std::span<Tensor> results) {
    auto& in = call_->in;
    auto& out = call_->out;
    for (size_t i = 0; i < operands_.size(); ++i) {
      in[i].buffer =
          static_cast<keras_buffer*>(device_handle(operands_[i], state_.backend, state_.device, moved_));
      if (!moved_.empty()) operands_[i] = std::exchange(moved_, {}).front();
      // What another tensor shares must not be written: the backend counts this holder too.
      const bool written = state_.uses[i] == KERAS_DONATE || state_.replaced[i] != 0;
      if (!written || operands_[i].unique()) continue;
      state_.backend.table().retain(in[i].buffer);
      call_->held.push_back(in[i].buffer);
    }
    state_.backend.check(
        state_.backend.table().execute(state_.executable, nullptr, in.data(), static_cast<int32_t>(in.size()),
                                       out.data(), static_cast<int32_t>(out.size())),
        "execute");
    done_ = true;
    for (size_t i = 0; i < out.size(); ++i) {
      DeviceMemory memory(&state_.backend, std::exchange(out[i].buffer, nullptr));
      results[i] = adopt(state_.graph->type(state_.graph->outputs()[i]), std::move(memory));
    }
  }

 private:
  State& state_;
  std::span<Tensor> operands_;
  std::unique_ptr<Call> call_;
  Tensors moved_;
  bool done_ = false;
};

void Executable::run(std::span<Tensor> operands, std::span<Tensor> results) const {
  const ProfiledScope event(EventKind::graph, "program");
  State& s = *state_;
  s.check_operands(operands);
  if (results.size() != s.graph->outputs().size()) {
    fail<ValueError>({"execute", fmt::format("The graph gives {} results", s.graph->outputs().size()),
                      fmt::format("room for {}", results.size()), ""});
  }
  if (s.executable != nullptr) {
    State::Running(s, operands).execute(results);
    return;
  }
  std::vector<Tensor> values(operands.begin(), operands.end());
  for (size_t i = 0; i < operands.size(); ++i) {
    if (s.uses[i] == KERAS_DONATE) operands[i] = Tensor();
  }
  const InterpreterScope eager(eager_interpreter(), InterpreterScope::Replace{});
  auto made = drive_graph(*s.graph, std::move(values));
  std::move(made.begin(), made.end(), results.begin());
  for (size_t i = 0; i < operands.size(); ++i) {
    if (s.replaced[i] != 0) operands[i] = Tensor();
  }
}

Tensors Executable::run(std::span<Tensor> operands) const {
  Tensors results;
  results.resize(state_->graph->outputs().size());
  run(operands, results);
  return results;
}

}  // namespace keras::internal
