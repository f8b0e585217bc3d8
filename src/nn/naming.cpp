// SPDX-License-Identifier: Apache-2.0
#include "nn/naming.h"

#include <vector>

namespace keras::internal {

namespace {

thread_local std::vector<std::string> scopes;

}  // namespace

NameScope::NameScope(std::string name) { scopes.push_back(std::move(name)); }
NameScope::~NameScope() { scopes.pop_back(); }

std::string NameScope::current_path() {
  std::string out;
  for (const auto& s : scopes) out += (out.empty() ? "" : "/") + s;
  return out;
}

}  // namespace keras::internal
