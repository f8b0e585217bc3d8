// SPDX-License-Identifier: Apache-2.0
#include "reduce.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "elementwise.h"
#include "half.h"

namespace keras::native {

std::vector<Run> merge_runs(const keras_desc& operand, const keras_list& axes) {
  std::vector<Run> runs;
  for (int axis = 0; axis < operand.rank; ++axis) {
    if (operand.shape[axis] == 1) continue;
    const bool reduced = std::find(axes.v, axes.v + axes.count, axis) != axes.v + axes.count;
    if (!runs.empty() && runs.back().reduced == reduced) {
      runs.back().extent *= operand.shape[axis];
    } else {
      runs.push_back({operand.shape[axis], reduced});
    }
  }
  return runs;
}

namespace {

constexpr int64_t kChunk = 65536;  // elements reduced by one call; fixes the order of float sums
constexpr int64_t kGrain = 32768;

// Reduces the middle axis of (outer, rows, columns). Long ones are cut into chunks whose results are combined
// in order, so that the sum does not depend on the number of threads.
class MiddleReduction {
 public:
  MiddleReduction(Reduction kind, int32_t dtype, int64_t outer, int64_t rows, int64_t columns)
      : kind_(kind),
        reducer_(find_reducer(kind, dtype)),
        outer_(outer),
        rows_(rows),
        columns_(columns),
        size_(static_cast<int64_t>(dtype_size(dtype))) {
    wide_ = kind == Reduction::kSum && dtype == KERAS_FLOAT32;
    accumulator_size_ = wide_ ? 8 : size_;
    chunk_rows_ = std::max<int64_t>(1, kChunk / std::max<int64_t>(columns, 1));
    chunks_ = std::max<int64_t>(1, (rows + chunk_rows_ - 1) / chunk_rows_);
  }

  void run(const void* x, void* y) const {
    if (outer_ * columns_ == 0) return;
    if (chunks_ == 1) return run_whole(static_cast<const char*>(x), static_cast<char*>(y));
    const Scratch partial(static_cast<size_t>(outer_ * chunks_ * columns_ * accumulator_size_));
    char* accumulators = partial.as<char>();
    const int64_t work = std::max<int64_t>(1, std::min(rows_, chunk_rows_) * columns_);
    parallel_for(outer_ * chunks_, std::max<int64_t>(1, kGrain / work), [&](int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t first = item % chunks_ * chunk_rows_;
        const char* from = static_cast<const char*>(x) + (item / chunks_ * rows_ + first) * columns_ * size_;
        reducer_(from, std::min(chunk_rows_, rows_ - first), columns_, columns_,
                 accumulators + item * columns_ * accumulator_size_);
      }
    });
    // The second call sees the chunks as rows; a float32 sum's accumulators are double.
    const RowReducer combine = wide_ ? find_reducer(kind_, KERAS_FLOAT64) : reducer_;
    if (!wide_) {
      for (int64_t o = 0; o < outer_; ++o) {
        combine(accumulators + o * chunks_ * columns_ * size_, chunks_, columns_, columns_,
                static_cast<char*>(y) + o * columns_ * size_);
      }
      return;
    }
    auto* wide = partial.as<double>();
    auto* result = static_cast<float*>(y);
    for (int64_t o = 0; o < outer_; ++o) {
      double* row = wide + o * chunks_ * columns_;
      for (int64_t c = 1; c < chunks_; ++c) {
        for (int64_t j = 0; j < columns_; ++j) row[j] += row[c * columns_ + j];
      }
      for (int64_t j = 0; j < columns_; ++j) result[o * columns_ + j] = static_cast<float>(row[j]);
    }
  }

 private:
  // Each outer index is one call.
  void run_whole(const char* x, char* y) const {
    const int64_t work = std::max<int64_t>(1, rows_ * columns_);
    parallel_for(outer_, std::max<int64_t>(1, kGrain / work), [&](int64_t begin, int64_t end) {
      const Scratch row(wide_ ? static_cast<size_t>(columns_) * sizeof(double) : 0);
      auto* wide = row.as<double>();
      for (int64_t o = begin; o < end; ++o) {
        const char* from = x + o * rows_ * columns_ * size_;
        char* to = y + o * columns_ * size_;
        if (!wide_) {
          reducer_(from, rows_, columns_, columns_, to);
          continue;
        }
        reducer_(from, rows_, columns_, columns_, wide);
        auto* result = reinterpret_cast<float*>(to);
        for (int64_t j = 0; j < columns_; ++j) result[j] = static_cast<float>(wide[j]);
      }
    });
  }

