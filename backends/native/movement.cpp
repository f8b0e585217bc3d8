// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "strided_copy.h"

// Ops that put elements elsewhere: each is a box copied between two lattices, planned when it is prepared.
namespace keras::native {
namespace {

// One copy of the operand, starting at an element of it.
class CopyKernel final : public keras_kernel {
 public:
  CopyKernel(const Box& box, int64_t offset, int32_t dtype)
      : box_(simplified(box)), width_(dtype_size(dtype)), offset_(offset * static_cast<int64_t>(width_)) {}
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    char* to = output_as<char>(out[0]);
    copy_box(box_, width_, input_as<char>(in[0]) + offset_, to);
  }

 private:
  Box box_;
  size_t width_;
  int64_t offset_;
};

// The result is the operand's memory.
class ShareKernel final : public keras_kernel {
 public:
  int shared_operand(int output) const override { return output; }
  void run(const keras_tensor* in, int, keras_tensor* out, int num_out) const override {
    for (int i = 0; i < num_out; ++i) {
      retain(in[i].buffer);
      out[i].buffer = in[i].buffer;
    }
  }
};

std::unique_ptr<keras_kernel> make_share(const keras_op&, std::string&) {
  return std::make_unique<ShareKernel>();
}

std::unique_ptr<keras_kernel> make_transpose(const keras_op& op, std::string&) {
  const auto& permutation = attributes<PermutationAttributes>(op).permutation;
  const keras_desc& operand = op.inputs[0];
  const keras_desc& result = op.outputs[0];
  const auto from = dense_steps(operand);
  const auto to = dense_steps(result);
  Box box;
  for (int axis = 0; axis < result.rank; ++axis) {
    box.add_axis(result.shape[axis], from[permutation.v[axis]], to[axis]);
  }
  const Box simple = simplified(box);
  if (simple.rank == 1 && simple.from[0] == 1) return std::make_unique<ShareKernel>();
  return std::make_unique<CopyKernel>(box, 0, operand.dtype);
}

std::unique_ptr<keras_kernel> make_broadcast_to(const keras_op& op, std::string&) {
  const keras_desc& operand = op.inputs[0];
  const keras_desc& result = op.outputs[0];
  if (element_count(operand) == element_count(result)) return std::make_unique<ShareKernel>();
  const auto from = dense_steps(operand);
  const auto to = dense_steps(result);
  const int lead = result.rank - operand.rank;
  Box box;
  for (int axis = 0; axis < result.rank; ++axis) {
    const bool repeated = axis < lead || operand.shape[axis - lead] == 1;
    box.add_axis(result.shape[axis], repeated ? 0 : from[axis - lead], to[axis]);
  }
  return std::make_unique<CopyKernel>(box, 0, operand.dtype);
}

std::unique_ptr<keras_kernel> make_slice(const keras_op& op, std::string&) {
  const auto& at = attributes<SliceAttributes>(op);
  const keras_desc& operand = op.inputs[0];
  const keras_desc& result = op.outputs[0];
  const auto from = dense_steps(operand);
  const auto to = dense_steps(result);
  if (element_count(operand) == element_count(result)) return std::make_unique<ShareKernel>();
  Box box;
  int64_t offset = 0;
  for (int axis = 0; axis < result.rank; ++axis) {
    box.add_axis(result.shape[axis], from[axis] * at.stride.v[axis], to[axis]);
    offset += at.start.v[axis] * from[axis];
  }
  return std::make_unique<CopyKernel>(box, offset, operand.dtype);
}

std::unique_ptr<keras_kernel> make_reverse(const keras_op& op, std::string&) {
  const auto& axes = attributes<AxesAttributes>(op).axes;
  const keras_desc& operand = op.inputs[0];
  const auto steps = dense_steps(operand);
  Box box;
  int64_t offset = 0;
  for (int axis = 0; axis < operand.rank; ++axis) {
    const bool reversed = std::find(axes.v, axes.v + axes.count, axis) != axes.v + axes.count;
    box.add_axis(operand.shape[axis], reversed ? -steps[axis] : steps[axis], steps[axis]);
    if (reversed) offset += (operand.shape[axis] - 1) * steps[axis];
  }
  return std::make_unique<CopyKernel>(box, std::max<int64_t>(offset, 0), operand.dtype);
}

class PadKernel final : public keras_kernel {
 public:
  explicit PadKernel(const keras_op& op) : width_(dtype_size(op.inputs[0].dtype)) {
    const auto& at = attributes<PadAttributes>(op);
    const keras_desc& operand = op.inputs[0];
    const keras_desc& result = op.outputs[0];
    const auto from = dense_steps(operand);
    const auto to = dense_steps(result);
    count_ = element_count(result);
    Box box;
    for (int axis = 0; axis < result.rank; ++axis) {
      // Element i of the operand comes to low + i * gap; negative padding crops it away.
      const int64_t gap = at.interior.v[axis] + 1;
      const int64_t low = at.low.v[axis];
      const int64_t first = low >= 0 ? 0 : (-low + gap - 1) / gap;
      const int64_t room = result.shape[axis] - 1 - low;
      const int64_t last = room < 0 ? -1 : std::min(operand.shape[axis] - 1, room / gap);
      const int64_t count = std::max<int64_t>(last - first + 1, 0);
      // A gap that no second element crosses may be larger than any tensor.
      box.add_axis(count, from[axis], count > 1 ? to[axis] * gap : 0);
      if (count == 0) continue;
      source_ += first * from[axis];
      target_ += (low + first * gap) * to[axis];
    }
    box_ = simplified(box);
    int64_t copied = 1;
    for (int axis = 0; axis < box.rank; ++axis) copied *= box.shape[axis];
    covered_ = copied == count_;
    empty_ = copied == 0;
  }
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    char* to = output_as<char>(out[0]);
    if (!covered_) fill_elements(width_, in[1].buffer->data, to, count_);
    const auto width = static_cast<int64_t>(width_);
    if (!empty_) copy_box(box_, width_, input_as<char>(in[0]) + source_ * width, to + target_ * width);
  }

