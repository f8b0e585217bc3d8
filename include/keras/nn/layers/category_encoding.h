// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/layer.h"

namespace keras {

struct CategoryEncodingOptions {
  int64_t num_tokens = 0;                 ///< number of categories: integers from 0 to num_tokens - 1
  std::string output_mode = "multi_hot";  ///< "one_hot", "multi_hot" or "count"
  bool sparse = false;                    ///< kept for files: results are dense
  std::string name = {};
  bool trainable = true;
  DTypePolicy dtype = {};
};

template <>
struct FieldTable<CategoryEncodingOptions> {
  using O = CategoryEncodingOptions;
  static constexpr auto fields =
      field_list(layer_fields<O>(), field<&O::num_tokens>("num_tokens", "Number of categories"),
                 field<&O::output_mode>("output_mode", "one_hot, multi_hot or count"),
                 field<&O::sparse>("sparse", "Kept for files: results are dense"));
};

namespace layers {

/// Categories as rows of num_tokens numbers (keras.layers.CategoryEncoding): a 1 for each integer
/// ("one_hot"), or for each sample a 1 for every category in it ("multi_hot") or how often it is there
/// ("count": each weighted, if the call has the argument count_weights in CallArgs::others). Throws
/// ValueError for num_tokens below 1, unknown modes, and weights in another mode.
class CategoryEncoding : public ConfiguredLayer<CategoryEncoding, CategoryEncodingOptions> {
 public:
  static constexpr const char* kClassName = "CategoryEncoding";
  explicit CategoryEncoding(CategoryEncodingOptions options);
  explicit CategoryEncoding(int64_t num_tokens, CategoryEncodingOptions options = {});
  Tensor call(const Tensor& inputs, const CallArgs& args) override;
  Json get_config() const override;
};

}  // namespace layers
}  // namespace keras
