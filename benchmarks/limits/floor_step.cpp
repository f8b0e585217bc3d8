// SPDX-License-Identifier: Apache-2.0
#include "limits/floor_step.h"

#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace keras::limits {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

constexpr size_t kHugePage = size_t{2} << 20;
constexpr auto kFloat = memory::data_type::f32;

float* data(const memory& m) { return static_cast<float*>(m.get_data_handle()); }
size_t count(const memory& m) { return m.get_desc().get_size() / sizeof(float); }

// One contiguous share a thread; the copy keeps the captured pointers in registers.
template <class Body>
void loop(size_t size, const Body& body) {
#pragma omp parallel
  {
    const size_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const size_t begin = size * thread / threads, end = size * (thread + 1) / threads;
    const Body local = body;
#pragma omp simd
    for (size_t i = begin; i < end; ++i) local(i);
  }
}

void fill_uniform(const memory& m, double bound) {
  uint32_t state = 1;
  float* values = data(m);
  for (size_t i = 0; i < count(m); ++i) {
    state = state * 1664525u + 1013904223u;
    values[i] = static_cast<float>((static_cast<double>(state >> 8) / 8388608.0 - 1) * bound);
  }
}

memory::desc vector_desc(int64_t size) { return {{size}, kFloat, Tag::a}; }

dnnl::primitive_attr rectified(bool relu) {
  dnnl::primitive_attr attributes;
  if (!relu) return attributes;
  dnnl::post_ops after;
  after.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
  attributes.set_post_ops(after);
  return attributes;
}

}  // namespace

FloorStep::FloorStep(bool blocked, bool adam, double learning_rate)
    : blocked_(blocked), adam_(adam), learning_rate_(static_cast<float>(learning_rate)) {}

// Huge pages, and offsets that differ: equal low bits of addresses in several streams cost conflicts in the
// caches.
memory FloorStep::allocate(const memory::desc& desc, bool touched) {
  const size_t offset = blocks_.size() % 29 * (4096 + 320);
  const size_t size = (desc.get_size() + offset + kHugePage - 1) / kHugePage * kHugePage;
  void* block = std::aligned_alloc(kHugePage, size);
  if (block == nullptr) throw std::bad_alloc();
  madvise(block, size, MADV_HUGEPAGE);
  blocks_.emplace_back(block, std::free);
  if (touched) std::memset(block, 0, size);
  return {desc, engine_, static_cast<char*>(block) + offset};
}

// Gradients live between two neighbouring layers only: they take turns in eight buffers.
memory FloorStep::gradient_memory(const memory::desc& desc) {
  constexpr size_t kBuffers = 8, kBytes = size_t{64} << 20;
  if (desc.get_size() > kBytes) return allocate(desc);
  while (gradient_ring_.size() < kBuffers)
    gradient_ring_.push_back(allocate(vector_desc(kBytes / sizeof(float)), false));
  return {desc, engine_, gradient_ring_[next_gradient_++ % kBuffers].get_data_handle()};
}

Activation FloorStep::activation(const memory::dims& dims, Tag tag) {
  const memory::desc desc(dims, kFloat, tag);
  return {allocate(desc), gradient_memory(desc)};
}

Tag FloorStep::image_tag(int64_t channels) const {
  if (!blocked_) return Tag::nhwc;
  return channels % 16 == 0 ? Tag::nChw16c : Tag::nchw;
}

void FloorStep::execute(std::vector<Call>& list, const dnnl::primitive& primitive,
                        const Arguments& arguments) {
  list.push_back([this, primitive, arguments] { primitive.execute(stream_, arguments); });
}

