// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "keras/tensor/nest.h"
#include "keras/tensor/tensor.h"

/// Control flow over tensors (keras.ops). Eagerly the C++ functions simply run; inside a traced function they
/// are traced, so that conditions and trip counts may depend on values.
namespace keras::ops {

/// true_fn() if `pred` (a scalar) is true, else false_fn(). Both must give the same structure, dtypes and
/// shapes.
Nest cond(const Tensor& pred, const std::function<Nest()>& true_fn, const std::function<Nest()>& false_fn);

/// The result of branches[index](operands); an index outside is clamped (keras.ops.switch).
// NOLINTNEXTLINE(readability-identifier-naming): switch is a keyword
Nest switch_(const Tensor& index, const std::vector<std::function<Nest(const Nest&)>>& branches,
             const Nest& operands = {});

/// Repeats `loop_vars = body(loop_vars)` while cond(loop_vars) is true, at most `maximum_iterations` times.
/// The body keeps structure, dtypes and shapes.
Nest while_loop(const std::function<Tensor(const Nest&)>& cond, const std::function<Nest(const Nest&)>& body,
                const Nest& loop_vars, std::optional<int64_t> maximum_iterations = {});

/// Repeats `value = body_fun(i, value)` for i in [lower, upper); i is an int32 scalar.
Nest fori_loop(const Tensor& lower, const Tensor& upper,
               const std::function<Nest(const Tensor&, const Nest&)>& body_fun, const Nest& init_val);

/// What scan's step gives: the next carry, and an output that is stacked with the others.
using ScanStep = std::function<std::pair<Nest, Nest>(const Nest& carry, const Nest& x)>;

/// Carries a state over the slices of `xs` along axis 0: the last carry, and the stacked outputs. Without xs,
/// `length` steps are made with a none slice. `reverse` begins at the last slice; outputs stay in place.
/// `unroll` is only a hint.
std::pair<Nest, Nest> scan(const ScanStep& f, const Nest& init, const Nest& xs = {},
                           std::optional<int64_t> length = {}, bool reverse = false, int64_t unroll = 1);

/// f of every slice of `xs` along axis 0, stacked.
Nest map(const std::function<Nest(const Nest&)>& f, const Nest& xs);

/// The same as map; the slices may be computed together.
Nest vectorized_map(const std::function<Nest(const Nest&)>& function, const Nest& elements);

/// All prefixes combined by an associative function of two nests, along an axis, in O(log n) rounds; from the
/// end with `reverse`.
Nest associative_scan(const std::function<Nest(const Nest&, const Nest&)>& f, const Nest& elems,
                      bool reverse = false, int64_t axis = 0);

}  // namespace keras::ops

namespace keras::internal {

/// How a tracer takes control flow into its graph. The room that traces installs one; it is asked whenever
/// values cannot be read.
class ControlFlowTracer {
 public:
  virtual ~ControlFlowTracer() = default;
  virtual Nest cond(const Tensor& pred, const std::function<Nest()>& true_fn,
                    const std::function<Nest()>& false_fn) = 0;
  virtual Nest while_loop(const std::function<Tensor(const Nest&)>& cond,
                          const std::function<Nest(const Nest&)>& body, const Nest& loop_vars,
                          std::optional<int64_t> maximum_iterations) = 0;
  virtual std::pair<Nest, Nest> scan(const ops::ScanStep& f, const Nest& init, const Nest& xs,
                                     std::optional<int64_t> length, bool reverse) = 0;
};

/// Installs the tracer, which must live as long as the process.
bool set_control_flow_tracer(ControlFlowTracer* tracer);

}  // namespace keras::internal
