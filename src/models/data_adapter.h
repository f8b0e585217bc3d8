// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "keras/models/batch_source.h"

namespace keras::internal {

/// Gives batches of any kind of data set (Keras' DataAdapter).
class DataAdapter {
 public:
  virtual ~DataAdapter() = default;
  /// Batches of one pass; none: not known beforehand.
  virtual std::optional<int64_t> num_batches() const = 0;
  /// Begins a pass over the data; `round` decides the order where it is shuffled.
  virtual void start(int64_t round) = 0;
  /// The next batch of the pass, or nothing at its end.
  virtual std::optional<DataTriple> next() = 0;
  virtual void on_epoch_begin() {}
  virtual void on_epoch_end() {}
};

/// How fit, evaluate and predict want their batches.
struct DataOptions {
  std::optional<int64_t> batch_size = {};
  std::optional<int64_t> steps = {};  ///< of an epoch; without batch_size it decides the size of batches
  bool shuffle = false;
  std::map<int64_t, double> class_weight = {};
};

/// Arrays, cut into batches: float arrays are cast to floatx, a last batch may be partial, and the order is
/// shuffled anew each round. Throws ValueError for empty data, lengths that differ, or weights that do not
/// fit.
std::unique_ptr<DataAdapter> adapt_arrays(DataTriple data, const DataOptions& options);
/// A sequence or generator. Throws ValueError for arguments that only arrays take, or a generator that is
/// empty.
std::unique_ptr<DataAdapter> adapt_batches(const BatchSource& source, const DataOptions& options);

/// Samples along axis 0 of every leaf. Throws ValueError for empty data or lengths that differ.
int64_t sample_count(const DataTriple& data);
/// The first floor(n (1 - split)) samples, and the rest.
std::pair<DataTriple, DataTriple> split_validation(const DataTriple& data, double split);
/// Keras' class weights as sample weights: a class without an entry weighs 1. Throws ValueError for labels
/// that are neither classes nor one-hot rows.
Tensor weights_of_classes(const Nest& labels, const std::map<int64_t, double>& weights);

}  // namespace keras::internal
