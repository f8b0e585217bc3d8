// SPDX-License-Identifier: Apache-2.0
#include "keras/base/error.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace keras::internal {

std::string format_error(const ErrorText& text) {
  std::string out;
  if (!text.where.empty()) out.append("[").append(text.where).append("] ");
  out.append(text.requirement).append(".");
  if (!text.received.empty()) out.append(" Received: ").append(text.received).append(".");
  if (!text.hint.empty()) out.append(" Hint: ").append(text.hint).append(text.hint.back() == '?' ? "" : ".");
  return out;
}

namespace {

// Edits between two names: insertions, deletions, other letters, and neighbours that changed places. Names
// are short, so the plain table will do.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({row[j - 1] + 1, above[j] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row.back();
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& valid) {
  // Upper and lower case only decide between names that are equally near.
  const size_t limit = std::max<size_t>(2, name.size() / 3);
  std::string best;
  std::pair best_distance(limit + 1, size_t{0});
  for (const auto& candidate : valid) {
    const std::pair distance(edit_distance(lowered(name), lowered(candidate)),
                             edit_distance(name, candidate));
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
