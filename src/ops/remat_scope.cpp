// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/remat_scope.h"

#include <array>
#include <functional>
#include <string_view>
#include <utility>

#include "keras/base/error.h"
#include "runtime/trace.h"

namespace keras {

namespace {

using internal::RematMode;

struct NamedMode {
  std::string_view name;
  RematMode::Kind kind;
};
constexpr std::array kModes = {NamedMode{"full", RematMode::Kind::full},
                               NamedMode{"activations", RematMode::Kind::activations},
                               NamedMode{"larger_than", RematMode::Kind::larger_than},
                               NamedMode{"list_of_layers", RematMode::Kind::list_of_layers}};

// An entry of null: a scope of mode none.
thread_local std::vector<std::shared_ptr<const RematMode>> open;

std::shared_ptr<const RematMode> mode_of(RematOptions options) {
  if (!options.mode) return nullptr;
  for (const auto& [name, kind] : kModes) {
    if (name != *options.mode) continue;
    return std::make_shared<const RematMode>(
        RematMode{kind, options.output_size_threshold, std::move(options.layer_names)});
  }
  internal::fail<ValueError>({"RematScope", "Unknown mode", "mode='" + *options.mode + "'",
                              "'full', 'activations', 'larger_than', 'list_of_layers', or none"});
}

// Layers made inside of a traced function take the scope of its call.
[[maybe_unused]] const bool scope_is_context = internal::add_trace_context([]() -> int64_t {
  const auto mode = internal::current_remat_mode();
  if (mode == nullptr) return 0;
  size_t hash = static_cast<size_t>(mode->kind) + 1;
  const auto mix = [&hash](size_t part) { hash = hash * 0x9e3779b97f4a7c15u + part; };
  mix(std::hash<int64_t>()(mode->output_size_threshold));
  for (const auto& name : mode->layer_names) mix(std::hash<std::string>()(name));
  return static_cast<int64_t>(hash);
});

}  // namespace

namespace internal {
std::shared_ptr<const RematMode> current_remat_mode() { return open.empty() ? nullptr : open.back(); }
}  // namespace internal

RematScope::RematScope(RematOptions options) { open.push_back(mode_of(std::move(options))); }

RematScope::RematScope(std::optional<std::string> mode, RematOptions options)
    : RematScope([&] {
        options.mode = std::move(mode);
        return std::move(options);
      }()) {}

RematScope::~RematScope() { open.pop_back(); }

}  // namespace keras
