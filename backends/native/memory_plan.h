// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace keras::native {

/// A block of memory that is needed from one step of a program to another, both included.
struct PlannedBlock {
  size_t bytes = 0;
  int first = 0;
  int last = 0;
  size_t offset = 0;  ///< in the arena, a multiple of 64
};

/// Gives every block its place in one arena, so that blocks whose lives overlap do not. Large blocks choose
/// first, and each takes the narrowest gap it fits in. Returns the arena's size.
size_t plan_memory(std::vector<PlannedBlock>& blocks);

}  // namespace keras::native
