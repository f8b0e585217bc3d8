// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "keras/tensor/nest.h"

namespace keras {

/// Inputs, targets and weights of a data set, or of one batch of it.
struct DataTriple {
  Nest x = {};              ///< inputs
  Nest y = {};              ///< targets
  Nest sample_weight = {};  ///< one number a sample
};

namespace utils {

/// Batches by their numbers (keras.utils.PyDataset, also called keras.utils.Sequence). A user's data set
/// overrides `size` and `batch`, and the hooks where it wants to change between epochs.
class Sequence {
 public:
  virtual ~Sequence() = default;
  /// How many batches an epoch has; none: as many as are asked for.
  virtual std::optional<int64_t> size() const = 0;
  /// The batch of a number in [0, size).
  virtual DataTriple batch(int64_t index) = 0;
  /// Called before and after each epoch.
  ///@{
  virtual void on_epoch_begin() {}
  virtual void on_epoch_end() {}
  ///@}
};

}  // namespace utils

/// Batches for fit, evaluate and predict instead of arrays: a Sequence, or a generator, a function that gives
/// batch after batch, and nothing when there is no more.
///
///     model.fit([&]() -> std::optional<DataTriple> { return next_batch(); }, {.steps_per_epoch = 100});
///
/// A generator cannot be rewound: for several epochs it either never ends (then give steps_per_epoch) or has
/// batches enough for all of them.
class BatchSource {
 public:
  /// The next batch, or nothing at the end.
  using Generator = std::function<std::optional<DataTriple>()>;

  template <class F>
  requires(std::is_invocable_r_v<std::optional<DataTriple>, F&> &&
           !std::is_same_v<std::remove_cvref_t<F>, BatchSource>) BatchSource(F&& generator)
      : generator_(std::forward<F>(generator)) {}  // NOLINT: functions are sources by design
  template <class T>
  requires(std::is_base_of_v<utils::Sequence, T>) BatchSource(std::shared_ptr<T> sequence)
      : sequence_(std::move(sequence)) {}  // NOLINT: so are sequences

  /// What it was made from; the other one is empty.
  ///@{
  const Generator& generator() const { return generator_; }
  const std::shared_ptr<utils::Sequence>& sequence() const { return sequence_; }
  ///@}

 private:
  Generator generator_;
  std::shared_ptr<utils::Sequence> sequence_;
};

/// What fit judges between epochs and never trains on: arrays, `{x, y}` or `{x, y, sample_weight}`, or
/// batches.
class ValidationData {
 public:
  ValidationData() = default;  ///< nothing
  ValidationData(Nest x, Nest y, Nest sample_weight = {})
      : arrays_(DataTriple{std::move(x), std::move(y), std::move(sample_weight)}) {}
  ValidationData(DataTriple arrays) : arrays_(std::move(arrays)) {}      // NOLINT: converts by design
  ValidationData(BatchSource batches) : batches_(std::move(batches)) {}  // NOLINT: converts by design
  template <class T>
  requires(std::is_constructible_v<BatchSource, T> && !std::is_same_v<std::remove_cvref_t<T>, BatchSource> &&
           !std::is_same_v<std::remove_cvref_t<T>, ValidationData>) ValidationData(T&& batches)
      : batches_(std::forward<T>(batches)) {}  // NOLINT: converts by design

  /// False when there is nothing to judge.
  explicit operator bool() const { return arrays_ || batches_; }
  /// What it was made from; the other one is empty.
  ///@{
  const std::optional<DataTriple>& arrays() const { return arrays_; }
  const std::optional<BatchSource>& batches() const { return batches_; }
  ///@}

 private:
  std::optional<DataTriple> arrays_;
  std::optional<BatchSource> batches_;
};

}  // namespace keras
