// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <vector>

#include "kernel.h"

namespace keras::native {

/// How many equal slices to make of a batch, of which each sample needs so many bytes, so that a slice needs
/// at most `near_bytes` (or is one sample) and threads get about equal shares; 1 where all of it needs no
/// more, or shares would not be equal.
int64_t slice_count(int64_t batch, int64_t sample_bytes, int64_t near_bytes);

/// A graph whose convolutions of one image after the other are gathered: nodes that take each sample of a
/// batch by itself, and lie one behind the other, become one node "batch_slices". That takes a few samples at
/// a time through all of them, so that what one convolution gives is still in cache when the next reads it,
/// and each thread has samples of its own. Where convolutions have weights that do not change (inference) and
/// the batch is more than the caches hold.
class BatchSlices {
 public:
  explicit BatchSlices(const keras_graph& graph);
  ~BatchSlices();
  BatchSlices(const BatchSlices&) = delete;
  BatchSlices& operator=(const BatchSlices&) = delete;

  /// Whether there is such a node.
  bool found() const { return found_; }
  /// The graph with them; lives as long as this, and as the graph that it was made from.
  const keras_graph& graph() const { return result_; }

 private:
  struct Run;

  void write();
  keras_node gathered(const Run& run);
  keras_node resliced(const keras_node& node, const Run& run, int64_t samples,
                      const std::vector<int32_t>& number);
  const keras_graph* region_of(const keras_graph& region, int32_t rank, int64_t batch, int64_t samples);
  std::vector<int32_t>& list(std::vector<int32_t> numbers);
  std::vector<keras_desc>& descs(std::vector<keras_desc> list);

  const keras_graph& source_;
  bool found_ = false;
  std::vector<std::vector<int>> readers_;  // by value: nodes; graph outputs count as a node past the end
  std::deque<Run> runs_;
  keras_graph result_{};
  // What the graphs point to.
  std::vector<keras_node> nodes_;
  std::deque<std::vector<keras_node>> node_lists_;
  std::deque<std::vector<int32_t>> lists_;
  std::deque<std::vector<keras_desc>> desc_lists_;
  std::deque<std::vector<keras_use>> use_lists_;
  std::deque<keras_graph> regions_;
  std::deque<const keras_graph*> region_pointers_;
};

}  // namespace keras::native
