// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "keras/graph/op_attributes.h"

namespace keras::native {

constexpr int kMostSlots = 3;

/// The scalar operands of update_many.
struct StepScalars {
  double rate = 0;
  int64_t iteration = 0;  // steps done before this one
  double product = 0;     // NADAM's
};

/// Consecutive elements of one parameter; all arrays are of the type computed in. Results may stand where
/// operands stand.
struct UpdatePiece {
  const void* parameter;
  const void* gradient;
  std::array<const void*, kMostSlots> slots;
  void* new_parameter;
  std::array<void*, kMostSlots> new_slots;
  int64_t count;
};

}  // namespace keras::native
