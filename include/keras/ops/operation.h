// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/graph/attributes.h"
#include "keras/ops/remat_scope.h"
#include "keras/schema/json.h"
#include "keras/schema/object_registry.h"
#include "keras/tensor/nest.h"

namespace keras {

/// What a node of a functional model does: a function of `keras.ops` with its fixed arguments, or a layer
/// (keras.Operation).
class Operation {
 public:
  /// An empty name is made from the class: "mean", "mean_1".
  explicit Operation(std::string name = {})
      : name_(std::move(name)), remat_mode_(internal::current_remat_mode()) {}
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  /// The name in the model.
  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  /// The class in files: "Mean".
  virtual std::string class_name() const = 0;
  /// The module in files: "keras.src.ops.numpy".
  virtual std::string module() const = 0;
  /// The registered name in files: the class for an op; "" for a layer of Keras' own.
  virtual std::string registered_name() const { return class_name(); }
  /// Name and fixed arguments. Throws UnsupportedError when one of them cannot be written, such as a C++
  /// callable.
  virtual Json get_config() const = 0;
  /// The outputs, flattened, for values in the places of the node's arguments.
  virtual std::vector<Tensor> call(const Nest& args, const Nest& kwargs) = 0;
  /// A call argument that is no tensor (its place in the node's args is none); null where there is none.
  virtual Json plain_argument(size_t position) const;
  /// The RematScope that it was made in; null for none.
  const std::shared_ptr<const internal::RematMode>& remat_mode() const { return remat_mode_; }

 private:
  std::string name_;
  std::shared_ptr<const internal::RematMode> remat_mode_;
};

/// One application of an operation in a functional model: what made a KerasTensor.
struct OperationNode {
  std::shared_ptr<Operation> operation;  ///< what was applied
  Nest args;    ///< a list: the positional arguments; KerasTensors are leaves, as are constants
  Nest kwargs;  ///< a dictionary, or none
  std::vector<TensorType> outputs;  ///< dtype and shape of each result
  std::vector<std::string> names;   ///< of the results
  uint64_t serial = 0;              ///< nodes are numbered in the order of their calls
  std::vector<Tensor> masks = {};   ///< that travel with the results; empty, or one (perhaps undefined) each
};

/// What stands behind a KerasTensor: the node that makes it, and which of its outputs it is.
class SymbolicValue final : public internal::AbstractValue {
 public:
  std::shared_ptr<const OperationNode> node;  ///< null for a tensor of keras_tensor()
  int output_index = 0;                       ///< which output of the node
  std::string name;                           ///< "keras_tensor_3", or the Input's name

  /// What two KerasTensors that stand for the same value have in common: the node and the place among its
  /// results, or the tensor itself when no node made it.
  std::pair<const void*, int> identity() const {
    return node ? std::pair<const void*, int>(node.get(), output_index)
                : std::pair<const void*, int>(this, -1);
  }
  std::string why_unreadable() const override;
};

/// A KerasTensor that no operation made: a dtype, a shape whose dimensions may be unknown, and a name.
Tensor keras_tensor(const TensorType& type, std::string name = {});
/// The symbolic value of a KerasTensor, or nullptr for any other tensor.
const SymbolicValue* symbolic_value(const Tensor& tensor);
/// True for a tensor of a functional model.
inline bool is_keras_tensor(const Tensor& tensor) { return symbolic_value(tensor) != nullptr; }
/// True when the nest has a KerasTensor.
bool has_keras_tensor(const Nest& nest);

/// Adds a node; `names` are those of its results, made automatically when there are none.
std::shared_ptr<OperationNode> make_node(std::shared_ptr<Operation> operation, Nest args, Nest kwargs,
                                         std::vector<TensorType> outputs,
                                         std::vector<std::string> names = {});
/// The results of a node, as KerasTensors with their masks.
std::vector<Tensor> node_outputs(const std::shared_ptr<const OperationNode>& node);
/// Adds a node and gives its results.
std::vector<Tensor> record_node(std::shared_ptr<Operation> operation, Nest args, Nest kwargs,
                                std::vector<TensorType> outputs);
/// The dtypes and shapes that `f` gives for arguments of these types, found without computing anything:
/// every KerasTensor leaf of `args` is replaced by a tensor of its type.
std::vector<TensorType> abstract_outputs(const std::function<std::vector<Tensor>(const Nest&)>& f,
                                         const Nest& args);

/// The operation of a class name and its config. Throws ValueError for an unknown name.
std::shared_ptr<Operation> make_operation(std::string_view class_name, const Json& config);
/// Applies an operation as a file's node tells it: `args` and `kwargs` are JSON, in which `tensor_of` finds
/// the KerasTensors (it gives an undefined tensor for everything else). Throws ValueError for an unknown
/// class or argument.
std::vector<Tensor> apply_operation(std::string_view class_name, const Json& config, const Json& args,
                                    const Json& kwargs, const std::function<Tensor(const Json&)>& tensor_of);
/// Names, classes and modules of all functions that can be nodes, for documentation and tests.
struct OperationInfo {
  std::string function;        ///< "mean"
  std::string class_name;      ///< "Mean"
  std::string module;          ///< "keras.src.ops.numpy"
  std::string parameters;      ///< "x, axis=None, keepdims=False"
  std::string call_arguments;  ///< "x"
};
const std::vector<OperationInfo>& operation_infos();

namespace internal {

/// "Conv2D" is "conv2d", "BatchNormalization" "batch_normalization": Keras' names of classes in auto-names.
std::string to_snake_case(std::string_view class_name);
/// "dense", then "dense_1", ...: counted per process until reset_auto_names().
std::string auto_name(std::string_view prefix);
/// Starts the counting anew (keras.utils.clear_session).
void reset_auto_names();

}  // namespace internal
}  // namespace keras
