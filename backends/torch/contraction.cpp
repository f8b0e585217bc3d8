// SPDX-License-Identifier: Apache-2.0
// Products, convolutions and pooling. Our tensors are channels last; permuted, they are what ATen calls the
// channels-last memory format, so nothing is copied.
#include <algorithm>
#include <numeric>

#include "kernel.h"
#include "pool_loops.h"

namespace keras::aten {
namespace {

using at::Tensor;

std::vector<int64_t> free_axes(int rank, const keras_list& batch, const keras_list& contract) {
  std::vector<int64_t> out;
  for (int64_t axis = 0; axis < rank; ++axis) {
    const auto has = [axis](const keras_list& list) {
      return std::find(list.v, list.v + list.count, axis) != list.v + list.count;
    };
    if (!has(batch) && !has(contract)) out.push_back(axis);
  }
  return out;
}

int64_t extent(const keras_desc& desc, const int64_t* axes, size_t count) {
  int64_t product = 1;
  for (size_t i = 0; i < count; ++i) product *= desc.shape[axes[i]];
  return product;
}

Answer dot_general(const Call& call) {
  const auto& at = call.attributes<DotAttributes>();
  const keras_desc& a = call.input(0);
  const keras_desc& b = call.input(1);
  if (a.dtype == KERAS_BOOL || a.dtype != b.dtype) return Answer::no("ATen multiplies numbers of one dtype");
  auto left = free_axes(a.rank, at.lhs_batch, at.lhs_contract);
  auto right = free_axes(b.rank, at.rhs_batch, at.rhs_contract);
  const int64_t batch = extent(a, at.lhs_batch.v, static_cast<size_t>(at.lhs_batch.count));
  const int64_t m = extent(a, left.data(), left.size());
  const int64_t n = extent(b, right.data(), right.size());
  const int64_t k = extent(a, at.lhs_contract.v, static_cast<size_t>(at.lhs_contract.count));
  // left: batch, free, contracted; right: batch, contracted, free
  std::vector<int64_t> left_order = ints(at.lhs_batch).vec();
  left_order.insert(left_order.end(), left.begin(), left.end());
  left_order.insert(left_order.end(), at.lhs_contract.v, at.lhs_contract.v + at.lhs_contract.count);
  std::vector<int64_t> right_order = ints(at.rhs_batch).vec();
  right_order.insert(right_order.end(), at.rhs_contract.v, at.rhs_contract.v + at.rhs_contract.count);
  right_order.insert(right_order.end(), right.begin(), right.end());
  const bool plain = at.lhs_batch.count == 0;
  return [left_order, right_order, plain, batch, m, n, k](const Values& in) {
    const Tensor x = in[0].permute(left_order);
    const Tensor y = in[1].permute(right_order);
    if (plain) return Values{at::mm(x.reshape({m, k}), y.reshape({k, n}))};
    return Values{at::bmm(x.reshape({batch, m, k}), y.reshape({batch, k, n}))};
  };
}

// activation(y) of a result that nobody else has.
Tensor activated(Tensor y, int64_t activation, double alpha) {
  return activation == KERAS_ACT_RELU ? at::relu_(y) : activate(y, activation, alpha);
}

Answer linear(const Call& call) {
  const auto& at = call.attributes<ActivationAttributes>();
  const keras_desc& w = call.input(1);
  if (!is_float(w.dtype)) return Answer::no("linear is for floats");
  return [at, features = w.shape[0], biased = call.inputs() > 2](const Values& in) {
    const Tensor x = in[0].reshape({-1, features});
    const Tensor y = biased ? at::addmm(in[2], x, in[1]) : at::mm(x, in[1]);
    return Values{activated(y, at.activation, at.alpha)};
  };
}

std::vector<int64_t> permutation_to_channels_first(int64_t rank) {
  std::vector<int64_t> order{0, rank - 1};
  for (int64_t axis = 1; axis + 1 < rank; ++axis) order.push_back(axis);
  return order;
}
Tensor channels_first(const Tensor& x) { return x.permute(permutation_to_channels_first(x.dim())); }
Tensor channels_last(const Tensor& x) { return x.movedim(1, -1); }
// (spatial..., in, out) to (out, in, spatial...)
Tensor kernel_first(const Tensor& k) {
  std::vector<int64_t> order{k.dim() - 1, k.dim() - 2};
  for (int64_t axis = 0; axis + 2 < k.dim(); ++axis) order.push_back(axis);
  return k.permute(order);
}
Tensor kernel_last(const Tensor& k) { return k.movedim(1, -1).movedim(0, -1); }

// Padding before and after each spatial axis. What ATen takes (equal on both sides) is left to it.
struct Padding {
  std::vector<int64_t> low, high, inner;

