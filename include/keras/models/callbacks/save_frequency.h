// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace keras::callbacks {

/// When a callback saves: `"epoch"`, at the end of every epoch, or a number, after so many batches.
class SaveFrequency {
 public:
  /// Throws ValueError for another word than "epoch", or a number below 1.
  ///@{
  SaveFrequency(const char* word);  // NOLINT: words and numbers are frequencies
  SaveFrequency(int64_t batches);   // NOLINT
  SaveFrequency(int batches) : SaveFrequency(static_cast<int64_t>(batches)) {}  // NOLINT
  ///@}
  /// True for "epoch".
  bool each_epoch() const { return !batches_; }
  /// Counts a batch (numbers start anew each epoch, and jump with steps_per_execution); true when it is time
  /// to save.
  bool due_after_batch(int64_t batch);

 private:
  std::optional<int64_t> batches_;
  std::optional<int64_t> last_batch_;
  int64_t seen_ = 0;
};

}  // namespace keras::callbacks
