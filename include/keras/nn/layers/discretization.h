// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <vector>

#include "keras/nn/layer.h"

namespace keras {

struct DiscretizationOptions {
  std::string output_mode = "int";                         ///< "int", "one_hot", "multi_hot" or "count"
  std::optional<std::vector<double>> bin_boundaries = {};  ///< ascending edges between the bins
  std::optional<int64_t> num_bins = {};                    ///< how many bins `adapt` finds
  double epsilon = 0.01;                                   ///< how far adapted quantiles may be off
  bool sparse = false;                                     ///< kept for files: results are dense
  std::string name = {};
  bool trainable = true;  ///< without effect, and not in configs: there are no weights
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<DiscretizationOptions> {
  using O = DiscretizationOptions;
  static constexpr auto fields =
      field_list(field<&O::bin_boundaries>("bin_boundaries", "Ascending edges between the bins"),
                 field<&O::num_bins>("num_bins", "How many bins adapt finds"),
                 field<&O::epsilon>("epsilon", "How far adapted quantiles may be off"),
                 field<&O::output_mode>("output_mode", "int, one_hot, multi_hot or count"),
                 field<&O::sparse>("sparse", "Kept for files: results are dense"),
                 field<&O::name>("name", "Name of the layer; made from the class when empty"),
                 field<&O::dtype>("dtype", "Dtype or dtype policy of computations"));
};

namespace layers {

/// The number of the bin that each value falls into, from 0: int32, or encoded as by CategoryEncoding
/// (keras.layers.Discretization). The edges are given, or found by `adapt`. Throws ValueError when neither
/// edges nor num_bins are given, for unknown modes, and when it is called before it is adapted.
class Discretization : public ConfiguredLayer<Discretization, DiscretizationOptions> {
 public:
  static constexpr const char* kClassName = "Discretization";
  explicit Discretization(DiscretizationOptions options);
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;

  /// Puts the edges where num_bins bins get about equally many of the values. Throws ValueError for a layer
  /// without num_bins and for no values.
  void adapt(const Tensor& data);
  /// The same for data in batches.
  void adapt(const std::vector<Tensor>& batches);
  /// The edges; none before adapt.
  const std::optional<std::vector<double>>& bin_boundaries() const { return *bin_boundaries_; }

 private:
  std::shared_ptr<std::optional<std::vector<double>>> bin_boundaries_;  // shared by copies of the layer
};

}  // namespace layers
}  // namespace keras
