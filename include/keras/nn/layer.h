// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/nn/constraints.h"
#include "keras/nn/dtype_policy.h"
#include "keras/nn/initializers.h"
#include "keras/nn/object.h"
#include "keras/nn/regularizers.h"
#include "keras/runtime/variable.h"
#include "keras/tensor/nest.h"

namespace keras {

class Layer;
struct OperationNode;
namespace random {
class SeedGenerator;
}

/// Keyword arguments of a layer call.
struct CallArgs {
  std::optional<bool> training = {};                      ///< none: that of the calling layer, else inference
  Nest mask = {};                                         ///< none: the masks that travel with the inputs
  Nest initial_state = {};                                ///< recurrent layers
  Tensor attention_mask = {};                             ///< attention layers
  bool use_causal_mask = false;                           ///< attention only to earlier positions
  bool return_attention_scores = false;                   ///< attention gives its scores too
  std::vector<std::pair<std::string, Nest>> others = {};  ///< arguments of a user's layer
};

/// One argument of `add_weight`.
struct WeightOptions {
  ObjectRef<Initializer> initializer = {};  ///< none: glorot_uniform for floats, zeros for others
  bool trainable = true;
  bool autocast = true;                                         ///< read in the compute dtype
  ObjectRef<Regularizer> regularizer = {};                      ///< adds to the loss
  ObjectRef<Constraint> constraint = {};                        ///< applied after each update
  std::optional<DType> dtype = {};                              ///< none: the layer's variable dtype
  VariableAggregation aggregation = VariableAggregation::none;  ///< of replicas
};

/// A layer of any class, held by value: containers and graphs keep layers as this. Copies share weights.
class LayerHandle {
 public:
  LayerHandle() = default;
  template <class T>
  requires(std::is_base_of_v<Layer, std::remove_cvref_t<T>>)
      LayerHandle(T&& layer)  // NOLINT: layers convert by design
      : layer_(std::make_shared<std::remove_cvref_t<T>>(std::forward<T>(layer))) {}
  explicit LayerHandle(std::shared_ptr<Layer> layer) : layer_(std::move(layer)) {}

  explicit operator bool() const { return layer_ != nullptr; }
  Layer& operator*() const { return *layer_; }
  Layer* operator->() const { return layer_.get(); }
  /// The layer itself; null for none.
  const std::shared_ptr<Layer>& shared() const { return layer_; }

 private:
  std::shared_ptr<Layer> layer_;
};

namespace internal {

struct RematMode;

/// The state of a layer, shared by all copies of it. Tracking, saving and summary walk these, never the
/// addresses of layer objects.
struct LayerCore {
  std::string class_name;
  std::string name;
  std::string path;
  bool built = false;
  bool trainable = true;
  bool autocast = true;  ///< read in the compute dtype
  bool supports_masking = false;
  bool convert_inputs = true;
  DTypePolicy policy;
  std::shared_ptr<const RematMode> remat_mode;  ///< of the RematScope that it was made in; null for none
  ObjectRef<Regularizer> activity_regularizer;
  std::vector<Variable> trainable_variables;
  std::vector<Variable> non_trainable_variables;
  std::vector<std::pair<std::string, LayerHandle>> children;  ///< attribute name (repeated in lists), layer
  std::vector<std::string> list_attributes;                   ///< attributes that are lists of layers
  std::vector<std::pair<std::string, std::shared_ptr<random::SeedGenerator>>> seed_generators;
  std::vector<Tensor> losses;        ///< of the last call: add_loss and activity regularization
  std::vector<Shape> build_shapes;   ///< what build received
  std::vector<Shape> output_shapes;  ///< of the last call, for summary
  /// The symbolic calls, in order. The graph owns them (through its tensors and models), the layer does not.
  std::vector<std::weak_ptr<const OperationNode>> nodes;
};

/// What Keras' signature of a layer's call says: it decides how a functional model's file writes the calls.
struct CallSignature {
  /// More than one: the items of the input list are arguments of their own, as in `mha(query, value)`.
  std::vector<std::string> inputs = {"inputs"};
  bool mask = false;  ///< takes a mask argument
};

/// Children of one attribute: a layer, or a list of layers.
struct SavedChildren {
  std::string attribute;
  bool list = false;
  std::vector<LayerHandle> layers;
  bool first = false;  ///< comes before the others, whatever their names
};

/// Visits the attributes that KERAS_LAYER names.
class AttributeVisitor {
 public:
  virtual ~AttributeVisitor() = default;
  virtual void layer(const std::string& name, const LayerHandle& layer) = 0;
  virtual void variable(const std::string& name, const Variable& variable) = 0;
  /// The following layers of this name are items of a list.
  virtual void list(const std::string& name) = 0;
};

}  // namespace internal

/// Options that every layer has.
struct LayerOptions {
  std::string name = {};   ///< "" : made from the class, "dense", "dense_1", ...
  bool trainable = true;   ///< whether an optimizer updates the weights
  DTypePolicy dtype = {};  ///< compute and variable dtype
};

/// The base of all layers: a function of tensors with weights of its own (keras.layers.Layer).
///
/// A user's layer overrides `call` (one input) or `call_nest` (several), `build` to make weights when the
/// input shape is known, and names itself with KERAS_LAYER:
///
///     class Scale : public Layer {
///       Variable factor;
///      public:
///       KERAS_LAYER(Scale, factor)
///       void build(const Shape& shape) override { add_weight(factor, "factor", {shape.back()}, {.initializer
///       = "ones"}); } Tensor call(const Tensor& x, const CallArgs&) override { return x * factor.value(); }
///     };
class Layer : public Configurable {
 public:
  static constexpr ObjectCategory kCategory = ObjectCategory::layer;
  explicit Layer(LayerOptions options = {});

