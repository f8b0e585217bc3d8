// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "keras/base/error.h"
#include "keras/nn/layers/recurrent_wrappers.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(Bidirectional);

namespace {

std::shared_ptr<RNN> recurrent(const LayerHandle& layer, const char* what) {
  auto rnn = std::dynamic_pointer_cast<RNN>(layer.shared());
  if (!rnn) {
    internal::fail<TypeError>({"Bidirectional", fmt::format("{} must be an RNN", what),
                               layer ? layer->class_name() : "none", "Bidirectional(LSTM(32))"});
  }
  return rnn;
}

/// A new layer like `layer`, named by its direction.
std::shared_ptr<RNN> made_anew(const RNN& layer, const std::string& prefix, bool turned) {
  Json config = layer.get_config();
  std::string_view name = layer.name();
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  config.set("name", prefix + std::string(name));
  if (turned) config.set("go_backwards", true);
  const std::string registered = layer.registered_name();
  return recurrent(LayerHandle(make_object<Layer>(ObjectCategory::layer,
                                                  registered.empty() ? layer.class_name() : registered,
                                                  config, "Bidirectional")),
                   "The layer");
}

Nest first_mask(const Nest& mask) { return mask.is_list() && mask.size() > 0 ? Nest(mask[0]) : mask; }

}  // namespace

Bidirectional::Bidirectional(BidirectionalOptions options)
    : Layer({options.name, options.trainable, options.dtype}), options_(std::move(options)) {
  const std::vector<std::string> modes{"concat", "sum", "mul", "ave"};
  if (options_.merge_mode && std::find(modes.begin(), modes.end(), *options_.merge_mode) == modes.end()) {
    internal::fail_unknown_name(kClassName, "merge_mode", *options_.merge_mode, modes);
  }
  const auto given = recurrent(options_.layer, "The layer");
  forward_ = made_anew(*given, "forward_", false);
  backward_ = options_.backward_layer ? recurrent(options_.backward_layer, "The backward layer")
                                      : made_anew(*given, "backward_", true);
  if (forward_->go_backwards() == backward_->go_backwards()) {
    internal::fail<ValueError>({kClassName, "The two layers must go in different directions",
                                fmt::format("go_backwards={} for both", forward_->go_backwards()), ""});
  }
  const auto require_equal = [](const char* what, bool a, bool b) {
    if (a == b) return;
    internal::fail<ValueError>({kClassName, fmt::format("Both layers must have the same {}", what),
                                fmt::format("{} forwards, {} backwards", a, b), ""});
  };
  require_equal("stateful", forward_->stateful(), backward_->stateful());
  require_equal("return_sequences", forward_->return_sequences(), backward_->return_sequences());
  require_equal("return_state", forward_->return_state(), backward_->return_state());
  // Outputs that are repeated over a mask would be merged with those of other steps.
  for (RNN* layer : {forward_.get(), backward_.get()}) {
    layer->rnn_.zero_output_for_mask = layer->return_sequences();
  }
  options_.layer = LayerHandle(std::shared_ptr<Layer>(forward_));
  options_.backward_layer = LayerHandle(std::shared_ptr<Layer>(backward_));
  track("forward_layer", options_.layer);
  track("backward_layer", options_.backward_layer);
  set_supports_masking();
}

Bidirectional::Bidirectional(LayerHandle layer, BidirectionalOptions options)
    : Bidirectional([&] {
        options.layer = std::move(layer);
        return std::move(options);
      }()) {}

Json Bidirectional::get_config() const {
  BidirectionalOptions current = options_;
  current.name = name();
  current.trainable = trainable();
  return to_config(current);
}

void Bidirectional::build(const Shape& input_shape) {
  forward_->ensure_built({input_shape});
  backward_->ensure_built({input_shape});
  if (options_.weights.empty()) return;
  const auto& all = options_.weights;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  forward_->set_weights({all.begin(), middle});
  backward_->set_weights({middle, all.end()});
}

Nest Bidirectional::call_nest(const Nest& inputs, const CallArgs& args) {
  const bool several = inputs.is_list() && inputs.size() > 0;
  const Nest sequences = several ? Nest(inputs[0]) : inputs;
  Nest initial = args.initial_state;
  if (several && inputs.size() > 1) {
    initial = inputs.size() == 2 && inputs[1].is_list()
                  ? Nest(inputs[1])
                  : Nest(std::vector<Nest>(inputs.list().begin() + 1, inputs.list().end()));
  }
  CallArgs forwards, backwards;
  forwards.training = backwards.training = args.training;
  forwards.mask = backwards.mask = first_mask(args.mask);
  if (!initial.is_none()) {
    if (!initial.is_list() || initial.size() % 2 != 0 || initial.size() == 0) {
      internal::fail<ValueError>(
          {name(), "The initial state must be a list: the forward layer's states, then the backward one's",
           fmt::format("{} states", initial.is_list() ? initial.size() : 1), ""});
    }
    const auto& states = initial.list();
    const auto middle = states.begin() + static_cast<std::ptrdiff_t>(states.size() / 2);
    forwards.initial_state = Nest(std::vector<Nest>(states.begin(), middle));
    backwards.initial_state = Nest(std::vector<Nest>(middle, states.end()));
  }
  const Nest y = (*forward_)(sequences, forwards), y_back = (*backward_)(sequences, backwards);
  const bool states = forward_->return_state();
  const auto output = [&](const Nest& given) {
    return ops::cast(states ? given[0].tensor() : given.tensor(), compute_dtype());
  };
  Tensor reversed = output(y_back);
  if (forward_->return_sequences()) reversed = ops::flip(reversed, 1);
  const Nest merged = merge(output(y), reversed);
  if (!states) return merged;
  std::vector<Nest> out = merged.is_list() ? merged.list() : std::vector<Nest>{merged};
  for (const Nest* given : {&y, &y_back})
    out.insert(out.end(), given->list().begin() + 1, given->list().end());
  return Nest(std::move(out));
}

Nest Bidirectional::merge(const Tensor& forward, const Tensor& backward) const {
  if (!options_.merge_mode) return Nest(std::vector<Nest>{forward, backward});
  const std::string& mode = *options_.merge_mode;
  if (mode == "concat") return ops::concatenate({forward, backward}, -1);
  if (mode == "sum") return forward + backward;
  if (mode == "ave") return (forward + backward) / 2;
  return forward * backward;
}

Shape Bidirectional::compute_output_shape(const Shape& input_shape) const {
  Shape shape = forward_->compute_output_shape(input_shape);
  if (options_.merge_mode == "concat") {
    shape[shape.size() - 1] = shape.back() + backward_->compute_output_shape(input_shape).back();
  }
  return shape;
}

Nest Bidirectional::compute_mask(const Nest&, const Nest& previous_mask) {
  const Nest own = forward_->return_sequences() ? first_mask(previous_mask) : Nest();
  const bool list = !options_.merge_mode;
  if (!list && !forward_->return_state()) return own;
  std::vector<Nest> masks(list ? 2 : 1, own);
  if (forward_->return_state()) {
    masks.resize(masks.size() + forward_->state_size().size() + backward_->state_size().size());
  }
  return Nest(std::move(masks));
}

std::vector<Variable> Bidirectional::states() const {
  auto out = forward_->states();
  const auto others = backward_->states();
  out.insert(out.end(), others.begin(), others.end());
  return out;
}

void Bidirectional::reset_state() {
  if (!forward_->stateful()) {
    internal::fail<ValueError>({name(), "Only a stateful layer has states to reset", "stateful=false", ""});
  }
  forward_->reset_state();
  backward_->reset_state();
}

}  // namespace keras::layers
