// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "radix_sort.h"
#include "sort_keys.h"

namespace keras::native {
namespace {

constexpr int64_t kGrain = 2048;

// Positions of a lane's elements in sorted order. The position is the last part of each key, so that no two
// keys are equal and any sorting algorithm is a stable one.
class LaneSorter {
 public:
  LaneSorter(int64_t count, int keys)
      : count_(count), order_(static_cast<size_t>(count)), keys_(static_cast<size_t>(count * keys)) {}

  uint64_t* keys(int k) { return keys_.data() + k * count_; }
  const std::vector<int64_t>& order() const { return order_; }

  // One key of at most 32 bits: key and position share a word.
  void sort_short() {
    for (int64_t i = 0; i < count_; ++i) keys_[i] = keys_[i] << 32 | static_cast<uint64_t>(i);
    radix_sort(keys_, spare_keys_, 32, 64, [](uint64_t key) { return key; });
    for (int64_t i = 0; i < count_; ++i) order_[i] = static_cast<int64_t>(keys_[i] & 0xffffffffu);
  }

  void sort_long() {
    pairs_.resize(static_cast<size_t>(count_));
    for (int64_t i = 0; i < count_; ++i) pairs_[i] = {keys_[i], i};
    radix_sort(pairs_, spare_pairs_, 0, 64, [](const Pair& pair) { return pair.first; });
    for (int64_t i = 0; i < count_; ++i) order_[i] = pairs_[i].second;
  }

  void sort_lexicographic(int num_keys) {
    std::iota(order_.begin(), order_.end(), int64_t{0});
    std::sort(order_.begin(), order_.end(), [this, num_keys](int64_t a, int64_t b) {
      for (int k = 0; k < num_keys; ++k) {
        const uint64_t* keys = keys_.data() + k * count_;
        if (keys[a] != keys[b]) return keys[a] < keys[b];
      }
      return a < b;
    });
  }

 private:
  using Pair = std::pair<uint64_t, int64_t>;

  int64_t count_;
  std::vector<int64_t> order_;
  std::vector<uint64_t> keys_, spare_keys_;
  std::vector<Pair> pairs_, spare_pairs_;
};

template <class T>
void take(const char* source, char* target, const std::vector<int64_t>& order, int64_t step) {
  const T* from = reinterpret_cast<const T*>(source);
  T* to = reinterpret_cast<T*>(target);
  for (size_t i = 0; i < order.size(); ++i) to[static_cast<int64_t>(i) * step] = from[order[i] * step];
}

void take_any(int64_t width, const char* source, char* target, const std::vector<int64_t>& order,
              int64_t step) {
  switch (width) {
    case 1:
      return take<uint8_t>(source, target, order, step);
    case 2:
      return take<uint16_t>(source, target, order, step);
    case 4:
      return take<uint32_t>(source, target, order, step);
    default:
      return take<uint64_t>(source, target, order, step);
  }
}

class SortKernel final : public keras_kernel {
 public:
  explicit SortKernel(const keras_op& op) {
    const auto& at = attributes<SortAttributes>(op);
    descending_ = at.descending != 0;
    num_keys_ = static_cast<int>(at.num_keys);
    for (int k = 0; k < op.num_inputs; ++k) dtypes_.push_back(op.inputs[k].dtype);
    const keras_desc& shape = op.inputs[0];
    for (int i = 0; i < shape.rank; ++i)
      (i < at.axis ? outer_ : i == at.axis ? extent_ : inner_) *= shape.shape[i];
  }

