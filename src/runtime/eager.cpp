// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <mutex>
#include <set>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"
#include "runtime/graph_driver.h"
#include "runtime/kernel_cache.h"
#include "runtime/profiler.h"
#include "runtime/residuals.h"

namespace keras::internal {

namespace {

class EagerInterpreter final : public Interpreter {
 public:
  Tensors apply(const OpCall& call) override;
  Tensor read(VariableSlot& variable) override { return variable.value; }
  void assign(VariableSlot& variable, Tensor value) override {
    variable.value = std::move(value);
    ++variable.version;
  }
};

void check_operands(const OpCall& call) {
  for (const Tensor& t : call.operands) {
    if (t.abstract()) fail<TypeError>({call.op->name, t.impl().abstract->why_unreadable(), "", ""});
  }
}

void note_launch(const OpCall& call, const PreparedOp& p, int64_t begin) {
  add_event(EventKind::kernel, call.op->name, begin, profile_clock(),
            kernel_arguments({p.operands.data(), p.operands.size()},
                             {p.result_descs.data(), p.result_descs.size()}));
}

// Where an op runs: on the current device, but a gradient where the residuals lie that only it can read.
int device_for(const OpCall& call, const Backend& backend) {
  if (backend.devices().size() > 1 && call.op->operands < 0 && !call.operands.empty()) {
    const TensorImpl& last = call.operands.back().impl();
    if (last.residual == Residual::native && last.device) return backend.device_of(last.device.handle());
  }
  return current_device(backend);
}

Tensors launch(const OpCall& call, const PreparedOp& p, Backend& backend) {
  Tensors moved;
  SmallVector<keras_tensor, 8> in;
  in.resize(call.operands.size());
  for (size_t i = 0; i < in.size(); ++i) {
    in[i].buffer = static_cast<keras_buffer*>(device_handle(call.operands[i], backend, p.device, moved));
    in[i].desc = p.operands[i];
  }
  const size_t own = p.results.size();
  const size_t count = own + static_cast<size_t>(p.num_residuals);
  SmallVector<keras_tensor, 4> out;
  out.resize(count);
  for (size_t i = 0; i < own; ++i) out[i].desc = p.result_descs[i];
  for (size_t i = 0; i < call.donations.size(); ++i) {
    const int result = call.donations[i];
    if (result < 0 || !call.operands[i].unique()) continue;
    // The slot holds a count of its own, so the operand's tensor may go away independently of the result.
    backend.table().retain(in[i].buffer);
    out[static_cast<size_t>(result)].buffer = in[i].buffer;
  }
  const int64_t begin = profiling() ? profile_clock() : -1;
  const keras_status status = backend.table().launch(
      p.kernel, nullptr, in.data(), static_cast<int32_t>(in.size()), out.data(), static_cast<int32_t>(count));
  if (begin >= 0) note_launch(call, p, begin);
  if (status != KERAS_OK) {
    for (auto& slot : out) {
      if (slot.buffer != nullptr) backend.table().free(slot.buffer);
    }
    backend.fail(status, call.op->name, describe_operands(call));
  }
  Tensors results;
  for (size_t i = 0; i < own; ++i)
    results.push_back(adopt(p.results[i], DeviceMemory(&backend, out[i].buffer)));
  for (size_t i = own; i < count; ++i) {
    results.push_back(adopt(to_type(out[i].desc), DeviceMemory(&backend, out[i].buffer)));
    results.back().impl().residual = Residual::native;
  }
  return results;
}

// A warning once an op: the host computes for a backend that cannot.
void warn_host(const OpDef& op, const Backend& backend, const std::string& reason) {
  static std::mutex mutex;
  static std::set<std::string> warned;
  const std::lock_guard lock(mutex);
  if (!warned.insert(backend.name() + "/" + op.name).second) return;
  std::fprintf(stderr, "keras: the %s backend has no %s (%s); the native backend computes it, with copies\n",
               backend.name().c_str(), op.name.c_str(), reason.empty() ? "no reason given" : reason.c_str());
}

Tensors apply_on_host(const OpCall& call, Backend& backend, const std::string& reason) {
  Backend& native = load_backend("native");
  if (&native == &backend) {
    fail<UnsupportedError>({call.op->name, "The native backend cannot compute this op for these operands",
                            describe_operands(call) + (reason.empty() ? "" : "; " + reason), ""});
  }
  warn_host(*call.op, backend, reason);
  std::vector<Tensor> operands;
  for (const Tensor& t : call.operands) {
    operands.push_back(adopt({t.dtype(), t.shape()}, native.upload(t.host_data(), {t.dtype(), t.shape()})));
  }
  const OpCall moved{call.op, call.attributes, operands, call.residuals, {}, {}};
  const auto p = prepare(moved, native, 0);
  if (p->verdict != KERAS_NATIVE) {
    fail<UnsupportedError>({call.op->name, "No backend here can compute this op for these operands",
                            describe_operands(call) + "; " + p->reason, ""});
  }
  Tensors out;
  for (const Tensor& t : launch(moved, *p, native)) {
    const TensorType type{t.dtype(), t.shape()};
    out.push_back(adopt(type, backend.upload(t.host_data(), type)));
    out.back().impl().residual = t.impl().residual;
  }
  return out;
}

// The same memory under a handle of its own that says what it is.
Tensor mark_canonical(const Tensor& value, Backend& backend) {
  auto* buffer = static_cast<keras_buffer*>(device_handle(value, backend));
  backend.table().retain(buffer);
  Tensor marked = adopt({value.dtype(), value.shape()}, DeviceMemory(&backend, buffer));
  marked.impl().residual = Residual::canonical;
  return marked;
}

Tensors EagerInterpreter::apply(const OpCall& call) {
  check_operands(call);
  if (call.op->has('X')) return drive_control_flow(call);
  Backend& backend = current_backend();
  if (!follows_decomposition(call)) {
    const PreparedOp& p = prepare_fast(call, backend, device_for(call, backend));
    if (p.verdict == KERAS_NATIVE) return launch(call, p, backend);
    if (p.verdict == KERAS_UNSUPPORTED) {
      fail<UnsupportedError>({call.op->name, p.reason, describe_operands(call), ""});
    }
    if (p.verdict == KERAS_HOST || call.op->rule.decompose == nullptr) {
      const std::string reason = p.reason;
      return apply_on_host(call, backend, reason);
    }
  }
  const InterpreterScope eager(*this, InterpreterScope::Replace{});
  DecomposeContext context{*call.op, call.attributes, call.operands, call.residuals};
  Tensors results = call.op->rule.decompose(context);
  if (call.residuals) {
    const size_t own = own_results(call);
    for (size_t i = own; i < results.size(); ++i) results[i] = mark_canonical(results[i], backend);
  }
  return results;
}

}  // namespace

Interpreter& eager_interpreter() {
  static EagerInterpreter instance;
  return instance;
}

}  // namespace keras::internal