  Reduction kind_;
  RowReducer reducer_;
  int64_t outer_;
  int64_t rows_;
  int64_t columns_;
  int64_t size_;
  bool wide_;
  int64_t accumulator_size_;
  int64_t chunk_rows_;
  int64_t chunks_;
};

// Any axes: one reduced run after the other, from the back. Half types are reduced as float32, and sums of
// complex numbers as those of twice as many floats.
class ReduceKernel final : public keras_kernel {
 public:
  ReduceKernel(Reduction kind, const keras_op& op)
      : dtype_(op.inputs[0].dtype), count_(element_count(op.inputs[0])) {
    auto runs = merge_runs(op.inputs[0], attributes<ReduceAttributes>(op).axes);
    int32_t dtype = compute_dtype(dtype_);
    if (dtype == KERAS_COMPLEX64) {
      dtype = KERAS_FLOAT32;
      runs.push_back({2, false});
    }
    result_count_ = element_count(op.outputs[0]);
    width_ = dtype_size(dtype);
    while (true) {
      const auto last = std::find_if(runs.rbegin(), runs.rend(), [](const Run& run) { return run.reduced; });
      if (last == runs.rend()) break;
      int64_t inner = 1;
      for (auto run = runs.rbegin(); run != last; ++run) inner *= run->extent;
      int64_t outer = 1;
      for (auto run = last + 1; run != runs.rend(); ++run) outer *= run->extent;
      steps_.push_back({MiddleReduction(kind, dtype, outer, last->extent, inner), outer * inner});
      runs.erase(std::next(last).base());
    }
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const void* from = in[0].buffer->data;
    void* to = output(out[0]);
    if (!is_half(dtype_)) return reduce(from, to);
    const Scratch wide(static_cast<size_t>(count_) * sizeof(float));
    const Scratch result(static_cast<size_t>(result_count_) * sizeof(float));
    auto* floats = wide.as<float>();
    parallel_for(count_, kGrain, [&](int64_t begin, int64_t end) {
      half_to_float(dtype_, static_cast<const uint16_t*>(from) + begin, floats + begin, end - begin);
    });
    reduce(floats, result.as<float>());
    float_to_half(dtype_, result.as<float>(), to, result_count_);
  }

 private:
  struct Step {
    MiddleReduction reduction;
    int64_t results;
  };

  void reduce(const void* from, void* to) const {
    if (steps_.empty()) {
      std::memcpy(to, from,
                  static_cast<size_t>(result_count_) * width_ * (dtype_ == KERAS_COMPLEX64 ? 2 : 1));
      return;
    }
    std::optional<Scratch> held[2];  // what a step reads and what it makes
    for (size_t i = 0; i + 1 < steps_.size(); ++i) {
      auto& next = held[i % 2];
      next.emplace(static_cast<size_t>(steps_[i].results) * width_);
      steps_[i].reduction.run(from, next->as<void>());
      from = next->as<void>();
    }
    steps_.back().reduction.run(from, to);
  }

  int32_t dtype_;
  int64_t count_;
  int64_t result_count_ = 0;
  size_t width_ = 0;
  std::vector<Step> steps_;
};

// Products of complex numbers, an element at a time.
class ComplexProductKernel final : public keras_kernel {
 public:
  explicit ComplexProductKernel(const keras_op& op)
      : runs_(merge_runs(op.inputs[0], attributes<ReduceAttributes>(op).axes)),
        count_(element_count(op.inputs[0])),
        result_count_(element_count(op.outputs[0])) {}
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const auto* x = input_as<std::complex<float>>(in[0]);
    auto* y = output_as<std::complex<float>>(out[0]);
    std::fill_n(y, result_count_, std::complex<float>(1));
    for (int64_t i = 0; i < count_; ++i) {
      int64_t rest = i;
      int64_t target = 0;
      int64_t step = 1;
      for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
        const int64_t position = rest % run->extent;
        rest /= run->extent;
        if (run->reduced) continue;
        target += position * step;
        step *= run->extent;
      }
      y[target] *= x[i];
    }
  }

 private:
  std::vector<Run> runs_;
  int64_t count_;
  int64_t result_count_;
};

std::unique_ptr<keras_kernel> make_reduce(const keras_op& op, std::string& reason) {
  const std::string_view name = op.name;
  const Reduction kind = name == "reduce_sum"    ? Reduction::kSum
                         : name == "reduce_prod" ? Reduction::kProd
                         : name == "reduce_max"  ? Reduction::kMax
                                                 : Reduction::kMin;
  if (op.inputs[0].dtype == KERAS_COMPLEX64 && kind != Reduction::kSum) {
    if (kind == Reduction::kProd) return std::make_unique<ComplexProductKernel>(op);
    reason = "complex numbers have no order";
    return nullptr;
  }
  return std::make_unique<ReduceKernel>(kind, op);
}

const bool registered =
    register_kernel("reduce_sum", make_reduce) && register_kernel("reduce_prod", make_reduce) &&
    register_kernel("reduce_max", make_reduce) && register_kernel("reduce_min", make_reduce);

}  // namespace
}  // namespace keras::native
