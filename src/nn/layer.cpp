// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "autodiff/remat.h"
#include "base/error_context.h"
#include "keras/base/error.h"
#include "keras/ops/abstract_evaluation.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"
#include "keras/ops/operators.h"
#include "keras/ops/remat_scope.h"
#include "keras/random.h"
#include "keras/runtime/interpreter.h"
#include "nn/call_context.h"
#include "nn/extent.h"
#include "nn/layer_operation.h"
#include "nn/naming.h"
#include "nn/remat_call.h"
#include "runtime/trace.h"

namespace keras {

namespace internal {

namespace {
thread_local std::optional<bool> context_training;
}  // namespace

CallContext::CallContext(std::optional<bool> training) : previous_(context_training) {
  if (training) context_training = training;
}
CallContext::~CallContext() { context_training = previous_; }
std::optional<bool> CallContext::training() { return context_training; }

[[maybe_unused]] const bool training_is_context = add_trace_context([]() -> int64_t {
  const auto training = CallContext::training();
  return training ? (*training ? 1 : 0) : -1;
});

std::string auto_layer_name(std::string_view class_name) { return auto_name(class_name); }

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> out;
  std::string name;
  for (const char c : names) {
    if (c == ',') {
      out.push_back(std::move(name));
      name.clear();
    } else if (c != ' ' && c != '\n' && c != '\t') {
      name += c;
    }
  }
  if (!name.empty()) out.push_back(std::move(name));
  return out;
}

}  // namespace internal

Layer::Layer(LayerOptions options) : core_(std::make_shared<internal::LayerCore>()) {
  core_->name = std::move(options.name);
  core_->trainable = options.trainable;
  core_->policy = options.dtype;
  core_->remat_mode = internal::current_remat_mode();
  if (core_->name.find('/') != std::string::npos) {
    internal::fail<ValueError>(
        {"Layer", "A layer name must not contain '/'", "name='" + core_->name + "'", ""});
  }
}

const std::string& Layer::name() const {
  // The class is known only after construction, so the automatic name is made at the first question.
  if (core_->name.empty()) {
    core_->name = internal::auto_layer_name(class_name());
  }
  return core_->name;
}

void Layer::set_name(std::string name) { core_->name = std::move(name); }

Tensor Layer::call(const Tensor&, const CallArgs&) {
  internal::fail<UnsupportedError>({name(), fmt::format("The class {} must override call()", class_name()),
                                    "", "override call for one input, call_nest for several"});
}

Nest Layer::call_nest(const Nest& inputs, const CallArgs& args) {
  if (!inputs.is_leaf()) {
    internal::fail<ValueError>({name(), fmt::format("A {} layer takes one input tensor", class_name()),
                                fmt::format("{} inputs", inputs.flatten().size()), ""});
  }
  return call(inputs.tensor(), args);
}

void Layer::build(const Shape&) {}

void Layer::build_nest(const std::vector<Shape>& input_shapes) {
  build(input_shapes.empty() ? Shape{} : input_shapes.front());
}

Shape Layer::compute_output_shape(const Shape& input_shape) const {
  const AbstractEvaluation shapes_only;
  return (*share())(AbstractEvaluation::tensor({compute_dtype(), input_shape})).shape();
}

Nest Layer::compute_mask(const Nest&, const Nest& previous_mask) { return previous_mask; }

Json Layer::get_config() const {
  return Json::dict({{"name", name()},
                     {"trainable", trainable()},
                     {"dtype", FieldCodec<DTypePolicy>::to_json(dtype_policy())}});
}

void Layer::visit_attributes(internal::AttributeVisitor&) const {}

namespace {

class Tracker final : public internal::AttributeVisitor {
 public:
  explicit Tracker(internal::LayerCore& core) : core_(core) {}
  void layer(const std::string& name, const LayerHandle& layer) override {
    for (const auto& [attribute, known] : core_.children) {
      if (known->shared_core() == layer->shared_core()) return;
    }
    core_.children.emplace_back(name, layer);
  }
  void variable(const std::string& name, const Variable& variable) override {
    if (!variable.defined()) return;
    const auto same = [&](const Variable& v) { return v.same(variable); };
    const auto& t = core_.trainable_variables;
    const auto& n = core_.non_trainable_variables;
    if (std::any_of(t.begin(), t.end(), same) || std::any_of(n.begin(), n.end(), same)) return;
    if (variable.slot().path == variable.name()) variable.slot().path = core_.path + "/" + name;
    (variable.trainable() ? core_.trainable_variables : core_.non_trainable_variables).push_back(variable);
  }

