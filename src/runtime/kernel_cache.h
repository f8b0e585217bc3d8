// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"

namespace keras::internal {

/// The answer of a backend for one op on operands of given dtypes and shapes, made once and kept.
struct PreparedOp {
  // The key.
  OpId op;
  bool residuals;
  std::vector<uint8_t> attributes;
  std::vector<keras_desc> operands;
  const Backend* backend;
  int device;
  // The answer.
  SmallVector<TensorType, 4> results;
  SmallVector<keras_desc, 4> result_descs;
  keras_verdict verdict = KERAS_UNSUPPORTED;
  keras_kernel* kernel = nullptr;
  int num_residuals = 0;
  std::string reason;

  PreparedOp() = default;
  PreparedOp(const PreparedOp&) = delete;
  PreparedOp& operator=(const PreparedOp&) = delete;
  ~PreparedOp();
};

/// Finds the prepared op, asking the backend at the first call for such operands. The handle stays valid
/// while it is held; a small per-thread table in front makes the repeated case cheap.
std::shared_ptr<const PreparedOp> prepare(const OpCall& call, Backend& backend, int device);

/// The same without the counting of a handle: valid until this thread's next call. For the fast path.
const PreparedOp& prepare_fast(const OpCall& call, Backend& backend, int device);

/// How many answers are kept (all threads).
size_t prepared_count();

}  // namespace keras::internal
