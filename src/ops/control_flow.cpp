// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/control_flow.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras {

namespace prim = internal::prim;

namespace internal {

namespace {

ControlFlowTracer*& tracer() {
  static ControlFlowTracer* instance = nullptr;
  return instance;
}

enum class Mode { eager, types, trace };

Mode mode_of(std::string_view where) {
  if (AbstractEvaluation::running()) return Mode::types;
  if (!current_interpreter().tracing()) return Mode::eager;
  if (tracer() == nullptr) {
    fail<UnsupportedError>({where, "Control flow inside a trace needs the tracing room", "", "run eagerly"});
  }
  return Mode::trace;
}

std::string describe(const Nest& nest) {
  std::string out;
  for (const Tensor& t : nest.flatten())
    out += (out.empty() ? "" : ", ") + TensorType{t.dtype(), t.shape()}.to_string();
  return "[" + out + "]";
}

// Throws unless both have one structure with equal dtypes and shapes that can agree.
void require_alike(std::string_view where, std::string_view requirement, const Nest& a, const Nest& b) {
  bool alike = a.same_structure(b);
  if (alike) {
    const auto left = a.flatten();
    const auto right = b.flatten();
    for (size_t i = 0; i < left.size() && alike; ++i) {
      alike = left[i].dtype() == right[i].dtype() && left[i].rank() == right[i].rank();
      for (int k = 0; alike && k < left[i].rank(); ++k) {
        const Dim x = left[i].dim(k);
        const Dim y = right[i].dim(k);
        alike = x == y || !x.known() || !y.known();
      }
    }
  }
  if (!alike) fail<ValueError>({where, requirement, describe(a) + " and " + describe(b), ""});
}

Nest plain(const Nest& nest) {
  return nest.map([](const Tensor& t) { return as_plain(t); });
}

Nest row(const Nest& xs, int64_t i) {
  return xs.map([i](const Tensor& t) { return prim::index_axis(t, 0, Dim(i)); });
}

Tensor stack_rows(const std::vector<Tensor>& rows) {
  std::vector<Tensor> parts;
  for (const Tensor& r : rows) parts.push_back(prim::expand_dims(r, 0));
  return prim::concat(parts, 0);
}

// The common extent of axis 0.
Dim leading_extent(std::string_view where, const Nest& xs, std::optional<int64_t> length) {
  const auto leaves = xs.flatten();
  if (leaves.empty() && !length) {
    fail<ValueError>({where, "Without xs the length must be given", "neither", ""});
  }
  Dim extent = length ? Dim(*length) : Dim::unknown();
  for (const Tensor& t : leaves) {
    if (t.rank() == 0)
      fail<ValueError>({where, "The elements must have at least one axis", describe(xs), ""});
    const Dim d = t.dim(0);
    if (extent.known() && d.known() && !(extent == d)) {
      fail<ValueError>({where,
                        "All elements must have one length along axis 0, that of `length` if it is given",
                        describe(xs), ""});
    }
    if (!extent.known()) extent = d;
  }
  return extent;
}

}  // namespace

bool set_control_flow_tracer(ControlFlowTracer* installed) {
  tracer() = installed;
  return true;
}

}  // namespace internal

