// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace keras::internal {

/// Groups of the nodes 0..n-1 of an acyclic program, each at first alone. Groups can be joined as long as the
/// program of groups stays acyclic; an order in which the groups can run is kept all the time.
class Clusters {
 public:
  /// `successors[i]`: the nodes that read what node i makes; all are greater than i.
  explicit Clusters(std::vector<std::vector<int>> successors);

  bool same(int a, int b) const { return find(a) == find(b); }
  /// The nodes in a's group.
  const std::vector<int>& members(int a) const { return members_[static_cast<size_t>(find(a))]; }
  /// How far apart two groups stand in the order.
  int distance(int a, int b) const;
  /// Joins the groups of two nodes, unless a third group reads one and is read by the other, or finding that
  /// out takes too long. Says whether they are one now.
  bool join(int a, int b);
  /// A node of each group, in an order in which they can run.
  std::vector<int> order() const;

 private:
  int find(int a) const;
  int place(int group) const { return place_[static_cast<size_t>(group)]; }

  std::vector<std::vector<int>> successors_;
  std::vector<std::vector<int>> members_;  // by group
  mutable std::vector<int> parent_;
  std::vector<int> order_;  // groups by place; -1: empty
  std::vector<int> place_;  // by group
  std::vector<int> seen_;   // by group: the search that met it
  int searches_ = 0;
};

}  // namespace keras::internal
