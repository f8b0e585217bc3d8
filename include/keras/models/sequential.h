// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/models/model.h"

namespace keras {

/// Further arguments of an input.
struct InputOptions {
  std::optional<int64_t> batch_size = {};  ///< none: any
  std::string dtype = {};                  ///< "": floatx
  std::string name = {};                   ///< "": "keras_tensor", ...
  bool optional = false;                   ///< whether None may be given instead
};

/// A symbolic tensor that stands for the data given to a model (keras.Input). The shape leaves the batch
/// axis out: `Input({28, 28, 1})` is (None, 28, 28, 1).
Tensor Input(const Shape& shape, const InputOptions& options = {});

/// A plain stack of layers with one input and one output (keras.Sequential).
///
///     Sequential model({Input({784}), layers::Dense(64, {.activation = "relu"}), layers::Dense(10)});
class Sequential : public Model {
 public:
  /// A layer, or an Input at the front.
  class Item {
   public:
    template <class T>
    requires(std::is_base_of_v<Layer, std::remove_cvref_t<T>>) Item(T&& layer)  // NOLINT: by design
        : layer_(std::forward<T>(layer)) {}
    Item(LayerHandle layer) : layer_(std::move(layer)) {}  // NOLINT
    Item(Tensor input) : input_(std::move(input)) {}       // NOLINT
    const LayerHandle& layer() const { return layer_; }
    const Tensor& input() const { return input_; }

   private:
    LayerHandle layer_;
    Tensor input_;
  };

  explicit Sequential(LayerOptions options = {});
  Sequential(std::initializer_list<Item> items, LayerOptions options = {});  // NOLINT: a list is a model
  explicit Sequential(const std::vector<LayerHandle>& layers, LayerOptions options = {});

  /// Appends a layer (or gives the Input of an empty model). Throws ValueError for a second Input or a name
  /// that is taken.
  void add(const Item& item);
  /// Removes and gives the last layer. Throws ValueError when there is none.
  LayerHandle pop();

  std::string class_name() const override { return "Sequential"; }
  std::string module() const override { return "keras"; }
  std::shared_ptr<Layer> share() const override { return std::make_shared<Sequential>(*this); }
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  void build(const Shape& input_shape) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;
  std::vector<LayerHandle> sublayers() const override;
  std::vector<LayerHandle> layers() const override { return sublayers(); }
  std::vector<std::string> output_names() const override;
  Nest standardize_inputs(const Nest& x) const override;
  Json get_config() const override;
  /// The Input, if one was given or the model has been built.
  const std::optional<TensorType>& input_type() const { return state_->input; }

 private:
  struct State {
    std::vector<LayerHandle> layers;
    std::optional<TensorType> input;
    std::string input_name;
    bool given_input = false;
  };
  void rebuild();
  std::shared_ptr<State> state_;
};

namespace internal {

/// A value shaped to what an Input declares: cast to its dtype; a last axis of 1 added or dropped when that
/// makes the ranks agree. Throws ValueError, naming `where`, when the shape still does not fit.
Tensor fit_to_input(std::string_view where, const Tensor& value, const TensorType& declared);

}  // namespace internal
}  // namespace keras
