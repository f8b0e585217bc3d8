// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel.h"

namespace keras::tensorflow {

/// x with `gap` elements of the scalar `filler` between neighbours along an axis; `sizes` become the
/// result's.
Value spread(Builder& b, const Value& x, const Value& filler, Sizes& sizes, size_t axis, int64_t gap);

}  // namespace keras::tensorflow
