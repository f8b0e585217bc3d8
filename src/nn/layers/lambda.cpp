// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/lambda.h"

#include <fmt/format.h>

#include <map>
#include <mutex>

#include "keras/base/error.h"
#include "nn/fused_calls.h"

namespace keras {

namespace {

/// The registered functions, by "package>name".
class FunctionRegistry {
 public:
  static FunctionRegistry& instance() {
    static FunctionRegistry registry;
    return registry;
  }
  void set(const std::string& name, LambdaFunction function) {
    const std::lock_guard lock(mutex_);
    functions_[name] = std::move(function);
  }
  // "name" alone means any package's.
  LambdaFunction get(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [full, function] : functions_) {
      if (full == name || full.substr(full.find('>') + 1) == name) return function;
      names.push_back(full);
    }
    internal::fail_unknown_name("Lambda", "function", name, names);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, LambdaFunction> functions_;
};

}  // namespace

LambdaFunction::LambdaFunction(const std::string& registered_name)
    : LambdaFunction(FunctionRegistry::instance().get(registered_name)) {}

LambdaFunction LambdaFunction::named(std::string registered_name) const {
  LambdaFunction out = *this;
  out.registered_name_ = std::move(registered_name);
  return out;
}

Json FieldCodec<LambdaFunction>::to_json(const LambdaFunction& value) {
  if (!value) return nullptr;
  if (value.registered_name().empty()) {
    internal::fail<UnsupportedError>({"Lambda", "A C++ callable without a registered name cannot be saved",
                                      "", "give it a name with keras::saving::register_function"});
  }
  return Json::dict({{"module", "builtins"},
                     {"class_name", "function"},
                     {"config", value.registered_name()},
                     {"registered_name", "function"}});
}

LambdaFunction FieldCodec<LambdaFunction>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return {};
  if (json.is_string()) return LambdaFunction(json.as_string(where));
  const auto envelope = ObjectEnvelope::from_json(json, where);
  if (envelope.class_name == "__lambda__") {
    internal::fail<UnsupportedError>(
        {where, "A Python lambda is Python's bytecode, which nothing but Python runs", "__lambda__",
         "in Python, save a function registered by register_keras_serializable; here, register its "
         "counterpart with keras::saving::register_function"});
  }
  if (envelope.class_name != "function") {
    internal::fail<ValueError>({where, "A function is expected", envelope.class_name, ""});
  }
  return LambdaFunction(envelope.config.as_string(where));
}

namespace saving {

LambdaFunction register_function(const std::string& name, const LambdaFunction& function,
                                 const std::string& package) {
  if (name.empty() || name.find('>') != std::string::npos || package.empty() ||
      package.find('>') != std::string::npos) {
    internal::fail<ValueError>({"register_function", "name and package must be words without '>'",
                                fmt::format("name='{}', package='{}'", name, package), ""});
  }
  if (!function) internal::fail<ValueError>({"register_function", "There must be a function", "none", ""});
  const std::string full = package + ">" + name;
  const LambdaFunction named = function.named(full);
  FunctionRegistry::instance().set(full, named);
  return named;
}

}  // namespace saving

namespace layers {

KERAS_REGISTER_LAYER(Lambda);

Lambda::Lambda(LambdaFunction function, LambdaOptions options)
    : ConfiguredLayer([&] {
        options.function = std::move(function);
        if (options.arguments.is_null()) options.arguments = Json::dict();
        return std::move(options);
      }()) {
  if (!options_.function) internal::fail<ValueError>({kClassName, "There must be a function", "none", ""});
  if (!options_.arguments.is_dict()) {
    internal::fail<TypeError>(
        {kClassName, "arguments must be a dictionary", std::string(options_.arguments.kind_name()), ""});
  }
  if (options_.mask) set_supports_masking();
}

Nest Lambda::call_nest(const Nest& inputs, const CallArgs& args) {
  return options_.function(inputs, args, options_.arguments);
}

Shape Lambda::compute_output_shape(const Shape& input_shape) const {
  if (options_.output_shape.is_null()) return ConfiguredLayer::compute_output_shape(input_shape);
  Shape shape{input_shape.empty() ? Dim::unknown() : input_shape.front()};
  for (const Json& d : options_.output_shape.as_list(kClassName)) {
    shape.push_back(d.is_null() ? Dim::unknown() : Dim(d.as_int(kClassName)));
  }
  return shape;
}

Nest Lambda::compute_mask(const Nest& inputs, const Nest& previous_mask) {
  if (!options_.mask) return {};
  return options_.mask(inputs, {.mask = previous_mask}, options_.arguments);
}

Json Lambda::get_config() const {
  return internal::without_null(ConfiguredLayer::get_config(), {"output_shape", "mask"});
}

}  // namespace layers
}  // namespace keras
