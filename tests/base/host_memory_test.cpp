// SPDX-License-Identifier: Apache-2.0
#include "keras/base/host_memory.h"

#include <gtest/gtest.h>

#include <limits>

#include "keras/base/error.h"

namespace keras::internal {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

TEST(HostMemory, CountsWhatFits) {
  EXPECT_EQ(host_entries("test", 8, {}), 1u);
  EXPECT_EQ(host_entries("test", 8, {3, 4}), 12u);
  EXPECT_EQ(host_entries("test", 8, {3, 0}), 0u);
  EXPECT_GT(machine_memory(), size_t{1} << 20);
}

TEST(HostMemory, RefusesWhatNoMachineHolds) {
  EXPECT_THROW(host_entries("test", 8, {3, -1}), ValueError);
  EXPECT_THROW(host_entries("test", 1, {int64_t{1} << 60}), BackendError);
  EXPECT_THROW(host_entries("test", 16, {kMost}), BackendError);
  EXPECT_THROW(host_entries("test", 1, {kMost, kMost, kMost}), BackendError);
}

}  // namespace
}  // namespace keras::internal
