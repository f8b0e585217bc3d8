// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"

namespace keras {

struct FlattenOptions {
  std::string data_format = {};  ///< "": config::image_data_format()
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<FlattenOptions> {
  using O = FlattenOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::data_format>("data_format", "Order of the input's axes"));
};

struct ReshapeOptions {
  Json target_shape = {};  ///< shape without the batch; one item may be -1 (or null)
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<ReshapeOptions> {
  using O = ReshapeOptions;
  static constexpr auto fields = field_list(
      layer_fields<O>(),
      field<&O::target_shape>("target_shape", "Shape without the batch; one item may be -1 (or null)"));
};

struct PermuteOptions {
  std::vector<int64_t> dims = {};  ///< the axes in their new order, from 1
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<PermuteOptions> {
  using O = PermuteOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::dims>("dims", "The axes in their new order, from 1"));
};

struct RepeatVectorOptions {
  int64_t n = 1;  ///< how often
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<RepeatVectorOptions> {
  using O = RepeatVectorOptions;
  static constexpr auto fields = field_list(layer_fields<O>(), field<&O::n>("n", "How often"));
};

namespace layers {

/// All axes but the batch as one: (B, ...) -> (B, n) (keras.layers.Flatten).
class Flatten : public ConfiguredLayer<Flatten, FlattenOptions> {
 public:
  static constexpr const char* kClassName = "Flatten";
  explicit Flatten(FlattenOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// The same elements of each sample in another shape (keras.layers.Reshape).
class Reshape : public ConfiguredLayer<Reshape, ReshapeOptions> {
 public:
  static constexpr const char* kClassName = "Reshape";
  explicit Reshape(ReshapeOptions options);
  /// One item may be -1, for what remains.
  explicit Reshape(std::vector<int64_t> target_shape, ReshapeOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// The axes behind the batch in another order (keras.layers.Permute). Throws ValueError unless dims holds
/// 1, 2, ..., n once each.
class Permute : public ConfiguredLayer<Permute, PermuteOptions> {
 public:
  static constexpr const char* kClassName = "Permute";
  explicit Permute(PermuteOptions options);
  explicit Permute(std::vector<int64_t> dims, PermuteOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

/// Each vector n times: (B, features) -> (B, n, features) (keras.layers.RepeatVector).
class RepeatVector : public ConfiguredLayer<RepeatVector, RepeatVectorOptions> {
 public:
  static constexpr const char* kClassName = "RepeatVector";
  explicit RepeatVector(RepeatVectorOptions options);
  explicit RepeatVector(int64_t n, RepeatVectorOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
};

}  // namespace layers
}  // namespace keras
