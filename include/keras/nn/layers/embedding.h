// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"
#include "keras/nn/lora.h"

namespace keras {

struct EmbeddingOptions {
  int64_t input_dim = 0;                                      ///< number of indices: 0 to input_dim - 1
  int64_t output_dim = 0;                                     ///< length of the vectors
  ObjectRef<Initializer> embeddings_initializer = "uniform";  ///< first value of the vectors
  ObjectRef<Regularizer> embeddings_regularizer = {};         ///< penalty on the vectors
  ObjectRef<Regularizer> activity_regularizer = {};           ///< penalty on the output
  ObjectRef<Constraint> embeddings_constraint = {};           ///< constraint of the vectors
  bool mask_zero = false;                                     ///< whether index 0 is masked
  std::optional<int64_t> lora_rank = {};  ///< rank of a low-rank adaptation, see LowRankAdapted
  std::optional<double> lora_alpha = {};  ///< its factor; none: the rank
  Json quantization_config = {};          ///< quantization of files, kept as it is
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<EmbeddingOptions> {
  using O = EmbeddingOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(), field<&O::input_dim>("input_dim", "Number of indices: 0 to input_dim - 1"),
      field<&O::output_dim>("output_dim", "Length of the vectors"),
      field<&O::embeddings_initializer>("embeddings_initializer", "First value of the vectors"),
      field<&O::embeddings_regularizer>("embeddings_regularizer", "Penalty on the vectors"),
      field<&O::activity_regularizer>("activity_regularizer", "Penalty on the output"),
      field<&O::embeddings_constraint>("embeddings_constraint", "Constraint of the vectors"),
      field<&O::mask_zero>("mask_zero", "Whether index 0 is masked"),
      field<&O::lora_rank>("lora_rank", "Rank of a low-rank adaptation"),
      field<&O::lora_alpha>("lora_alpha", "Factor of the adaptation; none is the rank"),
      field<&O::quantization_config>("quantization_config", "Quantization of files, kept as it is"));
};

namespace layers {

/// A learned vector for every integer: (...) -> (..., output_dim) (keras.layers.Embedding). Throws ValueError
/// for sizes that are not positive.
class Embedding : public ConfiguredLayer<Embedding, EmbeddingOptions>, public LowRankAdapted {
 public:
  static constexpr const char* kClassName = "Embedding";
  explicit Embedding(EmbeddingOptions options);
  Embedding(int64_t input_dim, int64_t output_dim, EmbeddingOptions options = {});
  void build(const Shape& input_shape) override;
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;
  const Variable& adapted_weight() const override { return embeddings; }
  void enable_lora(int64_t rank, LoraOptions options = {}) override;
  Nest compute_mask(const Nest& inputs, const Nest& previous_mask) override;

  Variable embeddings;  ///< (input_dim, output_dim)
};

}  // namespace layers
}  // namespace keras