  Padding(const keras_list& before, const keras_list& after, bool explicit_padding)
      : low(before.v, before.v + before.count), high(after.v, after.v + after.count), inner(low) {
    if (low == high && !explicit_padding) {
      std::fill(low.begin(), low.end(), 0);
      std::fill(high.begin(), high.end(), 0);
    } else {
      std::fill(inner.begin(), inner.end(), 0);
    }
  }
  bool outer() const {
    return std::any_of(low.begin(), low.end(), [](int64_t p) { return p != 0; }) ||
           std::any_of(high.begin(), high.end(), [](int64_t p) { return p != 0; });
  }
  // x is channels first.
  Tensor apply(const Tensor& x, double value) const {
    if (!outer()) return x;
    std::vector<int64_t> pads;
    for (size_t i = low.size(); i-- > 0;) {
      pads.push_back(low[i]);
      pads.push_back(high[i]);
    }
    return at::constant_pad_nd(x, pads, value);
  }
  Tensor undo(Tensor x) const {
    if (!outer()) return x;
    for (size_t i = 0; i < low.size(); ++i) {
      const int64_t axis = static_cast<int64_t>(i) + 2;
      x = x.narrow(axis, low[i], x.size(axis) - low[i] - high[i]);
    }
    return x;
  }
  std::vector<int64_t> padded(std::vector<int64_t> sizes) const {
    for (size_t i = 0; i < low.size(); ++i) sizes[i + 2] += low[i] + high[i];
    return sizes;
  }
};

struct ConvPlan {
  std::vector<int64_t> strides, dilations, no_output_padding;
  Padding padding;
  int64_t groups;

  template <class A>
  explicit ConvPlan(const A& at)
      : strides(ints(at.strides).vec()),
        dilations(ints(at.dilations).vec()),
        no_output_padding(strides.size(), 0),
        padding(at.pad_low, at.pad_high, false),
        groups(at.groups) {}

