// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace keras::internal {

/// Numbers of the host's Philox sequence of a seed; the same on every machine and backend.
std::vector<double> host_uniform(uint32_t seed, size_t count);
/// Standard normal numbers, by the inverse distribution function.
std::vector<double> host_normal(uint32_t seed, size_t count);
/// Standard normal numbers within two standard deviations.
std::vector<double> host_truncated_normal(uint32_t seed, size_t count);
/// The number below which a standard normal variable falls with probability p in (0, 1).
double normal_quantile(double p);

}  // namespace keras::internal
