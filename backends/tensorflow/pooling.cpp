// SPDX-License-Identifier: Apache-2.0
// Pooling in one or two passes over two axes each: windows over three axes are those over the last two, then
// one over the first. TensorFlow's own gradient over three axes goes to every largest element, ours to the
// first.
#include <limits>

#include "spatial.h"

namespace keras::tensorflow {
namespace {

struct Pass {
  Sizes input;  // (N, a, b, C)
  Sizes output;
  Sizes window, strides;
  Frame frame;
  bool maximum;
  std::vector<double> factor;  // an average leaves padding out: the window's size over the elements inside

  Pass(int64_t batch, const Sizes& extent, int64_t channels, Sizes size, Sizes step, const Sizes& low,
       const Sizes& high, bool is_maximum)
      : input{batch, extent[0], extent[1], channels},
        window(std::move(size)),
        strides(std::move(step)),
        frame(extent, window, strides, low, high),
        maximum(is_maximum) {
    output = input;
    std::vector<std::vector<double>> inside(2);
    for (size_t i = 0; i < 2; ++i) {
      output[i + 1] = (extent[i] + low[i] + high[i] - window[i]) / strides[i] + 1;
      for (int64_t o = 0; o < output[i + 1]; ++o) {
        const int64_t first = o * strides[i] - low[i];
        const int64_t count = std::min(first + window[i], extent[i]) - std::max<int64_t>(first, 0);
        inside[i].push_back(count > 0 ? static_cast<double>(window[i]) / static_cast<double>(count) : 0);
      }
    }
    if (maximum || !frame.added) return;
    for (const double a : inside[0]) {
      for (const double b : inside[1]) factor.push_back(a * b);
    }
  }

  std::vector<Attribute> attributes() const {
    return {{"ksize", framed(window)}, {"strides", framed(strides)}, {"padding", std::string(frame.name)}};
  }
  double filler() const { return maximum ? -std::numeric_limits<double>::infinity() : 0; }
  Value scaled(Builder& b, const Value& y) const {
    if (factor.empty()) return y;
    const Value table = b.constant(TF_DOUBLE, {1, output[1], output[2], 1}, factor.data());
    return b.mul(y, b.cast(table, b.type(y)));
  }

  Value forward(Builder& b, const Value& operand) const {
    const Value x = frame.enter(b, b.reshape(operand, input), filler());
    return scaled(b, b.op(maximum ? "MaxPool" : "AvgPool", {x}, attributes()));
  }

  Value backward(Builder& b, const Value& operand, const Value& result, const Value& gradient) const {
    const Value dy = b.reshape(gradient, output);
    if (!maximum) {
      const Value shape = int32_vector(b, frame.entered(input));
      return frame.leave(b, b.op("AvgPoolGrad", {shape, scaled(b, dy)}, attributes()), input);
    }
    const Value x = frame.enter(b, b.reshape(operand, input), filler());
    return frame.leave(b, b.op("MaxPoolGrad", {x, b.reshape(result, output), dy}, attributes()), input);
  }
};

Sizes slice_of(const Sizes& list, size_t first, size_t last) {
  return {list.begin() + static_cast<std::ptrdiff_t>(first),
          list.begin() + static_cast<std::ptrdiff_t>(last)};
}

std::vector<Pass> passes(const Call& call) {
  const auto& at = call.attributes<PoolAttributes>();
  const Sizes x = sizes_of(call.input(0));
  Sizes extent(x.begin() + 1, x.end() - 1);
  Sizes window = ints(at.window);
  Sizes strides = at.strides.count == 0 ? window : ints(at.strides);
  // Attributes may leave out padding.
  Sizes low = ints(at.pad_low);
  Sizes high = ints(at.pad_high);
  low.resize(window.size(), 0);
  high.resize(window.size(), 0);
  if (window.size() == 1) {
    for (Sizes* list : {&extent, &window, &strides}) list->insert(list->begin(), 1);
    for (Sizes* list : {&low, &high}) list->insert(list->begin(), 0);
  }
  const bool maximum = at.kind == KERAS_POOL_MAX;
  const int64_t channels = x.back();
  if (window.size() == 2) return {Pass(x[0], extent, channels, window, strides, low, high, maximum)};
  const Pass last(x[0] * extent[0], slice_of(extent, 1, 3), channels, slice_of(window, 1, 3),
                  slice_of(strides, 1, 3), slice_of(low, 1, 3), slice_of(high, 1, 3), maximum);
  return {last, Pass(x[0], {extent[0], last.output[1] * last.output[2]}, channels, {window[0], 1},
                     {strides[0], 1}, {low[0], 0}, {high[0], 0}, maximum)};
}

bool fits(const Call& call) {
  const keras_desc& x = call.input(0);
  const auto& at = call.attributes<PoolAttributes>();
  for (int64_t i = 0; i < at.pad_low.count; ++i) {
    if (at.pad_low.v[i] < 0 || at.pad_high.v[i] < 0) return false;
  }
  return is_float(x.dtype) && x.rank >= 3 && x.rank <= 5 && has_elements(x) && has_elements(call.output(0));
}
Answer unfit() { return Answer::no("TensorFlow pools floats over one to three axes"); }

Answer pool(const Call& call) {
  if (!fits(call)) return unfit();
  return [plan = passes(call)](Builder& b, const Values& in) {
    Value y = in[0];
    for (const Pass& pass : plan) y = pass.forward(b, y);
    return Values{y};
  };
}

Answer pool_grad(const Call& call) {
  if (!fits(call)) return unfit();
  return [plan = passes(call)](Builder& b, const Values& in) {
    if (plan.size() == 1) return Values{plan[0].backward(b, in[0], in[1], in[2])};
    const Value between = plan[0].forward(b, in[0]);
    return Values{plan[0].backward(b, in[0], between, plan[1].backward(b, between, in[1], in[2]))};
  };
}

const bool registered = register_op("pool", pool, kWiden) && register_op("pool_grad", pool_grad, kWiden);

}  // namespace
}  // namespace keras::tensorflow
