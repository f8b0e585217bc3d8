// SPDX-License-Identifier: Apache-2.0
#include "keras/graph/op.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "keras/base/error.h"

namespace keras::internal {

namespace {

// Rows live in a deque so that references to them stay valid when users register ops.
struct OpTable {
  std::mutex mutex;
  std::deque<OpDef> rows;
  std::unordered_map<std::string, OpId> by_name;

  OpTable() {
#define KERAS_OP(name, operands, results, Attributes, traits, reads, doc) \
  rows.push_back(                                                         \
      {OpId::name##_op, #name, operands, results, attribute_table<Attributes>(), traits, reads, doc, {}});
#include "keras/graph/ops.def"
#undef KERAS_OP
    for (const auto& row : rows) by_name.emplace(row.name, row.id);
  }
};

OpTable& table() {
  static OpTable instance;
  return instance;
}

}  // namespace

const OpDef& op_def(OpId id) { return table().rows[static_cast<size_t>(id)]; }

const OpDef* find_op(std::string_view name) {
  auto& t = table();
  const std::lock_guard lock(t.mutex);
  const auto it = t.by_name.find(std::string(name));
  return it == t.by_name.end() ? nullptr : &t.rows[static_cast<size_t>(it->second)];
}

std::vector<const OpDef*> all_ops() {
  auto& t = table();
  const std::lock_guard lock(t.mutex);
  std::vector<const OpDef*> out;
  for (const auto& row : t.rows) out.push_back(&row);
  return out;
}

bool register_rule(OpId id, const OpRule& rule) {
  table().rows[static_cast<size_t>(id)].rule = rule;
  return true;
}

OpId register_op(OpDef definition) {
  auto& t = table();
  const std::lock_guard lock(t.mutex);
  if (t.by_name.contains(definition.name)) {
    fail<ValueError>({"register_op", "An op needs a new name", "'" + definition.name + "'", ""});
  }
  if (definition.rule.infer == nullptr) {
    fail<ValueError>({"register_op", "An op needs a shape rule (infer)", "'" + definition.name + "'", ""});
  }
  definition.id = static_cast<OpId>(t.rows.size());
  t.by_name.emplace(definition.name, definition.id);
  t.rows.push_back(std::move(definition));
  return t.rows.back().id;
}

namespace {

// Backends count elements and bytes in 64 bits.
void require_addressable(const OpDef& op, const TensorType& type) {
  int64_t bytes = static_cast<int64_t>(std::max<size_t>(dtype_size(type.dtype), 1));
  bool fits = true;
  for (const Dim d : type.shape) {
    if (!d.known()) continue;
    if (d == Dim(0)) return;
    fits = fits && !__builtin_mul_overflow(bytes, d.value(), &bytes);
  }
  if (fits) return;
  fail<ValueError>({op.name, "The size of a tensor must fit in 64 bits", type.to_string(), ""});
}

}  // namespace

SmallVector<TensorType, 4> infer(const OpDef& op, const void* attributes,
                                 std::span<const TensorType> operands) {
  if (op.operands >= 0 && operands.size() != static_cast<size_t>(op.operands)) {
    fail<ValueError>({op.name, fmt::format("The op takes {} operands", op.operands),
                      fmt::format("{} operands", operands.size()), ""});
  }
  if (op.rule.infer == nullptr) {
    fail<UnsupportedError>({op.name, "The op has no shape rule in this build", "", ""});
  }
  InferContext context{op.name, attributes, operands, {}};
  op.rule.infer(context);
  for (const TensorType& result : context.results) require_addressable(op, result);
  return std::move(context.results);
}

}  // namespace keras::internal
