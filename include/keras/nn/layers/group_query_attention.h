// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layers/head_attention.h"

namespace keras {

struct GroupQueryAttentionOptions {
  int64_t head_dim = 0;                        ///< width of a head
  int64_t num_query_heads = 0;                 ///< heads of the query
  int64_t num_key_value_heads = 0;             ///< heads of key and value, which divides the query's
  double dropout = 0.0;                        ///< fraction of the scores set to zero in training
  bool use_bias = true;                        ///< whether the projections have a bias
  std::optional<int64_t> sliding_window = {};  ///< attend only to positions at a distance below it
  std::optional<bool> flash_attention = {};    ///< the backend chooses its kernel itself: leave it unset
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
struct FieldTable<GroupQueryAttentionOptions> {
  using O = GroupQueryAttentionOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::head_dim>("head_dim", "Width of a head"),
      field<&O::num_query_heads>("num_query_heads", "Heads of the query"),
      field<&O::num_key_value_heads>("num_key_value_heads",
                                     "Heads of key and value, which divides the query's"),
      field<&O::use_bias>("use_bias", "Whether the projections have a bias"),
      field<&O::use_gate>("use_gate", "Multiply by sigmoid(projected query)"),
      field<&O::sliding_window>("sliding_window", "Attend only to positions at a distance below it"),
      field<&O::dropout>("dropout", "Fraction of the scores set to zero in training"),
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

/// Attention whose query heads share those of key and value by groups (keras.layers.GroupQueryAttention;
/// Ainslie et al., 2023); one head of key and value for all is multi-query attention.
///
///     layers::GroupQueryAttention attention(64, 8, 2);
///     Tensor y = attention(x, x, {.use_causal_mask = true});      // query, value (also the key)
///     auto [output, scores] = attention.with_scores(query, value);
///
/// Query (batch, T, features), value and key (batch, S, ...); the output has the query's shape, the scores
/// are (batch, num_query_heads, T, S).
///
/// A position of value counts for one of query where all masks agree: those of query, value and key, which
/// travel with them or stand in args.mask as a list in this order, args.attention_mask (batch, T, S) and the
/// causal one. The mask that travels with the query goes on with the output.
/// Throws ValueError for sizes below 1, heads that do not divide or a dropout outside [0, 1];
/// UnsupportedError for flash_attention.
class GroupQueryAttention : public BaseHeadAttention<GroupQueryAttention, GroupQueryAttentionOptions> {
 public:
  static constexpr const char* kClassName = "GroupQueryAttention";
  static constexpr const char* kNamePrefix = "GroupedQueryAttention";
  explicit GroupQueryAttention(GroupQueryAttentionOptions options);
  GroupQueryAttention(int64_t head_dim, int64_t num_query_heads, int64_t num_key_value_heads,
                      GroupQueryAttentionOptions options = {});
  /// Python's class, after which layers are named; files have kClassName.
  std::string class_name() const override { return kNamePrefix; }

  void build_nest(const std::vector<Shape>& input_shapes) override;
  Nest call_nest(const Nest& inputs, const CallArgs& args) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;
  Json get_config() const override;
  void visit_attributes(internal::AttributeVisitor& visitor) const override;
};

}  // namespace layers
}  // namespace keras