namespace ops {

using internal::Mode;
using internal::symbolic;

namespace {

template <class F>
void require_function(std::string_view where, const std::function<F>& function) {
  if (!function)
    internal::fail<TypeError>({where, "The functions must be given", "an empty std::function", ""});
}

}  // namespace

Nest cond(const Tensor& pred, const std::function<Nest()>& true_fn, const std::function<Nest()>& false_fn) {
  require_function("cond", true_fn);
  require_function("cond", false_fn);
  if (auto node = symbolic<&cond>(pred, true_fn, false_fn)) return *node;
  const Mode mode = pred.abstract() ? internal::mode_of("cond") : Mode::eager;
  if (mode == Mode::trace) return internal::tracer()->cond(pred, true_fn, false_fn);
  if (mode == Mode::eager) return pred.item<bool>() ? true_fn() : false_fn();
  const Nest yes = internal::plain(true_fn());
  internal::require_alike("cond", "Both branches must give the same structure, dtypes and shapes", yes,
                          internal::plain(false_fn()));
  return yes;
}

Nest switch_(const Tensor& index, const std::vector<std::function<Nest(const Nest&)>>& branches,
             const Nest& operands) {
  for (const auto& branch : branches) require_function("switch", branch);
  if (auto node = symbolic<&switch_>(index, branches, operands)) return *node;
  if (branches.empty())
    internal::fail<ValueError>({"switch", "There must be at least one branch", "none", ""});
  const auto last = static_cast<int64_t>(branches.size()) - 1;
  if (!index.abstract()) {
    return branches[static_cast<size_t>(std::clamp<int64_t>(index.item<int64_t>(), 0, last))](operands);
  }
  // A chain of two-way choices.
  const auto choose = [&](const auto& self, size_t i) -> Nest {
    if (i + 1 == branches.size()) return branches[i](operands);
    const Tensor here = prim::less_equal(index, prim::scalar_like(index, static_cast<double>(i)));
    return cond(
        here, [&] { return branches[i](operands); }, [&] { return self(self, i + 1); });
  };
  return choose(choose, 0);
}

Nest while_loop(const std::function<Tensor(const Nest&)>& cond, const std::function<Nest(const Nest&)>& body,
                const Nest& loop_vars, std::optional<int64_t> maximum_iterations) {
  require_function("while_loop", cond);
  require_function("while_loop", body);
  if (auto node = symbolic<&while_loop>(cond, body, loop_vars, maximum_iterations)) return *node;
  Nest state = internal::plain(loop_vars);
  const Mode mode = internal::mode_of("while_loop");
  if (mode == Mode::trace) return internal::tracer()->while_loop(cond, body, state, maximum_iterations);
  constexpr auto kKeeps = "The body must keep structure, dtypes and shapes of the loop variables";
  if (mode == Mode::types) {
    internal::require_alike("while_loop", kKeeps, state, internal::plain(body(state)));
    return state;
  }
  for (int64_t step = 0; !maximum_iterations || step < *maximum_iterations; ++step) {
    if (!cond(state).item<bool>()) break;
    Nest next = internal::plain(body(state));
    internal::require_alike("while_loop", kKeeps, state, next);
    state = std::move(next);
  }
  return state;
}

Nest fori_loop(const Tensor& lower, const Tensor& upper,
               const std::function<Nest(const Tensor&, const Nest&)>& body_fun, const Nest& init_val) {
  require_function("fori_loop", body_fun);
  if (auto node = symbolic<&fori_loop>(lower, upper, body_fun, init_val)) return *node;
  const Tensor first = internal::as_dtype(lower, DType::int32);
  const Tensor end = internal::as_dtype(upper, DType::int32);
  const auto running = [&](const Nest& state) { return prim::less(state[0].tensor(), end); };
  const auto step = [&](const Nest& state) {
    const Tensor& i = state[0].tensor();
    return Nest{prim::add(i, prim::scalar(1, DType::int32)), body_fun(i, state[1])};
  };
  // With known bounds the number of steps is known, which makes gradients of a traced loop cheap.
  std::optional<int64_t> steps;
  if (!first.abstract() && !end.abstract()) {
    steps = std::max<int64_t>(0, end.item<int64_t>() - first.item<int64_t>());
  }
  return while_loop(running, step, Nest{first, init_val}, steps)[1];
}

std::pair<Nest, Nest> scan(const ScanStep& f, const Nest& init, const Nest& xs, std::optional<int64_t> length,
                           bool reverse, int64_t unroll) {
  require_function("scan", f);
  if (auto node = symbolic<&scan>(f, init, xs, length, reverse, unroll)) return *node;
  const Dim extent = internal::leading_extent("scan", xs, length);
  Nest carry = internal::plain(init);
  const Mode mode = internal::mode_of("scan");
  if (mode == Mode::trace) return internal::tracer()->scan(f, carry, xs, length, reverse);
  constexpr auto kKeeps = "The step must keep structure, dtypes and shapes of the carry";
  if (mode == Mode::types || extent == Dim(0)) {
    // The step's types tell those of the outputs, also where there is no step to make.
    Nest output;
    {
      const AbstractEvaluation types;
      const auto type_only = [](const Tensor& t) {
        return AbstractEvaluation::tensor({t.dtype(), t.shape()});
      };
      const auto slice = [](const Tensor& t) {
        return AbstractEvaluation::tensor({t.dtype(), t.shape().sub(1)});
      };
      auto [next, given] = f(carry.map(type_only), xs.map(slice));
      internal::require_alike("scan", kKeeps, carry, next);
      output = internal::plain(given);
    }
    const auto stacked = [&](const Tensor& t) { return prim::full(Shape{extent} + t.shape(), 0, t.dtype()); };
    return {carry, output.map(stacked)};
  }
  const int64_t steps = extent.value();
  std::vector<std::vector<Tensor>> rows;
  Nest form;
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t i = reverse ? steps - 1 - step : step;
    auto [next, output] = f(carry, internal::row(xs, i));
    next = internal::plain(next);
    internal::require_alike("scan", kKeeps, carry, next);
    carry = std::move(next);
    const auto leaves = internal::plain(output).flatten();
    if (step == 0) {
      form = output;
      rows.assign(leaves.size(), std::vector<Tensor>(static_cast<size_t>(steps)));
    }
    for (size_t k = 0; k < leaves.size(); ++k) rows[k][static_cast<size_t>(i)] = leaves[k];
  }
  std::vector<Tensor> stacked;
  for (const auto& r : rows) stacked.push_back(internal::stack_rows(r));
  return {carry, form.pack(stacked)};
}

