// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "checkout.h"
#include "keras/base/error.h"
#include "keras/data/npy.h"
#include "keras/schema/json.h"
#include "keras/tensor/host_buffer.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// One archive of tests/golden: its cases as JSON, and arrays by the keys that the cases hold (see README.md
/// there).
class GoldenFile {
 public:
  /// `family` is the file's name without ".npz".
  explicit GoldenFile(const std::string& family) {
    for (auto& [name, tensor] : load_npz(checkout::source_path("tests/golden/" + family + ".npz"))) {
      arrays_.emplace(std::move(name), std::move(tensor));
    }
    const auto text = arrays_.at("manifest").data<uint8_t>();
    manifest_ = Json::parse({reinterpret_cast<const char*>(text.data()), text.size()}, family);
  }

  const Json& manifest() const { return manifest_; }
  const Json::List& cases() const { return manifest_["cases"].as_list(); }
  bool has(const std::string& key) const { return arrays_.count(key) != 0; }

  /// The array of a key; bit patterns under "...@bfloat16" become a bfloat16 tensor. Throws ValueError when
  /// there is none.
  Tensor array(const std::string& key) const {
    const auto found = arrays_.find(key);
    if (found == arrays_.end())
      internal::fail<ValueError>({"GoldenFile", "There is no array of this key", key, ""});
    const Tensor& tensor = found->second;
    if (!std::string_view(key).ends_with("@bfloat16")) return tensor;
    return Tensor::copy(tensor.host_data(), tensor.shape(), DType::bfloat16);
  }
  /// The array that a field of a case names.
  Tensor array(const Json& key) const { return array(key.as_string("GoldenFile")); }

 private:
  std::map<std::string, Tensor> arrays_;
  Json manifest_;
};

}  // namespace keras
