// SPDX-License-Identifier: Apache-2.0
// Dtype promotion as a join on a lattice, after keras/src/backend/common/dtypes.py (itself after JAX).
#include <array>
#include <string>

#include "keras/base/error.h"
#include "keras/tensor/config.h"
#include "keras/tensor/dtype.h"

namespace keras {
namespace {

// The lattice's nodes: the dtypes without string, then the kinds of weak scalars, then complex128,
// which float64 and complex64 join in and which narrows to complex64.
enum Node : uint8_t { weak_int = 14, weak_float = 15, complex128 = 16, num_nodes = 17, none = 255 };

using Set = uint32_t;

constexpr uint8_t node(DType dtype) { return static_cast<uint8_t>(dtype); }
constexpr Set bit(unsigned n) { return Set{1} << n; }
constexpr Set bit(DType dtype) { return bit(node(dtype)); }

// The nodes at or above each node.
constexpr std::array<Set, num_nodes> upper_bounds() {
  std::array<Set, num_nodes> up{};
  up[node(DType::bool_)] = bit(weak_int);
  up[node(DType::uint8)] = bit(DType::int16) | bit(DType::uint16);
  up[node(DType::uint16)] = bit(DType::int32) | bit(DType::uint32);
  up[node(DType::uint32)] = bit(DType::int64) | bit(DType::uint64);
  up[node(DType::uint64)] = bit(weak_float);
  up[weak_int] = bit(DType::uint8) | bit(DType::int8) | bit(DType::complex64);
  up[node(DType::int8)] = bit(DType::int16);
  up[node(DType::int16)] = bit(DType::int32);
  up[node(DType::int32)] = bit(DType::int64);
  up[node(DType::int64)] = bit(weak_float);
  up[weak_float] = bit(DType::bfloat16) | bit(DType::float16);
  up[node(DType::bfloat16)] = bit(DType::float32);
  up[node(DType::float16)] = bit(DType::float32);
  up[node(DType::float32)] = bit(DType::float64) | bit(DType::complex64);
  up[node(DType::float64)] = bit(complex128);
  up[node(DType::complex64)] = bit(complex128);
  for (unsigned n = 0; n < num_nodes; ++n) up[n] |= bit(n);
  for (unsigned round = 0; round < num_nodes; ++round) {
    for (unsigned n = 0; n < num_nodes; ++n) {
      for (unsigned m = 0; m < num_nodes; ++m) {
        if ((up[n] & bit(m)) != 0) up[n] |= up[m];
      }
    }
  }
  return up;
}

// The join of every pair: the one common upper bound below all the others.
constexpr std::array<std::array<uint8_t, num_nodes>, num_nodes> join_table() {
  const auto up = upper_bounds();
  std::array<std::array<uint8_t, num_nodes>, num_nodes> join{};
  for (unsigned a = 0; a < num_nodes; ++a) {
    for (unsigned b = 0; b < num_nodes; ++b) {
      const Set common = up[a] & up[b];
      join[a][b] = none;
      for (uint8_t c = 0; c < num_nodes; ++c) {
        if ((common & bit(c)) != 0 && (common & ~up[c]) == 0) join[a][b] = c;
      }
    }
  }
  return join;
}

constexpr auto kJoin = join_table();

constexpr bool every_pair_joins() {
  for (const auto& line : kJoin) {
    for (const uint8_t entry : line) {
      if (entry == none) return false;
    }
  }
  return true;
}
static_assert(every_pair_joins());

uint8_t node_of(PromotionType operand) {
  if (!operand.weak || operand.dtype == DType::bool_) return node(operand.dtype);
  if (is_integer(operand.dtype)) return weak_int;
  return is_float(operand.dtype) ? static_cast<uint8_t>(weak_float) : node(operand.dtype);
}

DType dtype_of_node(uint8_t n) {
  switch (n) {
    case weak_int:
      return DType::int32;
    case weak_float:
      return config::floatx();
    case complex128:
      return DType::complex64;
    case node(DType::uint64):
      return DType::uint32;
    default:
      return static_cast<DType>(n);
  }
}

[[noreturn]] void fail_string(std::span<const PromotionType> operands) {
  std::string received;
  for (const auto& operand : operands) {
    received += (received.empty() ? "" : ", ") + std::string(dtype_name(operand.dtype));
  }
  internal::fail<TypeError>({"result_type", "Strings take no part in computations", "dtypes " + received,
                             "turn them into numbers first"});
}

}  // namespace

DType result_type(std::span<const PromotionType> operands) {
  if (operands.empty()) return config::floatx();
  bool strings = false;
  bool all_strings = true;
  for (const auto& operand : operands) {
    const bool text = operand.dtype == DType::string;
    strings = strings || text;
    all_strings = all_strings && text;
  }
  if (all_strings) return DType::string;
  if (strings) fail_string(operands);
  uint8_t joined = node_of(operands[0]);
  for (size_t i = 1; i < operands.size(); ++i) joined = kJoin[joined][node_of(operands[i])];
  return dtype_of_node(joined);
}

DType result_type(std::initializer_list<PromotionType> operands) {
  return result_type(std::span<const PromotionType>(operands.begin(), operands.size()));
}

}  // namespace keras
