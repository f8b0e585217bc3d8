// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "keras/nn/layer.h"

namespace keras {

/// Keyword arguments of `enable_lora`.
struct LoraOptions {
  std::optional<double> alpha = {};                     ///< factor of the adaptation; none: the rank
  ObjectRef<Initializer> a_initializer = "he_uniform";  ///< first value of the left factor
  ObjectRef<Initializer> b_initializer = "zeros";       ///< first value of the right factor
};

/// What the layers share whose kernel can be frozen and trained through two small factors instead: the kernel
/// in use is kernel + alpha / rank * a b (low-rank adaptation; Hu et al., 2021). Files hold the kernel in use
/// and no factors, as Keras' do, so that a file fits a layer with and without adaptation.
///
/// Keras 3.15 forgets the `lora_alpha` given to Dense, EinsumDense and Embedding when it builds them (it
/// takes the rank); here it is used.
class LowRankAdapted {
 public:
  virtual ~LowRankAdapted() = default;
  /// The kernel that the factors adapt.
  virtual const Variable& adapted_weight() const = 0;
  /// Freezes the kernel and makes the factors. Throws ValueError before the layer is built, a second time,
  /// for a rank below 1, and for a kernel with a constraint.
  virtual void enable_lora(int64_t rank, LoraOptions options = {}) = 0;

  /// Whether there are factors.
  bool lora_enabled() const { return lora_a.defined(); }
  /// The kernel in use, in a dtype.
  Tensor merged_weight(DType dtype) const;

  Variable lora_a;  ///< (..., rank): the kernel's shape with the rank as its last axis
  Variable lora_b;  ///< (rank, the kernel's last axis)

 protected:
  LowRankAdapted() = default;
  LowRankAdapted(const LowRankAdapted&) = default;
  LowRankAdapted(LowRankAdapted&&) = default;
  LowRankAdapted& operator=(const LowRankAdapted&) = default;
  LowRankAdapted& operator=(LowRankAdapted&&) = default;

  /// The layer's own add_weight.
  using AddWeight = std::function<void(Variable& member, std::string_view name, const Shape& shape,
                                       const WeightOptions& options)>;
  /// The common part of enable_lora; the factors' names are "lora_<weight>_a" and "lora_<weight>_b".
  void add_factors(const std::string& layer, std::string_view weight, bool constrained,
                   const ObjectRef<Regularizer>& regularizer, int64_t rank, const LoraOptions& options,
                   const AddWeight& add);
  /// A config with "lora_rank" and "lora_alpha" where there is an adaptation, without them where there is
  /// none.
  Json with_lora(Json config) const;

 private:
  std::shared_ptr<double> alpha_ = std::make_shared<double>(0.0);  // shared by copies of the layer
};

}  // namespace keras
