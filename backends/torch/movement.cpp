// SPDX-License-Identifier: Apache-2.0
// Ops that put elements elsewhere. Most of them are views: a tensor behind a handle may have any strides.
#include <algorithm>

#include "kernel.h"

namespace keras::aten {
namespace {

using at::Tensor;

std::vector<int64_t> vector_of(at::IntArrayRef values) { return values.vec(); }

Answer reshape(const Call& call) {
  return [shape = vector_of(sizes_of(call.output(0)))](const Values& in) {
    return Values{in[0].reshape(shape)};
  };
}

Answer transpose(const Call& call) {
  return [axes = vector_of(ints(call.attributes<PermutationAttributes>().permutation))](const Values& in) {
    return Values{in[0].permute(axes)};
  };
}

Answer broadcast_to(const Call& call) {
  return
      [shape = vector_of(sizes_of(call.output(0)))](const Values& in) { return Values{in[0].expand(shape)}; };
}

Answer slice(const Call& call) {
  return [at = call.attributes<SliceAttributes>()](const Values& in) {
    Tensor x = in[0];
    for (int64_t axis = 0; axis < at.start.count; ++axis) {
      x = x.slice(axis, at.start.v[axis], at.limit.v[axis], at.stride.v[axis]);
    }
    return Values{x};
  };
}

// The box of `sizes` at `start`, moved to lie inside x.
Tensor window(Tensor x, const Tensor& start, at::IntArrayRef sizes) {
  const Tensor first = start.to(at::kCPU, at::kLong).contiguous();
  const int64_t* begin = first.data_ptr<int64_t>();
  for (int64_t axis = 0; axis < x.dim(); ++axis) {
    const int64_t room = x.size(axis) - sizes[static_cast<size_t>(axis)];
    const int64_t from = std::clamp<int64_t>(begin[axis], 0, std::max<int64_t>(room, 0));
    x = x.narrow(axis, from, sizes[static_cast<size_t>(axis)]);
  }
  return x;
}

Answer dynamic_slice(const Call& call) {
  return [sizes = vector_of(sizes_of(call.output(0)))](const Values& in) {
    return Values{window(in[0], in[1], sizes)};
  };
}

Answer dynamic_update_slice(const Call&) {
  return [](const Values& in) {
    Tensor result = in[0].clone(at::MemoryFormat::Contiguous);
    window(result, in[2], in[1].sizes()).copy_(in[1]);
    return Values{result};
  };
}

Answer pad(const Call& call) {
  return
      [at = call.attributes<PadAttributes>(), shape = vector_of(sizes_of(call.output(0)))](const Values& in) {
        Tensor result = in[1].expand(shape).clone(at::MemoryFormat::Contiguous);
        Tensor from = in[0];
        Tensor to = result;
        for (int64_t axis = 0; axis < from.dim(); ++axis) {
          // Element i of the operand comes to low + i * gap; negative padding crops it away.
          const int64_t gap = at.interior.v[axis] + 1;
          const int64_t low = at.low.v[axis];
          const int64_t first = low >= 0 ? 0 : (-low + gap - 1) / gap;
          const int64_t room = to.size(axis) - 1 - low;
          const int64_t last = room < 0 ? -1 : std::min(from.size(axis) - 1, room / gap);
          if (last < first) return Values{result};
          from = from.narrow(axis, first, last - first + 1);
          to = to.slice(axis, low + first * gap, low + last * gap + 1, gap);
        }
        to.copy_(from);
        return Values{result};
      };
}

Answer concat(const Call& call) {
  return
      [axis = call.attributes<AxisAttributes>().axis](const Values& in) { return Values{at::cat(in, axis)}; };
}

Answer reverse(const Call& call) {
  return [axes = vector_of(ints(call.attributes<AxesAttributes>().axes))](const Values& in) {
    return Values{at::flip(in[0], axes)};
  };
}

void check_indices(const Tensor& indices, int64_t extent, const char* what) {
  if (indices.numel() == 0) return;
  const Tensor wrong = at::logical_or(at::lt(indices, 0), at::ge(indices, extent)).reshape({-1});
  if (!wrong.any().item<bool>()) return;
  const int64_t place = at::argmax(wrong.to(at::kByte), 0).item<int64_t>();
  throw Failure(KERAS_ERROR_VALUE, std::string(what) + " " +
                                       std::to_string(indices.reshape({-1})[place].item<int64_t>()) +
                                       " at position " + std::to_string(place) + " is outside [0, " +
                                       std::to_string(extent) + ")");
}

Answer gather(const Call& call) {
  if (!is_integer(call.input(1).dtype)) return Answer::no("indices must be integers");
  const auto& at = call.attributes<GatherAttributes>();
  return [at, dtype = call.input(1).dtype](const Values& in) {
    const int64_t batch_axes = at.batch_dims;
    // (batch..., extent, others...), indices (batch..., picks...)
    const Tensor x = in[0].movedim(at.axis, batch_axes);
    const Tensor indices = indices_of(in[1], dtype);
    const int64_t extent = x.size(batch_axes);
    check_indices(indices, extent, "index");
    std::vector<int64_t> rows{-1};
    std::vector<int64_t> shape = vector_of(in[1].sizes());
    for (int64_t axis = batch_axes + 1; axis < x.dim(); ++axis) {
      rows.push_back(x.size(axis));
      shape.push_back(x.size(axis));
    }
    int64_t batch = 1;
    for (int64_t axis = 0; axis < batch_axes; ++axis) batch *= x.size(axis);
    Tensor flat = indices.reshape({batch, -1});
    if (batch > 1) flat = flat + at::arange(batch, flat.options()).unsqueeze(1) * extent;
    rows.front() = batch * extent;
    Tensor picked = at::index_select(x.reshape(rows), 0, flat.reshape({-1})).reshape(shape);
    // Axes before the indexed one go back in front of the picks.
    const int64_t before = at.axis - batch_axes;
    const int64_t picks = in[1].dim() - batch_axes;
    std::vector<int64_t> order;
    for (int64_t i = 0; i < batch_axes; ++i) order.push_back(i);
    for (int64_t i = 0; i < before; ++i) order.push_back(batch_axes + picks + i);
    for (int64_t i = 0; i < picks; ++i) order.push_back(batch_axes + i);
    for (int64_t i = batch_axes + picks + before; i < picked.dim(); ++i) order.push_back(i);
    return Values{picked.permute(order)};
  };
}

Answer scatter(const Call& call) {
  const int64_t kind = call.attributes<ScatterAttributes>().kind;
  if (kind != KERAS_SCATTER_ADD && kind != KERAS_SCATTER_SET) {
    return Answer::no("ATen scatters by setting and adding");
  }
  if (call.input(0).dtype == KERAS_BOOL && kind == KERAS_SCATTER_ADD)
    return Answer::no("bools do not add up");
  return [kind, dtype = call.input(1).dtype](const Values& in) {
    const Tensor& x = in[0];
    const Tensor indices = indices_of(in[1], dtype);
    const int64_t depth = indices.size(-1);
    const Tensor table = indices.reshape({-1, depth});
    Tensor row = at::zeros({table.size(0)}, table.options());
    int64_t rows = 1;
    for (int64_t axis = 0; axis < depth; ++axis) {
      const Tensor column = table.select(1, axis);
      check_indices(column, x.size(axis), "index");
      row = row * x.size(axis) + column;
      rows *= x.size(axis);
    }
    const int64_t width = rows == 0 ? 0 : x.numel() / rows;
    Tensor result = x.reshape({rows, width}).clone(at::MemoryFormat::Contiguous);
    const Tensor updates = in[2].reshape({table.size(0), width});
    if (kind == KERAS_SCATTER_ADD) {
      result.index_add_(0, row, updates);
    } else {
      result.index_copy_(0, row, updates);
    }
    return Values{result.reshape(x.sizes())};
  };
}

Answer embed(const Call& call) {
  if (!is_integer(call.input(1).dtype)) return Answer::no("ids are integers");
  return [dtype = call.input(1).dtype, shape = vector_of(sizes_of(call.output(0)))](const Values& in) {
    const Tensor ids = indices_of(in[1], dtype).reshape({-1});
    check_indices(ids, in[0].size(0), "embed: id");
    return Values{at::index_select(in[0], 0, ids).reshape(shape)};
  };
}

Answer embed_grad(const Call& call) {
  if (!is_integer(call.input(0).dtype) || !is_float(call.input(1).dtype)) {
    return Answer::no("ids are integers and gradients floats");
  }
  return [dtype = call.input(0).dtype, rows = call.output(0).shape[0],
          width = call.output(0).shape[1]](const Values& in) {
    const Tensor ids = indices_of(in[0], dtype).reshape({-1});
    check_indices(ids, rows, "embed_grad: id");
    const Tensor dy = in[1].reshape({-1, width});
    return Values{at::zeros({rows, width}, dy.options()).index_add_(0, ids, dy)};
  };
}

Answer sort(const Call& call) {
  const auto& at = call.attributes<SortAttributes>();
  if (at.num_keys != 1) return Answer::no("ATen sorts by one key");
  if (at.descending != 0 && is_float(call.input(0).dtype)) return Answer::no("ATen puts NaN first here");
  if (call.input(0).dtype == KERAS_COMPLEX64) return Answer::no("complex numbers have no order");
  for (int i = 0; i < call.inputs(); ++i) {
    if (is_wide_unsigned(call.input(i).dtype)) return Answer::no("LibTorch has no wide unsigned integers");
  }
  return [axis = at.axis, descending = at.descending != 0](const Values& in) {
    const auto [keys, order] = at::sort(in[0], c10::optional<bool>(true), axis, descending);
    Values out{keys};
    for (size_t i = 1; i < in.size(); ++i) out.push_back(at::gather(in[i], axis, order));
    return out;
  };
}

const bool registered =
    register_op("reshape", reshape, kUnsigned) && register_op("transpose", transpose, kUnsigned) &&
    register_op("broadcast_to", broadcast_to, kUnsigned) && register_op("slice", slice, kUnsigned) &&
    register_op("dynamic_slice", dynamic_slice, kUnsigned) &&
    register_op("dynamic_update_slice", dynamic_update_slice, kUnsigned) &&
    register_op("pad", pad, kUnsigned) && register_op("concat", concat, kUnsigned) &&
    register_op("reverse", reverse, kUnsigned) && register_op("gather", gather, kUnsigned) &&
    register_op("scatter", scatter, kWiden | kUnsigned) && register_op("embed", embed, kUnsigned) &&
    register_op("embed_grad", embed_grad, kWiden | kUnsigned) && register_op("sort", sort, kWiden);

}  // namespace
}  // namespace keras::aten