Nest map(const std::function<Nest(const Nest&)>& f, const Nest& xs) {
  require_function("map", f);
  if (auto node = symbolic<&map>(f, xs)) return *node;
  return scan([&](const Nest& carry, const Nest& x) { return std::pair{carry, f(x)}; }, Nest(), xs).second;
}

Nest vectorized_map(const std::function<Nest(const Nest&)>& function, const Nest& elements) {
  require_function("vectorized_map", function);
  if (auto node = symbolic<&vectorized_map>(function, elements)) return *node;
  return map(function, elements);
}

namespace {

Nest slices(const Nest& nest, int axis, int64_t start, int64_t limit, int64_t stride = 1) {
  return nest.map([=](const Tensor& t) { return prim::slice_axis(t, axis, Dim(start), Dim(limit), stride); });
}

Nest joined(const Nest& a, const Nest& b, int axis) {
  const auto left = a.flatten();
  const auto right = b.flatten();
  std::vector<Tensor> out;
  for (size_t i = 0; i < left.size(); ++i) out.push_back(prim::concat({left[i], right[i]}, axis));
  return a.pack(out);
}

// Elements of a and b in turn, a's first; a has as many as b or one more.
Nest interleaved(const Nest& a, const Nest& b, int axis, int64_t total) {
  const auto left = a.flatten();
  const auto right = b.flatten();
  std::vector<Tensor> out;
  for (size_t i = 0; i < left.size(); ++i) {
    const auto spread = [&](const Tensor& t, int64_t before) {
      SmallVector<int64_t, 6> low(t.shape().size(), 0);
      SmallVector<int64_t, 6> high(t.shape().size(), 0);
      SmallVector<int64_t, 6> interior(t.shape().size(), 0);
      const auto k = static_cast<size_t>(axis);
      low[k] = before;
      interior[k] = 1;
      high[k] = total - before - (2 * t.dim(axis).value() - 1);
      return prim::pad(t, prim::scalar_like(t, 0), low, high, interior);
    };
    const bool logical = left[i].dtype() == DType::bool_;
    const Tensor even = spread(left[i], 0);
    const Tensor odd = spread(right[i], 1);
    out.push_back(logical ? prim::bit_or(even, odd) : prim::add(even, odd));
  }
  return a.pack(out);
}

Nest prefixes(const std::function<Nest(const Nest&, const Nest&)>& f, const Nest& elems, int axis,
              int64_t count) {
  if (count < 2) return elems;
  // Pairs are combined and scanned; those are the odd prefixes, from which the even ones follow.
  const int64_t half = count / 2;
  const Nest pairs = f(slices(elems, axis, 0, 2 * half, 2), slices(elems, axis, 1, 2 * half, 2));
  const Nest odd = prefixes(f, pairs, axis, half);
  const Nest first = slices(elems, axis, 0, 1);
  const int64_t evens = (count + 1) / 2;
  Nest even = first;
  if (evens > 1) {
    const Nest rest = f(slices(odd, axis, 0, evens - 1), slices(elems, axis, 2, count, 2));
    even = joined(first, rest, axis);
  }
  return interleaved(even, odd, axis, count);
}

}  // namespace

Nest associative_scan(const std::function<Nest(const Nest&, const Nest&)>& f, const Nest& elems, bool reverse,
                      int64_t axis) {
  require_function("associative_scan", f);
  if (auto node = symbolic<&associative_scan>(f, elems, reverse, axis)) return *node;
  const auto leaves = elems.flatten();
  if (leaves.empty())
    internal::fail<ValueError>({"associative_scan", "There must be at least one tensor", "none", ""});
  const int along = normalize_axis("associative_scan", axis, leaves[0].rank());
  const Dim extent = leaves[0].dim(along);
  for (const Tensor& t : leaves) {
    if (normalize_axis("associative_scan", axis, t.rank()) != along || !(t.dim(along) == extent)) {
      internal::fail<ValueError>({"associative_scan", "All elements must have one length along the axis",
                                  internal::describe(elems), ""});
    }
  }
  const auto flip = [&](const Nest& nest) {
    return nest.map([&](const Tensor& t) { return prim::reverse(t, {along}); });
  };
  const Nest out = prefixes(f, reverse ? flip(elems) : internal::plain(elems), along, extent.value());
  return reverse ? flip(out) : out;
}

}  // namespace ops
}  // namespace keras