void FloorStep::parameter(const memory& weights, const memory& gradient) {
  float *w = data(weights), *g = data(gradient), *m = data(allocate(weights.get_desc()));
  const size_t size = count(weights);
  const float rate = learning_rate_;
  parameters_ += static_cast<int64_t>(size);
  if (!adam_) {
    update_.push_back([=] {
      loop(size, [=](size_t i) {
        m[i] = 0.9f * m[i] + g[i];
        w[i] -= rate * m[i];
      });
    });
    return;
  }
  float* v = data(allocate(weights.get_desc()));
  update_.push_back([=, this] {
    const double steps = step_;
    const auto corrected =
        static_cast<float>(rate * std::sqrt(1 - std::pow(0.999, steps)) / (1 - std::pow(0.9, steps)));
    loop(size, [=](size_t i) {
      m[i] = 0.9f * m[i] + 0.1f * g[i];
      v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
      w[i] -= corrected * m[i] / (std::sqrt(v[i]) + 1e-7f);
    });
  });
}

void FloorStep::rectify_gradient(std::vector<Call>& list, const Activation& y) {
  float *values = data(y.values), *gradient = data(y.gradient);
  const size_t size = count(y.values);
  list.push_back([=] {
    loop(size, [=](size_t i) {
      const float g = gradient[i];
      gradient[i] = values[i] > 0 ? g : 0.f;
    });
  });
}

Activation FloorStep::images(int64_t batch, int64_t channels, int64_t size) {
  const Activation x = activation({batch, channels, size, size}, image_tag(channels));
  fill_uniform(x.values, 1);
  return x;
}

Activation FloorStep::rows(int64_t batch, int64_t width) {
  const Activation x = activation({batch, width}, Tag::ab);
  fill_uniform(x.values, 1);
  return x;
}

Activation FloorStep::convolution(const Activation& x, const Convolution& options) {
  const auto in = x.values.get_desc().dims();
  const int64_t size = (in[2] + 2 * options.padding - options.kernel) / options.stride + 1;
  const Activation y = activation({in[0], options.filters, size, size}, image_tag(options.filters));
  const memory::dims strides{options.stride, options.stride}, padding{options.padding, options.padding};
  const memory::desc source = x.values.get_desc(), target = y.values.get_desc();
  const memory::desc any({options.filters, in[1], options.kernel, options.kernel}, kFloat, Tag::any);
  const memory::desc bias_desc = options.bias ? vector_desc(options.filters) : memory::desc();

  const dnnl::convolution_forward::primitive_desc forward(
      {prop_kind::forward_training, algorithm::convolution_direct, source, any, bias_desc, target, strides,
       padding, padding},
      rectified(options.relu), engine_);
  const memory weights = allocate(forward.weights_desc()), gradient = allocate(forward.weights_desc());
  fill_uniform(weights, std::sqrt(6.0 / static_cast<double>(in[1] * options.kernel * options.kernel)));
  const memory bias = allocate(vector_desc(options.filters)), bias_gradient = allocate(bias.get_desc());
  Arguments arguments{{DNNL_ARG_SRC, x.values}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, y.values}};
  if (options.bias) arguments[DNNL_ARG_BIAS] = bias;
  execute(forward_, dnnl::convolution_forward(forward), arguments);

  std::vector<Call> back;
  if (options.relu) rectify_gradient(back, y);
  const dnnl::convolution_backward_weights::primitive_desc by_weights(
      {algorithm::convolution_direct, source, any, bias_desc, target, strides, padding, padding}, engine_,
      forward);
  const bool same_layout = by_weights.diff_weights_desc() == gradient.get_desc();
  const memory raw = same_layout ? gradient : allocate(by_weights.diff_weights_desc());
  arguments = {{DNNL_ARG_SRC, x.values}, {DNNL_ARG_DIFF_DST, y.gradient}, {DNNL_ARG_DIFF_WEIGHTS, raw}};
  if (options.bias) arguments[DNNL_ARG_DIFF_BIAS] = bias_gradient;
  execute(back, dnnl::convolution_backward_weights(by_weights), arguments);
  if (!same_layout)
    execute(back, dnnl::reorder(raw, gradient), {{DNNL_ARG_FROM, raw}, {DNNL_ARG_TO, gradient}});
  if (!options.first) {
    const dnnl::convolution_backward_data::primitive_desc by_data(
        {algorithm::convolution_direct, source, any, target, strides, padding, padding}, engine_, forward);
    memory packed = weights;
    if (by_data.weights_desc() != weights.get_desc()) {
      packed = allocate(by_data.weights_desc());
      execute(back, dnnl::reorder(weights, packed), {{DNNL_ARG_FROM, weights}, {DNNL_ARG_TO, packed}});
    }
    execute(back, dnnl::convolution_backward_data(by_data),
            {{DNNL_ARG_DIFF_SRC, x.gradient}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_DIFF_DST, y.gradient}});
  }
  backward_.push_back([back] {
    for (const auto& call : back) call();
  });
  parameter(weights, gradient);
  if (options.bias) parameter(bias, bias_gradient);
  return y;
}

