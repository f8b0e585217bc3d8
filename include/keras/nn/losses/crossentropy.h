// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/nn/loss.h"

namespace keras {

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;                  ///< y_pred are logits, not probabilities
  std::optional<int64_t> ignore_class = {};  ///< labels that count nothing, -1 in segmentation
  Reduction reduction = Reduction::sum_over_batch_size;
  int axis = -1;
  std::string name = "sparse_categorical_crossentropy";
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<SparseCategoricalCrossentropyOptions> {
  using O = SparseCategoricalCrossentropyOptions;
  static constexpr auto fields =
      field_list(loss_fields<O>(), field<&O::from_logits>("from_logits", "y_pred are logits, not probabilities"),
                 field<&O::ignore_class>("ignore_class", "Labels of this class count nothing"));
};

namespace losses {

/// -log of the probability given to an integer class: y_true (...) or (..., 1), y_pred (..., classes), values
/// (...) (keras.losses.sparse_categorical_crossentropy).
Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits = false,
                                       std::optional<int64_t> ignore_class = {}, int axis = -1);

/// The mean of sparse_categorical_crossentropy (keras.losses.SparseCategoricalCrossentropy).
class SparseCategoricalCrossentropy : public ConfiguredLoss<SparseCategoricalCrossentropy, SparseCategoricalCrossentropyOptions> {
 public:
  static constexpr const char* kClassName = "SparseCategoricalCrossentropy";
  explicit SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {})
      : ConfiguredLoss(std::move(options)) {}
  Tensor call(const Tensor& y_true, const Tensor& y_pred) const override {
    return sparse_categorical_crossentropy(y_true, y_pred, options_.from_logits, options_.ignore_class, options_.axis);
  }
};

}  // namespace losses
}  // namespace keras
