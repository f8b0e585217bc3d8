// SPDX-License-Identifier: Apache-2.0
#include "keras/compile/function.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <shared_mutex>

#include "compile/pass.h"
#include "compile/program.h"
#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "keras/tensor/config.h"
#include "runtime/profiler.h"
#include "runtime/trace.h"

namespace keras::internal {

namespace {

// So many calls in a row that had to be traced are worth a word.
constexpr int kRetraceLimit = 5;

int64_t autocast_part() {
  const auto dtype = AutocastScope::current();
  return dtype ? static_cast<int64_t>(*dtype) : -1;
}

void add_context(CallKey& key) {
  const Backend& backend = current_backend();
  key.push_back(static_cast<int64_t>(reinterpret_cast<intptr_t>(&backend)));
  key.push_back(current_device(backend));
  key.push_back(static_cast<int64_t>(config::floatx()));
  key.push_back(config::image_data_format() == "channels_first" ? 1 : 0);
  key.push_back(std::bit_cast<int64_t>(config::epsilon()));
  key.push_back(autocast_part());
  key.push_back(trace_generation());
  for (const auto part : trace_contexts()) key.push_back(part());
}

bool equal(const CallKey& a, const CallKey& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

enum class Way : uint8_t { compiled, replayed, inlined };

// Inside a trace, and where only types are computed, the body runs as it stands; under a tape its ops are
// shown to the tape.
Way way_of(std::span<const Tensor> leaves) {
  for (const Tensor& t : leaves) {
    if (t.abstract()) return Way::inlined;
  }
  const Interpreter* top = top_interpreter();
  if (top == nullptr || top == &eager_interpreter()) return Way::compiled;
  return top->tracing() ? Way::inlined : Way::replayed;
}

}  // namespace

struct FunctionCore::State {
  struct Entry {
    CallKey key;
    std::shared_ptr<Program> program;
  };

  explicit State(FunctionOptions given) : options(std::move(given)) {}

  std::shared_ptr<Program> find(const CallKey& key);
  std::shared_ptr<Program> program_for(ArgumentList& arguments, const Body& body);
  std::vector<TensorType> traced_types(ArgumentList& arguments);
  void relax(std::vector<TensorType>& types);