  // --- What subclasses override ---
  /// Another object with the same behaviour and the same (shared) state. KERAS_LAYER defines it.
  virtual std::shared_ptr<Layer> share() const = 0;
  /// The output for one input tensor. Throws UnsupportedError unless overridden.
  virtual Tensor call(const Tensor& inputs, const CallArgs& args);
  /// The output for a nest of inputs; by default `call` of the single leaf.
  virtual Nest call_nest(const Nest& inputs, const CallArgs& args);
  /// Makes the weights, once, before the first call.
  virtual void build(const Shape& input_shape);
  /// The same for several inputs (shapes of the leaves, in flattening order); by default the first one's
  /// build.
  virtual void build_nest(const std::vector<Shape>& input_shapes);
  /// The output's shape; by default found by running `call` on shapes alone.
  virtual Shape compute_output_shape(const Shape& input_shape) const;
  /// The mask of the output; by default that of the input.
  virtual Nest compute_mask(const Nest& inputs, const Nest& previous_mask);
  /// The arguments of Keras' call that files tell of.
  virtual internal::CallSignature call_signature() const { return {}; }
  /// The name of a user's class in files: "package>class" once registered (keras/nn/register.h).
  std::string registered_name() const override;
  Json get_config() const override;
  virtual void visit_attributes(internal::AttributeVisitor& visitor) const;

  // --- Use ---
  /// Builds the layer at its first call, then calls it.
  Tensor operator()(const Tensor& inputs, const CallArgs& args = {});
  Nest operator()(const Nest& inputs, const CallArgs& args = {});
  Nest operator()(std::initializer_list<Nest> inputs, const CallArgs& args = {}) {
    return (*this)(Nest(inputs), args);
  }
  /// The KerasTensors that the layer was called on and gave, in a functional model. Throws ValueError unless
  /// there was exactly one such call, and something (a tensor or a model) still holds its results.
  ///@{
  virtual Nest input() const;
  virtual Nest output() const;
  ///@}
  /// Builds for input shapes (without the need of data) if not built yet; layers inside that are only built
  /// when called are built by a call on shapes alone.
  void ensure_built(const std::vector<Shape>& input_shapes);

  /// Its name, unique in the process unless given, and its state.
  const std::string& name() const;
  void set_name(std::string name);
  /// Where it stands in the model, and its state.
  const std::string& path() const { return core_->path; }
  bool built() const { return core_->built; }
  bool trainable() const { return core_->trainable; }
  /// Freezes or frees this layer and everything in it; takes effect in training at the next compile.
  void set_trainable(bool trainable);
  const DTypePolicy& dtype_policy() const { return core_->policy; }
  DType compute_dtype() const { return core_->policy.compute_dtype(); }
  DType variable_dtype() const { return core_->policy.variable_dtype(); }
  bool supports_masking() const { return core_->supports_masking; }

  /// Own weights, then those of the children; trainable before non-trainable inside a layer.
  std::vector<Variable> weights() const;
  std::vector<Variable> trainable_weights() const;
  std::vector<Variable> non_trainable_weights() const;
  std::vector<Variable> trainable_variables() const { return trainable_weights(); }
  /// Weights and the states of seed generators.
  std::vector<Variable> variables() const;
  std::vector<Variable> non_trainable_variables() const;
  std::vector<Tensor> get_weights() const;
  /// Throws ValueError when the number or a shape differs, naming the weight.
  void set_weights(const std::vector<Tensor>& values);
  int64_t count_params() const;
  /// Children, in tracking order.
  virtual std::vector<LayerHandle> sublayers() const;
  /// The children as files name them, unsorted; models with a stack of layers add it as "layers".
  virtual std::vector<internal::SavedChildren> saved_children() const;
  /// Whether files record the input shape that build received.
  virtual bool overrides_build() const { return true; }
  /// This layer's children and theirs, depth first.
  std::vector<LayerHandle> all_sublayers() const;

  /// A scalar added to the training loss; call it inside `call`.
  void add_loss(const Tensor& loss);
  /// add_loss and activity regularization of the last call, then weight regularization, of all layers inside.
  std::vector<Tensor> losses() const;
  void clear_losses();

  /// The shared state, for the rooms above.
  internal::LayerCore& core() const { return *core_; }
  const std::shared_ptr<internal::LayerCore>& shared_core() const { return core_; }

