// SPDX-License-Identifier: Apache-2.0
// What the passes that look for patterns ask of a program.
#pragma once

#include <optional>
#include <utility>

#include "compile/rewriter.h"

namespace keras::internal {

/// The node that makes a value, when it is this op and `readers` operands or outputs read the value.
const Graph::Node* sole_maker(const Rewriter& rewriter, Graph::Value v, OpId op, int readers = 1);

/// The parameter that the value lays along the last axes, of these dimensions: the value itself, or what a
/// broadcast_to made it of; reshaped to `wanted`. kNone where it differs along other axes. May add a reshape.
Graph::Value parameter_along(Rewriter& rewriter, Graph::Value v, const Shape& last, const Shape& wanted);

/// A mean over some axes: of what, over which, and whether they are kept with size 1.
struct Mean {
  Graph::Value of;
  ReduceAttributes axes;
};
/// The value as reduce_sum(x) / count, or reduce_sum(x) * (1 / count), of known count.
std::optional<Mean> as_mean(const Rewriter& rewriter, Graph::Value v);

/// x where the value is x * x or x^2.
std::optional<Graph::Value> as_square(const Rewriter& rewriter, Graph::Value v);

/// The operands of a binary op with a number among them: the other operand, and the number.
std::optional<std::pair<Graph::Value, double>> with_number(const Rewriter& rewriter, const Graph::Node& node);

/// True where the value's dtype is float32 or float64: ops in them and their fused forms round alike.
bool is_wide_float(const Rewriter& rewriter, Graph::Value v);

/// Axes as fields of other attribute structs.
inline bool same_list(const keras_list& a, const keras_list& b) {
  if (a.count != b.count) return false;
  for (int64_t i = 0; i < a.count; ++i) {
    if (a.v[i] != b.v[i]) return false;
  }
  return true;
}

/// A convolution's attributes as those of conv_bias_act, without an activation yet.
ConvActivationAttributes with_activation(const ConvAttributes& conv);

}  // namespace keras::internal
