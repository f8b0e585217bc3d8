// SPDX-License-Identifier: Apache-2.0
// The smallest whole backend, the one that docs/backends.md walks through: memory, copies, elementwise ops,
// reductions and matrix products, as plain loops. What it lacks it leaves to libkeras: an op that it does not
// know is composed of smaller ones, an op on a dtype that it does not compute goes to the host.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "keras/runtime/backend_api.h"

// Memory: a reference count, and a deleter that knows where the bytes came from.
struct keras_buffer {
  std::atomic<int> references{1};
  std::shared_ptr<void> data;
  uint64_t bytes = 0;
};

// A prepared op: a function of the operands' and the results' elements.
struct keras_kernel {
  std::function<void(const void* const* in, void* const* out)> run;
};

namespace {

thread_local std::string last_failure;
std::atomic<uint64_t> in_use{0};
std::atomic<uint64_t> peak{0};

template <class Entry>
keras_status guarded(const Entry& entry) noexcept {
  try {
    entry();
    return KERAS_OK;
  } catch (const std::bad_alloc&) {
    last_failure = "out of memory";
    return KERAS_ERROR_MEMORY;
  } catch (const std::exception& error) {
    last_failure = error.what();
    return KERAS_ERROR_INTERNAL;
  }
}

int64_t count_of(const keras_desc& desc) {
  int64_t count = 1;
  for (int i = 0; i < desc.rank; ++i) count *= desc.shape[i];
  return count;
}

struct Steps {
  int64_t v[KERAS_MAX_RANK] = {};
  int64_t& operator[](int64_t axis) { return v[axis]; }
  int64_t operator[](int64_t axis) const { return v[axis]; }
};

Steps dense_steps(const keras_desc& desc) {
  Steps steps{};
  int64_t step = 1;
  for (int i = desc.rank - 1; i >= 0; step *= desc.shape[i--]) steps[i] = step;
  return steps;
}

uint64_t element_size(const keras_desc& desc) {
  static constexpr uint64_t sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8};
  return sizes[desc.dtype];
}

keras_buffer* publish(std::shared_ptr<void> data, uint64_t bytes) {
  auto buffer = std::make_unique<keras_buffer>();
  buffer->data = std::move(data);
  buffer->bytes = bytes;
  peak = std::max(peak.load(), in_use += bytes);
  return buffer.release();
}

keras_buffer* make_buffer(const keras_desc& desc) {
  const uint64_t bytes = element_size(desc) * static_cast<uint64_t>(count_of(desc));
  return publish(std::shared_ptr<void>(::operator new(bytes), [](void* p) { ::operator delete(p); }), bytes);
}

keras_status upload(int32_t, const keras_desc* desc, const void* data, keras_buffer** out) {
  return guarded([&] {
    *out = make_buffer(*desc);
    if (data != nullptr) std::memcpy((*out)->data.get(), data, (*out)->bytes);
  });
}

keras_status import(int32_t, const keras_desc* desc, const void* data, keras_deleter deleter, void* context,
                    keras_buffer** out) {
  return guarded([&] {
    const auto let_go = [deleter, context](void*) {
      if (deleter != nullptr) deleter(context);
    };
    *out = publish(std::shared_ptr<void>(const_cast<void*>(data), let_go),
                   element_size(*desc) * static_cast<uint64_t>(count_of(*desc)));
  });
}

keras_status export_view(keras_buffer* buffer, const keras_desc* desc, keras_view* out) {
  *out = {buffer->data.get(), {}, 1, 0};  // 1: the memory of the processor
  std::copy_n(dense_steps(*desc).v, desc->rank, out->strides);
  return KERAS_OK;
}

keras_status download(keras_buffer* buffer, const keras_desc*, void* data) {
  std::memcpy(data, buffer->data.get(), buffer->bytes);
  return KERAS_OK;
}

void release(keras_buffer* buffer) {
  if (--buffer->references != 0) return;
  in_use -= buffer->bytes;
  delete buffer;
}

// The steps of an operand while a result of another shape is walked over: none along a broadcast axis.
Steps broadcast_steps(const keras_desc& from, const keras_desc& to) {
  const Steps dense = dense_steps(from);
  Steps steps{};
  for (int i = 0; i < from.rank; ++i) {
    if (from.shape[i] != 1) steps[i + to.rank - from.rank] = dense[i];
  }
  return steps;
}