Activation FloorStep::normalization(const Activation& x, bool relu) {
  const memory::desc desc = x.values.get_desc();
  const int64_t channels = desc.dims()[1];
  const Activation y{allocate(desc), gradient_memory(desc)};
  auto flags = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
  if (relu) flags = flags | dnnl::normalization_flags::fuse_norm_relu;
  const dnnl::batch_normalization_forward::primitive_desc forward(
      {prop_kind::forward_training, desc, 1e-3f, flags}, engine_);
  const dnnl::batch_normalization_backward::primitive_desc back(
      {prop_kind::backward, desc, desc, 1e-3f, flags}, engine_, forward);
  const memory scale = allocate(vector_desc(channels)), shift = allocate(scale.get_desc());
  const memory scale_gradient = allocate(scale.get_desc()), shift_gradient = allocate(scale.get_desc());
  const memory mean = allocate(forward.mean_desc()), variance = allocate(forward.variance_desc());
  std::fill_n(data(scale), channels, 1.f);
  Arguments shared{{DNNL_ARG_SRC, x.values},
                   {DNNL_ARG_SCALE, scale},
                   {DNNL_ARG_SHIFT, shift},
                   {DNNL_ARG_MEAN, mean},
                   {DNNL_ARG_VARIANCE, variance}};
  if (relu) shared[DNNL_ARG_WORKSPACE] = allocate(forward.workspace_desc());
  Arguments arguments = shared;
  arguments[DNNL_ARG_DST] = y.values;
  execute(forward_, dnnl::batch_normalization_forward(forward), arguments);
  arguments = shared;
  arguments[DNNL_ARG_DIFF_DST] = y.gradient;
  arguments[DNNL_ARG_DIFF_SRC] = x.gradient;
  arguments[DNNL_ARG_DIFF_SCALE] = scale_gradient;
  arguments[DNNL_ARG_DIFF_SHIFT] = shift_gradient;
  execute(backward_, dnnl::batch_normalization_backward(back), arguments);
  parameter(scale, scale_gradient);
  parameter(shift, shift_gradient);
  return y;
}

