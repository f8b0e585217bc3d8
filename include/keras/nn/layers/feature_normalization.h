// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <vector>

#include "keras/nn/layer.h"
#include "keras/ops/arguments.h"

namespace keras {

struct NormalizationOptions {
  ops::Axis axis = -1;  ///< axes with statistics of their own; none: one mean and variance for everything
  Json mean = {};  ///< a number, or a list (of lists) with the shape of the axes; null: adapted or learned
  Json variance = {};   ///< the same; both or neither are given
  bool invert = false;  ///< whether normalized inputs are brought back
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<NormalizationOptions> {
  using O = NormalizationOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::axis>("axis", "Axes with statistics of their own"),
                 field<&O::invert>("invert", "Whether normalized inputs are brought back"),
                 field<&O::mean>("mean", "Mean, when it is known"),
                 field<&O::variance>("variance", "Variance, when it is known"));
};

namespace layers {

/// (x - mean) / sqrt(variance) with fixed statistics of the features, given, or found by `adapt`
/// (keras.layers.Normalization). The standard deviation is at least config::epsilon(). Integers are cast to
/// the compute dtype. Throws ValueError unless mean and variance have one shape that fits the axes, and for
/// axes out of range or of unknown size.
class Normalization : public ConfiguredLayer<Normalization, NormalizationOptions> {
 public:
  static constexpr const char* kClassName = "Normalization";
  template <std::same_as<NormalizationOptions> O>
  explicit Normalization(O options) : Normalization(options.axis, options) {}
  explicit Normalization(ops::Axis axis = -1, NormalizationOptions options = {});
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;

  /// Sets mean and variance to those of the data, over all axes but the layer's; builds the layer when it is
  /// not built. Throws ValueError for data of another shape than the layer was built for, and for a layer
  /// whose statistics were given.
  void adapt(const Tensor& data);
  /// The same for data in batches, which may have different first extents.
  void adapt(const std::vector<Tensor>& batches);

  Variable mean;      ///< one per feature
  Variable variance;  ///< one per feature
  Variable count;     ///< kept for files: an int64 scalar

 private:
  /// The layer's axes for inputs of a rank, ascending, and the others.
  Axes kept_axes(int rank) const;
  Axes reduced_axes(int rank) const;
  /// Statistics in the shape that broadcasts against inputs.
  Tensor broadcast_shaped(const Tensor& statistic, const Shape& input_shape) const;
  void check_data(const Tensor& data);
};

}  // namespace layers
}  // namespace keras