 protected:
  Layer(const Layer&) = default;
  Layer(Layer&&) = default;
  Layer& operator=(const Layer&) = default;
  Layer& operator=(Layer&&) = default;

  /// Fills a Variable member with a new weight. Throws ValueError for a shape with unknown dimensions.
  void add_weight(Variable& member, std::string_view name, const Shape& shape,
                  const WeightOptions& options = {});
  /// Registers a child under its attribute name; KERAS_LAYER does it for members.
  void track(std::string_view attribute, const LayerHandle& child) const;
  /// Registers a random state.
  std::shared_ptr<random::SeedGenerator> add_seed_generator(std::optional<int64_t> seed,
                                                            std::string_view attribute = "seed_generator");
  void set_supports_masking() { core_->supports_masking = true; }

 private:
  friend class Sequential;
  friend class Functional;
  bool build_once(const std::vector<Shape>& input_shapes);
  Nest invoke(const Nest& inputs, CallArgs args);
  Nest invoke_symbolically(const Nest& inputs, const CallArgs& args);
  std::shared_ptr<const OperationNode> only_node() const;
  void track_attributes() const;

  std::shared_ptr<internal::LayerCore> core_;
};

/// The rows that every layer's field table begins with.
template <class Options>
constexpr auto layer_fields() {
  return field_list(field<&Options::name>("name", "Name of the layer; made from the class when empty"),
                    field<&Options::trainable>("trainable", "Whether an optimizer updates the weights"),
                    field<&Options::dtype>("dtype", "Dtype or dtype policy of weights and computations"));
}

namespace internal {
/// "dense", "dense_1", ...: names are given out in the order in which layers are made.
std::string auto_layer_name(std::string_view class_name);
}  // namespace internal

/// A layer of Keras' own whose arguments are one options struct with a field table.
template <class Derived, class OptionsType>
class ConfiguredLayer : public Layer {
 public:
  using Options = OptionsType;
  std::string class_name() const override { return Derived::kClassName; }
  std::string module() const override { return "keras.layers"; }
  std::shared_ptr<Layer> share() const override {
    return std::make_shared<Derived>(static_cast<const Derived&>(*this));
  }
  Json get_config() const override {
    Options current = options_;
    current.name = name();
    current.trainable = trainable();
    return to_config(current);
  }
  const Options& options() const { return options_; }

 protected:
  explicit ConfiguredLayer(Options options)
      : Layer({options.name.empty() ? internal::auto_layer_name(name_prefix()) : options.name,
               options.trainable, options.dtype}),
        options_(std::move(options)) {}
  Options options_;

 private:
  // Python's class, where its public name is another one.
  static constexpr const char* name_prefix() {
    if constexpr (requires { Derived::kNamePrefix; }) {
      return Derived::kNamePrefix;
    } else {
      return Derived::kClassName;
    }
  }
};

/// Registers a layer class of Keras under its name; stands in the class's .cpp.
#define KERAS_REGISTER_LAYER(Class)                             \
  [[maybe_unused]] static const bool keras_registered_##Class = \
      ::keras::internal::register_configured<Class, ::keras::Layer>("keras.layers")

namespace internal {

/// Visits one attribute that KERAS_LAYER names, by its type.
inline void visit(AttributeVisitor& visitor, const std::string& name, const Variable& variable) {
  visitor.variable(name, variable);
}
template <class T>
requires(std::is_base_of_v<Layer, T>) void visit(AttributeVisitor& visitor, const std::string& name,
                                                 const T& layer) {
  visitor.layer(name, LayerHandle(layer.share()));
}
inline void visit(AttributeVisitor& visitor, const std::string& name, const LayerHandle& layer) {
  if (layer) visitor.layer(name, layer);
}
template <class T>
void visit(AttributeVisitor& visitor, const std::string& name, const std::vector<T>& items) {
  visitor.list(name);
  for (const auto& item : items) visit(visitor, name, item);
}
template <class K, class T>
void visit(AttributeVisitor& visitor, const std::string& name, const std::vector<std::pair<K, T>>& items) {
  visitor.list(name);
  for (const auto& [key, item] : items) visit(visitor, name, item);
}

/// Cuts "conv1, pool" into names.
std::vector<std::string> split_names(std::string_view names);

template <class... Members>
void visit_all(AttributeVisitor& visitor, std::string_view names, const Members&... members) {
  const auto list = split_names(names);
  size_t i = 0;
  (visit(visitor, list[i++], members), ...);
}

}  // namespace internal

/// Gives a user's layer class its name, its copy for graphs, and the names of its attributes (layers,
/// variables, lists and maps of them). Stands in the public part of the class, after the members.
#define KERAS_LAYER(Class, ...)                                                                     \
  std::string class_name() const override { return #Class; }                                        \
  std::shared_ptr<::keras::Layer> share() const override { return std::make_shared<Class>(*this); } \
  void visit_attributes(::keras::internal::AttributeVisitor& keras_visitor) const override {        \
    ::keras::internal::visit_all(keras_visitor, #__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__);           \
  }

}  // namespace keras
