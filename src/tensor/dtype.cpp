// SPDX-License-Identifier: Apache-2.0
#include "keras/tensor/dtype.h"

#include <array>
#include <vector>

#include "keras/base/error.h"

namespace keras {
namespace {

enum class Family : uint8_t { boolean, unsigned_integer, signed_integer, real, complex, text };

struct DTypeRow {
  std::string_view name;
  uint8_t size;
  Family family;
};

constexpr std::array<DTypeRow, kNumDTypes> kRows = {{
    {"bool", 1, Family::boolean},
    {"uint8", 1, Family::unsigned_integer},
    {"uint16", 2, Family::unsigned_integer},
    {"uint32", 4, Family::unsigned_integer},
    {"uint64", 8, Family::unsigned_integer},
    {"int8", 1, Family::signed_integer},
    {"int16", 2, Family::signed_integer},
    {"int32", 4, Family::signed_integer},
    {"int64", 8, Family::signed_integer},
    {"float16", 2, Family::real},
    {"bfloat16", 2, Family::real},
    {"float32", 4, Family::real},
    {"float64", 8, Family::real},
    {"complex64", 8, Family::complex},
    {"string", 0, Family::text},
}};

const DTypeRow& row(DType dtype) {
  const auto index = static_cast<size_t>(dtype);
  if (index >= kRows.size()) {
    internal::fail<TypeError>({"dtype", "There is no dtype of this number", std::to_string(index), ""});
  }
  return kRows[index];
}

}  // namespace

std::string_view dtype_name(DType dtype) { return row(dtype).name; }

DType parse_dtype(std::string_view name) {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<DType>(i);
  }
  // Python's own types, as Keras maps them with its TensorFlow backend.
  if (name == "int") return DType::int64;
  if (name == "float") return DType::float32;
  if (name == "str") return DType::string;
  std::vector<std::string> valid;
  for (const auto& known : kRows) valid.emplace_back(known.name);
  internal::fail_unknown_name("dtype", "dtype", name, valid);
}

size_t dtype_size(DType dtype) { return row(dtype).size; }

bool is_float(DType dtype) { return row(dtype).family == Family::real; }

bool is_integer(DType dtype) {
  return row(dtype).family == Family::unsigned_integer || row(dtype).family == Family::signed_integer;
}

bool is_signed(DType dtype) {
  const Family family = row(dtype).family;
  return family == Family::signed_integer || family == Family::real || family == Family::complex;
}

bool is_unsigned(DType dtype) { return row(dtype).family == Family::unsigned_integer; }

bool is_complex(DType dtype) { return row(dtype).family == Family::complex; }

}  // namespace keras
