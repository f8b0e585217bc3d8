// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "runtime/graph_driver.h"
#include "runtime/graph_image.h"

namespace keras::internal {

struct Executable::State {
  Backend& backend;
  std::shared_ptr<const Graph> graph;
  std::vector<keras_use> uses;
  std::vector<keras_desc> operands;
  keras_executable* executable = nullptr;  // null: driven node by node
};

Executable::Executable(Backend& backend, std::shared_ptr<const Graph> graph, std::vector<keras_use> uses,
                       std::vector<int> output_variables)
    : state_(new State{backend, std::move(graph), std::move(uses), {}, nullptr}) {
  const Graph& g = *state_->graph;
  for (const auto& type : g.types()) {
    if (!type.shape.known()) {
      fail<ValueError>({"compile", "A graph is compiled for concrete shapes", type.to_string(), ""});
    }
  }
  for (const auto v : g.inputs()) state_->operands.push_back(to_desc(g.type(v)));
  const GraphImage image(g, state_->uses, output_variables);
  const keras_status status = backend.table().compile(0, image.image(), &state_->executable);
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

Tensors Executable::run(std::span<Tensor> operands) const {
  const State& s = *state_;
  if (operands.size() != s.operands.size()) {
    fail<ValueError>({"execute", fmt::format("The graph takes {} operands", s.operands.size()),
                      fmt::format("{}", operands.size()), ""});
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    const TensorType given{operands[i].dtype(), operands[i].shape()};
    const TensorType& wanted = s.graph->type(s.graph->inputs()[i]);
    if (!(given == wanted)) {
      fail<ValueError>(
          {"execute", fmt::format("Operand {} must be {}", i, wanted.to_string()), given.to_string(), ""});
    }
  }
  if (s.executable == nullptr) {
    std::vector<Tensor> values(operands.begin(), operands.end());
    for (size_t i = 0; i < operands.size(); ++i) {
      if (s.uses[i] == KERAS_DONATE) operands[i] = Tensor();
    }
    const InterpreterScope eager(eager_interpreter(), InterpreterScope::Replace{});
    const auto results = drive_graph(*s.graph, std::move(values));
    return {results.begin(), results.end()};
  }
  SmallVector<keras_tensor, 16> in;
  for (size_t i = 0; i < operands.size(); ++i) {
    in.push_back({static_cast<keras_buffer*>(device_handle(operands[i], s.backend)), s.operands[i]});
  }
  for (const auto& [v, tensor] : s.graph->constants()) {
    in.push_back({static_cast<keras_buffer*>(device_handle(tensor, s.backend)), to_desc(tensor)});
  }
  SmallVector<keras_tensor, 16> out;
  for (const auto v : s.graph->outputs()) out.push_back({nullptr, to_desc(s.graph->type(v))});
  s.backend.check(s.backend.table().execute(s.executable, nullptr, in.data(), static_cast<int32_t>(in.size()),
                                            out.data(), static_cast<int32_t>(out.size())),
                  "execute");
  Tensors results;
  for (size_t i = 0; i < out.size(); ++i) {
    results.push_back(adopt(s.graph->type(s.graph->outputs()[i]), DeviceMemory(&s.backend, out[i].buffer)));
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    if (s.uses[i] == KERAS_DONATE) operands[i] = Tensor();
  }
  return results;
}

}  // namespace keras::internal