// Calls visit with N offsets for each element of a shape, in row-major order.
template <size_t N, class Visit>
void walk(const keras_desc& shape, const std::array<Steps, N>& steps, Visit visit) {
  Steps place{};
  std::array<int64_t, N> at{};
  for (int64_t left = count_of(shape); left > 0; --left) {
    visit(at);
    for (int i = shape.rank - 1; i >= 0; --i) {
      for (size_t n = 0; n < N; ++n) at[n] += steps[n][i];
      if (++place[i] < shape.shape[i]) break;
      place[i] = 0;
      for (size_t n = 0; n < N; ++n) at[n] -= steps[n][i] * shape.shape[i];
    }
  }
}

struct Answer {
  keras_verdict verdict = KERAS_NATIVE;
  std::string reason;
  std::function<void(const void* const*, void* const*)> run;
};

template <class A>
const A& attributes(const keras_op& op) {
  return *static_cast<const A*>(op.attributes);
}

// Copies of elements of a size, which need not know what they mean.
template <class T>
Answer copy(const keras_op& op) {
  const keras_desc& x = op.inputs[0];
  const keras_desc& y = op.outputs[0];
  const std::string_view name = op.name;
  Steps steps = dense_steps(name == "reshape" ? y : x);
  int64_t first = 0;
  if (name == "broadcast_to") steps = broadcast_steps(x, y);
  if (name == "transpose") {
    const keras_list& order = attributes<PermutationAttributes>(op).permutation;
    for (int64_t i = 0; i < order.count; ++i) steps[i] = dense_steps(x)[order.v[i]];
  }
  if (name == "slice") {
    const auto& at = attributes<SliceAttributes>(op);
    for (int64_t i = 0; i < at.start.count; ++i) {
      first += at.start.v[i] * steps[i];
      steps[i] *= at.stride.v[i];
    }
  }
  return {KERAS_NATIVE, "", [y, steps, first](const void* const* in, void* const* out) {
            T* to = static_cast<T*>(out[0]);
            walk<1>(y, {steps}, [&](const auto& at) { *to++ = static_cast<const T*>(in[0])[first + at[0]]; });
          }};
}

template <class T>
using Unary = T (*)(T);
template <class T>
using Binary = T (*)(T, T);

template <class T>
const std::map<std::string_view, Unary<T>>& unary_ops() {
  static const std::map<std::string_view, Unary<T>> ops = {
      {"neg", [](T x) { return -x; }},
      {"abs", [](T x) { return std::fabs(x); }},
      {"sqrt", [](T x) { return std::sqrt(x); }},
      {"rsqrt", [](T x) { return 1 / std::sqrt(x); }},
      {"exp", [](T x) { return std::exp(x); }},
      {"log", [](T x) { return std::log(x); }},
      {"tanh", [](T x) { return std::tanh(x); }},
      {"sigmoid", [](T x) { return 1 / (1 + std::exp(-x)); }},
      {"relu", [](T x) { return x < 0 ? T(0) : x; }},
  };
  return ops;
}

template <class T>
const std::map<std::string_view, Binary<T>>& binary_ops() {
  static const std::map<std::string_view, Binary<T>> ops = {
      {"add", [](T a, T b) { return a + b; }},
      {"sub", [](T a, T b) { return a - b; }},
      {"mul", [](T a, T b) { return a * b; }},
      {"div", [](T a, T b) { return a / b; }},
      {"pow", [](T a, T b) { return std::pow(a, b); }},
      {"maximum", [](T a, T b) { return a > b || a != a ? a : b; }},  // NaN wins
      {"minimum", [](T a, T b) { return a < b || a != a ? a : b; }},
  };
  return ops;
}

// One loop for every number of operands: visit(a, b, ...) for each element of the result.
template <class R, class... T, class Visit, size_t... I>
Answer elementwise(const keras_op& op, Visit visit, std::index_sequence<I...>) {
  const keras_desc& y = op.outputs[0];
  const std::array<Steps, sizeof...(T)> steps{broadcast_steps(op.inputs[I], y)...};
  return {KERAS_NATIVE, "", [y, steps, visit](const void* const* in, void* const* out) {
            R* to = static_cast<R*>(out[0]);
            walk(y, steps, [&](const auto& at) { *to++ = visit(static_cast<const T*>(in[I])[at[I]]...); });
          }};
}
template <class R, class... T, class Visit>
Answer elementwise(const keras_op& op, Visit visit) {
  return elementwise<R, T...>(op, visit, std::index_sequence_for<T...>());
}