  Tensor forward(const Tensor& x, const Tensor& kernel, const Tensor& bias) const {
    return channels_last(at::convolution(padding.apply(channels_first(x), 0), kernel_first(kernel), bias,
                                         strides, padding.inner, dilations, false, no_output_padding,
                                         groups));
  }
  std::tuple<Tensor, Tensor, Tensor> backward(const Tensor& dy, const Tensor& x, const Tensor& kernel,
                                              std::array<bool, 3> wanted) const {
    return at::convolution_backward(dy, x, kernel, c10::nullopt, strides, padding.inner, dilations, false,
                                    no_output_padding, groups, wanted);
  }
};

template <class A>
bool convolves(const Call& call, std::string& why) {
  const auto& at = call.attributes<A>();
  why = "ATen convolves floats over one to three axes";
  if (!is_float(call.input(0).dtype) || at.strides.count < 1 || at.strides.count > 3) return false;
  why = "an operand has no elements";
  for (int i = 0; i < call.inputs(); ++i) {
    if (element_count(call.input(i)) == 0) return false;
  }
  return element_count(call.output(0)) != 0;
}

Answer conv(const Call& call) {
  std::string why;
  if (!convolves<ConvAttributes>(call, why)) return Answer::no(why);
  return [plan = ConvPlan(call.attributes<ConvAttributes>())](const Values& in) {
    return Values{plan.forward(in[0], in[1], {})};
  };
}

Answer conv_bias_act(const Call& call) {
  std::string why;
  if (!convolves<ConvActivationAttributes>(call, why)) return Answer::no(why);
  const auto& at = call.attributes<ConvActivationAttributes>();
  return [plan = ConvPlan(at), at](const Values& in) {
    return Values{activated(plan.forward(in[0], in[1], in[2]), at.activation, at.alpha)};
  };
}

Answer conv_grad_input(const Call& call) {
  std::string why;
  if (!convolves<ConvAttributes>(call, why)) return Answer::no(why);
  const keras_desc& dx = call.output(0);
  std::vector<int64_t> sizes{dx.shape[0], dx.shape[dx.rank - 1]};
  sizes.insert(sizes.end(), dx.shape + 1, dx.shape + dx.rank - 1);
  return [plan = ConvPlan(call.attributes<ConvAttributes>()), sizes](const Values& in) {
    // Only the sizes of x are read, and that its channels lie last.
    const auto format = sizes.size() == 4   ? at::MemoryFormat::ChannelsLast
                        : sizes.size() == 5 ? at::MemoryFormat::ChannelsLast3d
                                            : at::MemoryFormat::Contiguous;
    const Tensor x = at::empty(plan.padding.padded(sizes), in[0].options(), format);
    const Tensor padded =
        std::get<0>(plan.backward(channels_first(in[0]), x, kernel_first(in[1]), {true, false, false}));
    return Values{channels_last(plan.padding.undo(padded))};
  };
}

Answer conv_grad_filter(const Call& call) {
  std::string why;
  if (!convolves<ConvAttributes>(call, why)) return Answer::no(why);
  return [plan = ConvPlan(call.attributes<ConvAttributes>()),
          sizes = sizes_of(call.output(0)).vec()](const Values& in) {
    const Tensor kernel = at::empty(sizes, in[0].options());
    const Tensor x = plan.padding.apply(channels_first(in[0]), 0);
    return Values{kernel_last(
        std::get<1>(plan.backward(channels_first(in[1]), x, kernel_first(kernel), {false, true, false})))};
  };
}

// Pooling over two or three axes; one axis becomes two.
struct PoolPlan {
  std::vector<int64_t> window, strides;
  Padding padding;
  bool maximum;
  bool one_axis;
  Tensor factor;  // an average leaves padding out: window's size over the number of elements inside

  static bool outside(const PoolAttributes& at) {
    for (int64_t i = 0; i < at.window.count; ++i) {
      // ATen pads by half a window at most.
      if (2 * at.pad_low.v[i] > at.window.v[i]) return true;
    }
    return at.kind != KERAS_POOL_MAX;
  }
  static keras_list with_axis(keras_list list, int64_t value) {
    if (list.count == 1) {
      list.v[1] = list.v[0];
      list.v[0] = value;
      list.count = 2;
    }
    return list;
  }

  PoolPlan(const PoolAttributes& at, const keras_desc& x)
      : window(ints(with_axis(at.window, 1)).vec()),
        strides(ints(with_axis(at.strides, 1)).vec()),
        padding(with_axis(at.pad_low, 0), with_axis(at.pad_high, 0), outside(at)),
        maximum(at.kind == KERAS_POOL_MAX),
        one_axis(at.window.count == 1) {
    if (maximum || !padding.outer()) return;
    std::vector<int64_t> sizes{1, 1};
    if (one_axis) sizes.push_back(1);
    sizes.insert(sizes.end(), x.shape + 1, x.shape + x.rank - 1);
    const Tensor ones = at::ones(sizes, fresh(scalar_type(x.dtype)));
    const Tensor inside = average(padding.apply(ones, 0));
    factor = at::where(at::eq(inside, 0), at::zeros_like(inside), at::reciprocal(inside));
  }

  Tensor enter(const Tensor& x) const {
    const Tensor first = channels_first(x);
    return one_axis ? first.unsqueeze(2) : first;
  }
  Tensor leave(const Tensor& x) const { return channels_last(one_axis ? x.squeeze(2) : x); }

  Tensor average(const Tensor& x) const {
    return window.size() == 2 ? at::avg_pool2d(x, window, strides) : at::avg_pool3d(x, window, strides);
  }
  std::tuple<Tensor, Tensor> largest(const Tensor& x) const {
    const Tensor padded = padding.apply(x, -std::numeric_limits<double>::infinity());
    return window.size() == 2 ? at::max_pool2d_with_indices(padded, window, strides, padding.inner)
                              : at::max_pool3d_with_indices(padded, window, strides, padding.inner);
  }

