// SPDX-License-Identifier: Apache-2.0
// Convolutions over one to three axes; one axis becomes two. TensorFlow's gradients know no dilation on the
// CPU: there the kernel is spread with zeros. Groups of one channel are depthwise convolutions, others are
// split.
#include <string>

#include "movement.h"
#include "spatial.h"

namespace keras::tensorflow {
namespace {

struct Geometry {
  Sizes x, kernel, y;  // (N, spatial..., C), (spatial..., C / groups, F), (N, spatial..., F)
  Sizes strides, low, high, dilations;
  int64_t groups = 1;

  template <class A>
  Geometry(const A& at, const keras_desc& x_desc, const keras_desc& kernel_desc, const keras_desc& y_desc)
      : x(sizes_of(x_desc)),
        kernel(sizes_of(kernel_desc)),
        y(sizes_of(y_desc)),
        strides(ints(at.strides)),
        low(ints(at.pad_low)),
        high(ints(at.pad_high)),
        dilations(ints(at.dilations)),
        groups(at.groups) {
    if (strides.size() != 1) return;
    x.insert(x.begin() + 1, 1);
    y.insert(y.begin() + 1, 1);
    kernel.insert(kernel.begin(), 1);
    for (Sizes* list : {&strides, &dilations}) list->insert(list->begin(), 1);
    for (Sizes* list : {&low, &high}) list->insert(list->begin(), 0);
  }

  size_t axes() const { return strides.size(); }
  bool depthwise() const {
    return axes() == 2 && groups > 1 && groups == x.back() && strides[0] == strides[1];
  }
  Sizes spread_kernel() const {
    Sizes out = kernel;
    for (size_t i = 0; i < axes(); ++i) out[i] = (kernel[i] - 1) * dilations[i] + 1;
    return out;
  }
  Frame frame() const { return {{x.begin() + 1, x.end() - 1}, spread_kernel(), strides, low, high}; }
};

// The convolution of a group, or all of it.
class Convolution {
 public:
  explicit Convolution(const Geometry& geometry)
      : g_(geometry), frame_(g_.frame()), depthwise_(g_.depthwise()), parts_(depthwise_ ? 1 : g_.groups) {
    prefix_ = depthwise_ ? "DepthwiseConv2dNative" : g_.axes() == 2 ? "Conv2D" : "Conv3D";
  }

  Value forward(Builder& b, const Value& x, const Value& kernel) const {
    const Value entered = frame_.enter(b, b.reshape(x, g_.x), 0);
    return joined(b, {entered, b.reshape(kernel, g_.kernel)}, [&](const Values& v) {
      return b.op(prefix_.c_str(), {v[0], dense(b, v[1])}, attributes());
    });
  }

  Value input_gradient(Builder& b, const Value& dy, const Value& kernel) const {
    Sizes sizes = frame_.entered(g_.x);
    sizes.back() /= parts_;
    const std::string name = prefix_ + (g_.axes() == 3 ? "BackpropInputV2" : "BackpropInput");
    const Value dx = joined(b, {b.reshape(dy, g_.y), b.reshape(kernel, g_.kernel)}, [&](const Values& v) {
      return b.op(name.c_str(), {int32_vector(b, sizes), dense(b, v[1]), v[0]}, attributes());
    });
    return frame_.leave(b, dx, g_.x);
  }

  Value filter_gradient(Builder& b, const Value& x, const Value& dy) const {
    Sizes sizes = dense_sizes();
    const std::string name = prefix_ + (g_.axes() == 3 ? "BackpropFilterV2" : "BackpropFilter");
    const Value entered = frame_.enter(b, b.reshape(x, g_.x), 0);
    return joined(b, {entered, b.reshape(dy, g_.y)}, [&](const Values& v) {
      const Value full = b.op(name.c_str(), {v[0], int32_vector(b, sizes), v[1]}, attributes());
      return thinned(b, depthwise_ ? b.reshape(full, g_.spread_kernel()) : full);
    });
  }

 private:
  std::vector<Attribute> attributes() const {
    return {{"strides", framed(g_.strides)}, {"padding", std::string(frame_.name)}};
  }

  // The kernel's sizes as TensorFlow's op takes it: spread, and (..., C, multiplier) where depthwise.
  Sizes dense_sizes() const {
    Sizes sizes = g_.spread_kernel();
    sizes.back() /= parts_;
    if (depthwise_) {
      sizes[2] = g_.groups;
      sizes[3] = g_.kernel.back() / g_.groups;
    }
    return sizes;
  }

