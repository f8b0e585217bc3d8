// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/nn/loss.h"

namespace keras {

/// Arguments of losses::Circle.
struct CircleOptions {
  double gamma = 80.0;          ///< scale of the similarities
  double margin = 0.4;          ///< relaxation of the targets
  bool remove_diagonal = true;  ///< leave out pairs of a sample with itself
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = "circle";
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<CircleOptions> {
  using O = CircleOptions;
  static constexpr auto fields =
      field_list(loss_fields<O>(), field<&O::gamma>("gamma", "Scale of the similarities"),
                 field<&O::margin>("margin", "Relaxation of the targets"),
                 field<&O::remove_diagonal>("remove_diagonal", "Leave out pairs of a sample with itself"));
};

namespace losses {

/// The circle loss of embeddings (keras.losses.circle; Sun et al., 2020): y_true (n) integer classes, y_pred
/// (n, d) vectors of length 1, compared with each other or with labelled references. Values (n) carry a mask
/// of those above 0.
Tensor circle(const Tensor& y_true, const Tensor& y_pred, const Tensor& ref_labels = {},
              const Tensor& ref_embeddings = {}, bool remove_diagonal = true, double gamma = 80,
              double margin = 0.4);

/// circle, reduced (keras.losses.Circle).
class Circle : public ConfiguredLoss<Circle, CircleOptions> {
 public:
  static constexpr const char* kClassName = "Circle";
  explicit Circle(CircleOptions options = {}) : ConfiguredLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

}  // namespace losses
}  // namespace keras