  void list(const std::string& name) override {
    auto& lists = core_.list_attributes;
    if (std::find(lists.begin(), lists.end(), name) == lists.end()) lists.push_back(name);
  }

 private:
  internal::LayerCore& core_;
};

// The children under each of their attributes: files name a layer that has two by the one that comes first
// there, whatever the order of the members.
class ChildCollector final : public internal::AttributeVisitor {
 public:
  explicit ChildCollector(const std::vector<std::string>& lists) : lists_(lists) {}
  void layer(const std::string& name, const LayerHandle& layer) override {
    const bool list = std::find(lists_.begin(), lists_.end(), name) != lists_.end();
    const auto known =
        std::find_if(found_.begin(), found_.end(), [&](const auto& c) { return c.attribute == name; });
    if (list && known != found_.end()) {
      known->layers.push_back(layer);
    } else {
      found_.push_back({name, list, {layer}});
    }
  }
  void variable(const std::string&, const Variable&) override {}
  void list(const std::string&) override {}

  bool has(const Layer& layer) const {
    return std::any_of(found_.begin(), found_.end(), [&](const auto& c) {
      return std::any_of(c.layers.begin(), c.layers.end(),
                         [&](const auto& l) { return l->shared_core() == layer.shared_core(); });
    });
  }
  std::vector<internal::SavedChildren> take() { return std::move(found_); }

 private:
  const std::vector<std::string>& lists_;
  std::vector<internal::SavedChildren> found_;
};

template <class F>
void for_each_weight(const Layer& layer, std::set<const internal::VariableSlot*>& seen, const F& f) {
  const auto& core = layer.core();
  for (const auto* list : {&core.trainable_variables, &core.non_trainable_variables}) {
    for (const auto& v : *list) {
      if (seen.insert(&v.slot()).second) f(v);
    }
  }
  for (const auto& child : layer.sublayers()) for_each_weight(*child, seen, f);
}

}  // namespace

void Layer::track_attributes() const {
  Tracker tracker(*core_);
  visit_attributes(tracker);
}

void Layer::track(std::string_view attribute, const LayerHandle& child) const {
  Tracker(*core_).layer(std::string(attribute), child);
}

std::shared_ptr<random::SeedGenerator> Layer::add_seed_generator(std::optional<int64_t> seed,
                                                                 std::string_view attribute) {
  auto generator = std::make_shared<random::SeedGenerator>(seed);
  core_->seed_generators.emplace_back(std::string(attribute), generator);
  return generator;
}

std::vector<LayerHandle> Layer::sublayers() const {
  track_attributes();
  std::vector<LayerHandle> out;
  for (const auto& [attribute, layer] : core_->children) out.push_back(layer);
  return out;
}

std::vector<internal::SavedChildren> Layer::saved_children() const {
  track_attributes();
  ChildCollector collector(core_->list_attributes);
  visit_attributes(collector);
  for (const auto& [attribute, layer] : core_->children) {
    if (!collector.has(*layer)) collector.layer(attribute, layer);
  }
  return collector.take();
}

std::vector<LayerHandle> Layer::all_sublayers() const {
  std::vector<LayerHandle> out;
  std::set<const internal::LayerCore*> seen;
  const auto walk = [&](const auto& self, const Layer& layer) -> void {
    for (const auto& child : layer.sublayers()) {
      if (!seen.insert(&child->core()).second) continue;
      out.push_back(child);
      self(self, *child);
    }
  };
  walk(walk, *this);
  return out;
}

void Layer::add_weight(Variable& member, std::string_view weight_name, const Shape& shape,
                       const WeightOptions& options) {
  const std::string where = name() + "/" + std::string(weight_name);
  if (!shape.known()) {
    internal::fail<ValueError>({where, "The shape of a weight must be known", shape.to_string(),
                                "give the Input a full shape (all but the batch size)"});
  }
  const DType dtype = options.dtype.value_or(variable_dtype());
  ObjectRef<Initializer> initializer = options.initializer;
  if (!initializer) initializer = is_float(dtype) ? "glorot_uniform" : "zeros";
  // State is made eagerly even when the layer is first called inside a trace or on abstract tensors.
  const internal::InterpreterScope eager(internal::eager_interpreter(),
                                         internal::InterpreterScope::Replace{});
  const AutocastScope plain(std::nullopt);
  auto& slot = member.slot();
  if (slot.filled) {
    internal::fail<ValueError>(
        {where, "A weight may be added once", "a variable that is already filled", ""});
  }
  slot.dtype = dtype;
  slot.shape = shape;
  slot.value = (*initializer)(shape, dtype);
  slot.name = std::string(weight_name);
  slot.path = (core_->path.empty() ? name() : core_->path) + "/" + slot.name;
  slot.trainable = options.trainable && core_->trainable;
  slot.autocast = options.autocast;
  slot.aggregation = options.aggregation;
  if (options.regularizer) slot.regularizer = [r = options.regularizer](const Tensor& w) { return (*r)(w); };
  if (options.constraint) slot.constraint = [c = options.constraint](const Tensor& w) { return (*c)(w); };
  internal::note_variable_created(slot);
  slot.filled = true;
  (options.trainable ? core_->trainable_variables : core_->non_trainable_variables).push_back(member);
}

