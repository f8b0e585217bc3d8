// SPDX-License-Identifier: Apache-2.0
#include "nn/naming.h"

#include <cctype>
#include <map>
#include <mutex>

namespace keras::internal {

namespace {

bool upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
bool lower(char c) { return std::islower(static_cast<unsigned char>(c)) != 0; }

struct Counters {
  std::mutex mutex;
  std::map<std::string, int, std::less<>> next;
};

Counters& counters() {
  static Counters instance;
  return instance;
}

thread_local std::vector<std::string> scopes;

}  // namespace

std::string to_snake_case(std::string_view class_name) {
  std::string word;
  for (const char c : class_name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') word += c;
  }
  // First a break before every capital that starts a lower-case run, then between a lower and an upper case.
  std::string broken;
  for (size_t i = 0; i < word.size(); ++i) {
    const bool starts_run = i > 0 && upper(word[i]) && i + 1 < word.size() && lower(word[i + 1]);
    if (starts_run) broken += '_';
    broken += word[i];
  }
  std::string out;
  for (size_t i = 0; i < broken.size(); ++i) {
    if (i > 0 && upper(broken[i]) && lower(broken[i - 1])) out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(broken[i])));
  }
  return out;
}

std::string auto_name(std::string_view prefix) {
  auto& c = counters();
  const std::lock_guard lock(c.mutex);
  const std::string key(prefix);
  const int n = c.next[key]++;
  return n == 0 ? key : key + "_" + std::to_string(n);
}

void reset_auto_names() {
  auto& c = counters();
  const std::lock_guard lock(c.mutex);
  c.next.clear();
}

NameScope::NameScope(std::string name) { scopes.push_back(std::move(name)); }
NameScope::~NameScope() { scopes.pop_back(); }

std::string NameScope::current_path() {
  std::string out;
  for (const auto& s : scopes) out += (out.empty() ? "" : "/") + s;
  return out;
}

}  // namespace keras::internal