  Value dense(Builder& b, Value kernel) const {
    Sizes sizes = g_.kernel;
    sizes.back() /= parts_;
    for (size_t axis = 0; axis < g_.axes(); ++axis) {
      if (g_.dilations[axis] == 1 || sizes[axis] == 1) continue;
      kernel = spread(b, kernel, b.scalar(b.type(kernel), 0), sizes, axis, g_.dilations[axis] - 1);
    }
    return depthwise_ ? b.reshape(kernel, dense_sizes()) : kernel;
  }

  // Without the elements that spreading put in.
  Value thinned(Builder& b, const Value& kernel) const {
    Sizes limit = g_.spread_kernel();
    limit.back() /= parts_;
    Sizes stride(limit.size(), 1);
    std::copy(g_.dilations.begin(), g_.dilations.end(), stride.begin());
    if (stride == Sizes(limit.size(), 1)) return kernel;
    return b.slice(kernel, Sizes(limit.size(), 0), limit, stride);
  }

  // Group by group along the last axis of the operands and the result.
  template <class One>
  Value joined(Builder& b, const Values& operands, const One& one) const {
    if (parts_ == 1) return one(operands);
    const Value last = b.scalar(TF_INT32, static_cast<double>(g_.axes() + 1));
    std::vector<Values> split;
    for (const Value& v : operands) {
      split.push_back(b.many("Split", static_cast<int>(parts_), {last, v}, {{"num_split", parts_}}));
    }
    Values results;
    for (size_t i = 0; i < static_cast<size_t>(parts_); ++i) {
      Values group;
      for (const Values& s : split) group.push_back(s[i]);
      results.push_back(one(group));
    }
    return b.op("ConcatV2", {results, last});
  }

  Geometry g_;
  Frame frame_;
  bool depthwise_;
  int64_t parts_;
  std::string prefix_;
};

bool fits(const Call& call, const Geometry& g, std::string& why) {
  why = "TensorFlow convolves floats over one to three axes";
  if (!is_float(call.input(0).dtype) || g.axes() < 2 || g.axes() > 3) return false;
  why = "an operand has no elements";
  for (const Sizes* sizes : {&g.x, &g.kernel, &g.y}) {
    if (element_count(*sizes) == 0) return false;
  }
  why = "padding is negative";
  for (size_t i = 0; i < g.axes(); ++i) {
    if (g.low[i] < 0 || g.high[i] < 0) return false;
  }
  return true;
}

Answer conv(const Call& call) {
  const Geometry g(call.attributes<ConvAttributes>(), call.input(0), call.input(1), call.output(0));
  std::string why;
  if (!fits(call, g, why)) return Answer::no(why);
  return
      [plan = Convolution(g)](Builder& b, const Values& in) { return Values{plan.forward(b, in[0], in[1])}; };
}

Answer conv_bias_act(const Call& call) {
  const auto& at = call.attributes<ConvActivationAttributes>();
  const Geometry g(at, call.input(0), call.input(1), call.output(0));
  std::string why;
  if (!fits(call, g, why)) return Answer::no(why);
  return [plan = Convolution(g), activation = at.activation, alpha = at.alpha](Builder& b, const Values& in) {
    const Value y = b.op("BiasAdd", {plan.forward(b, in[0], in[1]), in[2]});
    return Values{activate(b, y, activation, alpha)};
  };
}

Answer conv_grad_input(const Call& call) {
  const Geometry g(call.attributes<ConvAttributes>(), call.output(0), call.input(1), call.input(0));
  std::string why;
  if (!fits(call, g, why)) return Answer::no(why);
  return [plan = Convolution(g)](Builder& b, const Values& in) {
    return Values{plan.input_gradient(b, in[0], in[1])};
  };
}

Answer conv_grad_filter(const Call& call) {
  const Geometry g(call.attributes<ConvAttributes>(), call.input(0), call.output(0), call.input(1));
  std::string why;
  if (!fits(call, g, why)) return Answer::no(why);
  return [plan = Convolution(g)](Builder& b, const Values& in) {
    return Values{plan.filter_gradient(b, in[0], in[1])};
  };
}

const bool registered = register_op("conv", conv, kWiden) &&
                        register_op("conv_bias_act", conv_bias_act, kWiden) &&
                        register_op("conv_grad_input", conv_grad_input, kWiden) &&
                        register_op("conv_grad_filter", conv_grad_filter, kWiden);

}  // namespace
}  // namespace keras::tensorflow
