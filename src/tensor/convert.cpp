// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "keras/base/error.h"
#include "keras/tensor/host_buffer.h"

namespace keras::internal {
namespace {

template <class T>
constexpr bool is_half = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;
template <class T>
constexpr bool is_complex_number = std::is_same_v<T, std::complex<float>>;

// The element as the number that conversions start from.
template <class From>
auto widen(From value) {
  if constexpr (is_half<From>) {
    return static_cast<float>(value);
  } else if constexpr (is_complex_number<From>) {
    return value.real();
  } else {
    return value;
  }
}

template <class Real>
int64_t truncate(Real value) {
  if (std::isnan(value)) return 0;
  if (value >= static_cast<Real>(0x1p63)) return std::numeric_limits<int64_t>::max();
  if (value < static_cast<Real>(-0x1p63)) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

template <class Real>
uint64_t truncate_unsigned(Real value) {
  if (value >= static_cast<Real>(0x1p64)) return std::numeric_limits<uint64_t>::max();
  if (value >= static_cast<Real>(0x1p63)) return static_cast<uint64_t>(value);
  return static_cast<uint64_t>(truncate(value));
}

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_same_v<To, bool>) {
    if constexpr (is_complex_number<From>) {
      return value != From(0);
    } else {
      return widen(value) != 0;
    }
  } else if constexpr (is_complex_number<To>) {
    return To(static_cast<float>(widen(value)));
  } else if constexpr (is_half<To>) {
    return To(static_cast<float>(widen(value)));
  } else if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(widen(value));
  } else if constexpr (std::is_floating_point_v<decltype(widen(value))>) {
    if constexpr (std::is_same_v<To, uint64_t>) {
      return truncate_unsigned(widen(value));
    } else {
      return static_cast<To>(truncate(widen(value)));
    }
  } else {
    return static_cast<To>(widen(value));
  }
}

template <class From, class To>
void convert_loop(const void* from, void* to, int64_t count) {
  const auto* source = static_cast<const From*>(from);
  auto* destination = static_cast<To*>(to);
  for (int64_t i = 0; i < count; ++i) destination[i] = convert<To>(source[i]);
}

using Loop = void (*)(const void*, void*, int64_t);
constexpr size_t kNumbers = 14;  // the dtypes without string

template <class From>
constexpr std::array<Loop, kNumbers> loops_from() {
  return {convert_loop<From, bool>,     convert_loop<From, uint8_t>,
          convert_loop<From, uint16_t>, convert_loop<From, uint32_t>,
          convert_loop<From, uint64_t>, convert_loop<From, int8_t>,
          convert_loop<From, int16_t>,  convert_loop<From, int32_t>,
          convert_loop<From, int64_t>,  convert_loop<From, Half>,
          convert_loop<From, BFloat16>, convert_loop<From, float>,
          convert_loop<From, double>,   convert_loop<From, std::complex<float>>};
}

constexpr std::array<std::array<Loop, kNumbers>, kNumbers> kLoops = {
    loops_from<bool>(),     loops_from<uint8_t>(),
    loops_from<uint16_t>(), loops_from<uint32_t>(),
    loops_from<uint64_t>(), loops_from<int8_t>(),
    loops_from<int16_t>(),  loops_from<int32_t>(),
    loops_from<int64_t>(),  loops_from<Half>(),
    loops_from<BFloat16>(), loops_from<float>(),
    loops_from<double>(),   loops_from<std::complex<float>>()};

}  // namespace

void convert_elements(const void* from, DType from_dtype, void* to, DType to_dtype, int64_t count) {
  if (from_dtype == DType::string || to_dtype == DType::string) {
    fail<TypeError>({"cast", "Strings do not convert to or from numbers",
                     std::string(dtype_name(from_dtype)) + " to " + std::string(dtype_name(to_dtype)),
                     "layers::StringLookup maps strings to numbers"});
  }
  if (count == 0) return;
  if (from_dtype == to_dtype) {
    std::memcpy(to, from, static_cast<size_t>(count) * dtype_size(from_dtype));
    return;
  }
  kLoops[static_cast<size_t>(from_dtype)][static_cast<size_t>(to_dtype)](from, to, count);
}

Tensor host_cast(const Tensor& tensor, DType dtype) {
  const int64_t count = tensor.elements();
  if (tensor.dtype() == dtype && !tensor.weak()) return tensor;
  auto bytes = allocate_host(static_cast<size_t>(count) * dtype_size(dtype));
  if (tensor.impl().literal) {
    convert_elements(&*tensor.impl().literal, DType::float64, bytes.get(), dtype, 1);
  } else {
    convert_elements(tensor.host_data(), tensor.dtype(), bytes.get(), dtype, count);
  }
  return host_tensor(std::move(bytes), tensor.shape(), dtype);
}

}  // namespace keras::internal