void Layer::ensure_built(const std::vector<Shape>& input_shapes) {
  if (!build_once(input_shapes)) return;
  const auto children = all_sublayers();
  const bool whole = std::all_of(children.begin(), children.end(), [](const auto& l) { return l->built(); });
  if (whole) return;
  const AbstractEvaluation shapes_only;
  std::vector<Nest> inputs;
  for (const Shape& shape : input_shapes) {
    inputs.emplace_back(AbstractEvaluation::tensor({compute_dtype(), shape}));
  }
  invoke(inputs.size() == 1 ? inputs[0] : Nest(std::move(inputs)), {});
}

bool Layer::build_once(const std::vector<Shape>& input_shapes) {
  if (core_->built) return false;
  // A scope opened by the caller (operator()) already ends with this layer's name.
  const std::string path = internal::NameScope::current_path();
  const std::string own = name();
  const bool open = path == own || path.ends_with("/" + own);
  std::optional<internal::NameScope> scope;
  if (!open) scope.emplace(own);
  core_->path = internal::NameScope::current_path();
  build_nest(input_shapes);
  core_->build_shapes = input_shapes;
  core_->built = true;
  track_attributes();
  return true;
}

namespace {

std::vector<Shape> shapes_of(const std::vector<Tensor>& tensors) {
  std::vector<Shape> out;
  for (const Tensor& t : tensors) out.push_back(t.shape());
  return out;
}

Tensor converted(const Tensor& t, const Layer& layer) {
  const auto& core = layer.core();
  if (!core.convert_inputs || !core.autocast || !is_float(t.dtype())) return t;
  if (t.dtype() == layer.compute_dtype() && !t.weak()) return t;
  Tensor out = ops::cast(t, layer.compute_dtype());
  if (const Tensor mask = t.mask(); mask.defined()) out.set_mask(mask);
  return out;
}

Nest masks_of(const Nest& inputs) {
  bool any = false;
  for (const Tensor& t : inputs.flatten()) any = any || t.mask().defined();
  if (!any) return {};
  if (inputs.is_leaf()) return inputs.tensor().mask();
  std::vector<Nest> masks;
  for (const Tensor& t : inputs.flatten()) {
    const Tensor mask = t.mask();
    masks.push_back(mask.defined() ? Nest(mask) : Nest());
  }
  return Nest(std::move(masks));
}

// As Keras: masks go to the outputs in order, and replace none that is there.
void set_masks(const Nest& outputs, const Nest& masks) {
  if (masks.is_none()) return;
  const auto leaves = outputs.flatten();
  const std::vector<Nest> list = masks.is_list() ? masks.list() : std::vector<Nest>{masks};
  for (size_t i = 0; i < leaves.size() && i < list.size(); ++i) {
    if (list[i].is_leaf() && !leaves[i].mask().defined()) leaves[i].set_mask(list[i].tensor());
  }
}

bool all_masked(const Nest& outputs) {
  const auto leaves = outputs.flatten();
  return std::all_of(leaves.begin(), leaves.end(), [](const Tensor& t) { return t.mask().defined(); });
}

}  // namespace

namespace {

// Says in which layer an error arose, when the message does not; of nested layers it is the innermost.
auto saying_where(const Layer& layer, const std::vector<Tensor>& inputs) {
  return [&layer, &inputs](std::string_view message) -> std::string {
    if (message.starts_with("[" + layer.name()) || message.find(" In layer '") != std::string_view::npos)
      return "";
    std::vector<std::string> shapes;
    for (const Tensor& t : inputs) shapes.push_back(t.shape().to_string());
    return fmt::format("In layer '{}' ({}), called on {}", layer.name(), layer.class_name(),
                       shapes.empty() ? "nothing" : fmt::format("{}", fmt::join(shapes, ", ")));
  };
}

}  // namespace

