// SPDX-License-Identifier: Apache-2.0
// common: equal expressions are computed once.
#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "compile/passes/list.h"
#include "compile/rewriter.h"

namespace keras::internal {

namespace {

// Constants of the program are compared up to so many bytes.
constexpr size_t kComparedBytes = 4096;

bool commutes(OpId op) {
  switch (op) {
    case OpId::add_op:
    case OpId::mul_op:
    case OpId::maximum_op:
    case OpId::minimum_op:
    case OpId::bit_and_op:
    case OpId::bit_or_op:
    case OpId::bit_xor_op:
      return true;
    default:
      return false;
  }
}

size_t mix(size_t hash, size_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
  return hash ^ (hash >> 29);
}

std::string_view bytes_of(const std::vector<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What a node computes.
struct Key {
  OpId op;
  int residuals;
  std::vector<uint8_t> attributes;
  std::vector<Graph::Value> inputs;
  std::vector<std::shared_ptr<const Graph>> regions;
  friend bool operator==(const Key&, const Key&) = default;
};

struct Hash {
  size_t operator()(const Key& key) const {
    size_t hash = static_cast<size_t>(key.op);
    hash = mix(hash, std::hash<std::string_view>()(bytes_of(key.attributes)));
    for (const auto v : key.inputs) hash = mix(hash, static_cast<size_t>(v) + 1);
    for (const auto& r : key.regions) hash = mix(hash, reinterpret_cast<size_t>(r.get()));
    return hash;
  }
};

Key key_of(const Graph::Node& node) {
  Key key{node.op, node.residuals, node.attributes, node.inputs, node.regions};
  if (commutes(node.op)) std::sort(key.inputs.begin(), key.inputs.end());
  return key;
}

// The first constant with the same elements stands for the others.
std::unordered_map<Graph::Value, Graph::Value> equal_constants(const Graph& graph) {
  std::unordered_multimap<size_t, const Graph::Constant*> seen;
  std::unordered_map<Graph::Value, Graph::Value> out;
  for (const auto& constant : graph.constants()) {
    const Tensor& tensor = constant.tensor;
    if (tensor.dtype() == DType::string || tensor.bytes() > kComparedBytes) continue;
    const std::string_view bytes(static_cast<const char*>(tensor.host_data()), tensor.bytes());
    const size_t hash = std::hash<std::string_view>()(bytes);
    const auto [first, last] = seen.equal_range(hash);
    const auto same = std::find_if(first, last, [&](const auto& entry) {
      const Tensor& other = entry.second->tensor;
      return other.dtype() == tensor.dtype() && other.shape() == tensor.shape() &&
             std::memcmp(other.host_data(), bytes.data(), bytes.size()) == 0;
    });
    if (same == last) {
      seen.emplace(hash, &constant);
    } else {
      out[constant.value] = same->second->value;
    }
  }
  return out;
}

}  // namespace

void merge_common(Graph& graph, const PassContext&) {
  const auto constants = equal_constants(graph);
  Rewriter rewriter(graph);
  std::unordered_map<Key, std::vector<Graph::Value>, Hash> seen;
  while (Graph::Node* node = rewriter.next()) {
    for (auto& v : node->inputs) {
      if (const auto it = constants.find(v); it != constants.end()) rewriter.reroute(v, it->second);
    }
    if (node->op == OpId::barrier_op || has_effects(*node)) {
      rewriter.keep();
      continue;
    }
    const auto [it, first] = seen.try_emplace(key_of(*node), node->outputs);
    if (first || !rewriter.same_types(node->outputs, it->second)) {
      rewriter.keep();
    } else {
      rewriter.replace(it->second);
    }
  }
  rewriter.finish();
}

}  // namespace keras::internal
