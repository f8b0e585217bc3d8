// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel.h"

namespace keras::tensorflow {

/// x with `gap` elements of the scalar `filler` between neighbours along an axis; `sizes` become the
/// result's.
Value spread(Builder& b, const Value& x, const Value& filler, Sizes& sizes, size_t axis, int64_t gap);

/// True where TensorFlow's broadcasting has no kernel: axes that grow and axes that stay change places too
/// often.
bool broadcasts_in_steps(const Sizes& from, const Sizes& to);
/// x of sizes `from`, repeated to sizes `to`.
Value broadcast(Builder& b, const Value& x, const Sizes& from, const Sizes& to);

}  // namespace keras::tensorflow
