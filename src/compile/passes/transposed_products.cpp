// SPDX-License-Identifier: Apache-2.0
// simplify, for dot_general: its attributes can say what a transpose before or behind it does.
#include <algorithm>

#include "compile/passes/simplifier.h"

namespace keras::internal {

namespace {

bool contains(const keras_list& list, int64_t axis) {
  const auto axes = items(list);
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

// One operand and its axes, without the transpose that made it; false when the free axes would change order.
bool strip(const Simplifier& s, Value& x, keras_list& contract, keras_list& batch) {
  const auto* inner = s.maker(x, OpId::transpose_op);
  if (inner == nullptr) return false;
  const auto permutation = items(attributes_of<PermutationAttributes>(*inner).permutation);
  int64_t previous = -1;
  for (size_t i = 0; i < permutation.size(); ++i) {
    const auto axis = static_cast<int64_t>(i);
    if (contains(contract, axis) || contains(batch, axis)) continue;
    if (permutation[i] < previous) return false;
    previous = permutation[i];
  }
  for (int64_t i = 0; i < contract.count; ++i) contract.v[i] = permutation[contract.v[i]];
  for (int64_t i = 0; i < batch.count; ++i) batch.v[i] = permutation[batch.v[i]];
  x = inner->inputs[0];
  return true;
}

}  // namespace

Value product_of_transposed(Simplifier& s, const Expression& e) {
  auto at = e.attrs<DotAttributes>();
  Value left = e.operands[0], right = e.operands[1];
  const bool first = strip(s, left, at.lhs_contract, at.lhs_batch);
  const bool second = strip(s, right, at.rhs_contract, at.rhs_batch);
  return first || second ? s.make(OpId::dot_general_op, &at, {left, right}) : kNone;
}

Value transposed_product(Simplifier& s, const Expression& e) {
  const Value product = e.operands[0];
  const auto* inner = s.maker(product, OpId::dot_general_op);
  if (inner == nullptr || s.rewriter().readers(product) != 1) return kNone;
  const auto at = attributes_of<DotAttributes>(*inner);
  const auto permutation = items(e.attrs<PermutationAttributes>().permutation);
  const int64_t batch = at.lhs_batch.count, rank = static_cast<int64_t>(permutation.size());
  const int64_t left = s.type(inner->inputs[0]).shape.rank() - batch - at.lhs_contract.count;
  // batch axes, then the right free axes, then the left ones
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t right = rank - batch - left;
    const int64_t wanted = i < batch ? i : i < batch + right ? i + left : i - right;
    if (permutation[static_cast<size_t>(i)] != wanted) return kNone;
  }
  auto swapped = at;
  std::swap(swapped.lhs_contract, swapped.rhs_contract);
  std::swap(swapped.lhs_batch, swapped.rhs_batch);
  return s.make(OpId::dot_general_op, &swapped, {inner->inputs[1], inner->inputs[0]});
}

}  // namespace keras::internal