  FunctionOptions options;
  mutable std::shared_mutex mutex;
  std::recursive_mutex tracing;
  std::vector<Entry> entries;
  std::shared_ptr<Program> latest;
  std::vector<TensorType> relaxed;  // what reduce_retracing came to
  int64_t traces = 0;
  std::atomic<int> traced_in_a_row{0};
};

std::shared_ptr<Program> FunctionCore::State::find(const CallKey& key) {
  const std::shared_lock lock(mutex);
  for (const Entry& entry : entries) {
    if (equal(entry.key, key) && entry.program->valid()) return entry.program;
  }
  return nullptr;
}

namespace {

bool accepts(const TensorType& wanted, const Tensor& given) {
  if (wanted.dtype != given.dtype() || wanted.shape.rank() != given.rank()) return false;
  for (int a = 0; a < given.rank(); ++a) {
    const Dim d = wanted.shape.dim(a);
    if (d.known() && !(d == given.dim(a))) return false;
  }
  return true;
}

}  // namespace

// The types to trace with; where dimensions are left open, the key says so.
std::vector<TensorType> FunctionCore::State::traced_types(ArgumentList& arguments) {
  const auto leaves = arguments.leaves();
  CallKey& key = arguments.key();
  std::vector<TensorType> types;
  for (const Tensor& t : leaves) types.push_back({t.dtype(), t.shape()});
  if (options.input_signature) {
    const auto& wanted = *options.input_signature;
    bool fits = wanted.size() == leaves.size();
    for (size_t i = 0; fits && i < wanted.size(); ++i) fits = accepts(wanted[i], leaves[i]);
    if (!fits) {
      std::string signature;
      std::string given;
      for (const auto& type : wanted) signature += (signature.empty() ? "" : ", ") + type.to_string();
      for (const auto& type : types) given += (given.empty() ? "" : ", ") + type.to_string();
      fail<ValueError>({options.name, "A call must fit the input signature (" + signature + ")", given, ""});
    }
    types = wanted;
  } else if (options.reduce_retracing) {
    relax(types);
  } else {
    return types;
  }
  // Sizes that stay open are no part of what tells traces apart.
  for (size_t i = 0; i < types.size(); ++i) {
    for (size_t a = 0; a < types[i].shape.size(); ++a) {
      if (!types[i].shape[a].known()) key[arguments.dims_at(i) + a] = -1;
    }
  }
  return types;
}

void FunctionCore::State::relax(std::vector<TensorType>& types) {
  bool alike = relaxed.size() == types.size();
  for (size_t i = 0; alike && i < types.size(); ++i) {
    alike = relaxed[i].dtype == types[i].dtype && relaxed[i].shape.rank() == types[i].shape.rank();
  }
  if (!alike) {
    relaxed = types;
    return;
  }
  for (size_t i = 0; i < types.size(); ++i) {
    for (size_t a = 0; a < types[i].shape.size(); ++a) {
      Dim& known = relaxed[i].shape[a];
      if (known.known() && !(known == types[i].shape[a])) known = Dim::unknown();
    }
  }
  types = relaxed;
}

std::shared_ptr<Program> FunctionCore::State::program_for(ArgumentList& arguments, const Body& body) {
  for (const Tensor& t : arguments.leaves()) {
    if (t.dtype() != DType::string) continue;
    fail<UnsupportedError>({options.name, "Strings never enter a traced program",
                            "an argument of dtype string",
                            "turn them into numbers first, or run eagerly (run_eagerly=true in compile)"});
  }
  CallKey& key = arguments.key();
  add_context(key);
  const bool open = options.input_signature.has_value() || options.reduce_retracing;
  if (!open) {
    if (auto program = find(key)) {
      // Read first: a line that all threads write would slow them down.
      if (traced_in_a_row.load(std::memory_order_relaxed) != 0) traced_in_a_row = 0;
      return program;
    }
  }
  const std::lock_guard lock(tracing);
  const auto types = traced_types(arguments);
  if (auto program = find(key)) {
    traced_in_a_row = 0;
    return program;
  }
  const CreationScope creation(traces == 0 ? CreationScope::Rule::allowed : CreationScope::Rule::refused);
  const ProfiledScope event(EventKind::trace, options.name);
  auto program = std::make_shared<Program>(options, types, arguments.leaves(), body);
  const std::unique_lock writing(mutex);
  std::erase_if(entries, [&](const Entry& e) { return equal(e.key, key); });
  entries.push_back({key, program});
  latest = program;
  ++traces;
  if (++traced_in_a_row == kRetraceLimit) {
    std::fputs(
        fmt::format("keras: each of the last {} calls of the function '{}' had to be traced anew, which is "
                    "slow; the shapes, dtypes or other arguments of its calls differ. Give an "
                    "input_signature with unknown dimensions, or reduce_retracing, and pass numbers that "
                    "change as tensors\n",
                    kRetraceLimit, options.name)
            .c_str(),
        stderr);
  }
  return program;
}

FunctionCore::FunctionCore(FunctionOptions options) : state_(std::make_unique<State>(std::move(options))) {}
FunctionCore::~FunctionCore() = default;

Nest FunctionCore::call(ArgumentList& arguments, const Body& body) {
  const auto leaves = arguments.leaves();
  const Way way = way_of(leaves);
  if (way == Way::inlined) return body(leaves);
  const ProfiledScope event(EventKind::function, state_->options.name);
  const auto program = state_->program_for(arguments, body);
  if (way == Way::replayed) return program->restore(program->replay(leaves));
  std::vector<Tensor> results(program->num_results());
  program->run(leaves, results);
  return program->restore(results);
}

Tensor FunctionCore::call_for_tensor(ArgumentList& arguments, const Body& body) {
  const auto leaves = arguments.leaves();
  if (way_of(leaves) != Way::compiled) return ResultOf<Tensor>::from(call(arguments, body));
  const ProfiledScope event(EventKind::function, state_->options.name);
  const auto program = state_->program_for(arguments, body);
  SmallVector<Tensor, 4> results(program->num_results());
  program->run(leaves, {results.data(), results.size()});
  if (results.empty()) return Tensor();
  if (results.size() > 1) results[0].set_mask(results[1]);
  return std::move(results[0]);
}

int64_t FunctionCore::traces() const {
  const std::shared_lock lock(state_->mutex);
  return state_->traces;
}

std::string FunctionCore::to_string() const {
  const std::shared_lock lock(state_->mutex);
  return state_->latest ? state_->latest->to_string() : "not traced yet\n";
}
std::string FunctionCore::to_dot() const {
  const std::shared_lock lock(state_->mutex);
  return state_->latest ? state_->latest->to_dot() : "digraph keras {}\n";
}

void FunctionCore::clear() {
  const std::unique_lock lock(state_->mutex);
  state_->entries.clear();
  state_->latest.reset();
}

}  // namespace keras::internal

namespace keras {

std::vector<std::string> compile_passes() { return internal::pass_names(); }

}  // namespace keras
