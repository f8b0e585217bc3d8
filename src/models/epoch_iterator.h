// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/data_adapter.h"

namespace keras::internal {

/// The steps of one epoch after another, as Keras' EpochIterator makes them: with steps_per_epoch an epoch
/// goes on where the last one ended, and is cut short, with a warning, when the data end.
class EpochIterator {
 public:
  /// What runs between two looks at callbacks: steps_per_execution batches, fewer at the end of the data.
  struct Execution {
    int64_t begin = 0;
    int64_t end = 0;  ///< number of the last step, as if none were missing
    std::vector<DataTriple> batches;
  };

  /// `first_round` decides the first order of shuffled data.
  EpochIterator(std::unique_ptr<DataAdapter> data, std::optional<int64_t> steps_per_epoch,
                int64_t steps_per_execution, int64_t first_round = 0);

  /// Steps of an epoch; none while that is not known.
  std::optional<int64_t> num_batches() const { return steps_per_epoch_ ? steps_per_epoch_ : num_batches_; }
  /// The order of the data that the next pass over them has.
  void set_round(int64_t round) { round_ = round; }
  /// The next epoch begins with a new pass over the data.
  void reset() { running_ = false; }
  /// Begins an epoch.
  void start_epoch();
  /// The next executions of the epoch; nothing at its end.
  std::optional<Execution> next();

 private:
  void finish();

  std::unique_ptr<DataAdapter> data_;
  std::optional<int64_t> steps_per_epoch_;
  int64_t steps_per_execution_;
  std::optional<int64_t> num_batches_;
  int64_t round_;
  bool running_ = false;  ///< a pass over the data is under way
  int64_t step_ = 0;
  int64_t seen_ = 0;  ///< steps of this pass
};

}  // namespace keras::internal