Activation FloorStep::dense(const Activation& x, int64_t width, bool relu, bool first) {
  const int64_t batch = x.values.get_desc().dims()[0], inner = x.values.get_desc().dims()[1];
  const Activation y = activation({batch, width}, Tag::ab);
  const memory weights = allocate({{inner, width}, kFloat, Tag::ab}), gradient = allocate(weights.get_desc());
  const memory bias = allocate({{1, width}, kFloat, Tag::ab}), bias_gradient = allocate(bias.get_desc());
  fill_uniform(weights, std::sqrt(6.0 / static_cast<double>(inner + width)));
  const dnnl::matmul::primitive_desc forward(
      {x.values.get_desc(), weights.get_desc(), bias.get_desc(), y.values.get_desc()}, rectified(relu),
      engine_);
  execute(forward_, dnnl::matmul(forward),
          {{DNNL_ARG_SRC, x.values},
           {DNNL_ARG_WEIGHTS, weights},
           {DNNL_ARG_BIAS, bias},
           {DNNL_ARG_DST, y.values}});

  std::vector<Call> back;
  if (relu) rectify_gradient(back, y);
  const float *source = data(x.values), *dy = data(y.gradient);
  float *dw = data(gradient), *db = data(bias_gradient);
  back.push_back([=] {
    dnnl_sgemm('T', 'N', inner, width, batch, 1, source, inner, dy, width, 0, dw, width);
    std::fill_n(db, width, 0.f);
    for (int64_t i = 0; i < batch; ++i) {
      for (int64_t j = 0; j < width; ++j) db[j] += dy[i * width + j];
    }
  });
  if (!first) {
    const memory::desc transposed({width, inner}, kFloat, Tag::ba);
    const dnnl::matmul::primitive_desc by_data({y.gradient.get_desc(), transposed, x.gradient.get_desc()},
                                               engine_);
    execute(back, dnnl::matmul(by_data),
            {{DNNL_ARG_SRC, y.gradient},
             {DNNL_ARG_WEIGHTS, memory(transposed, engine_, weights.get_data_handle())},
             {DNNL_ARG_DST, x.gradient}});
  }
  backward_.push_back([back] {
    for (const auto& call : back) call();
  });
  parameter(weights, gradient);
  parameter(bias, bias_gradient);
  return y;
}

Activation FloorStep::max_pooling(const Activation& x) {
  const auto in = x.values.get_desc().dims();
  const Activation y = activation({in[0], in[1], in[2] / 2, in[3] / 2}, image_tag(in[1]));
  const memory::desc source = x.values.get_desc(), target = y.values.get_desc();
  const memory::dims window{2, 2}, none{0, 0};
  const dnnl::pooling_forward::primitive_desc forward(
      {prop_kind::forward_training, algorithm::pooling_max, source, target, window, window, none, none},
      engine_);
  const dnnl::pooling_backward::primitive_desc back(
      {algorithm::pooling_max, source, target, window, window, none, none}, engine_, forward);
  const memory chosen = allocate(forward.workspace_desc());
  execute(forward_, dnnl::pooling_forward(forward),
          {{DNNL_ARG_SRC, x.values}, {DNNL_ARG_DST, y.values}, {DNNL_ARG_WORKSPACE, chosen}});
  execute(backward_, dnnl::pooling_backward(back),
          {{DNNL_ARG_DIFF_SRC, x.gradient}, {DNNL_ARG_DIFF_DST, y.gradient}, {DNNL_ARG_WORKSPACE, chosen}});
  return y;
}

Activation FloorStep::average_pooling(const Activation& x) {
  const auto in = x.values.get_desc().dims();
  const int64_t channels = in[1], area = in[2] * in[3], block = blocked_ ? 16 : channels;
  const int64_t parts = in[0] * (channels / block);
  const Activation y = activation({in[0], channels}, Tag::ab);
  float *values = data(x.values), *gradient = data(x.gradient), *out = data(y.values), *dy = data(y.gradient);
  forward_.push_back([=] {
#pragma omp parallel for
    for (int64_t part = 0; part < parts; ++part) {
      float* sums = out + part * block;
      std::fill_n(sums, block, 0.f);
      for (int64_t i = 0; i < area; ++i) {
        for (int64_t j = 0; j < block; ++j) sums[j] += values[(part * area + i) * block + j];
      }
      for (int64_t j = 0; j < block; ++j) sums[j] /= static_cast<float>(area);
    }
  });
  backward_.push_back([=] {
#pragma omp parallel for
    for (int64_t part = 0; part < parts; ++part) {
      for (int64_t i = 0; i < area; ++i) {
        for (int64_t j = 0; j < block; ++j)
          gradient[(part * area + i) * block + j] = dy[part * block + j] / static_cast<float>(area);
      }
    }
  });
  return y;
}

