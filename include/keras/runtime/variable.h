// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keras/tensor/tensor.h"

namespace keras {

/// How values of several replicas would be combined (Keras' `aggregation` argument).
enum class VariableAggregation : uint8_t { none, mean, sum, only_first_replica };

namespace internal {

/// The state behind a Variable, shared by all copies of it.
struct VariableSlot : std::enable_shared_from_this<VariableSlot> {
  bool filled = false;  ///< false: a member that no add_weight has filled
  std::string name;
  std::string path;  ///< "sequential/dense/kernel"
  DType dtype = DType::float32;
  Shape shape;
  bool trainable = true;
  bool autocast = true;
  VariableAggregation aggregation = VariableAggregation::none;
  Tensor value;
  uint64_t version = 0;  ///< counts assignments
  /// Keras attaches these to a variable; the optimizer and the trainer read them.
  std::function<Tensor(const Tensor&)> constraint;
  std::function<Tensor(const Tensor&)> regularizer;
  std::optional<bool> overwrite_with_gradient;
};

}  // namespace internal

/// A tensor that can be assigned: the weights and states of layers, optimizers and metrics (Keras' Variable).
///
/// A Variable is a handle to a shared slot that exists from construction on: copies see each other's
/// assignments, and a layer's member stays the same variable after `add_weight` fills it. A tensor that was
/// read never changes: an assignment reuses memory only when nobody else holds it.
class Variable {
 public:
  /// An empty slot, filled later. Reading it throws ValueError.
  Variable();
  /// Another handle to an existing slot.
  explicit Variable(std::shared_ptr<internal::VariableSlot> slot) : slot_(std::move(slot)) {}
  /// A variable with a value of its own, in its dtype or in `dtype`.
  ///@{
  explicit Variable(Tensor initial_value, std::string name = "variable", bool trainable = true);
  Variable(Tensor initial_value, DType dtype, std::string name, bool trainable = true);
  ///@}

  /// The value as ops see it: cast to the compute dtype inside an autocast scope.
  Tensor value() const;
  /// The value.
  operator Tensor() const { return value(); }  // NOLINT: a variable is usable as a tensor
  /// Replaces the value, cast to the variable's dtype. Throws ValueError when the shapes differ.
  void assign(const Tensor& value) const;
  /// Adds to, or subtracts from, the value.
  ///@{
  void assign_add(const Tensor& delta) const;
  void assign_sub(const Tensor& delta) const;
  ///@}

  /// Whether the slot is filled, and what it holds.
  ///@{
  bool defined() const { return slot_->filled; }
  const std::string& name() const { return slot_->name; }
  const std::string& path() const { return slot_->path; }
  DType dtype() const { return slot_->dtype; }
  const Shape& shape() const { return slot_->shape; }
  bool trainable() const { return slot_->trainable; }
  int64_t elements() const { return slot_->shape.elements(); }
  ///@}
  /// Freezes the variable, or lets training change it.
  void set_trainable(bool trainable) const { slot_->trainable = trainable; }
  /// True when both are the same variable.
  bool same(const Variable& other) const { return slot_ == other.slot_; }

  /// The shared state, for the rooms above.
  ///@{
  internal::VariableSlot& slot() const { return *slot_; }
  const std::shared_ptr<internal::VariableSlot>& shared_slot() const { return slot_; }
  ///@}

 private:
  std::shared_ptr<internal::VariableSlot> slot_;
};

/// Within its life, floating-point variables with autocast are read in `dtype` (Keras' AutocastScope).
class AutocastScope {
 public:
  /// Begins the scope; nothing (std::nullopt) ends casting in it.
  explicit AutocastScope(std::optional<DType> dtype);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;
  /// The dtype of the innermost scope of this thread.
  static std::optional<DType> current();

 private:
  std::optional<DType> previous_;
};

}  // namespace keras
