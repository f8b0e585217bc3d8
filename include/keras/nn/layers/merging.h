// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct MergeOptions {
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<MergeOptions> {
  using O = MergeOptions;
  static constexpr auto fields = field_list(layer_fields<O>());
};

struct ConcatenateOptions {
  int64_t axis = -1;  ///< axis along which the inputs stand
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ConcatenateOptions> {
  using O = ConcatenateOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::axis>("axis", "Axis along which the inputs stand"));
};

struct DotOptions {
  bool normalize = false;  ///< whether the vectors are scaled to norm 1 first
  IntTuple axes = -1;      ///< axis to add over, or one for each input
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<DotOptions> {
  using O = DotOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::normalize>("normalize", "Whether the vectors are scaled to norm 1 first"),
      field<&O::axes>("axes", "Axis to add over, or one for each input"));
};

namespace layers {

/// What the layers that join inputs of one shape (up to broadcasting) share: inputs of lower rank get axes of
/// size 1 behind the batch, and the masks are joined by "or".
template <class Derived>
class BaseMerge : public ConfiguredLayer<Derived, MergeOptions> {
 public:
  void build_nest(const std::vector<Shape>& input_shapes) override;
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;

 protected:
  explicit BaseMerge(MergeOptions options);
};

/// Sum of the inputs (keras.layers.Add). Throws ValueError for inputs that do not broadcast.
class Add : public BaseMerge<Add> {
 public:
  static constexpr const char* kClassName = "Add";
  explicit Add(MergeOptions options = {}) : BaseMerge(std::move(options)) {}
};
extern template class BaseMerge<Add>;

/// First input minus the second (keras.layers.Subtract). Throws ValueError for inputs that do not broadcast.
class Subtract : public BaseMerge<Subtract> {
 public:
  static constexpr const char* kClassName = "Subtract";
  explicit Subtract(MergeOptions options = {}) : BaseMerge(std::move(options)) {}
};
extern template class BaseMerge<Subtract>;

/// Product of the inputs (keras.layers.Multiply). Throws ValueError for inputs that do not broadcast.
class Multiply : public BaseMerge<Multiply> {
 public:
  static constexpr const char* kClassName = "Multiply";
  explicit Multiply(MergeOptions options = {}) : BaseMerge(std::move(options)) {}
};
extern template class BaseMerge<Multiply>;

/// Mean of the inputs (keras.layers.Average). Throws ValueError for inputs that do not broadcast.
class Average : public BaseMerge<Average> {
 public:
  static constexpr const char* kClassName = "Average";
  explicit Average(MergeOptions options = {}) : BaseMerge(std::move(options)) {}
};
extern template class BaseMerge<Average>;

/// Largest of the inputs, element by element (keras.layers.Maximum). Throws ValueError for inputs that do not
/// broadcast.
class Maximum : public BaseMerge<Maximum> {
 public:
  static constexpr const char* kClassName = "Maximum";
  explicit Maximum(MergeOptions options = {}) : BaseMerge(std::move(options)) {}
};
extern template class BaseMerge<Maximum>;

/// Smallest of the inputs, element by element (keras.layers.Minimum). Throws ValueError for inputs that do
/// not broadcast.
class Minimum : public BaseMerge<Minimum> {
 public:
  static constexpr const char* kClassName = "Minimum";
  explicit Minimum(MergeOptions options = {}) : BaseMerge(std::move(options)) {}
};
extern template class BaseMerge<Minimum>;

/// The inputs side by side along an axis (keras.layers.Concatenate).
class Concatenate : public ConfiguredLayer<Concatenate, ConcatenateOptions> {
 public:
  static constexpr const char* kClassName = "Concatenate";
  explicit Concatenate(ConcatenateOptions options = {});
  explicit Concatenate(int64_t axis, ConcatenateOptions options = {});
  void build_nest(const std::vector<Shape>& input_shapes) override;
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;
};

/// Sum of products of two inputs over one axis of each, sample by sample (keras.layers.Dot). Throws
/// ValueError when the axes differ in size or one is the batch.
class Dot : public ConfiguredLayer<Dot, DotOptions> {
 public:
  static constexpr const char* kClassName = "Dot";
  explicit Dot(DotOptions options);
  explicit Dot(IntTuple axes, DotOptions options = {});
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;
};

/// The layers above as functions of a list of tensors (keras.layers.add and its kin).
///@{
Tensor add(const std::vector<Tensor>& inputs, MergeOptions options = {});
Tensor subtract(const std::vector<Tensor>& inputs, MergeOptions options = {});
Tensor multiply(const std::vector<Tensor>& inputs, MergeOptions options = {});
Tensor average(const std::vector<Tensor>& inputs, MergeOptions options = {});
Tensor maximum(const std::vector<Tensor>& inputs, MergeOptions options = {});
Tensor minimum(const std::vector<Tensor>& inputs, MergeOptions options = {});
Tensor concatenate(const std::vector<Tensor>& inputs, int64_t axis = -1, ConcatenateOptions options = {});
Tensor dot(const std::vector<Tensor>& inputs, IntTuple axes = -1, DotOptions options = {});
///@}

}  // namespace layers
}  // namespace keras
