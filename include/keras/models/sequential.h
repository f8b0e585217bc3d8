// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/models/model.h"
#include "keras/nn/layers/input_layer.h"

namespace keras {

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
  std::string registered_name() const override { return ""; }
  std::shared_ptr<Layer> share() const override { return std::make_shared<Sequential>(*this); }
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  void build(const Shape& input_shape) override;
  /// The layers, without the Input.
  std::vector<LayerHandle> sublayers() const override;
  std::vector<LayerHandle> layers() const override { return sublayers(); }
  std::vector<std::string> output_names() const override;
  Json get_config() const override;

 private:
  struct State {
    std::vector<LayerHandle> layers;
    std::optional<layers::InputLayer> input;
    bool given_input = false;
  };
  void append(const Item& item);
  void rebuild();
  std::shared_ptr<State> state_;
};

}  // namespace keras
