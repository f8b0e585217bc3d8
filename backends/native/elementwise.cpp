// SPDX-License-Identifier: Apache-2.0
#include "elementwise.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "half.h"

namespace keras::native {
namespace {

constexpr int kMaxOperands = 3;
constexpr int64_t kPiece = 512;    // elements converted or gathered at a time
constexpr int64_t kShortRow = 48;  // rows this short are gathered into pieces
constexpr int64_t kGrain = 16384;  // additions worth a thread

// The result's shape with neighbouring axes merged where every operand allows it, and each operand's steps
// along what is left. An operand is dense, so that its step along the last axis is 1 or 0.
struct Plan {
  int rank = 0;
  std::array<int64_t, KERAS_MAX_RANK> shape;
  std::array<std::array<int64_t, KERAS_MAX_RANK>, kMaxOperands> stride;
  int64_t count = 1;

  explicit Plan(const keras_op& op) {
    const keras_desc& result = op.outputs[0];
    std::array<std::array<int64_t, KERAS_MAX_RANK>, kMaxOperands> full{};
    for (int k = 0; k < op.num_inputs; ++k) {
      const keras_desc& operand = op.inputs[k];
      int64_t step = 1;
      for (int axis = operand.rank - 1; axis >= 0; --axis) {
        full[k][axis + result.rank - operand.rank] = operand.shape[axis] == 1 ? 0 : step;
        step *= operand.shape[axis];
      }
    }
    for (int axis = 0; axis < result.rank; ++axis) {
      const int64_t extent = result.shape[axis];
      count *= extent;
      if (extent == 1) continue;
      bool merges = rank > 0;
      for (int k = 0; merges && k < op.num_inputs; ++k) {
        merges = stride[k][rank - 1] == full[k][axis] * extent;
      }
      if (!merges) shape[rank++] = 1;
      shape[rank - 1] *= extent;
      for (int k = 0; k < op.num_inputs; ++k) stride[k][rank - 1] = full[k][axis];
    }
    if (rank == 0) {
      rank = 1;
      shape[0] = 1;
      for (int k = 0; k < op.num_inputs; ++k) stride[k][0] = 0;
    }
  }
};

class ElementwiseKernel final : public keras_kernel {
 public:
  ElementwiseKernel(const keras_op& op, Loop loop, int cost, bool through_float)
      : loop_(loop), plan_(op), arity_(op.num_inputs), grain_(std::max<int64_t>(kGrain / cost, 256)) {
    for (int k = 0; k < arity_; ++k) {
      dtype_[k] = op.inputs[k].dtype;
      size_[k] = static_cast<int64_t>(dtype_size(dtype_[k]));
      dense_[k] = element_count(op.inputs[k]) == plan_.count;
      steps_[k] = static_cast<int>(plan_.stride[k][plan_.rank - 1]);
    }
    result_dtype_ = op.outputs[0].dtype;
    result_size_ = static_cast<int64_t>(dtype_size(result_dtype_));
    if (through_float) {
      for (int k = 0; k < arity_; ++k) convert_ |= is_half(dtype_[k]);
      convert_ |= is_half(result_dtype_);
    }
  }

  bool may_overwrite(int, int) const override { return true; }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    std::array<const char*, kMaxOperands> from;
    for (int k = 0; k < arity_; ++k) from[k] = static_cast<const char*>(in[k].buffer->data);
    char* to = output_as<char>(out[0]);
    if (plan_.count == 0) return;
    if (plan_.count < 2 * grain_) {
      run_range(from.data(), to, 0, plan_.count);
    } else {
      parallel_for(plan_.count, grain_,
                   [&](int64_t begin, int64_t end) { run_range(from.data(), to, begin, end); });
    }
  }

 private:
  // Results begin..end-1 in row-major order.
  void run_range(const char* const* from, char* to, int64_t begin, int64_t end) const {
    const int64_t row = plan_.shape[plan_.rank - 1];
    if (plan_.rank == 1) {
      run_row(from, to, begin, begin, end - begin);
    } else if (row <= kShortRow) {
      run_pieces(from, to, begin, end);
    } else {
      while (begin < end) {
        const int64_t column = begin % row;
        const int64_t length = std::min(row - column, end - begin);
        std::array<const char*, kMaxOperands> rows;
        for (int k = 0; k < arity_; ++k) rows[k] = from[k] + offset(k, begin - column) * size_[k];
        run_row(rows.data(), to, column, begin, length);
        begin += length;
      }
    }
  }

  // A piece of one row: the operands start `column` elements after the row's start.
  void run_row(const char* const* rows, char* to, int64_t column, int64_t result, int64_t length) const {
    std::array<const void*, kMaxOperands> at;
    for (int k = 0; k < arity_; ++k) at[k] = rows[k] + column * steps_[k] * size_[k];
    apply(at.data(), steps_.data(), to + result * result_size_, length);
  }