  Tensor forward(const Tensor& operand) const {
    const Tensor x = enter(operand);
    if (maximum) return leave(std::get<0>(largest(x)));
    const Tensor y = average(padding.apply(x, 0));
    return leave(factor.defined() ? at::mul(y, factor) : y);
  }

  // One loop of our own for what models use; ATen would look for the maxima once more.
  bool has_loop(const Tensor& x) const {
    return maximum && x.is_cpu() && !one_axis && window.size() == 2 && x.scalar_type() == at::kFloat &&
           window[0] <= strides[0] && window[1] <= strides[1] && !padding.outer() && padding.inner[0] == 0 &&
           padding.inner[1] == 0;
  }
  Tensor loop(const Tensor& operand, const Tensor& result, const Tensor& gradient) const {
    const Tensor x = operand.contiguous(), y = result.contiguous(), dy = gradient.contiguous();
    Tensor dx = at::empty(x.sizes(), x.options());
    const PoolWindows windows{x.size(0), x.size(1), x.size(2), x.size(3),  y.size(1),
                              y.size(2), window[0], window[1], strides[0], strides[1]};
    max_pool_gradient(windows, x.data_ptr<float>(), y.data_ptr<float>(), dy.data_ptr<float>(),
                      dx.data_ptr<float>());
    return dx;
  }

  Tensor backward(const Tensor& operand, const Tensor& result, const Tensor& gradient) const {
    if (has_loop(operand)) return loop(operand, result, gradient);
    const Tensor x = enter(operand);
    Tensor dy = enter(gradient);
    const std::vector<int64_t> one(window.size(), 1);
    Tensor dx;
    if (maximum) {
      const Tensor padded = padding.apply(x, -std::numeric_limits<double>::infinity());
      const Tensor indices = std::get<1>(largest(x));
      dx = window.size() == 2 ? at::max_pool2d_with_indices_backward(dy, padded, window, strides,
                                                                     padding.inner, one, false, indices)
                              : at::max_pool3d_with_indices_backward(dy, padded, window, strides,
                                                                     padding.inner, one, false, indices);
    } else {
      if (factor.defined()) dy = at::mul(dy, factor);
      const std::vector<int64_t> none(window.size(), 0);
      const Tensor padded = padding.apply(x, 0);
      dx = window.size() == 2
               ? at::avg_pool2d_backward(dy, padded, window, strides, none, false, true, c10::nullopt)
               : at::avg_pool3d_backward(dy, padded, window, strides, none, false, true, c10::nullopt);
    }
    return leave(padding.undo(dx));
  }
};

bool pools(const Call& call) {
  const keras_desc& x = call.input(0);
  return is_float(x.dtype) && x.rank >= 3 && x.rank <= 5 && element_count(x) != 0 &&
         element_count(call.output(0)) != 0;
}

// Attributes may leave out strides and padding.
PoolAttributes completed(PoolAttributes at) {
  if (at.strides.count == 0) at.strides = at.window;
  at.pad_low.count = at.pad_high.count = at.window.count;
  return at;
}

Answer pool(const Call& call) {
  if (!pools(call)) return Answer::no("ATen pools floats over one to three axes");
  return [plan = PoolPlan(completed(call.attributes<PoolAttributes>()), call.input(0))](const Values& in) {
    return Values{plan.forward(in[0])};
  };
}

Answer pool_grad(const Call& call) {
  if (!pools(call)) return Answer::no("ATen pools floats over one to three axes");
  return [plan = PoolPlan(completed(call.attributes<PoolAttributes>()), call.input(0))](const Values& in) {
    return Values{plan.backward(in[0], in[1], in[2])};
  };
}

const bool registered = register_op("dot_general", dot_general, kWiden) &&
                        register_op("linear", linear, kWiden) && register_op("conv", conv, kWiden) &&
                        register_op("conv_bias_act", conv_bias_act, kWiden) &&
                        register_op("conv_grad_input", conv_grad_input, kWiden) &&
                        register_op("conv_grad_filter", conv_grad_filter, kWiden) &&
                        register_op("pool", pool, kWiden) && register_op("pool_grad", pool_grad, kWiden);

}  // namespace
}  // namespace keras::aten
