// SPDX-License-Identifier: Apache-2.0
// Joining keeps a topological order of the groups, as in Pearce and Kelly, "A dynamic topological sort
// algorithm for directed acyclic graphs" (JEA 2007): only what stands between the two moves.
#include "compile/passes/clusters.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace keras::internal {

namespace {

// A search over more edges gives up, and the groups stay apart.
constexpr int kMostEdges = 4096;

size_t index(int i) { return static_cast<size_t>(i); }

}  // namespace

Clusters::Clusters(std::vector<std::vector<int>> successors)
    : successors_(std::move(successors)),
      members_(successors_.size()),
      parent_(successors_.size()),
      order_(successors_.size()),
      place_(successors_.size()),
      seen_(successors_.size(), 0) {
  std::iota(parent_.begin(), parent_.end(), 0);
  std::iota(order_.begin(), order_.end(), 0);
  std::iota(place_.begin(), place_.end(), 0);
  for (size_t i = 0; i < members_.size(); ++i) members_[i] = {static_cast<int>(i)};
}

int Clusters::find(int a) const {
  while (parent_[index(a)] != a) {
    auto& parent = parent_[index(a)];
    parent = parent_[index(parent)];
    a = parent;
  }
  return a;
}

int Clusters::distance(int a, int b) const { return std::abs(place(find(a)) - place(find(b))); }

bool Clusters::join(int a, int b) {
  int first = find(a), last = find(b);
  if (first == last) return true;
  if (place(first) > place(last)) std::swap(first, last);

  // Everything between the two that follows from the first; if the last follows from any of it, they would
  // wait for each other.
  ++searches_;
  std::vector<int> reached, open = {first};
  int edges = 0;
  while (!open.empty()) {
    const int group = open.back();
    open.pop_back();
    for (const int node : members_[index(group)]) {
      for (const int successor : successors_[index(node)]) {
        if (++edges > kMostEdges) return false;
        const int next = find(successor);
        if (next == last && group != first) return false;
        if (next == group || place(next) >= place(last) || seen_[index(next)] == searches_) continue;
        seen_[index(next)] = searches_;
        reached.push_back(next);
        open.push_back(next);
      }
    }
  }

  // What stands between: first what does not follow from the first, then both, then what does.
  std::vector<int> between;
  for (int p = place(first) + 1; p < place(last); ++p) {
    const int group = order_[index(p)];
    if (group >= 0 && seen_[index(group)] != searches_) between.push_back(group);
  }
  std::sort(reached.begin(), reached.end(), [this](int x, int y) { return place(x) < place(y); });
  int at = place(first);
  const int end = place(last);
  const auto put = [&](int group) {
    order_[index(at)] = group;
    if (group >= 0) place_[index(group)] = at;
    ++at;
  };
  for (const int group : between) put(group);
  put(last);
  for (const int group : reached) put(group);
  while (at <= end) put(-1);

  parent_[index(first)] = last;
  auto& all = members_[index(last)];
  auto& more = members_[index(first)];
  if (all.size() < more.size()) all.swap(more);
  all.insert(all.end(), more.begin(), more.end());
  more = {};
  return true;
}

std::vector<int> Clusters::order() const {
  std::vector<int> out;
  for (const int group : order_) {
    if (group >= 0) out.push_back(group);
  }
  return out;
}

}  // namespace keras::internal
