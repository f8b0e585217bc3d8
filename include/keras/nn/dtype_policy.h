// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "keras/schema/field_codec.h"
#include "keras/tensor/dtype.h"

namespace keras {

/// In which dtype a layer computes and in which it keeps its weights (Keras' DTypePolicy): the name of a
/// dtype for both, or "mixed_float16" / "mixed_bfloat16" for half-precision computing on float32 weights.
class DTypePolicy {
 public:
  /// The global policy (see config::set_dtype_policy).
  DTypePolicy();
  /// Throws ValueError for a name that is neither a dtype nor a mixed policy. "" is the global policy.
  DTypePolicy(std::string_view name);                                     // NOLINT: names convert by design
  DTypePolicy(const char* name) : DTypePolicy(std::string_view(name)) {}  // NOLINT
  DTypePolicy(const std::string& name) : DTypePolicy(std::string_view(name)) {}  // NOLINT
  DTypePolicy(DType dtype) : DTypePolicy(dtype_name(dtype)) {}                   // NOLINT

  const std::string& name() const { return name_; }
  /// Dtypes of computations and of weights; mixed when they differ.
  DType compute_dtype() const { return compute_; }
  DType variable_dtype() const { return variable_; }
  bool mixed() const { return compute_ != variable_; }
  friend bool operator==(const DTypePolicy& a, const DTypePolicy& b) { return a.name_ == b.name_; }

 private:
  std::string name_;
  DType compute_ = DType::float32;
  DType variable_ = DType::float32;
};

/// {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null};
/// a plain name is read, too.
template <>
struct FieldCodec<DTypePolicy> {
  static std::string kind() { return "dtype policy"; }
  static Json to_json(const DTypePolicy& value);
  static DTypePolicy from_json(const Json& json, std::string_view where);
};

namespace config {

/// The policy that layers use when not told otherwise; floatx at the start.
DTypePolicy dtype_policy();
void set_dtype_policy(const DTypePolicy& policy);
/// Goes back to the policy of floatx.
void reset_dtype_policy();

}  // namespace config
}  // namespace keras