Nest Layer::invoke(const Nest& given, CallArgs args) {
  Nest inputs = given.map([this](const Tensor& t) { return converted(t, *this); });
  const auto leaves = inputs.flatten();
  const internal::NameScope scope(name());
  const auto where = saying_where(*this, leaves);
  internal::in_context([&] { return build_once(shapes_of(leaves)); }, where);

  if (!args.training) args.training = internal::CallContext::training();
  const internal::CallContext context(args.training);
  if (args.mask.is_none()) args.mask = masks_of(inputs);
  const Nest previous_mask = args.mask;

  std::optional<AutocastScope> autocast;
  const auto current = AutocastScope::current();
  const bool floating = is_float(compute_dtype());
  if (current) {
    if (!core_->autocast || !floating) {
      autocast.emplace(std::nullopt);
    } else if (*current != compute_dtype()) {
      autocast.emplace(compute_dtype());
    }
  } else if (core_->policy.mixed()) {
    autocast.emplace(compute_dtype());
  }
  Nest outputs =
      internal::in_context([&] { return internal::call_in_remat_mode(*this, inputs, args); }, where);
  if (core_->activity_regularizer) {
    for (const Tensor& t : outputs.flatten()) {
      if (t.abstract() && !internal::current_interpreter().tracing()) continue;
      Tensor penalty = (*core_->activity_regularizer)(t);
      if (t.rank() > 0) penalty = penalty / ops::cast(internal::extent(t, 0), penalty.dtype());
      add_loss(penalty);
    }
  }
  if (core_->supports_masking) {
    if (!all_masked(outputs)) set_masks(outputs, compute_mask(inputs, previous_mask));
  } else if (!previous_mask.is_none()) {
    std::fprintf(
        stderr,
        "keras: layer '%s' (of type %s) got an input with a mask but does not support masking; layers after "
        "it will not see the mask\n",
        name().c_str(), class_name().c_str());
  }
  // A summary shows the shapes of the symbolic call, or of the first one.
  if (core_->output_shapes.empty() || AbstractEvaluation::running()) {
    core_->output_shapes = shapes_of(outputs.flatten());
  }
  return outputs;
}

Nest Layer::operator()(const Nest& inputs, const CallArgs& args) {
  if (AbstractEvaluation::running()) return invoke(inputs, args);
  const bool symbolic = has_keras_tensor(inputs) || has_keras_tensor(args.initial_state);
  return symbolic ? invoke_symbolically(inputs, args) : invoke(inputs, args);
}

Nest Layer::invoke_symbolically(const Nest& inputs, const CallArgs& args) {
  Nest structure;
  auto types = abstract_outputs(
      [&](const Nest& abstract) {
        structure = invoke(abstract[0], args);
        return structure.flatten();
      },
      Nest(std::vector<Nest>{inputs}));

  const auto signature = call_signature();
  const bool spread = signature.inputs.size() > 1 && inputs.is_list();
  CallArgs call = args;
  const Nest previous_mask = args.mask.is_none() ? masks_of(inputs) : args.mask;
  // A call of one tensor that needs no cast passes on its mask as an argument, as in Keras.
  const bool as_is =
      !core_->convert_inputs || (inputs.is_leaf() && inputs.tensor().dtype() == compute_dtype());
  const bool names_mask = signature.mask && as_is && !spread;
  if (names_mask || (spread && signature.mask)) call.mask = previous_mask;

  auto operation = std::make_shared<internal::LayerOperation>(share(), std::move(call), names_mask);
  const Nest kwargs = operation->tensor_kwargs();
  Nest call_inputs = spread ? inputs : Nest(std::vector<Nest>{inputs});
  auto node = make_node(std::move(operation), std::move(call_inputs), kwargs, std::move(types));
  if (core_->supports_masking) {
    const Nest blank = structure.pack(node_outputs(node));
    set_masks(blank, compute_mask(inputs, previous_mask));
    for (const Tensor& t : blank.flatten()) node->masks.push_back(t.mask());
  }
  core_->nodes.push_back(node);
  return structure.pack(node_outputs(node));
}

std::shared_ptr<const OperationNode> Layer::only_node() const {
  std::shared_ptr<const OperationNode> found;
  size_t alive = 0;
  for (const auto& weak : core_->nodes) {
    if (auto node = weak.lock()) {
      ++alive;
      found = std::move(node);
    }
  }
  if (alive != 1) {
    internal::fail<ValueError>(
        {name(), "input() and output() are known for a layer with exactly one symbolic call",
         alive == 0 ? "none" : fmt::format("{} calls", alive),
         alive == 0 ? "call the layer on an Input, and keep the result or a model of it"
                    : "keep the tensors that the calls gave"});
  }
  return found;
}