bool names(const keras_list& list, int64_t axis) {
  return std::find(list.v, list.v + list.count, axis) != list.v + list.count;
}

template <class T>
Answer reduce(const keras_op& op) {
  const keras_desc& x = op.inputs[0];
  if (count_of(x) == 0) return {KERAS_HOST, "reductions of nothing", {}};
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const std::map<std::string_view, std::pair<const char*, T>> joins = {{"reduce_sum", {"add", 0}},
                                                                       {"reduce_prod", {"mul", 1}},
                                                                       {"reduce_max", {"maximum", -infinity}},
                                                                       {"reduce_min", {"minimum", infinity}}};
  const auto [join_name, start] = joins.at(op.name);
  const Binary<T> join = binary_ops<T>().at(join_name);
  // The operand is walked over; the result stands still along reduced axes.
  const keras_list& axes = attributes<ReduceAttributes>(op).axes;
  Steps steps{};
  int64_t step = 1;
  for (int i = x.rank - 1; i >= 0; --i) {
    if (names(axes, i)) continue;
    steps[i] = step;
    step *= x.shape[i];
  }
  return {KERAS_NATIVE, "",
          [x, steps, join, start = start, count = step](const void* const* in, void* const* out) {
            T* to = static_cast<T*>(out[0]);
            std::fill(to, to + count, start);
            const T* each = static_cast<const T*>(in[0]);
            walk<1>(x, {steps}, [&](const auto& at) { to[at[0]] = join(to[at[0]], *each++); });
          }};
}

template <class T>
Answer dot_general(const keras_op& op) {
  const auto& at = attributes<DotAttributes>(op);
  const keras_desc& a = op.inputs[0];
  const keras_desc& b = op.inputs[1];
  const Steps left = dense_steps(a), right = dense_steps(b);
  // Over the result (batch axes, left free axes, right free axes), and over what is summed.
  std::array<Steps, 2> outer{}, inner{};
  keras_desc summed{a.dtype, static_cast<int32_t>(at.lhs_contract.count), {}};
  int64_t axis = 0;
  for (int64_t i = 0; i < at.lhs_batch.count; ++i, ++axis) {
    outer[0][axis] = left[at.lhs_batch.v[i]];
    outer[1][axis] = right[at.rhs_batch.v[i]];
  }
  for (int64_t i = 0; i < a.rank; ++i) {
    if (!names(at.lhs_batch, i) && !names(at.lhs_contract, i)) outer[0][axis++] = left[i];
  }
  for (int64_t i = 0; i < b.rank; ++i) {
    if (!names(at.rhs_batch, i) && !names(at.rhs_contract, i)) outer[1][axis++] = right[i];
  }
  for (int64_t i = 0; i < at.lhs_contract.count; ++i) {
    summed.shape[i] = a.shape[at.lhs_contract.v[i]];
    inner[0][i] = left[at.lhs_contract.v[i]];
    inner[1][i] = right[at.rhs_contract.v[i]];
  }
  return {KERAS_NATIVE, "",
          [y = op.outputs[0], summed, outer, inner](const void* const* in, void* const* out) {
            T* to = static_cast<T*>(out[0]);
            walk(y, outer, [&](const auto& first) {
              const T* x = static_cast<const T*>(in[0]) + first[0];
              const T* z = static_cast<const T*>(in[1]) + first[1];
              T sum = 0;
              walk(summed, inner, [&](const auto& k) { sum += x[k[0]] * z[k[1]]; });
              *to++ = sum;
            });
          }};
}

