// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "keras/nn/layer.h"

namespace keras {

namespace internal {

struct AttentionHeads;

/// The output of an attention layer on query, value and perhaps key. Throws ValueError when the call gives
/// its scores too.
Tensor attention_output(Layer& layer, const Nest& inputs, const CallArgs& args);
/// Output and scores.
std::pair<Tensor, Tensor> attention_output_and_scores(Layer& layer, const Nest& inputs, CallArgs args);

}  // namespace internal

namespace layers {

/// The calls that attention layers with several heads share.
template <class Derived, class OptionsType>
class BaseHeadAttention : public ConfiguredLayer<Derived, OptionsType> {
 public:
  internal::CallSignature call_signature() const override {
    internal::CallSignature signature;
    signature.inputs = {"query", "value", "key"};
    return signature;
  }

  using Layer::operator();
  /// The output for query, value and, where it is not the value, key.
  ///@{
  Tensor operator()(const Tensor& query, const Tensor& value, const CallArgs& args = {}) {
    return internal::attention_output(*this, Nest{query, value}, args);
  }
  template <class T>
  requires(std::is_convertible_v<const T&, const Tensor&>) Tensor operator()(const Tensor& query,
                                                                             const Tensor& value,
                                                                             const T& key,
                                                                             const CallArgs& args = {}) {
    return internal::attention_output(*this, Nest{query, value, static_cast<const Tensor&>(key)}, args);
  }
  ///@}
  /// Output and scores (Python's `return_attention_scores=True`).
  ///@{
  std::pair<Tensor, Tensor> with_scores(const Tensor& query, const Tensor& value, const CallArgs& args = {}) {
    return internal::attention_output_and_scores(*this, Nest{query, value}, args);
  }
  template <class T>
  requires(std::is_convertible_v<const T&, const Tensor&>) std::pair<Tensor, Tensor> with_scores(
      const Tensor& query, const Tensor& value, const T& key, const CallArgs& args = {}) {
    return internal::attention_output_and_scores(*this, Nest{query, value, static_cast<const Tensor&>(key)},
                                                 args);
  }
  ///@}

 protected:
  BaseHeadAttention(OptionsType options, std::shared_ptr<internal::AttentionHeads> heads)
      : ConfiguredLayer<Derived, OptionsType>(std::move(options)), heads_(std::move(heads)) {}

  std::shared_ptr<internal::AttentionHeads> heads_;
};

}  // namespace layers
}  // namespace keras
