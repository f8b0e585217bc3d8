// SPDX-License-Identifier: Apache-2.0
// Ops whose places are data.
#include <algorithm>

#include "kernel.h"

namespace keras::tensorflow {
namespace {

Answer gather(const Call& call) {
  if (!is_integer(call.input(1).dtype)) return Answer::no("indices must be integers");
  const auto& at = call.attributes<GatherAttributes>();
  return [axis = at.axis, batch = at.batch_dims](Builder& b, const Values& in) {
    return Values{b.op("GatherV2", {in[0], indices_of(b, in[1]), b.reshape(b.integers({axis}), {})},
                       {{"batch_dims", batch}})};
  };
}

Answer scatter(const Call& call) {
  const keras_desc& x = call.input(0);
  const keras_desc& indices = call.input(1);
  if (!has_elements(x)) return [](Builder&, const Values& in) { return Values{in[0]}; };
  if (indices.rank == 0 || indices.shape[indices.rank - 1] == 0) return Answer::no("indices name no axis");
  const char* op = nullptr;
  switch (call.attributes<ScatterAttributes>().kind) {
    case KERAS_SCATTER_SET:
      op = "TensorScatterUpdate";
      break;
    case KERAS_SCATTER_ADD:
      op = "TensorScatterAdd";
      break;
    case KERAS_SCATTER_MIN:
      op = "TensorScatterMin";
      break;
    case KERAS_SCATTER_MAX:
      op = "TensorScatterMax";
      break;
    default:
      return Answer::no("TensorFlow does not multiply while it scatters");
  }
  const int64_t depth = indices.shape[indices.rank - 1];
  Sizes rows(x.shape + depth, x.shape + x.rank);
  rows.insert(rows.begin(), element_count(sizes_of(indices)) / depth);
  return [op, depth, rows](Builder& b, const Values& in) {
    return Values{
        b.op(op, {in[0], b.reshape(indices_of(b, in[1]), {rows[0], depth}), b.reshape(in[2], rows)})};
  };
}

Answer embed(const Call& call) {
  if (!is_integer(call.input(1).dtype)) return Answer::no("ids are integers");
  return [](Builder& b, const Values& in) {
    return Values{b.op("GatherV2", {in[0], indices_of(b, in[1]), b.scalar(TF_INT32, 0)})};
  };
}

Answer embed_grad(const Call& call) {
  if (!is_integer(call.input(0).dtype) || !is_float(call.input(1).dtype)) {
    return Answer::no("ids are integers and gradients floats");
  }
  const Sizes sizes = sizes_of(call.output(0));
  if (!has_elements(call.input(0)) || element_count(sizes) == 0) {
    return [sizes](Builder& b, const Values& in) { return Values{b.zeros(b.type(in[1]), sizes)}; };
  }
  return [sizes](Builder& b, const Values& in) {
    const Value ids = b.reshape(indices_of(b, in[0]), {-1, 1});
    return Values{b.op("ScatterNd", {ids, b.reshape(in[1], {-1, sizes[1]}), b.integers(sizes)})};
  };
}

// Signed or unsigned integers of the order that elements have. NaN is the largest, or the smallest.
Value ordered(Builder& b, const Value& x, bool nan_first) {
  const TF_DataType type = b.type(x);
  if (type == TF_BOOL) return b.cast(x, TF_UINT8);
  if (type != TF_FLOAT && type != TF_DOUBLE) return x;
  const TF_DataType integer = type == TF_FLOAT ? TF_INT32 : TF_INT64;
  const auto number = [&](int64_t v) { return b.cast(b.constant(TF_INT64, {}, &v), integer); };
  const int64_t largest = type == TF_FLOAT ? INT32_MAX : INT64_MAX;
  const Value zero = b.scalar(type, 0);
  const Value unsigned_zero = b.select(b.op("Equal", {x, zero}), zero, x);
  const Value bits = b.op("Bitcast", {unsigned_zero}, {{"type", integer}});
  const Value mirrored = b.op("BitwiseXor", {bits, number(largest)});
  const Value key = b.select(b.op("Less", {bits, number(0)}), mirrored, bits);
  return b.select(b.op("IsNan", {x}), number(nan_first ? -largest - 1 : largest), key);
}

// Picks along the last axis, row by row.
Value pick(Builder& b, const Value& x, const Value& order, int rank) {
  return b.op("GatherV2", {x, order, b.scalar(TF_INT32, rank - 1)}, {{"batch_dims", int64_t{rank} - 1}});
}

// TensorFlow's top_k is stable, and so it sorts.
Answer sort(const Call& call) {
  const auto& at = call.attributes<SortAttributes>();
  const keras_desc& first = call.input(0);
  for (int64_t k = 0; k < at.num_keys; ++k) {
    if (call.input(static_cast<int>(k)).dtype == KERAS_COMPLEX64)
      return Answer::no("complex numbers have no order");
  }
  if (!has_elements(first)) return [](Builder&, const Values& in) { return in; };
  Sizes swap;  // the axis and the last one change places
  for (int64_t axis = 0; axis < first.rank; ++axis) swap.push_back(axis);
  std::swap(swap[static_cast<size_t>(at.axis)], swap.back());
  return [at, swap, rank = static_cast<int>(first.rank), length = first.shape[at.axis]](Builder& b,
                                                                                        const Values& in) {
    const bool descending = at.descending != 0;
    Values rows;
    for (const Value& v : in) rows.push_back(b.transpose(v, swap));
    const Value count = b.scalar(TF_INT32, static_cast<double>(length));
    Value order;
    for (auto k = static_cast<size_t>(at.num_keys); k-- > 0;) {
      const bool inner = k + 1 < static_cast<size_t>(at.num_keys);
      Value key = ordered(b, rows[k], descending);
      if (!descending) key = b.op("Invert", {key});
      if (inner) key = pick(b, key, order, rank);
      const Value step = b.many("TopKV2", 2, {key, count})[1];
      order = inner ? pick(b, order, step, rank) : step;
    }
    for (Value& v : rows) v = b.transpose(pick(b, v, order, rank), swap);
    return rows;
  };
}

Answer top_k(const Call& call) {
  const auto& at = call.attributes<TopKAttributes>();
  const keras_desc& x = call.input(0);
  if (x.dtype == KERAS_COMPLEX64) return Answer::no("complex numbers have no order");
  if (!has_elements(call.output(0))) {
    return [sizes = sizes_of(call.output(0)), type = tf_type(x.dtype)](Builder& b, const Values&) {
      return Values{b.zeros(type, sizes), b.zeros(TF_INT32, sizes)};
    };
  }
  return [k = at.k, sorted = at.sorted != 0, rank = static_cast<int>(x.rank)](Builder& b, const Values& in) {
    const Value key = ordered(b, in[0], false);
    const Value order =
        b.many("TopKV2", 2, {key, b.scalar(TF_INT32, static_cast<double>(k))}, {{"sorted", sorted}})[1];
    return Values{pick(b, in[0], order, rank), order};
  };
}

Answer nonzero(const Call& call) {
  const auto& at = call.attributes<NonzeroAttributes>();
  const keras_desc& x = call.input(0);
  // A scalar has no axes, and so no indices.
  if (x.rank == 0) {
    return [size = at.size](Builder& b, const Values&) { return Values{b.zeros(TF_INT32, {size, 0})}; };
  }
  return [size = at.size, fill = at.fill, rank = int64_t{x.rank}, dtype = x.dtype](Builder& b,
                                                                                   const Values& in) {
    const Value test =
        dtype == KERAS_BOOL ? in[0] : b.op("NotEqual", {in[0], b.cast(b.scalar(TF_FLOAT, 0), b.type(in[0]))});
    const Value all = b.op("Where", {test});
    const Value found = b.slice(b.op("Shape", {all}, {{"out_type", TF_INT64}}), {0}, {1}, {1});
    const Value used = b.op("Minimum", {found, b.integers({size})});
    const Value zero = b.scalar(TF_INT32, 0);
    const Value box = b.op("ConcatV2", {Values{used, b.integers({rank})}, zero});
    const Value rows = b.cast(b.op("Slice", {all, b.integers({0, 0}), box}), TF_INT32);
    const Value rest = b.sub(b.integers({size}), used);
    const Value pads = b.op("ConcatV2", {Values{b.integers({0}), rest, b.integers({0, 0})}, zero});
    return Values{
        b.op("PadV2", {rows, b.reshape(pads, {2, 2}), b.scalar(TF_INT32, static_cast<double>(fill))})};
  };
}

const bool registered = register_op("gather", gather) && register_op("scatter", scatter, kWiden) &&
                        register_op("embed", embed) && register_op("embed_grad", embed_grad, kWiden) &&
                        register_op("sort", sort, kWiden) && register_op("top_k", top_k, kWiden) &&
                        register_op("nonzero", nonzero);

}  // namespace
}  // namespace keras::tensorflow
