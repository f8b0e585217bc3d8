// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/dtype_policy.h"

#include <mutex>
#include <optional>

#include "keras/base/error.h"
#include "keras/schema/object_registry.h"
#include "keras/tensor/tensor.h"
#include "runtime/trace.h"

namespace keras {

namespace {

struct GlobalPolicy {
  std::mutex mutex;
  std::optional<std::string> name;
};

GlobalPolicy& global_policy() {
  static GlobalPolicy instance;
  return instance;
}

std::string global_name() {
  auto& global = global_policy();
  const std::lock_guard lock(global.mutex);
  return global.name.value_or(std::string(dtype_name(floatx())));
}

std::vector<std::string> valid_names() {
  std::vector<std::string> names{"mixed_float16", "mixed_bfloat16"};
  for (int i = 0; i < kNumDTypes; ++i) names.emplace_back(dtype_name(static_cast<DType>(i)));
  return names;
}

}  // namespace

DTypePolicy::DTypePolicy() : DTypePolicy(std::string_view()) {}

DTypePolicy::DTypePolicy(std::string_view name) : name_(name.empty() ? global_name() : std::string(name)) {
  if (name_ == "mixed_float16" || name_ == "mixed_bfloat16") {
    compute_ = name_ == "mixed_float16" ? DType::float16 : DType::bfloat16;
    variable_ = DType::float32;
    return;
  }
  for (int i = 0; i < kNumDTypes; ++i) {
    if (dtype_name(static_cast<DType>(i)) == name_) {
      compute_ = variable_ = static_cast<DType>(i);
      return;
    }
  }
  internal::fail_unknown_name("DTypePolicy", "dtype policy", name_, valid_names());
}

Json FieldCodec<DTypePolicy>::to_json(const DTypePolicy& value) {
  return ObjectEnvelope{"keras", "DTypePolicy", Json::dict({{"name", value.name()}}), "", nullptr}.to_json();
}

DTypePolicy FieldCodec<DTypePolicy>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return {};
  if (json.is_string()) return DTypePolicy(json.as_string(where));
  const auto envelope = ObjectEnvelope::from_json(json, where);
  if (envelope.class_name != "DTypePolicy") {
    internal::fail<UnsupportedError>(
        {where, "Only the class DTypePolicy is known as a dtype policy", envelope.class_name, ""});
  }
  return DTypePolicy(envelope.config["name"].as_string(where));
}

namespace config {

DTypePolicy dtype_policy() { return {}; }

void set_dtype_policy(const DTypePolicy& policy) {
  auto& global = global_policy();
  const std::lock_guard lock(global.mutex);
  global.name = policy.name();
  internal::outdate_traces();
}

void reset_dtype_policy() {
  auto& global = global_policy();
  const std::lock_guard lock(global.mutex);
  global.name.reset();
  internal::outdate_traces();
}

}  // namespace config
}  // namespace keras
