// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keras/nn/layer.h"
#include "keras/nn/layers/activation.h"
#include "keras/nn/layers/dropout.h"
#include "keras/nn/layers/einsum_dense.h"

namespace keras::internal {

/// The layers inside MultiHeadAttention and GroupQueryAttention, which stand in one place for all copies of
/// the outer layer. They are made when that is built.
struct AttentionHeads {
  std::shared_ptr<layers::EinsumDense> query, key, gate, value, output;  ///< gate: only with use_gate
  std::shared_ptr<layers::Softmax> softmax;
  std::shared_ptr<layers::Dropout> dropout;
  std::vector<int64_t> axes;      ///< attention axes of the inputs, not negative
  std::string scores_equation;    ///< of key and query
  std::string combined_equation;  ///< of scores and value
  double scale = 1;               ///< factor of the scores
};

/// Query, value and key (the value where there is none) of a call.
struct AttentionInputs {
  Tensor query, value, key;
};
/// Throws ValueError for another number of inputs than two or three.
void require_attention_inputs(const std::string& where, size_t count);
AttentionInputs attention_inputs(const std::string& where, const Nest& inputs);

/// The masks of a call; undefined where there is none.
struct AttentionMasks {
  Tensor query, value, key;                    ///< (batch, T), (batch, S) and (batch, S)
  Tensor attention;                            ///< (batch, T, S)
  bool causal = false;                         ///< only positions up to the query's
  std::optional<int64_t> sliding_window = {};  ///< only positions at a distance below it
};

/// One call of the layers.
struct AttentionCall {
  AttentionInputs inputs;
  AttentionMasks masks;
  int64_t group = 1;                         ///< heads of the query for each one of key and value
  std::optional<bool> flash_attention = {};  ///< as the layer's option
  bool scores = false;                       ///< the scores are wanted too
  bool training = false;
};
/// The output, or a list of it and the scores (batch, heads, T..., S...). Through the fused op where that
/// gives the same.
Nest attend(const AttentionHeads& heads, const AttentionCall& call);

/// "ab...m,mno->ab...no" and the like: free axes, then `bound` axes that the kernel sums over, then `outputs`
/// new ones.
struct ProjectionEquation {
  std::string equation, bias_axes;
  int output_rank = 0;
};
ProjectionEquation projection_equation(int free, int bound, int outputs);

/// 1 / sqrt(width) rounded to float32: so Keras passes it to TensorFlow, in float64 layers too.
double scores_scale(int64_t width);

/// Sets scores_equation and combined_equation for values of a rank (with heads and width).
void set_attention_equations(AttentionHeads& heads, int rank);

/// The options that projections have in common with the outer layer. Each projection has an initializer of
/// its own, since an initializer gives the same values every time.
template <class Options>
EinsumDenseOptions projection_options(const Options& options, const DTypePolicy& policy, std::string name) {
  const auto own = [](const ObjectRef<Initializer>& i) { return i ? ObjectRef<Initializer>(i->clone()) : i; };
  EinsumDenseOptions out;
  out.kernel_initializer = own(options.kernel_initializer);
  out.bias_initializer = own(options.bias_initializer);
  out.kernel_regularizer = options.kernel_regularizer;
  out.bias_regularizer = options.bias_regularizer;
  out.activity_regularizer = options.activity_regularizer;
  out.kernel_constraint = options.kernel_constraint;
  out.bias_constraint = options.bias_constraint;
  out.dtype = policy;
  out.name = std::move(name);
  return out;
}

/// What both layers ask of their options: throws ValueError for sizes below 1, a dropout outside [0, 1], and
/// dropout with flash attention.
void check_attention_options(const char* where, std::initializer_list<std::pair<const char*, int64_t>> sizes,
                             std::optional<int64_t> sliding_window, double dropout,
                             std::optional<bool> flash_attention);

/// Item i of the list of masks, undefined where there is none.
Tensor attention_mask_at(const Nest& masks, size_t i);

/// Within its life the inputs carry no mask, so that the projections do not warn of it.
class WithoutMasks {
 public:
  explicit WithoutMasks(const AttentionInputs& inputs);
  ~WithoutMasks();
  WithoutMasks(const WithoutMasks&) = delete;
  WithoutMasks& operator=(const WithoutMasks&) = delete;

 private:
  std::vector<std::pair<Tensor, Tensor>> masks_;
};

/// Visits the layers inside under Keras' attribute names. Keras has properties for MultiHeadAttention's
/// projections, so that these count without the underscore.
void visit_heads(AttributeVisitor& visitor, const AttentionHeads& heads, const std::string& prefix);

}  // namespace keras::internal
