// SPDX-License-Identifier: Apache-2.0
// Ops that put elements elsewhere by constant or computed places.
#include <algorithm>

#include "movement.h"

namespace keras::tensorflow {
namespace {

// Axes in a row that all grow, or all stay.
struct Run {
  bool grows;
  size_t first, last;
};

Sizes with_leading_ones(Sizes from, size_t rank) {
  from.insert(from.begin(), rank - from.size(), 1);
  return from;
}

std::vector<Run> runs_of(const Sizes& from, const Sizes& to) {
  std::vector<Run> runs;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    if (to[axis] == 1) continue;
    const bool grows = from[axis] == 1;
    if (runs.empty() || runs.back().grows != grows) runs.push_back({grows, axis, axis});
    runs.back().last = axis + 1;
  }
  return runs;
}

constexpr size_t kMostRuns = 4;

}  // namespace

bool broadcasts_in_steps(const Sizes& from, const Sizes& to) {
  return runs_of(with_leading_ones(from, to.size()), to).size() > kMostRuns;
}

Value broadcast(Builder& b, const Value& x, const Sizes& from, const Sizes& to) {
  if (!broadcasts_in_steps(from, to)) return b.op("BroadcastTo", {x, b.integers(to)});
  Sizes sizes = with_leading_ones(from, to.size());
  Value result = x;
  for (const Run& run : runs_of(sizes, to)) {
    if (!run.grows) continue;
    const auto product = [](const Sizes& list, size_t first, size_t last) {
      int64_t count = 1;
      for (size_t axis = first; axis < last; ++axis) count *= list[axis];
      return count;
    };
    const int64_t before = product(sizes, 0, run.first);
    const int64_t after = product(sizes, run.last, sizes.size());
    result = b.op("BroadcastTo", {b.reshape(result, {before, 1, after}),
                                  b.integers({before, product(to, run.first, run.last), after})});
    for (size_t axis = run.first; axis < run.last; ++axis) sizes[axis] = to[axis];
  }
  return b.reshape(result, to);
}

Value spread(Builder& b, const Value& x, const Value& filler, Sizes& sizes, size_t axis, int64_t gap) {
  Sizes split = sizes;
  split.insert(split.begin() + static_cast<std::ptrdiff_t>(axis) + 1, 1);
  Sizes pads(2 * split.size(), 0);
  pads[2 * (axis + 1) + 1] = gap;
  const Value table = b.reshape(b.integers(pads), {static_cast<int64_t>(split.size()), 2});
  const Value wide = b.op("PadV2", {b.reshape(x, split), table, filler});
  sizes[axis] *= gap + 1;
  const Value merged = b.reshape(wide, sizes);
  sizes[axis] -= gap;  // none after the last one
  return b.slice(merged, Sizes(sizes.size(), 0), sizes, Sizes(sizes.size(), 1));
}

