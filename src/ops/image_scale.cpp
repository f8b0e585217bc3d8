// SPDX-License-Identifier: Apache-2.0
// Images resampled by matrices of weights, one per axis.
#include <fmt/format.h>

#include <algorithm>
#include <numbers>

#include "keras/base/error.h"
#include "keras/ops/image.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops::image {

using namespace internal;

namespace {

enum class Kernel : uint8_t { linear, cubic, lanczos3, lanczos5 };

Kernel kernel_of(const std::string& method) {
  struct Row {
    const char* name;
    Kernel kernel;
  };
  constexpr Row kRows[] = {{"linear", Kernel::linear},     {"bilinear", Kernel::linear},
                           {"trilinear", Kernel::linear},  {"cubic", Kernel::cubic},
                           {"bicubic", Kernel::cubic},     {"tricubic", Kernel::cubic},
                           {"lanczos3", Kernel::lanczos3}, {"lanczos5", Kernel::lanczos5}};
  std::vector<std::string> names;
  for (const Row& row : kRows) {
    if (method == row.name) return row.kernel;
    names.emplace_back(row.name);
  }
  fail_unknown_name("scale_and_translate", "method", method, names);
}

Tensor number(const Tensor& like, double value) { return prim::scalar_like(like, value); }
Tensor times(const Tensor& x, double factor) { return prim::mul(x, number(x, factor)); }
Tensor plus(const Tensor& x, double summand) { return prim::add(x, number(x, summand)); }

// The weight of a pixel at distance x >= 0.
Tensor weight_at(Kernel kernel, const Tensor& x) {
  if (kernel == Kernel::linear) return prim::maximum(number(x, 0), plus(prim::neg(x), 1));
  if (kernel == Kernel::cubic) {  // Keys, 1981, with a = -1/2
    const Tensor near = plus(prim::mul(prim::mul(plus(times(x, 1.5), -2.5), x), x), 1);
    const Tensor far = plus(prim::mul(plus(prim::mul(plus(times(x, -0.5), 2.5), x), -4), x), 2);
    const Tensor out = prim::select(prim::greater_equal(x, number(x, 1)), far, near);
    return prim::select(prim::greater_equal(x, number(x, 2)), number(x, 0), out);
  }
  const double radius = kernel == Kernel::lanczos3 ? 3 : 5;
  constexpr double kPi = std::numbers::pi;
  const Tensor sines = prim::mul(prim::sin(times(x, kPi)), prim::sin(times(x, kPi / radius)));
  const Tensor close = prim::less_equal(x, number(x, 1e-3));
  const Tensor safe = prim::select(close, number(x, 1), x);
  const Tensor out = prim::div(times(sines, radius), times(prim::mul(safe, safe), kPi * kPi));
  const Tensor centred = prim::select(close, number(x, 1), out);
  return prim::select(prim::greater(x, number(x, radius)), number(x, 0), centred);
}

// (input, output): how much of each input position goes into each output position.
Tensor weights(Kernel kernel, Dim input, Dim output, const Tensor& scale, const Tensor& translation,
               bool antialias) {
  const DType dtype = scale.dtype();
  const Tensor inverse = prim::div(number(scale, 1), scale);
  const Tensor centres = plus(prim::iota(dtype, Shape{Dim(1), output}, 1), 0.5);
  const Tensor sample = plus(prim::sub(prim::mul(centres, inverse), prim::mul(translation, inverse)), -0.5);
  Tensor distance = prim::abs(prim::sub(sample, prim::iota(dtype, Shape{input, Dim(1)}, 0)));
  if (antialias) distance = prim::div(distance, prim::maximum(inverse, number(inverse, 1)));
  const Tensor raw = weight_at(kernel, distance);
  const Tensor sum = prim::reduce_sum(raw, {0}, true);
  constexpr double kLeast = 1000 * 1.1920928955078125e-07;  // of float32's step, as Keras has it for all
  const Tensor enough = prim::greater(prim::abs(sum), number(sum, kLeast));
  const Tensor scaled =
      prim::select(enough, prim::div(raw, prim::select(enough, sum, number(sum, 1))), number(raw, 0));
  const Tensor last =
      plus(prim::cast(prim::scalar(static_cast<double>(input.value()), DType::float64), dtype), -0.5);
  const Tensor inside =
      prim::bit_and(prim::greater_equal(sample, number(sample, -0.5)), prim::less_equal(sample, last));
  return prim::select(inside, scaled, number(scaled, 0));
}

}  // namespace

Tensor scale_and_translate(const Tensor& images, const Shape& output_shape, const Tensor& scale,
                           const Tensor& translation, const std::vector<int64_t>& spatial_dims,
                           const std::string& method, bool antialias) {
  const char* where = "scale_and_translate";
  if (auto node = symbolic<&scale_and_translate>(images, output_shape, scale, translation, spatial_dims,
                                                 method, antialias)) {
    return *node;
  }
  const Kernel kernel = kernel_of(method);
  const Tensor x = as_plain(images);
  if (output_shape.rank() != x.rank()) {
    fail<ValueError>(
        {where, "output_shape must have the axes of the images",
         fmt::format("images {}, output_shape {}", x.shape().to_string(), output_shape.to_string()), ""});
  }
  const Dim count(static_cast<int64_t>(spatial_dims.size()));
  for (const Tensor* t : {&scale, &translation}) {
    if (t->rank() == 1 && (t->dim(0) == count || !t->dim(0).known())) continue;
    fail<ValueError>({where, "scale and translation must have one number for each of spatial_dims",
                      fmt::format("shape {}, {} spatial_dims", t->shape().to_string(), spatial_dims.size()),
                      ""});
  }
  const auto [factors, shifts] = promote_float(scale, translation);
  const bool integer = !is_float(x.dtype());
  Tensor out = integer ? prim::cast(x, DType::float32) : x;
  for (size_t i = 0; i < spatial_dims.size(); ++i) {
    const int axis = normalize_axis(where, spatial_dims[i], x.rank());
    if (!x.dim(axis).known()) {
      fail<ValueError>({where, "The extents of spatial_dims must be known", x.shape().to_string(), ""});
    }
    const auto index = Dim(static_cast<int64_t>(i));
    const Tensor w = weights(kernel, x.dim(axis), output_shape.dim(axis), prim::index_axis(factors, 0, index),
                             prim::index_axis(shifts, 0, index), antialias);
    // The new axis comes last and goes back to its place.
    const Tensor y = prim::dot_general(out, prim::cast(w, out.dtype()), {axis}, {0});
    std::vector<int> order;
    for (int a = 0; a + 1 < x.rank(); ++a) order.push_back(a);
    order.insert(order.begin() + axis, x.rank() - 1);
    out = prim::transpose(y, order);
  }
  if (!integer) return out;
  const Axes all = prim::all_axes(x.rank());
  const Tensor low = prim::cast(prim::reduce_min(x, all), DType::float32);
  const Tensor high = prim::cast(prim::reduce_max(x, all), DType::float32);
  return prim::cast(prim::minimum(prim::maximum(prim::round(out), low), high), x.dtype());
}

}  // namespace keras::ops::image