template <class T>
Answer numeric(const keras_op& op) {
  const std::string_view name = op.name;
  const auto unary = unary_ops<T>().find(name);
  if (unary != unary_ops<T>().end()) return elementwise<T, T>(op, unary->second);
  const auto binary = binary_ops<T>().find(name);
  if (binary != binary_ops<T>().end()) return elementwise<T, T, T>(op, binary->second);
  if (name == "compare") {
    // In the order of keras_compare.
    static constexpr bool (*comparisons[])(T, T) = {
        [](T a, T b) { return a == b; }, [](T a, T b) { return a != b; }, [](T a, T b) { return a < b; },
        [](T a, T b) { return a <= b; }, [](T a, T b) { return a > b; },  [](T a, T b) { return a >= b; }};
    return elementwise<bool, T, T>(op, comparisons[attributes<CompareAttributes>(op).direction]);
  }
  if (name == "select") return elementwise<T, bool, T, T>(op, [](bool yes, T a, T b) { return yes ? a : b; });
  if (name == "dot_general") return dot_general<T>(op);
  if (name.substr(0, 7) == "reduce_") return reduce<T>(op);
  return {KERAS_COMPOSED, "the plug-in has no op of this name", {}};
}

bool computes(int32_t dtype) { return dtype == KERAS_FLOAT32 || dtype == KERAS_FLOAT64; }

Answer answer_to(const keras_op& op) {
  const std::string_view name = op.name;
  if (name == "reshape" || name == "transpose" || name == "broadcast_to" || name == "slice") {
    const uint64_t size = element_size(op.inputs[0]);
    if (size <= 2) return size == 1 ? copy<uint8_t>(op) : copy<uint16_t>(op);
    return size == 4 ? copy<uint32_t>(op) : copy<uint64_t>(op);
  }
  // The last operand's dtype is that of all, but for the condition of select.
  const int32_t dtype = op.num_inputs == 0 ? int32_t{KERAS_FLOAT32} : op.inputs[op.num_inputs - 1].dtype;
  const Answer answer = dtype == KERAS_FLOAT64 ? numeric<double>(op) : numeric<float>(op);
  if (answer.verdict != KERAS_NATIVE || computes(dtype)) return answer;
  return {KERAS_HOST, "the plug-in computes float32 and float64", {}};
}

keras_status prepare(int32_t, const keras_op* op, keras_prepared* out) {
  return guarded([&] {
    Answer answer = answer_to(*op);
    out->verdict = answer.verdict;
    out->num_residuals = 0;
    answer.reason.copy(out->reason, sizeof(out->reason) - 1);
    out->kernel = answer.run ? new keras_kernel{std::move(answer.run)} : nullptr;
  });
}

keras_status launch(keras_kernel* kernel, void*, const keras_tensor* in, int32_t num_in, keras_tensor* out,
                    int32_t) {
  return guarded([&] {
    const void* operands[3] = {};
    for (int32_t i = 0; i < num_in; ++i) operands[i] = in[i].buffer->data.get();
    keras_buffer* made = make_buffer(out[0].desc);
    void* const results[] = {made->data.get()};
    kernel->run(operands, results);
    if (out[0].buffer != nullptr) release(out[0].buffer);  // donated, but nothing is computed in place here
    out[0].buffer = made;
  });
}

}  // namespace

extern "C" int keras_backend_open(const keras_host*, keras_backend* table) {
  table->interface_version = KERAS_BACKEND_INTERFACE;
  table->name = "plain";
  table->version = "loops";
  table->device_count = [] { return 1; };
  table->device_name = [](int32_t) { return "cpu:0"; };
  table->dtype_usage = [](int32_t, int32_t dtype) -> uint32_t { return computes(dtype) ? 3 : 1; };
  table->upload = upload;
  table->import = import;
  table->export_view = export_view;
  table->download = download;
  table->retain = [](keras_buffer* buffer) { void(++buffer->references); };
  table->free = release;
  table->device_of = [](keras_buffer*) { return 0; };
  table->prepare = prepare;
  table->launch = launch;
  table->release_kernel = [](keras_kernel* kernel) { delete kernel; };
  // Programs are driven op by op, so that none is ever executed or released here.
  table->compile = [](int32_t, const keras_graph*, keras_executable**) { return KERAS_ERROR_UNSUPPORTED; };
  table->execute = [](keras_executable*, void*, const keras_tensor*, int32_t, keras_tensor*, int32_t) {
    return KERAS_ERROR_UNSUPPORTED;
  };
  table->release_executable = [](keras_executable*) {};
  table->sync = [](void*) { return KERAS_OK; };
  table->memory = [](int32_t, keras_memory* out) { *out = {out->struct_size, in_use, in_use, peak}; };
  table->last_error = [] { return last_failure.c_str(); };
  return KERAS_OK;
}
