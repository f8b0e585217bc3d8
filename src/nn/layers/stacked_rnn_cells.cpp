// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/nn/layers/rnn_cell.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(StackedRNNCells);

StackedRNNCells::StackedRNNCells(StackedRNNCellsOptions options)
    : AbstractRNNCell({options.name, options.trainable, options.dtype}), options_(std::move(options)) {
  if (options_.cells.empty()) {
    internal::fail<ValueError>({kClassName, "There must be at least one cell", "none", ""});
  }
  core().list_attributes.emplace_back("cells");
  for (const LayerHandle& layer : options_.cells) {
    auto cell = std::dynamic_pointer_cast<AbstractRNNCell>(layer.shared());
    if (!cell) {
      internal::fail<TypeError>({kClassName, "All cells must derive from layers::AbstractRNNCell",
                                 layer ? layer->class_name() : "none", "LSTMCell, GRUCell, ..."});
    }
    cells_.push_back(std::move(cell));
    track("cells", layer);
  }
}

StackedRNNCells::StackedRNNCells(std::vector<LayerHandle> cells, StackedRNNCellsOptions options)
    : StackedRNNCells([&] {
        options.cells = std::move(cells);
        return std::move(options);
      }()) {}

Json StackedRNNCells::get_config() const {
  StackedRNNCellsOptions current = options_;
  current.name = name();
  current.trainable = trainable();
  return to_config(current);
}

StateSize StackedRNNCells::state_size() const {
  std::vector<StateSize> sizes;
  for (const auto& cell : cells_) sizes.push_back(cell->state_size());
  return sizes;
}

Nest StackedRNNCells::get_initial_state(Dim batch_size) const {
  std::vector<Nest> states;
  for (const auto& cell : cells_) states.push_back(cell->get_initial_state(batch_size));
  return Nest(std::move(states));
}

void StackedRNNCells::build(const Shape& input_shape) {
  Shape shape = input_shape;
  for (const auto& cell : cells_) {
    cell->ensure_built({shape});
    shape = {input_shape.front(), Dim(cell->output_size())};
  }
}

std::pair<Tensor, Nest> StackedRNNCells::step(const Tensor& inputs, const Nest& states,
                                              const CallArgs& args) {
  if (states.size() != cells_.size()) {
    internal::fail<ValueError>({name(), "The states must be a list with an entry for every cell",
                                fmt::format("{} entries for {} cells", states.size(), cells_.size()), ""});
  }
  Tensor x = inputs;
  std::vector<Nest> next;
  for (size_t i = 0; i < cells_.size(); ++i) {
    CallArgs own;
    own.training = args.training;
    const Nest given = (*cells_[i])(Nest(std::vector<Nest>{x, states[i]}), own);
    x = given[0].tensor();
    next.push_back(given[1]);
  }
  return {x, Nest(std::move(next))};
}

void StackedRNNCells::begin_sequence() {
  for (const auto& cell : cells_) cell->begin_sequence();
}

void StackedRNNCells::end_sequence() {
  for (const auto& cell : cells_) cell->end_sequence();
}

}  // namespace keras::layers
