// SPDX-License-Identifier: Apache-2.0
#include "nn/recurrent_loop.h"

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/control_flow.h"
#include "keras/ops/numpy.h"
#include "ops/primitives.h"

namespace keras::internal {

namespace {

/// The mask of one step (batch,) with axes of size 1 up to the rank of what it chooses.
Tensor choose(const Tensor& mask, const Tensor& yes, const Tensor& no) {
  Tensor m = mask;
  while (m.rank() < yes.rank()) m = prim::expand_dims(m, m.rank());
  return prim::select(m, yes, no);
}

/// A step that honours the mask: from the output before it and the states to the next ones.
std::pair<Tensor, std::vector<Tensor>> masked_step(const RecurrentLoop& loop, const RecurrentStep& step,
                                                   const Tensor& x, const std::vector<Tensor>& states,
                                                   const Tensor& mask, const Tensor& previous) {
  auto [output, next] = step(x, states);
  if (!mask.defined()) return {output, next};
  const bool repeat = previous.defined() && !loop.zero_output_for_mask;
  output = choose(mask, output, repeat ? previous : prim::zeros_like(output));
  for (size_t i = 0; i < next.size(); ++i) next[i] = choose(mask, next[i], states[i]);
  return {output, std::move(next)};
}

void append_steps(const Tensor& x, std::vector<Tensor>& out) {
  constexpr int64_t kParts = 8;
  const int64_t count = x.dim(1).value();
  if (count <= kParts) {
    for (int64_t t = 0; t < count; ++t) out.push_back(prim::index_axis(x, 1, Dim(t)));
    return;
  }
  const int64_t part = (count + kParts - 1) / kParts;
  for (int64_t first = 0; first < count; first += part) {
    append_steps(prim::slice_axis(x, 1, Dim(first), Dim(std::min(first + part, count))), out);
  }
}

}  // namespace

Tensor batch_and_steps_exchanged(const Tensor& x) {
  std::vector<int> axes;
  for (int i = 0; i < x.rank(); ++i) axes.push_back(i < 2 ? 1 - i : i);
  return prim::transpose(x, axes);
}

std::vector<Tensor> steps_of(const Tensor& sequences) {
  std::vector<Tensor> out;
  append_steps(sequences, out);
  return out;
}

RecurrentResult run_recurrent_scan(const RecurrentLoop& loop, const RecurrentStep& step,
                                   const Tensor& sequences, std::vector<Tensor> states, const Tensor& mask) {
  // What lasts for the whole sequence, such as dropout masks, is made in this step and not inside the scan;
  // it tells the type of the output, too.
  const Tensor kind = step(prim::index_axis(sequences, 1, Dim(0)), states).first;
  std::vector<Nest> slices{batch_and_steps_exchanged(sequences)};
  if (mask.defined()) slices.emplace_back(batch_and_steps_exchanged(mask));
  std::vector<Nest> carry{prim::zeros_like(kind)};
  carry.insert(carry.end(), states.begin(), states.end());
  const auto body = [&](const Nest& state, const Nest& slice) {
    const auto leaves = state.flatten();
    auto [output, next] = masked_step(loop, step, slice[0].tensor(), {leaves.begin() + 1, leaves.end()},
                                      mask.defined() ? slice[1].tensor() : Tensor(), leaves[0]);
    std::vector<Nest> after{output};
    after.insert(after.end(), next.begin(), next.end());
    return std::pair{Nest(std::move(after)), loop.all_outputs ? Nest(output) : Nest()};
  };
  auto [last, outputs] =
      ops::scan(body, Nest(std::move(carry)), Nest(std::move(slices)), {}, loop.go_backwards);
  const auto leaves = last.flatten();
  RecurrentResult result{leaves[0], {}, {leaves.begin() + 1, leaves.end()}};
  if (loop.all_outputs) {
    const Tensor in_place = batch_and_steps_exchanged(outputs.tensor());
    result.outputs = loop.go_backwards ? prim::reverse(in_place, {1}) : in_place;
  }
  return result;
}

RecurrentResult run_recurrent(const RecurrentLoop& loop, const RecurrentStep& step, const Tensor& sequences,
                              std::vector<Tensor> states, const Tensor& mask) {
  const Dim count = sequences.dim(1);
  if (!count.known()) return run_recurrent_scan(loop, step, sequences, std::move(states), mask);
  if (count == Dim(0)) {
    fail<ValueError>({"RNN", "There must be at least one step", sequences.shape().to_string(), ""});
  }
  RecurrentResult result{{}, {}, std::move(states)};
  std::vector<Tensor> outputs;
  const auto inputs = steps_of(sequences);
  for (int64_t i = 0; i < count.value(); ++i) {
    const int64_t t = loop.go_backwards ? count.value() - 1 - i : i;
    const Tensor valid = mask.defined() ? prim::index_axis(mask, 1, Dim(t)) : Tensor();
    auto [output, next] =
        masked_step(loop, step, inputs[static_cast<size_t>(t)], result.states, valid, result.last_output);
    result.last_output = std::move(output);
    result.states = std::move(next);
    if (loop.all_outputs) outputs.push_back(prim::expand_dims(result.last_output, 1));
  }
  if (loop.all_outputs) result.outputs = prim::concat(outputs, 1);
  return result;
}

}  // namespace keras::internal
