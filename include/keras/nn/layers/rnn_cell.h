// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "keras/nn/layer.h"
#include "keras/nn/layer_envelope.h"

namespace keras {

struct StackedRNNCellsOptions {
  std::vector<LayerHandle> cells = {};
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<StackedRNNCellsOptions> {
  using O = StackedRNNCellsOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::cells>("cells", "Cells, each fed by the one before it"));
};

namespace layers {

/// The size of a cell's state: a number, or a list of sizes when the cell has several states.
class StateSize {
 public:
  template <class T>
  requires std::is_integral_v<T> StateSize(T size)  // NOLINT: a number is a size
      : size_(static_cast<int64_t>(size)) {}
  StateSize(std::initializer_list<StateSize> items) : list_(true), items_(items) {}
  StateSize(std::vector<StateSize> items) : list_(true), items_(std::move(items)) {}  // NOLINT

  /// Whether there are several states (or a list of one).
  bool is_list() const { return list_; }
  /// The size of a single state.
  int64_t size() const { return size_; }
  /// The sizes of several.
  const std::vector<StateSize>& items() const { return items_; }
  /// The first number in it: the size of the output, unless a cell says otherwise.
  int64_t first() const;

 private:
  bool list_ = false;
  int64_t size_ = 0;
  std::vector<StateSize> items_;
};

/// One step of a recurrent layer: from an input and the states to an output and the next states. Derive from
/// it to write a cell for RNN:
///
///     class MinimalCell : public layers::AbstractRNNCell {
///       Variable kernel, recurrent_kernel;
///      public:
///       KERAS_LAYER(MinimalCell, kernel, recurrent_kernel)
///       layers::StateSize state_size() const override { return 32; }
///       void build(const Shape& s) override {
///         add_weight(kernel, "kernel", {s.back(), 32});
///         add_weight(recurrent_kernel, "recurrent_kernel", {32, 32});
///       }
///       std::pair<Tensor, Nest> step(const Tensor& x, const Nest& states, const CallArgs&) override {
///         Tensor y = ops::matmul(x, kernel.value()) + ops::matmul(states[0], recurrent_kernel.value());
///         return {y, states.pack({y})};
///       }
///     };
///
/// Called as a layer it takes the input and the list of states, and gives the output and the list of the next
/// states: `cell({x, Nest{h, c}})`. A single state may stand without a list; then so does the next one.
class AbstractRNNCell : public Layer {
 public:
  explicit AbstractRNNCell(LayerOptions options = {}) : Layer(std::move(options)) {}
  /// Sizes of the states.
  virtual StateSize state_size() const = 0;
  /// Features of the output; by default the size of the first state.
  virtual int64_t output_size() const { return state_size().first(); }
  /// The states before the first step, a list; by default zeros (batch_size, size) of the compute dtype.
  virtual Nest get_initial_state(Dim batch_size) const;
  /// The output for the input (batch, features), and the next states in the structure of `states`, a list.
  virtual std::pair<Tensor, Nest> step(const Tensor& inputs, const Nest& states, const CallArgs& args) = 0;
  /// RNN calls these before the first step of a sequence and after the last: for what stays the same in
  /// between, such as dropout masks.
  virtual void begin_sequence() {}
  virtual void end_sequence() {}

  /// `step` for {inputs, states}. Throws ValueError for anything else.
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
};

/// A cell whose inputs and states pass dropout masks that are drawn once a sequence (Gal and Ghahramani,
/// 2016). A cell that runs outside of RNN keeps its masks until they are reset.
class DropoutRNNCell : public AbstractRNNCell {
 public:
  /// The next step draws new masks.
  void reset_dropout_mask();
  void reset_recurrent_dropout_mask();
  void begin_sequence() override;
  void end_sequence() override;
  /// For a call that is computed again in the backward pass: puts the masks that are there now back for as
  /// long as its result lives.
  std::function<std::shared_ptr<void>()> masks_as_now() const;

 protected:
  DropoutRNNCell(LayerOptions options, double dropout, double recurrent_dropout, std::optional<int64_t> seed,
                 size_t mask_count);
  /// The masks of inputs, or of states, of the shape of `like`: mask_count of them.
  const std::vector<Tensor>& dropout_masks(const Tensor& like);
  const std::vector<Tensor>& recurrent_dropout_masks(const Tensor& like);
  /// Integers and bools in the compute dtype, floats as they are.
  Tensor as_float(const Tensor& x) const;
  /// x w + b, where the parts of w's columns see x through a mask each; without masks x as it is.
  static Tensor masked_product(const Tensor& x, const std::vector<Tensor>& masks, const Tensor& w,
                               const Tensor& b);

 private:
  struct Masks {
    std::vector<Tensor> inputs, states;
    bool in_sequence = false;
  };
  const std::vector<Tensor>& draw(std::vector<Tensor>& masks, const Tensor& like, double rate);

  double dropout_, recurrent_dropout_;
  size_t mask_count_;
  std::shared_ptr<random::SeedGenerator> seed_generator_;
  std::shared_ptr<Masks> masks_;  // of all copies of the cell
};

/// Several cells as one: each takes the output of the one before it (keras.layers.StackedRNNCells). The
/// states are a list with an entry a cell. Throws ValueError without cells, TypeError for a layer that is no
/// cell.
class StackedRNNCells : public AbstractRNNCell {
 public:
  static constexpr const char* kClassName = "StackedRNNCells";
  using Options = StackedRNNCellsOptions;
  explicit StackedRNNCells(StackedRNNCellsOptions options);
  explicit StackedRNNCells(std::vector<LayerHandle> cells, StackedRNNCellsOptions options = {});
  std::string class_name() const override { return kClassName; }
  std::string module() const override { return "keras.layers"; }
  std::shared_ptr<Layer> share() const override { return std::make_shared<StackedRNNCells>(*this); }
  Json get_config() const override;
  StateSize state_size() const override;
  int64_t output_size() const override { return cells_.back()->output_size(); }
  Nest get_initial_state(Dim batch_size) const override;
  void build(const Shape& input_shape) override;
  std::pair<Tensor, Nest> step(const Tensor& inputs, const Nest& states, const CallArgs& args) override;
  void begin_sequence() override;
  void end_sequence() override;

  /// The cells, the first one first.
  const std::vector<std::shared_ptr<AbstractRNNCell>>& cells() const { return cells_; }

 private:
  StackedRNNCellsOptions options_;
  std::vector<std::shared_ptr<AbstractRNNCell>> cells_;
};

}  // namespace layers
}  // namespace keras