  void run(const keras_tensor* in, int num_in, keras_tensor* out, int) const override {
    std::vector<char*> to;
    for (int k = 0; k < num_in; ++k) to.push_back(output_as<char>(out[k]));
    if (outer_ * extent_ * inner_ == 0) return;
    parallel_for(outer_ * inner_, std::max<int64_t>(1, kGrain / extent_), [&](int64_t begin, int64_t end) {
      LaneSorter sorter(extent_, num_keys_);
      for (int64_t lane = begin; lane < end; ++lane) {
        const int64_t first = lane / inner_ * extent_ * inner_ + lane % inner_;
        for (int k = 0; k < num_keys_; ++k) {
          const int64_t width = static_cast<int64_t>(dtype_size(dtypes_[k]));
          make_keys(dtypes_[k], input_as<char>(in[k]) + first * width, inner_, extent_, descending_, true,
                    sorter.keys(k));
        }
        if (num_keys_ > 1) {
          sorter.sort_lexicographic(num_keys_);
        } else if (key_bits(dtypes_[0]) <= 32 && extent_ <= int64_t{1} << 32) {
          sorter.sort_short();
        } else {
          sorter.sort_long();
        }
        for (int k = 0; k < num_in; ++k) {
          const int64_t width = static_cast<int64_t>(dtype_size(dtypes_[k]));
          take_any(width, input_as<char>(in[k]) + first * width, to[k] + first * width, sorter.order(),
                   inner_);
        }
      }
    });
  }

 private:
  bool descending_;
  int num_keys_;
  std::vector<int32_t> dtypes_;
  int64_t outer_ = 1;
  int64_t extent_ = 1;
  int64_t inner_ = 1;
};

std::unique_ptr<keras_kernel> make_sort(const keras_op& op, std::string& reason) {
  for (int k = 0; k < attributes<SortAttributes>(op).num_keys; ++k) {
    if (op.inputs[k].dtype == KERAS_COMPLEX64) {
      reason = "complex numbers have no order";
      return nullptr;
    }
  }
  return std::make_unique<SortKernel>(op);
}

// The k largest of each row; NaN counts as largest, as where a sort puts it last.
class TopKKernel final : public keras_kernel {
 public:
  explicit TopKKernel(const keras_op& op) : dtype_(op.inputs[0].dtype), k_(attributes<TopKAttributes>(op).k) {
    const keras_desc& operand = op.inputs[0];
    extent_ = operand.shape[operand.rank - 1];
    for (int i = 0; i + 1 < operand.rank; ++i) rows_ *= operand.shape[i];
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    char* values = output_as<char>(out[0]);
    auto* indices = output_as<int32_t>(out[1]);
    if (rows_ * k_ == 0) return;
    const int64_t width = static_cast<int64_t>(dtype_size(dtype_));
    parallel_for(rows_, std::max<int64_t>(1, kGrain / extent_), [&](int64_t begin, int64_t end) {
      std::vector<uint64_t> keys(static_cast<size_t>(extent_));
      std::vector<int64_t> order(static_cast<size_t>(extent_));
      const auto before = [&](int64_t a, int64_t b) {
        return keys[a] != keys[b] ? keys[a] < keys[b] : a < b;
      };
      for (int64_t row = begin; row < end; ++row) {
        const char* from = input_as<char>(in[0]) + row * extent_ * width;
        make_keys(dtype_, from, 1, extent_, true, false, keys.data());
        order.resize(static_cast<size_t>(extent_));
        std::iota(order.begin(), order.end(), int64_t{0});
        if (k_ < extent_) std::nth_element(order.begin(), order.begin() + k_, order.end(), before);
        order.resize(static_cast<size_t>(k_));
        std::sort(order.begin(), order.end(), before);
        take_any(width, from, values + row * k_ * width, order, 1);
        for (int64_t i = 0; i < k_; ++i) indices[row * k_ + i] = static_cast<int32_t>(order[i]);
      }
    });
  }

 private:
  int32_t dtype_;
  int64_t k_;
  int64_t extent_;
  int64_t rows_ = 1;
};

std::unique_ptr<keras_kernel> make_top_k(const keras_op& op, std::string& reason) {
  if (op.inputs[0].dtype != KERAS_COMPLEX64) return std::make_unique<TopKKernel>(op);
  reason = "complex numbers have no order";
  return nullptr;
}

const bool registered = register_kernel("sort", make_sort) && register_kernel("top_k", make_top_k);

}  // namespace
}  // namespace keras::native
