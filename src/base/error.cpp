// SPDX-License-Identifier: Apache-2.0
#include "keras/base/error.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace keras::internal {

std::string format_error(const ErrorText& text) {
  std::string out;
  if (!text.where.empty()) out.append("[").append(text.where).append("] ");
  out.append(text.requirement).append(".");
  if (!text.received.empty()) out.append(" Received: ").append(text.received).append(".");
  if (!text.hint.empty()) out.append(" Hint: ").append(text.hint).append(".");
  return out;
}

namespace {

// Levenshtein distance over lower-cased names; names are short, so the plain table will do.
size_t edit_distance(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      const size_t substitution = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      row[j] = std::min({row[j - 1] + 1, above + 1, substitution});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& valid) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : valid) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

void fail_unknown_name(std::string_view where, std::string_view kind, std::string_view name,
                       const std::vector<std::string>& valid) {
  std::string hint;
  if (auto near = nearest_name(name, valid); !near.empty()) hint = "did you mean '" + near + "'? ";
  std::string list;
  for (const auto& v : valid) list += (list.empty() ? "" : ", ") + v;
  hint += "valid values: " + list;
  const std::string requirement = "Unknown " + std::string(kind);
  fail<ValueError>({where, requirement, "'" + std::string(name) + "'", hint});
}

}  // namespace keras::internal