Nest Layer::input() const {
  const auto node = only_node();
  return node->args.size() == 1 ? node->args[0] : node->args;
}

Nest Layer::output() const {
  auto outputs = node_outputs(only_node());
  return outputs.size() == 1 ? Nest(outputs[0]) : Nest(outputs);
}

Tensor Layer::operator()(const Tensor& inputs, const CallArgs& args) {
  Nest outputs = (*this)(Nest(inputs), args);
  if (!outputs.is_leaf()) {
    internal::fail<ValueError>({name(), "This layer gives several outputs",
                                fmt::format("{} outputs", outputs.flatten().size()),
                                "call it with a Nest: layer(Nest(x))"});
  }
  return outputs.tensor();
}

void Layer::set_trainable(bool trainable) {
  core_->trainable = trainable;
  for (const auto& v : core_->trainable_variables) v.set_trainable(trainable);
  for (const auto& child : sublayers()) child->set_trainable(trainable);
}

std::vector<Variable> Layer::weights() const {
  std::vector<Variable> out;
  std::set<const internal::VariableSlot*> seen;
  for_each_weight(*this, seen, [&](const Variable& v) { out.push_back(v); });
  return out;
}

std::vector<Variable> Layer::trainable_weights() const {
  if (!core_->trainable) return {};
  auto out = weights();
  std::erase_if(out, [](const Variable& v) { return !v.trainable(); });
  return out;
}

std::vector<Variable> Layer::non_trainable_weights() const {
  auto out = weights();
  if (core_->trainable) std::erase_if(out, [](const Variable& v) { return v.trainable(); });
  return out;
}

std::vector<Variable> Layer::variables() const {
  auto out = weights();
  const auto add = [&](const Layer& layer) {
    for (const auto& [attribute, generator] : layer.core().seed_generators) out.push_back(generator->state());
  };
  add(*this);
  for (const auto& child : all_sublayers()) add(*child);
  return out;
}

std::vector<Variable> Layer::non_trainable_variables() const {
  auto out = variables();
  if (core_->trainable) std::erase_if(out, [](const Variable& v) { return v.trainable(); });
  return out;
}

std::vector<Tensor> Layer::get_weights() const {
  std::vector<Tensor> out;
  const AutocastScope plain(std::nullopt);
  for (const auto& v : weights()) out.push_back(v.value());
  return out;
}

void Layer::set_weights(const std::vector<Tensor>& values) {
  const auto variables = weights();
  if (variables.size() != values.size()) {
    internal::fail<ValueError>(
        {name(), fmt::format("set_weights takes {} arrays, one per weight", variables.size()),
         fmt::format("{}", values.size()),
         core_->built ? "" : "build the layer first, by calling it or with ensure_built"});
  }
  for (size_t i = 0; i < variables.size(); ++i) {
    if (!(variables[i].shape() == values[i].shape())) {
      internal::fail<ValueError>({variables[i].path(), "The value must have the weight's shape",
                                  fmt::format("weight {}, value {}", variables[i].shape().to_string(),
                                              values[i].shape().to_string()),
                                  ""});
    }
  }
  for (size_t i = 0; i < variables.size(); ++i) variables[i].assign(values[i]);
}

int64_t Layer::count_params() const {
  if (!core_->built) {
    internal::fail<ValueError>({name(), "A layer must be built before its parameters are counted",
                                class_name() + " that is not built", "call it on data, or ensure_built"});
  }
  int64_t count = 0;
  for (const auto& v : weights()) count += v.elements();
  return count;
}

void Layer::add_loss(const Tensor& loss) {
  internal::note_escaping(loss);
  if (!internal::recomputing()) core_->losses.push_back(loss);
}

void Layer::clear_losses() {
  core_->losses.clear();
  for (const auto& child : all_sublayers()) child->core().losses.clear();
}

std::vector<Tensor> Layer::losses() const {
  std::vector<Tensor> out = core_->losses;
  for (const auto& child : all_sublayers()) {
    const auto& own = child->core().losses;
    out.insert(out.end(), own.begin(), own.end());
  }
  for (const auto& v : trainable_weights()) {
    if (v.slot().regularizer) out.push_back(v.slot().regularizer(v.value()));
  }
  return out;
}

}  // namespace keras