  // Short rows: operands that repeat are laid out for many rows, then one long loop runs.
  void run_pieces(const char* const* from, char* to, int64_t begin, int64_t end) const {
    alignas(64) char laid[kMaxOperands][kPiece * 8];
    static constexpr int unit[kMaxOperands] = {1, 1, 1};
    for (int64_t at = begin; at < end; at += kPiece) {
      const int64_t length = std::min(kPiece, end - at);
      std::array<const void*, kMaxOperands> pieces;
      for (int k = 0; k < arity_; ++k) {
        if (dense_[k]) {
          pieces[k] = from[k] + at * size_[k];
        } else {
          lay_out(k, from[k], at, length, laid[k]);
          pieces[k] = laid[k];
        }
      }
      apply(pieces.data(), unit, to + at * result_size_, length);
    }
  }

  void lay_out(int k, const char* from, int64_t at, int64_t length, char* to) const {
    switch (size_[k]) {
      case 1:
        return lay_out_as<uint8_t>(k, from, at, length, to);
      case 2:
        return lay_out_as<uint16_t>(k, from, at, length, to);
      case 4:
        return lay_out_as<uint32_t>(k, from, at, length, to);
      default:
        return lay_out_as<uint64_t>(k, from, at, length, to);
    }
  }

  template <class T>
  void lay_out_as(int k, const char* source, int64_t at, int64_t length, char* target) const {
    const T* from = reinterpret_cast<const T*>(source);
    T* to = reinterpret_cast<T*>(target);
    const auto& stride = plan_.stride[k];
    const int last = plan_.rank - 1;
    std::array<int64_t, KERAS_MAX_RANK> index;
    int64_t rest = at;
    int64_t position = 0;
    for (int axis = last; axis >= 0; --axis) {
      index[axis] = rest % plan_.shape[axis];
      rest /= plan_.shape[axis];
      position += index[axis] * stride[axis];
    }
    for (int64_t done = 0; done < length;) {
      const int64_t run = std::min(plan_.shape[last] - index[last], length - done);
      if (stride[last] == 0) {
        for (int64_t i = 0; i < run; ++i) to[done + i] = from[position];
      } else {
        for (int64_t i = 0; i < run; ++i) to[done + i] = from[position + i];
      }
      done += run;
      position -= index[last] * stride[last];
      index[last] = 0;
      for (int axis = last - 1; axis >= 0; --axis) {
        position += stride[axis];
        if (++index[axis] < plan_.shape[axis]) break;
        position -= stride[axis] * plan_.shape[axis];
        index[axis] = 0;
      }
    }
  }

  // Where operand k has the first element of the row that starts at result `at`.
  int64_t offset(int k, int64_t at) const {
    int64_t position = 0;
    for (int axis = plan_.rank - 1; axis >= 0; --axis) {
      position += at % plan_.shape[axis] * plan_.stride[k][axis];
      at /= plan_.shape[axis];
    }
    return position;
  }

  void apply(const void* const* in, const int* steps, char* out, int64_t count) const {
    if (!convert_) {
      loop_(in, steps, out, count);
      return;
    }
    alignas(64) float wide[kMaxOperands][kPiece];
    alignas(64) float result[kPiece];
    std::array<const void*, kMaxOperands> pieces;
    for (int64_t at = 0; at < count; at += kPiece) {
      const int64_t length = std::min(kPiece, count - at);
      for (int k = 0; k < arity_; ++k) {
        pieces[k] = static_cast<const char*>(in[k]) + at * steps[k] * size_[k];
        if (!is_half(dtype_[k])) continue;
        half_to_float(dtype_[k], pieces[k], wide[k], steps[k] == 0 ? 1 : length);
        pieces[k] = wide[k];
      }
      char* target = out + at * result_size_;
      if (is_half(result_dtype_)) {
        loop_(pieces.data(), steps, result, length);
        float_to_half(result_dtype_, result, target, length);
      } else {
        loop_(pieces.data(), steps, target, length);
      }
    }
  }

  Loop loop_;
  Plan plan_;
  int arity_;
  int64_t grain_;
  std::array<int32_t, kMaxOperands> dtype_{};
  std::array<int64_t, kMaxOperands> size_{};
  std::array<int, kMaxOperands> steps_{};
  std::array<bool, kMaxOperands> dense_{};
  int32_t result_dtype_;
  int64_t result_size_;
  bool convert_ = false;
};

std::map<std::string, LoopFinder, std::less<>>& finders() {
  static std::map<std::string, LoopFinder, std::less<>> entries;
  return entries;
}

std::unique_ptr<keras_kernel> make_elementwise(const keras_op& op, std::string& reason) {
  const ElementLoop found = find_element_loop(op, reason);
  if (found.loop == nullptr) return nullptr;
  return elementwise(op, found.loop, found.cost, found.through_float);
}

}  // namespace

bool register_elementwise(const char* op, LoopFinder finder) {
  finders()[op] = finder;
  return register_kernel(op, make_elementwise);
}

ElementLoop find_element_loop(const keras_op& op, std::string& reason) {
  const auto found = finders().find(std::string_view(op.name));
  if (found != finders().end()) return found->second(op, reason);
  reason = std::string(op.name) + " is not elementwise";
  return {};
}

std::unique_ptr<keras_kernel> elementwise(const keras_op& op, Loop loop, int cost, bool through_float) {
  return std::make_unique<ElementwiseKernel>(op, loop, cost, through_float);
}

}  // namespace keras::native
