// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"

namespace keras {

struct AttentionOptions {
  bool use_scale = false;            ///< whether a learned scalar multiplies the scores
  std::string score_mode = "dot";    ///< "dot", or "concat": the sum of tanh(query + key)
  double dropout = 0.0;              ///< fraction of the weights set to zero in training
  std::optional<int64_t> seed = {};  ///< seed of the dropout
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<AttentionOptions> {
  using O = AttentionOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::use_scale>("use_scale", "Whether a learned scalar multiplies the scores"),
      field<&O::score_mode>("score_mode", "dot, or concat: the sum of tanh(query + key)"),
      field<&O::dropout>("dropout", "Fraction of the weights set to zero in training"),
      field<&O::seed>("seed", "Seed of the dropout"));
};

struct AdditiveAttentionOptions {
  bool use_scale = true;             ///< whether learned factors multiply the features
  double dropout = 0.0;              ///< fraction of the weights set to zero in training
  std::optional<int64_t> seed = {};  ///< seed of the dropout
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<AdditiveAttentionOptions> {
  using O = AdditiveAttentionOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::use_scale>("use_scale", "Whether learned factors multiply the features"),
      field<&O::dropout>("dropout", "Fraction of the weights set to zero in training"),
      field<&O::seed>("seed", "Seed of the dropout"));
};

namespace layers {

/// What Attention and AdditiveAttention share. Inputs are a list of query (batch..., Tq, dim), value
/// (batch..., Tv, width) and, where it is not the value itself, key (batch..., Tv, dim); the output
/// (batch..., Tq, width) is softmax(scores) value, with `return_attention_scores` a list of it and the
/// weights (batch..., Tq, Tv).
///
/// Masks are a list in the inputs' order, (batch, T) each: positions where the value's is false do not count,
/// and the output is zero where the query's is. The query's mask travels on with the output. With
/// `use_causal_mask` query i sees the values up to i. Throws ValueError for another number of inputs or
/// masks.
template <class Derived, class OptionsType>
class BaseAttention : public ConfiguredLayer<Derived, OptionsType> {
 public:
  void build_nest(const std::vector<Shape>& input_shapes) override;
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;

 protected:
  explicit BaseAttention(OptionsType options);

 private:
  std::shared_ptr<random::SeedGenerator> seed_generator_;
};

extern template class BaseAttention<class Attention, AttentionOptions>;
extern template class BaseAttention<class AdditiveAttention, AdditiveAttentionOptions>;

/// Dot-product attention (keras.layers.Attention; Luong et al., 2015): scores are query times key, or with
/// score_mode "concat" concat_score_weight times the sum of tanh(query + key); call it as
/// `layer({query, value})` or `layer({query, value, key})`. Throws ValueError for another score_mode or a
/// dropout outside [0, 1].
class Attention : public BaseAttention<Attention, AttentionOptions> {
 public:
  static constexpr const char* kClassName = "Attention";
  explicit Attention(AttentionOptions options = {});
  void build(const Shape& query_shape) override;
  /// Scores (batch..., Tq, Tv) before masks and softmax.
  Tensor scores(const Tensor& query, const Tensor& key) const;

  Variable scale;                ///< scalar, with use_scale
  Variable concat_score_weight;  ///< scalar, with score_mode "concat"
};

/// Additive attention (keras.layers.AdditiveAttention; Bahdanau et al., 2015): scores are the sum of
/// scale tanh(query + key) over the features. Throws ValueError for a dropout outside [0, 1].
class AdditiveAttention : public BaseAttention<AdditiveAttention, AdditiveAttentionOptions> {
 public:
  static constexpr const char* kClassName = "AdditiveAttention";
  explicit AdditiveAttention(AdditiveAttentionOptions options = {});
  void build(const Shape& query_shape) override;
  /// Scores (batch..., Tq, Tv) before masks and softmax.
  Tensor scores(const Tensor& query, const Tensor& key) const;

  Variable scale;  ///< (dim), with use_scale
};

}  // namespace layers
}  // namespace keras
