// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/nn/layers/recurrent.h"
#include "keras/ops/abstract_evaluation.h"
#include "keras/ops/core.h"
#include "keras/runtime/interpreter.h"
#include "nn/fused_calls.h"
#include "nn/recurrent_loop.h"
#include "ops/primitives.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(RNN);

namespace prim = internal::prim;

namespace {

bool fits(const Shape& given, const Shape& wanted) {
  if (given.size() != wanted.size()) return false;
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i].known() && wanted[i].known() && !(given[i] == wanted[i])) return false;
  }
  return true;
}

std::string shapes_of(const Nest& nest) {
  std::string out;
  for (const Tensor& t : nest.flatten()) out += (out.empty() ? "" : ", ") + t.shape().to_string();
  return "[" + out + "]";
}

/// The states among the inputs: those after the first one, or the list that is the second one.
Nest states_among(const Nest& inputs) {
  if (inputs.size() == 2 && inputs[1].is_list()) return inputs[1];
  return Nest(std::vector<Nest>(inputs.list().begin() + 1, inputs.list().end()));
}

/// The mask of the sequences as bool (batch, steps); undefined without one.
Tensor step_mask(const Nest& given, const Shape& sequences) {
  const Nest first = given.is_list() ? (given.size() == 0 ? Nest() : given[0]) : given;
  if (!first.is_leaf() || !first.tensor().defined()) return {};
  Tensor mask = first.tensor();
  if (mask.rank() == 3 && mask.dim(2) == Dim(1)) mask = prim::index_axis(mask, 2, Dim(0));
  if (!fits(mask.shape(), sequences.sub(0, 2))) {
    internal::fail<ValueError>(
        {"RNN", "The mask must be (batch, steps)",
         fmt::format("mask {}, sequences {}", first.tensor().shape().to_string(), sequences.to_string()),
         ""});
  }
  return prim::cast(mask, DType::bool_);
}

/// The time between a cell's begin_sequence and end_sequence, also when a step throws.
class SequenceScope {
 public:
  explicit SequenceScope(AbstractRNNCell& cell) : cell_(cell) { cell_.begin_sequence(); }
  ~SequenceScope() { cell_.end_sequence(); }
  SequenceScope(const SequenceScope&) = delete;
  SequenceScope& operator=(const SequenceScope&) = delete;

 private:
  AbstractRNNCell& cell_;
};

}  // namespace

RNN::RNN(RNNOptions options)
    : Layer({options.name, options.trainable, options.dtype}),
      rnn_(std::move(options)),
      cell_(std::dynamic_pointer_cast<AbstractRNNCell>(rnn_.cell.shared())),
      states_(std::make_shared<std::vector<Variable>>()) {
  if (!cell_) {
    internal::fail<TypeError>({"RNN", "The cell must derive from layers::AbstractRNNCell",
                               rnn_.cell ? rnn_.cell->class_name() : "none", "RNN(LSTMCell(32))"});
  }
  core().activity_regularizer = rnn_.activity_regularizer;
  track("cell", rnn_.cell);
  set_supports_masking();
}

RNN::RNN(LayerHandle cell, RNNOptions options)
    : RNN([&] {
        options.cell = std::move(cell);
        return std::move(options);
      }()) {}

RNN::RNN(std::vector<LayerHandle> cells, RNNOptions options)
    : RNN(LayerHandle(StackedRNNCells(std::move(cells))), std::move(options)) {}

Json RNN::get_config() const {
  RNNOptions current = rnn_;
  current.name = name();
  current.trainable = trainable();
  return internal::without_null(to_config(current), {"activity_regularizer"});
}

std::vector<StateSize> RNN::state_size() const {
  const StateSize size = cell_->state_size();
  if (size.is_list()) return size.items();
  return std::vector<StateSize>(1, size);
}

Nest RNN::get_initial_state(Dim batch_size) const {
  Nest states = cell_->get_initial_state(batch_size);
  return states.is_list() ? states : Nest(std::vector<Nest>{states});
}

std::vector<Variable> RNN::states() const { return *states_; }

void RNN::reset_state() {
  for (const Variable& state : *states_) state.assign(prim::full(state.shape(), 0, state.dtype()));
}

void RNN::check_input(const Shape& shape) const {
  const int wanted = input_rank();
  if (wanted == 0 ? shape.rank() < 3 : shape.rank() != wanted) {
    internal::fail<ValueError>({name(),
                                wanted == 0 ? "The input must have at least 3 axes: (batch, steps, features)"
                                            : "The input must be (batch, steps, features)",
                                shape.to_string(), ""});
  }
  if (core().build_shapes.empty() || shape.rank() != 3) return;
  const Dim features = core().build_shapes.front().back();
  if (shape.back().known() && features.known() && !(shape.back() == features)) {
    internal::fail<ValueError>(
        {name(), "The input's last axis must be what the layer was built for",
         fmt::format("input {}, built for {}", shape.to_string(), core().build_shapes.front().to_string()),
         ""});
  }
}

void RNN::build(const Shape& input_shape) {
  check_input(input_shape);
  Shape step = input_shape;
  step.erase(1);
  cell_->ensure_built({step});
  if (!rnn_.stateful) return;
  if (!input_shape[0].known()) {
    internal::fail<ValueError>({name(), "A stateful layer needs to know the batch size",
                                input_shape.to_string(), "Input({steps, features}, {.batch_size = 32})"});
  }
  make_states(input_shape[0].value());
}

