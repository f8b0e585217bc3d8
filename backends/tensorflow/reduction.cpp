// SPDX-License-Identifier: Apache-2.0
// Reductions, running ones, and tensors made of attributes.
#include "kernel.h"

namespace keras::tensorflow {
namespace {

// Of bool too, where `op` is Any or All.
Answer reduction(const Call& call, const char* op) {
  const auto& at = call.attributes<ReduceAttributes>();
  if (at.axes.count == 0) return [](Builder&, const Values& in) { return in; };
  return [op, axes = ints(at.axes), keep = at.keepdims != 0](Builder& b, const Values& in) {
    return Values{b.reduce(op, in[0], axes, keep)};
  };
}

Answer reduce_sum(const Call& call) { return reduction(call, "Sum"); }
Answer reduce_prod(const Call& call) { return reduction(call, "Prod"); }

Answer extremum(const Call& call, const char* op) {
  if (!has_elements(call.input(0))) return Answer::no("no elements have no extremum");
  return reduction(call, op);
}
Answer reduce_max(const Call& call) {
  return call.input(0).dtype == KERAS_BOOL ? reduction(call, "Any") : extremum(call, "Max");
}
Answer reduce_min(const Call& call) {
  return call.input(0).dtype == KERAS_BOOL ? reduction(call, "All") : extremum(call, "Min");
}

// TensorFlow passes over NaN, which here is the extremum.
Answer extremum_index(const Call& call, const char* op) {
  if (!has_elements(call.input(0))) return Answer::no("no elements have no extremum");
  const auto& at = call.attributes<ReduceAttributes>();
  const Sizes axes = ints(at.axes);
  return [op, axes, floats = is_float(call.input(0).dtype)](Builder& b, const Values& in) {
    const Value axis = b.integers({axes.front()});
    const Value line = b.reshape(axis, {});
    const auto index = [&](const char* which, const Value& x) {
      return b.op(which, {x, line}, {{"output_type", TF_INT32}});
    };
    const Value plain = index(op, b.type(in[0]) == TF_BOOL ? b.cast(in[0], TF_UINT8) : in[0]);
    if (!floats) return Values{plain};
    const Value nans = b.op("IsNan", {in[0]});
    return Values{
        b.select(b.reduce("Any", nans, axes, false), index("ArgMax", b.cast(nans, TF_UINT8)), plain)};
  };
}
Answer argmax(const Call& call) { return extremum_index(call, "ArgMax"); }
Answer argmin(const Call& call) { return extremum_index(call, "ArgMin"); }

// Each element with those up to `reach` before it, the reach doubling.
Value running_extremum(Builder& b, Value x, const keras_desc& desc, int64_t axis, const char* op) {
  const Sizes none(static_cast<size_t>(desc.rank), 0);
  const Sizes ones(static_cast<size_t>(desc.rank), 1);
  const Sizes all = sizes_of(desc);
  const auto at = static_cast<size_t>(axis);
  for (int64_t reach = 1; reach < desc.shape[axis]; reach *= 2) {
    Sizes head = all;
    Sizes from = none;
    Sizes until = all;
    head[at] = from[at] = reach;
    until[at] -= reach;
    const Value later = b.op(op, {b.slice(x, from, all, ones), b.slice(x, none, until, ones)});
    x = b.op("ConcatV2", {Values{b.slice(x, none, head, ones), later}, b.reshape(b.integers({axis}), {})});
  }
  return x;
}

Answer cumulate(const Call& call) {
  const auto& at = call.attributes<CumulateAttributes>();
  return [at, desc = call.input(0)](Builder& b, const Values& in) {
    const bool reverse = at.reverse != 0;
    if (at.kind == KERAS_CUM_SUM || at.kind == KERAS_CUM_PROD) {
      return Values{b.op(at.kind == KERAS_CUM_SUM ? "Cumsum" : "Cumprod",
                         {in[0], b.reshape(b.integers({at.axis}), {})}, {{"reverse", reverse}})};
    }
    const auto turned = [&](const Value& x) {
      return reverse ? b.op("ReverseV2", {x, b.integers({at.axis})}) : x;
    };
    const char* op = at.kind == KERAS_CUM_MAX ? "Maximum" : "Minimum";
    return Values{turned(running_extremum(b, turned(in[0]), desc, at.axis, op))};
  };
}

Answer constant(const Call& call) {
  const auto& at = call.attributes<ConstantAttributes>();
  const keras_desc& desc = call.output(0);
  return [at, dtype = desc.dtype, sizes = sizes_of(desc)](Builder& b, const Values&) {
    const TF_DataType type = tf_type(dtype);
    Value one;
    if (is_float(dtype)) {
      one = b.scalar(type, at.real);
    } else if (dtype == KERAS_COMPLEX64) {
      const float parts[] = {static_cast<float>(at.real), static_cast<float>(at.imag)};
      one = b.constant(type, {}, parts);
    } else if (dtype == KERAS_BOOL) {
      const bool truth = at.integer != 0;
      one = b.constant(type, {}, &truth);
    } else {
      one = b.cast(b.constant(TF_INT64, {}, &at.integer), type);
    }
    return Values{sizes.empty() ? one : b.op("Fill", {b.integers(sizes), one})};
  };
}

Answer iota(const Call& call) {
  const int64_t axis = call.attributes<IotaAttributes>().axis;
  const keras_desc& desc = call.output(0);
  Sizes line(static_cast<size_t>(desc.rank), 1);
  line[static_cast<size_t>(axis)] = desc.shape[axis];
  return [line, length = desc.shape[axis], sizes = sizes_of(desc), type = tf_type(desc.dtype)](
             Builder& b, const Values&) {
    const auto number = [&](int64_t v) { return b.constant(TF_INT64, {}, &v); };
    const Value count = b.cast(b.op("Range", {number(0), number(length), number(1)}), type);
    return Values{b.op("BroadcastTo", {b.reshape(count, line), b.integers(sizes)})};
  };
}

Answer dim_size(const Call& call) {
  const auto size = static_cast<int32_t>(call.input(0).shape[call.attributes<AxisAttributes>().axis]);
  return [size](Builder& b, const Values&) { return Values{b.constant(TF_INT32, {}, &size)}; };
}

const bool registered =
    register_op("reduce_sum", reduce_sum, kWiden) && register_op("reduce_prod", reduce_prod, kWiden) &&
    register_op("reduce_max", reduce_max, kWiden) && register_op("reduce_min", reduce_min, kWiden) &&
    register_op("argmax", argmax, kWiden) && register_op("argmin", argmin, kWiden) &&
    register_op("cumulate", cumulate, kWiden) && register_op("constant", constant) &&
    register_op("iota", iota) && register_op("dim_size", dim_size);

}  // namespace
}  // namespace keras::tensorflow
