// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernel_cache.h"

#include <array>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "keras/base/error.h"

namespace keras::internal {

namespace {

// Beyond so many answers (programs whose shapes never repeat) the table starts anew.
constexpr size_t kMaxPrepared = 32768;
constexpr size_t kNearSlots = 1024;

uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
  return hash ^ (hash >> 29);
}

uint64_t hash_call(const OpCall& call, const Backend& backend, int device) {
  uint64_t hash = mix(static_cast<uint64_t>(call.op->id) * 2 + (call.residuals ? 1 : 0),
                      reinterpret_cast<uintptr_t>(&backend) + static_cast<uint64_t>(device));
  const auto* words = static_cast<const uint64_t*>(call.attributes);
  for (size_t i = 1; i < call.op->attributes.size / 8; ++i) {
    if (words[i] != 0) hash = mix(hash, words[i] + i);
  }
  for (const Tensor& t : call.operands) {
    const auto& impl = t.impl();
    hash = mix(hash, static_cast<uint64_t>(impl.dtype) + 64 * impl.shape.size());
    for (const Dim d : impl.shape) hash = mix(hash, static_cast<uint64_t>(d.code()));
  }
  return hash;
}

bool same_desc(const keras_desc& desc, const TensorImpl& impl) {
  if (desc.dtype != static_cast<int32_t>(impl.dtype) || desc.rank != impl.shape.rank()) return false;
  for (size_t i = 0; i < impl.shape.size(); ++i) {
    if (desc.shape[i] != impl.shape[i].code()) return false;
  }
  return true;
}

bool matches(const PreparedOp& p, const OpCall& call, const Backend& backend, int device) {
  if (p.op != call.op->id || p.residuals != call.residuals || p.backend != &backend || p.device != device ||
      p.operands.size() != call.operands.size() ||
      std::memcmp(p.attributes.data(), call.attributes, p.attributes.size()) != 0) {
    return false;
  }
  for (size_t i = 0; i < p.operands.size(); ++i) {
    if (!same_desc(p.operands[i], call.operands[i].impl())) return false;
  }
  return true;
}

std::shared_ptr<PreparedOp> make(const OpCall& call, Backend& backend, int device) {
  auto p = std::make_shared<PreparedOp>();
  p->op = call.op->id;
  p->residuals = call.residuals;
  p->backend = &backend;
  p->device = device;
  const auto* bytes = static_cast<const uint8_t*>(call.attributes);
  p->attributes.assign(bytes, bytes + call.op->attributes.size);
  SmallVector<TensorType, 6> types;
  for (const Tensor& t : call.operands) {
    p->operands.push_back(to_desc(t));
    types.push_back({t.dtype(), t.shape()});
  }
  p->results = infer(*call.op, call.attributes, types);
  for (const auto& type : p->results) p->result_descs.push_back(to_desc(type));

  keras_op op{};
  op.struct_size = sizeof(op);
  op.name = call.op->name.c_str();
  op.attributes = p->attributes.data();
  op.attributes_size = p->attributes.size();
  op.num_inputs = static_cast<int32_t>(p->operands.size());
  op.num_outputs = static_cast<int32_t>(p->result_descs.size());
  op.inputs = p->operands.data();
  op.outputs = p->result_descs.data();
  op.wants_residuals = call.residuals ? 1 : 0;
  keras_prepared answer{};
  answer.struct_size = sizeof(answer);
  answer.verdict = KERAS_COMPOSED;
  backend.check(backend.table().prepare(device, &op, &answer), call.op->name);
  p->verdict = answer.verdict;
  p->kernel = answer.kernel;
  p->num_residuals = answer.num_residuals;
  p->reason = answer.reason;
  return p;
}

struct Table {
  std::shared_mutex mutex;
  std::unordered_multimap<uint64_t, std::shared_ptr<PreparedOp>> entries;
};

Table& table() {
  // Kernels must not outlive their backend, and backends are never unloaded: so the table never dies either.
  static Table* instance = new Table;  // NOLINT
  return *instance;
}

const std::shared_ptr<PreparedOp>& lookup(const OpCall& call, Backend& backend, int device) {
  thread_local std::array<std::shared_ptr<PreparedOp>, kNearSlots> near;
  const uint64_t hash = hash_call(call, backend, device);
  auto& slot = near[hash % kNearSlots];
  if (slot && matches(*slot, call, backend, device)) return slot;
  auto& t = table();
  {
    const std::shared_lock lock(t.mutex);
    const auto [first, last] = t.entries.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      if (matches(*it->second, call, backend, device)) {
        slot = it->second;
        return slot;
      }
    }
  }
  auto made = make(call, backend, device);
  const std::unique_lock lock(t.mutex);
  if (t.entries.size() >= kMaxPrepared) t.entries.clear();
  t.entries.emplace(hash, made);
  slot = std::move(made);
  return slot;
}

}  // namespace

PreparedOp::~PreparedOp() {
  if (kernel != nullptr) backend->table().release_kernel(kernel);
}

std::shared_ptr<const PreparedOp> prepare(const OpCall& call, Backend& backend, int device) {
  return lookup(call, backend, device);
}
const PreparedOp& prepare_fast(const OpCall& call, Backend& backend, int device) {
  return *lookup(call, backend, device);
}

size_t prepared_count() {
  auto& t = table();
  const std::shared_lock lock(t.mutex);
  return t.entries.size();
}

}  // namespace keras::internal
