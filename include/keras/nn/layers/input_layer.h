// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "keras/graph/attributes.h"
#include "keras/nn/layer.h"

namespace keras {

/// Further arguments of an input.
struct InputOptions {
  std::optional<int64_t> batch_size = {};  ///< none: any
  std::string dtype = {};                  ///< "": floatx
  std::string name = {};                   ///< "": "input_layer", "input_layer_1", ...
  bool optional = false;                   ///< whether none may be given instead
};

/// A symbolic tensor that stands for the data given to a model (keras.Input). The shape leaves the batch
/// axis out: `Input({28, 28, 1})` is (None, 28, 28, 1); std::nullopt stands for a dimension that may be
/// anything: `Input({std::nullopt, 8})`. Throws ValueError for an unknown dtype.
Tensor Input(const Shape& shape, const InputOptions& options = {});

struct InputLayerOptions {
  Shape batch_shape = {};  ///< with the batch axis
  std::string dtype = {};  ///< "": floatx
  bool sparse = false;     ///< in files; only dense inputs exist here
  bool ragged = false;     ///< in files; only dense inputs exist here
  std::string name = {};   ///< "": "input_layer", ...
  bool optional = false;   ///< whether none may be given instead
};

template <>
struct FieldTable<InputLayerOptions> {
  using O = InputLayerOptions;
  static constexpr auto fields =
      field_list(field<&O::batch_shape>("batch_shape", "Shape with the batch axis"),
                 field<&O::dtype>("dtype", "Dtype of the data"),
                 field<&O::sparse>("sparse", "Whether the data are sparse"),
                 field<&O::ragged>("ragged", "Whether the data are ragged"),
                 field<&O::name>("name", "Name of the input"),
                 field<&O::optional>("optional", "Whether none may be given"));
};

namespace layers {

/// Where data enter a model (keras.layers.InputLayer); `Input` makes one and gives its tensor.
class InputLayer final : public Layer {
 public:
  using Options = InputLayerOptions;
  static constexpr const char* kClassName = "InputLayer";
  /// Throws UnsupportedError for sparse or ragged inputs.
  explicit InputLayer(InputLayerOptions options);
  /// `shape` leaves the batch axis out.
  explicit InputLayer(const Shape& shape, const InputOptions& options = {});

  const Options& options() const { return options_; }
  /// What it declares, batch axis included.
  TensorType type() const;
  Nest output() const override;
  std::string class_name() const override { return kClassName; }
  std::string module() const override { return "keras.layers"; }
  std::shared_ptr<Layer> share() const override;
  bool overrides_build() const override { return false; }
  Json get_config() const override;
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;

 private:
  Options options_;
  Tensor tensor_;
};

}  // namespace layers
}  // namespace keras