void RNN::make_states(int64_t batch) {
  // As weights, states are made eagerly even inside a trace or an abstract evaluation. They are no weights:
  // files and optimizers do not know them.
  const internal::InterpreterScope eager(internal::eager_interpreter(),
                                         internal::InterpreterScope::Replace{});
  const AutocastScope plain(std::nullopt);
  for (const Tensor& value : get_initial_state(batch).flatten()) {
    Variable state(value, variable_dtype(), "rnn_state", false);
    state.slot().path = core().path + "/rnn_state";
    states_->push_back(std::move(state));
  }
}

Shape RNN::compute_output_shape(const Shape& input_shape) const {
  check_input(input_shape);
  const Dim features(cell_->output_size());
  if (rnn_.return_sequences) return {input_shape[0], input_shape[1], features};
  return {input_shape[0], features};
}

Nest RNN::compute_mask(const Nest&, const Nest& previous_mask) {
  const Nest first =
      previous_mask.is_list() ? (previous_mask.size() == 0 ? Nest() : previous_mask[0]) : previous_mask;
  const Nest own = rnn_.return_sequences ? first : Nest();
  if (!rnn_.return_state) return own;
  std::vector<Nest> masks(1 + state_size().size());
  masks[0] = own;
  return Nest(std::move(masks));
}

Nest RNN::first_states(const Nest& given, Dim batch) const {
  if (given.is_none() && !rnn_.stateful) return get_initial_state(batch);
  Nest form;
  {
    const AbstractEvaluation types;
    form = get_initial_state(batch);
  }
  const auto wanted = form.flatten();
  std::vector<Tensor> values;
  if (given.is_none()) {
    // No gradient flows into the batch before, also when one tape has seen both.
    for (const Variable& state : *states_) values.push_back(ops::stop_gradient(state.value()));
  } else {
    values = given.flatten();
  }
  bool good = values.size() == wanted.size();
  for (size_t i = 0; good && i < wanted.size(); ++i) good = fits(values[i].shape(), wanted[i].shape());
  if (!good) {
    internal::fail<ValueError>(
        {name(), fmt::format("The cell {} takes states of shapes {}", cell_->class_name(), shapes_of(form)),
         shapes_of(Nest(values)), ""});
  }
  return form.pack(values);
}

Nest RNN::call_nest(const Nest& inputs, const CallArgs& args) {
  const bool several = inputs.is_list() && inputs.size() > 1;
  if (!inputs.is_leaf() && !(inputs.is_list() && inputs.size() > 0 && inputs[0].is_leaf())) {
    internal::fail<ValueError>({name(), "A recurrent layer takes sequences, and perhaps initial states",
                                fmt::format("{} inputs", inputs.flatten().size()), "layer({x, h})"});
  }
  const Tensor& sequences = inputs.is_leaf() ? inputs.tensor() : inputs[0].tensor();
  check_input(sequences.shape());
  if (rnn_.unroll && !sequences.dim(1).known()) {
    internal::fail<ValueError>({name(), "A layer with unroll needs to know the number of steps",
                                sequences.shape().to_string(), "Input({steps, features})"});
  }
  const Dim batch = sequences.dim(0);
  if (rnn_.stateful && !states_->empty()) {
    const Dim expected = states_->front().shape()[0];
    if (batch.known() && !(batch == expected)) {
      internal::fail<ValueError>({name(), "A stateful layer takes batches of one size",
                                  fmt::format("{} samples after {}", batch.value(), expected.value()), ""});
    }
  }
  const Tensor mask = step_mask(args.mask, sequences.shape());
  Nest states = first_states(several ? states_among(inputs) : args.initial_state, batch);
  states = states.map([this](const Tensor& t) { return ops::cast(t, cell_->compute_dtype()); });

  Sequence result;
  {
    const SequenceScope sequence(*cell_);
    result = run(sequences, states, mask, args.training.value_or(false));
  }
  const auto cast = [this](const Tensor& t) { return ops::cast(t, compute_dtype()); };
  result.states = result.states.map(cast);
  if (rnn_.stateful) {
    const auto values = result.states.flatten();
    for (size_t i = 0; i < states_->size(); ++i) (*states_)[i].assign(values[i]);
  }
  const Tensor output = cast(rnn_.return_sequences ? result.outputs : result.last_output);
  if (!rnn_.return_state) return output;
  std::vector<Nest> out{output};
  for (const Nest& state : result.states.list()) out.push_back(state);
  return Nest(std::move(out));
}

RNN::Sequence RNN::run(const Tensor& sequences, const Nest& initial_state, const Tensor& mask,
                       bool training) {
  CallArgs args;
  args.training = training;
  const auto step = [&](const Tensor& x, const std::vector<Tensor>& states) {
    const Nest out = (*cell_)(Nest(std::vector<Nest>{x, initial_state.pack(states)}), args);
    auto next = out[1].flatten();
    if (next.size() != states.size()) {
      internal::fail<ValueError>({cell_->name(), "A step must give as many states as it takes",
                                  fmt::format("{} states after {}", next.size(), states.size()), ""});
    }
    return std::pair{out[0].tensor(), std::move(next)};
  };
  const internal::RecurrentLoop loop{rnn_.go_backwards, rnn_.zero_output_for_mask, rnn_.return_sequences};
  auto result = internal::run_recurrent(loop, step, sequences, initial_state.flatten(), mask);
  return {result.last_output, result.outputs, initial_state.pack(result.states)};
}

}  // namespace keras::layers
