// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "keras/models/training.h"

namespace keras::internal {

/// The batches of arrays for one epoch after another, as Keras' array adapter makes them: float arrays are
/// cast to floatx, a last batch may be partial, and the order is shuffled anew every epoch.
class EpochIterator {
 public:
  struct Options {
    int64_t batch_size = 32;
    bool shuffle = false;
    std::optional<int64_t> steps_per_epoch;
    std::map<int64_t, double> class_weight;
  };
  EpochIterator(DataTriple data, Options options);

  int64_t samples() const { return samples_; }
  /// Steps of an epoch.
  int64_t steps() const;
  /// Begins an epoch: the order depends on the process' seed and the epoch's number.
  void start_epoch(int64_t epoch);
  /// The batch of a step. With steps_per_epoch the data go on where the last epoch ended.
  DataTriple batch(int64_t step);

 private:
  void shuffle(int64_t round);

  DataTriple data_;
  Options options_;
  int64_t samples_ = 0;
  int64_t offset_ = 0;  ///< batches consumed before this epoch, with steps_per_epoch
  int64_t round_ = -1;
  Tensor order_;  ///< the shuffled sample numbers, undefined when not shuffling
};

/// Samples along axis 0 of every leaf. Throws ValueError for empty data or lengths that differ.
int64_t sample_count(const DataTriple& data);
/// The first floor(n (1 - split)) samples, and the rest.
std::pair<DataTriple, DataTriple> split_validation(const DataTriple& data, double split);

}  // namespace keras::internal