Activation FloorStep::flatten(const Activation& x) {
  const int64_t batch = x.values.get_desc().dims()[0];
  const memory::desc desc({batch, static_cast<int64_t>(count(x.values)) / batch}, kFloat, Tag::ab);
  return {{desc, engine_, x.values.get_data_handle()}, {desc, engine_, x.gradient.get_data_handle()}};
}

Activation FloorStep::residual(const Activation& x, int64_t filters, int64_t stride) {
  const auto in = x.values.get_desc().dims();
  const memory past_gradient = allocate(x.values.get_desc());
  float *dx = data(x.gradient), *past = data(past_gradient);
  const size_t in_size = count(x.values);
  // Last of the block's backward pass: what came by the way past the convolutions is added.
  backward_.push_back([=] { loop(in_size, [=](size_t i) { dx[i] += past[i]; }); });
  Activation shortcut{x.values, past_gradient};
  if (stride == 2) shortcut = convolution(shortcut, {.filters = filters, .kernel = 1, .stride = 2});
  Activation y = convolution(x, {.filters = filters, .stride = stride, .padding = 1});
  y = convolution(normalization(y, true), {.filters = filters, .padding = 1});
  y = normalization(y, false);
  const int64_t size = in[2] / stride;
  const Activation sum = activation({in[0], filters, size, size}, image_tag(filters));
  const float *a = data(y.values), *b = data(shortcut.values), *ds = data(sum.gradient);
  float *s = data(sum.values), *da = data(y.gradient), *db = data(shortcut.gradient);
  const size_t out_size = count(sum.values);
  forward_.push_back([=] { loop(out_size, [=](size_t i) { s[i] = std::max(a[i] + b[i], 0.f); }); });
  backward_.push_back([=] {
    loop(out_size, [=](size_t i) {
      const float g = ds[i];
      da[i] = db[i] = s[i] > 0 ? g : 0.f;
    });
  });
  return sum;
}

void FloorStep::dropout(const Activation& x, double rate) {
  const size_t size = count(x.values);
  const auto threshold = static_cast<uint32_t>(rate * 4294967295.0);
  const auto scale = static_cast<float>(1 / (1 - rate));
  const uint32_t id = ++dropouts_;
  const auto apply = [this, size, threshold, scale, id](float* values) {
    const uint32_t key = step_ * 977u + id;
    loop(size, [=](size_t i) {
      uint32_t bits = static_cast<uint32_t>(i) * 0x9E3779B9u ^ key;
      bits = (bits ^ bits >> 16) * 0x85ebca6bu;
      bits = (bits ^ bits >> 13) * 0xc2b2ae35u;
      const float kept = values[i] * scale;
      values[i] = (bits ^ bits >> 16) >= threshold ? kept : 0.f;
    });
  };
  float *values = data(x.values), *gradient = data(x.gradient);
  forward_.push_back([=] { apply(values); });
  backward_.push_back([=] { apply(gradient); });
}

void FloorStep::classify(const Activation& logits) {
  const int64_t batch = logits.values.get_desc().dims()[0], classes = logits.values.get_desc().dims()[1];
  const float* z = data(logits.values);
  float* dz = data(logits.gradient);
  forward_.push_back([=, this] {
    double total = 0;
    for (int64_t i = 0; i < batch; ++i) {
      const float *row = z + i * classes, largest = *std::max_element(row, row + classes);
      float *out = dz + i * classes, sum = 0;
      for (int64_t j = 0; j < classes; ++j) sum += out[j] = std::exp(row[j] - largest);
      const int64_t label = i * 7 % classes;
      for (int64_t j = 0; j < classes; ++j)
        out[j] = (out[j] / sum - (j == label ? 1.f : 0.f)) / static_cast<float>(batch);
      total -= row[label] - largest - std::log(sum);
    }
    loss_ = total / static_cast<double>(batch);
  });
}

void FloorStep::run() {
  ++step_;
  for (const auto& call : forward_) call();
  for (size_t i = backward_.size(); i-- > 0;) backward_[i]();
  for (const auto& call : update_) call();
}

}  // namespace keras::limits
