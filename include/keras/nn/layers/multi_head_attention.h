// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layers/head_attention.h"
#include "keras/schema/int_tuple.h"

namespace keras {

struct MultiHeadAttentionOptions {
  int64_t num_heads = 0;                        ///< number of heads
  int64_t key_dim = 0;                          ///< width of query and key in a head
  std::optional<int64_t> value_dim = {};        ///< width of value in a head; none: key_dim
  double dropout = 0.0;                         ///< fraction of the scores set to zero in training
  bool use_bias = true;                         ///< whether the projections have a bias
  std::optional<IntTuple> output_shape = {};    ///< last axes of the output; none: the query's
  std::optional<IntTuple> attention_axes = {};  ///< axes to attend over; none: all but batch and features
  std::optional<int64_t> sliding_window = {};   ///< attend only to positions at a distance below it
  std::optional<bool> flash_attention = {};     ///< the backend chooses its kernel itself: leave it unset
  ObjectRef<Initializer> kernel_initializer = "glorot_uniform";  ///< first value of the kernels
  ObjectRef<Initializer> bias_initializer = "zeros";             ///< first value of the biases
  ObjectRef<Regularizer> kernel_regularizer = {};                ///< penalty on the kernels
  ObjectRef<Regularizer> bias_regularizer = {};                  ///< penalty on the biases
  ObjectRef<Regularizer> activity_regularizer = {};              ///< penalty on the projections' outputs
  ObjectRef<Constraint> kernel_constraint = {};                  ///< constraint of the kernels
  ObjectRef<Constraint> bias_constraint = {};                    ///< constraint of the biases
  bool use_gate = false;                                         ///< multiply by sigmoid(projected query)
  std::optional<int64_t> seed = {};                              ///< seed of the dropout
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<MultiHeadAttentionOptions> {
  using O = MultiHeadAttentionOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::num_heads>("num_heads", "Number of heads"),
      field<&O::key_dim>("key_dim", "Width of query and key in a head"),
      field<&O::value_dim>("value_dim", "Width of value in a head; none: key_dim"),
      field<&O::dropout>("dropout", "Fraction of the scores set to zero in training"),
      field<&O::use_bias>("use_bias", "Whether the projections have a bias"),
      field<&O::use_gate>("use_gate", "Multiply by sigmoid(projected query)"),
      field<&O::output_shape>("output_shape", "Last axes of the output; none: the query's"),
      field<&O::attention_axes>("attention_axes", "Axes to attend over; none: all but batch and features"),
      field<&O::sliding_window>("sliding_window", "Attend only to positions at a distance below it"),
      field<&O::flash_attention>("flash_attention", "The backend chooses its kernel itself: leave it unset"),
      field<&O::kernel_initializer>("kernel_initializer", "First value of the kernels"),
      field<&O::bias_initializer>("bias_initializer", "First value of the biases"),
      field<&O::kernel_regularizer>("kernel_regularizer", "Penalty on the kernels"),
      field<&O::bias_regularizer>("bias_regularizer", "Penalty on the biases"),
      field<&O::activity_regularizer>("activity_regularizer", "Penalty on the projections' outputs"),
      field<&O::kernel_constraint>("kernel_constraint", "Constraint of the kernels"),
      field<&O::bias_constraint>("bias_constraint", "Constraint of the biases"),
      field<&O::seed>("seed", "Seed of the dropout"));
};

namespace layers {

/// Attention by several heads (keras.layers.MultiHeadAttention; Vaswani et al., 2017):
///
///     layers::MultiHeadAttention attention(8, 64);
///     Tensor y = attention(x, x, {.use_causal_mask = true});      // query, value (also the key)
///     Tensor z = attention(query, value, key);
///     auto [output, scores] = attention.with_scores(query, value);
///
/// Query (batch, T, ...), value and key (batch, S, ...); the output has the query's shape, its last axis
/// replaced by output_shape, the scores are (batch, heads, T, S). Inputs may have several axes of positions:
/// attention_axes chooses among them.
///
/// A position of value counts for one of query where all masks agree: those that travel with query, value and
/// key (args.mask, a list in this order, takes the place of the latter two), args.attention_mask (batch, T,
/// S) and the causal one. The query's mask goes on with the output; as in Keras, the inputs lose theirs.
/// Throws ValueError for sizes below 1, a dropout outside [0, 1] or positions of value and key that differ;
/// UnsupportedError for flash_attention.
class MultiHeadAttention : public BaseHeadAttention<MultiHeadAttention, MultiHeadAttentionOptions> {
 public:
  static constexpr const char* kClassName = "MultiHeadAttention";
  explicit MultiHeadAttention(MultiHeadAttentionOptions options);
  MultiHeadAttention(int64_t num_heads, int64_t key_dim, MultiHeadAttentionOptions options = {});

  void build_nest(const std::vector<Shape>& input_shapes) override;
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;
  Json get_config() const override;
  void visit_attributes(internal::AttributeVisitor& visitor) const override;
};

}  // namespace layers
}  // namespace keras