namespace {

Answer reshape(const Call& call) {
  return [sizes = sizes_of(call.output(0))](Builder& b, const Values& in) {
    return Values{b.reshape(in[0], sizes)};
  };
}

Answer transpose(const Call& call) {
  return [axes = ints(call.attributes<PermutationAttributes>().permutation)](Builder& b, const Values& in) {
    return Values{b.transpose(in[0], axes)};
  };
}

Answer broadcast_to(const Call& call) {
  return [from = sizes_of(call.input(0)), to = sizes_of(call.output(0))](Builder& b, const Values& in) {
    return Values{broadcast(b, in[0], from, to)};
  };
}

Answer slice(const Call& call) {
  return [at = call.attributes<SliceAttributes>()](Builder& b, const Values& in) {
    return Values{b.slice(in[0], ints(at.start), ints(at.limit), ints(at.stride))};
  };
}

// Where a box of `sizes` begins that was moved to lie inside x.
Value clamped_start(Builder& b, const Value& start, const Sizes& room) {
  const Value wide = b.cast(start, TF_INT64);
  const Sizes none(room.size(), 0);
  return b.op("Minimum", {b.op("Maximum", {wide, b.integers(none)}), b.integers(room)});
}

Sizes room_for(const keras_desc& x, const keras_desc& box) {
  Sizes room;
  for (int axis = 0; axis < x.rank; ++axis)
    room.push_back(std::max<int64_t>(x.shape[axis] - box.shape[axis], 0));
  return room;
}

Answer dynamic_slice(const Call& call) {
  return [sizes = sizes_of(call.output(0)), room = room_for(call.input(0), call.output(0))](
             Builder& b, const Values& in) {
    if (sizes.empty()) return Values{in[0]};
    return Values{b.op("Slice", {in[0], clamped_start(b, in[1], room), b.integers(sizes)})};
  };
}

Answer dynamic_update_slice(const Call& call) {
  const keras_desc& box = call.input(1);
  return [sizes = sizes_of(box), room = room_for(call.input(0), box)](Builder& b, const Values& in) {
    if (sizes.empty()) return Values{in[1]};
    const Value start = clamped_start(b, in[2], room);
    const Value end = b.add(start, b.integers(sizes));
    return Values{
        b.op("TensorStridedSliceUpdate", {in[0], start, end, b.integers(Sizes(sizes.size(), 1)), in[1]})};
  };
}

Answer pad(const Call& call) {
  if (!has_elements(call.input(0))) {
    return [sizes = sizes_of(call.output(0))](Builder& b, const Values& in) {
      return Values{b.op("Fill", {b.integers(sizes), in[1]})};
    };
  }
  return [at = call.attributes<PadAttributes>(), operand = sizes_of(call.input(0))](Builder& b,
                                                                                    const Values& in) {
    Value x = in[0];
    Sizes sizes = operand;
    const size_t rank = sizes.size();
    if (rank == 0) return Values{x};
    for (size_t axis = 0; axis < rank; ++axis) {
      if (at.interior.v[axis] > 0) x = spread(b, x, in[1], sizes, axis, at.interior.v[axis]);
    }
    Sizes pads;
    Sizes start;
    Sizes limit;
    bool crops = false;
    for (size_t axis = 0; axis < rank; ++axis) {
      const int64_t low = at.low.v[axis];
      const int64_t high = at.high.v[axis];
      pads.push_back(std::max<int64_t>(low, 0));
      pads.push_back(std::max<int64_t>(high, 0));
      // Cropped after the padding, so that cropping may reach into it.
      const int64_t padded = sizes[axis] + pads[2 * axis] + pads[2 * axis + 1];
      start.push_back(std::max<int64_t>(-low, 0));
      limit.push_back(padded - std::max<int64_t>(-high, 0));
      crops = crops || low < 0 || high < 0;
    }
    if (std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p != 0; })) {
      x = b.op("PadV2", {x, b.reshape(b.integers(pads), {static_cast<int64_t>(rank), 2}), in[1]});
    }
    return Values{crops ? b.slice(x, start, limit, Sizes(rank, 1)) : x};
  };
}

Answer concat(const Call& call) {
  return [axis = call.attributes<AxisAttributes>().axis](Builder& b, const Values& in) {
    if (in.size() == 1) return in;
    return Values{b.op("ConcatV2", {in, b.reshape(b.integers({axis}), {})})};
  };
}

Answer reverse(const Call& call) {
  return [axes = ints(call.attributes<AxesAttributes>().axes)](Builder& b, const Values& in) {
    return Values{b.op("ReverseV2", {in[0], b.integers(axes)})};
  };
}

const bool registered = register_op("reshape", reshape) && register_op("transpose", transpose) &&
                        register_op("broadcast_to", broadcast_to) && register_op("slice", slice) &&
                        register_op("dynamic_slice", dynamic_slice) &&
                        register_op("dynamic_update_slice", dynamic_update_slice) &&
                        register_op("pad", pad) && register_op("concat", concat) &&
                        register_op("reverse", reverse);

}  // namespace
}  // namespace keras::tensorflow