 private:
  size_t width_;
  Box box_;
  int64_t count_;
  int64_t source_ = 0;
  int64_t target_ = 0;
  bool covered_;
  bool empty_;
};

class ConcatKernel final : public keras_kernel {
 public:
  explicit ConcatKernel(const keras_op& op) : width_(dtype_size(op.outputs[0].dtype)) {
    const int64_t axis = attributes<AxisAttributes>(op).axis;
    const auto to = dense_steps(op.outputs[0]);
    int64_t position = 0;
    for (int k = 0; k < op.num_inputs; ++k) {
      const keras_desc& operand = op.inputs[k];
      const auto from = dense_steps(operand);
      Box box;
      for (int i = 0; i < operand.rank; ++i) box.add_axis(operand.shape[i], from[i], to[i]);
      parts_.push_back({simplified(box), position * to[axis] * static_cast<int64_t>(width_)});
      position += operand.shape[axis];
    }
  }
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    char* to = output_as<char>(out[0]);
    for (size_t k = 0; k < parts_.size(); ++k) {
      copy_box(parts_[k].box, width_, in[k].buffer->data, to + parts_[k].offset);
    }
  }

 private:
  struct Part {
    Box box;
    int64_t offset;
  };
  size_t width_;
  std::vector<Part> parts_;
};

// Where a window of `size` starts in an axis of `extent`, moved so that it fits.
int64_t clamped(int64_t start, int64_t size, int64_t extent) {
  return std::max<int64_t>(0, std::min(start, extent - size));
}

class DynamicSliceKernel final : public keras_kernel {
 public:
  explicit DynamicSliceKernel(const keras_op& op)
      : operand_(op.inputs[0]), result_(op.outputs[0]), steps_(dense_steps(op.inputs[0])) {
    const auto to = dense_steps(result_);
    Box box;
    for (int axis = 0; axis < result_.rank; ++axis) box.add_axis(result_.shape[axis], steps_[axis], to[axis]);
    box_ = simplified(box);
  }
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const auto* start = input_as<int32_t>(in[1]);
    const size_t width = dtype_size(operand_.dtype);
    int64_t offset = 0;
    for (int axis = 0; axis < operand_.rank; ++axis) {
      offset += clamped(start[axis], result_.shape[axis], operand_.shape[axis]) * steps_[axis];
    }
    char* to = output_as<char>(out[0]);
    copy_box(box_, width, input_as<char>(in[0]) + offset * static_cast<int64_t>(width), to);
  }

 private:
  keras_desc operand_;
  keras_desc result_;
  std::array<int64_t, KERAS_MAX_RANK> steps_;
  Box box_;
};

class DynamicUpdateKernel final : public keras_kernel {
 public:
  explicit DynamicUpdateKernel(const keras_op& op)
      : operand_(op.inputs[0]), update_(op.inputs[1]), steps_(dense_steps(op.inputs[0])) {
    const auto from = dense_steps(update_);
    Box box;
    for (int axis = 0; axis < update_.rank; ++axis)
      box.add_axis(update_.shape[axis], from[axis], steps_[axis]);
    box_ = simplified(box);
  }
  bool may_overwrite(int input, int) const override { return input == 0; }
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const size_t width = dtype_size(operand_.dtype);
    char* to = output_as<char>(out[0]);
    if (to != in[0].buffer->data) {
      Box all;
      all.add_axis(element_count(operand_), 1, 1);
      copy_box(all, width, in[0].buffer->data, to);
    }
    const auto* start = input_as<int32_t>(in[2]);
    int64_t offset = 0;
    for (int axis = 0; axis < operand_.rank; ++axis) {
      offset += clamped(start[axis], update_.shape[axis], operand_.shape[axis]) * steps_[axis];
    }
    copy_box(box_, width, in[1].buffer->data, to + offset * static_cast<int64_t>(width));
  }

 private:
  keras_desc operand_;
  keras_desc update_;
  std::array<int64_t, KERAS_MAX_RANK> steps_;
  Box box_;
};

template <class K>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string&) {
  return std::make_unique<K>(op);
}

std::unique_ptr<keras_kernel> make_bitcast(const keras_op& op, std::string& reason) {
  if (dtype_size(op.inputs[0].dtype) == dtype_size(op.outputs[0].dtype))
    return std::make_unique<ShareKernel>();
  reason = "takes dtypes of one size";
  return nullptr;
}

const bool registered =
    register_kernel("reshape", make_share) && register_kernel("stop_gradient", make_share) &&
    register_kernel("barrier", make_share) && register_kernel("bitcast", make_bitcast) &&
    register_kernel("transpose", make_transpose) && register_kernel("broadcast_to", make_broadcast_to) &&
    register_kernel("slice", make_slice) && register_kernel("reverse", make_reverse) &&
    register_kernel("pad", make<PadKernel>) && register_kernel("concat", make<ConcatKernel>) &&
    register_kernel("dynamic_slice", make<DynamicSliceKernel>) &&
    register_kernel("dynamic_update_slice", make<DynamicUpdateKernel>);

}  // namespace
}  // namespace keras::native
