// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "keras/graph/op.h"
#include "keras/runtime/backend.h"

namespace keras::internal {

/// What a backend answers to one op of the table: a row of `keras backends` and of docs/backends.md.
struct OpCoverage {
  const OpDef* op = nullptr;
  /// The answer furthest from native to any of the op's sample calls: "composed" where libkeras opens the op,
  /// "host" where the native backend computes it with copies.
  keras_verdict verdict = KERAS_NATIVE;
  std::string reason;    ///< the backend's own words on that answer; empty for native
  int calls = 0;         ///< sample calls that it was asked about
  int native_calls = 0;  ///< how many of them it runs itself
};

/// Asks a backend about every op with the operands of its samples, floats in float32 where the op takes it. A
/// gradient op that reads residuals answers as its forward op does, which decides for both. Control flow is
/// left out: `compile` takes it with its regions, and libkeras drives it otherwise.
std::vector<OpCoverage> coverage(Backend& backend);

/// "native", "composed", "host" or "unsupported".
const char* verdict_name(keras_verdict verdict);

}  // namespace keras::internal
