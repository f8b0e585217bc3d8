// SPDX-License-Identifier: Apache-2.0
// Images read at computed coordinates.
#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/image.h"
#include "keras/ops/linalg.h"
#include "ops/data_format.h"
#include "ops/image_batch.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops::image {

using namespace internal;

namespace {

Tensor number(const Tensor& like, double value) { return prim::scalar_like(like, value); }
Tensor clamp(const Tensor& x, double low, double high) {
  return prim::minimum(prim::maximum(x, number(x, low)), number(x, high));
}
Tensor truncated(const Tensor& x) {
  return prim::select(prim::less(x, number(x, 0)), prim::ceil(x), prim::floor(x));
}
// Halves away from zero, as C's round.
Tensor rounded(const Tensor& x) {
  const Tensor half = number(x, 0.5);
  return prim::select(prim::less(x, number(x, 0)), prim::ceil(prim::sub(x, half)),
                      prim::floor(prim::add(x, half)));
}
Tensor floor_mod(const Tensor& x, double by) {
  const Tensor divisor = number(x, by);
  return prim::sub(x, prim::mul(divisor, prim::floor(prim::div(x, divisor))));
}

// Where a coordinate outside of an axis is read (TensorFlow's ImageProjectiveTransformV3).
Tensor folded(const Tensor& x, const std::string& mode, double extent) {
  const auto mul = [&](const Tensor& t, double by) { return prim::mul(t, number(t, by)); };
  const auto quotient = [&](const Tensor& t, double by) { return truncated(prim::div(t, number(t, by))); };
  if (mode == "constant") return x;
  if (mode == "nearest") return clamp(x, 0, extent - 1);
  if (extent <= 1) return clamp(x, 0, 0);
  const Tensor below = prim::less(x, number(x, 0)), above = prim::greater(x, number(x, extent - 1));
  if (mode == "wrap") {
    const Tensor up = prim::add(x, mul(prim::add(quotient(prim::neg(x), extent - 1), number(x, 1)), extent));
    const Tensor down = prim::sub(x, mul(quotient(x, extent - 1), extent));
    return clamp(prim::select(below, up, prim::select(above, down, x)), 0, extent - 1);
  }
  const double twice = 2 * extent;
  const Tensor raised = prim::select(prim::less(x, number(x, twice)),
                                     prim::add(mul(quotient(prim::neg(x), twice), twice), x), x);
  const Tensor low = prim::select(prim::less(raised, number(x, -extent)), prim::add(raised, number(x, twice)),
                                  prim::sub(prim::neg(raised), number(x, 1)));
  const Tensor reduced = prim::sub(x, mul(quotient(x, twice), twice));
  const Tensor high = prim::select(prim::greater_equal(reduced, number(x, extent)),
                                   prim::sub(number(x, twice - 1), reduced), reduced);
  return clamp(prim::select(below, low, prim::select(above, high, x)), 0, extent - 1);
}

int64_t known(Dim d) {
  if (!d.known())
    fail<ValueError>({"affine_transform", "The extents of the images must be known", d.to_string(), ""});
  return d.value();
}

// images (N, H, W, C) float32, transforms (N or 1, 8).
Tensor project(const Tensor& images, const Tensor& transforms, const std::string& interpolation,
               const std::string& mode, double fill_value) {
  const int64_t h = known(images.dim(1)), w = known(images.dim(2));
  const Dim n = images.dim(0);
  const Shape grid{1, h, w};
  const Tensor column = prim::iota(DType::float32, grid, 2), row = prim::iota(DType::float32, grid, 1);
  const auto coefficient = [&](int64_t i) {
    return prim::reshape(prim::slice_axis(transforms, 1, Dim(i), Dim(i + 1)), Shape{transforms.dim(0), 1, 1});
  };
  const auto plane = [&](int64_t a, int64_t b) {
    return prim::add(prim::mul(coefficient(a), column), prim::mul(coefficient(b), row));
  };
  const Tensor scale = prim::add(plane(6, 7), prim::scalar(1, DType::float32));
  const auto coordinate = [&](int64_t first, double extent) {
    const Tensor raw = prim::div(prim::add(plane(first, first + 1), coefficient(first + 2)), scale);
    return prim::broadcast_to(folded(raw, mode, extent), Shape{n, h, w});
  };
  const Tensor x = coordinate(0, static_cast<double>(w)), y = coordinate(3, static_cast<double>(h));
  const Tensor flat = prim::reshape(images, Shape{n, Dim(h * w), images.dim(3)});
  const auto read = [&](const Tensor& iy, const Tensor& ix) {
    const auto inside = [](const Tensor& t, int64_t extent) {
      return prim::bit_and(prim::greater_equal(t, number(t, 0)),
                           prim::less(t, number(t, static_cast<double>(extent))));
    };
    const auto index = [](const Tensor& t, int64_t extent) {
      return prim::cast(clamp(t, 0, static_cast<double>(extent - 1)), DType::int32);
    };
    const Tensor place =
        prim::add(prim::mul(index(iy, h), prim::scalar(static_cast<double>(w), DType::int32)), index(ix, w));
    const Tensor pixels =
        prim::reshape(prim::gather(flat, prim::reshape(place, Shape{n, Dim(h * w)}), 1, 1), images.shape());
    const Tensor valid = prim::expand_dims(prim::bit_and(inside(iy, h), inside(ix, w)), 3);
    return prim::select(valid, pixels, number(pixels, fill_value));
  };
  if (interpolation == "nearest") return read(rounded(y), rounded(x));
  const Tensor left = prim::floor(x), top = prim::floor(y);
  const Tensor right = prim::add(left, number(x, 1)), bottom = prim::add(top, number(y, 1));
  const auto weighted = [&](const Tensor& weight, const Tensor& pixels) {
    return prim::mul(prim::expand_dims(weight, 3), pixels);
  };
  const auto line = [&](const Tensor& iy) {
    return prim::add(weighted(prim::sub(right, x), read(iy, left)),
                     weighted(prim::sub(x, left), read(iy, right)));
  };
  return prim::add(weighted(prim::sub(bottom, y), line(top)), weighted(prim::sub(y, top), line(bottom)));
}

void check_interpolation(const char* where, const std::string& name) {
  if (name != "nearest" && name != "bilinear")
    fail_unknown_name(where, "interpolation", name, {"nearest", "bilinear"});
}

}  // namespace

Tensor affine_transform(const Tensor& images, const Tensor& transform, const std::string& interpolation,
                        const std::string& fill_mode, double fill_value,
                        const std::optional<std::string>& data_format) {
  const char* where = "affine_transform";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node =
          symbolic<&affine_transform>(images, transform, interpolation, fill_mode, fill_value, format))
    return *node;
  check_interpolation(where, interpolation);
  const std::vector<std::string> modes{"constant", "nearest", "wrap", "reflect"};
  if (std::find(modes.begin(), modes.end(), fill_mode) == modes.end()) {
    fail_unknown_name(where, "fill_mode", fill_mode, modes);
  }
  if ((transform.rank() != 1 && transform.rank() != 2) || transform.shape().back().value_or(8) != 8) {
    fail<ValueError>(
        {where, "transform must be (8,) or (N, 8)", "shape " + transform.shape().to_string(), ""});
  }
  const ImageBatch batch(where, images, format);
  Tensor rows = as_dtype(transform, DType::float32);
  if (rows.rank() == 1) rows = prim::expand_dims(rows, 0);
  const Tensor y =
      project(prim::cast(batch.values(), DType::float32), rows, interpolation, fill_mode, fill_value);
  return batch.restore(prim::cast(y, batch.values().dtype()));
}

Tensor perspective_transform(const Tensor& images, const Tensor& start_points, const Tensor& end_points,
                             const std::string& interpolation, double fill_value,
                             const std::optional<std::string>& data_format) {
  const char* where = "perspective_transform";
  const std::optional<std::string> format = resolved_format(where, data_format);
  if (auto node = symbolic<&perspective_transform>(images, start_points, end_points, interpolation,
                                                   fill_value, format)) {
    return *node;
  }
  check_interpolation(where, interpolation);
  const Shape& points = start_points.shape();
  if (!(points == end_points.shape()) || (points.rank() != 2 && points.rank() != 3) ||
      !(points.dim(-1) == Dim(2)) || !(points.dim(-2) == Dim(4))) {
    fail<ValueError>({where, "start_points and end_points must both be (4, 2) or (N, 4, 2)",
                      fmt::format("{} and {}", points.to_string(), end_points.shape().to_string()), ""});
  }
  const ImageBatch batch(where, images, format);
  const auto prepared = [](const Tensor& t) {
    const Tensor p = as_dtype(t, DType::float32);
    return p.rank() == 2 ? prim::expand_dims(p, 0) : p;
  };
  // Each pair of points gives two equations for the eight coefficients of the map from end to start.
  const Tensor from = prepared(start_points), to = prepared(end_points);
  const auto part = [](const Tensor& t, int64_t i) {
    return prim::slice_axis(t, 2, Dim(i), Dim(i + 1));
  };  // (N, 4, 1)
  const Tensor ex = part(to, 0), ey = part(to, 1);
  const Tensor one = prim::ones_like(ex), zero = prim::zeros_like(ex);
  const auto equation = [&](const Tensor& target, bool horizontal) {
    const Tensor px = prim::neg(prim::mul(target, ex)), py = prim::neg(prim::mul(target, ey));
    return horizontal ? prim::concat({ex, ey, one, zero, zero, zero, px, py}, 2)
                      : prim::concat({zero, zero, zero, ex, ey, one, px, py}, 2);
  };
  const Tensor system = prim::concat({equation(part(from, 0), true), equation(part(from, 1), false)}, 1);
  const Tensor right = prim::concat({part(from, 0), part(from, 1)}, 1);
  const Tensor transform = prim::squeeze(ops::solve(system, right), Axes{2});
  const Tensor y =
      project(prim::cast(batch.values(), DType::float32), transform, interpolation, "constant", fill_value);
  return batch.restore(prim::cast(y, batch.values().dtype()));
}

Tensor map_coordinates(const Tensor& inputs, const Tensor& coordinates, int order,
                       const std::string& fill_mode, double fill_value) {
  const char* where = "map_coordinates";
  if (auto node = symbolic<&map_coordinates>(inputs, coordinates, order, fill_mode, fill_value)) return *node;
  const std::vector<std::string> modes{"constant", "nearest", "wrap", "mirror", "reflect"};
  if (std::find(modes.begin(), modes.end(), fill_mode) == modes.end()) {
    fail_unknown_name(where, "fill_mode", fill_mode, modes);
  }
  const Tensor x = as_plain(inputs);
  if (coordinates.rank() < 2 || !(coordinates.dim(0) == Dim(x.rank()))) {
    fail<ValueError>({where, "coordinates must be (rank of inputs, ...)",
                      fmt::format("inputs.shape={}, coordinates.shape={}", x.shape().to_string(),
                                  coordinates.shape().to_string()),
                      ""});
  }
  if (order != 0 && order != 1) {
    fail<UnsupportedError>({where, "order must be 0 or 1", fmt::format("order={}", order), ""});
  }
  const Tensor places = as_float(coordinates);
  // For each axis the indices that are read, whether they are inside, and their weights.
  struct Node {
    Tensor index, valid, weight;
  };
  std::vector<std::vector<Node>> axes;
  for (int a = 0; a < x.rank(); ++a) {
    const Tensor c = prim::index_axis(places, 0, Dim(a));
    const auto extent = static_cast<double>(known(x.dim(a)));
    std::vector<Node> nodes;
    const auto add_node = [&](const Tensor& index, const Tensor& weight) {
      Node node{index, {}, weight};
      if (fill_mode == "constant") {
        node.valid = prim::bit_and(prim::greater_equal(index, number(index, 0)),
                                   prim::less(index, number(index, extent)));
        node.index = clamp(index, 0, extent - 1);
      } else if (fill_mode == "nearest") {
        node.index = clamp(index, 0, extent - 1);
      } else if (fill_mode == "wrap") {
        node.index = floor_mod(index, extent);
      } else {
        const Tensor mod = floor_mod(prim::abs(index), 2 * extent);
        const Tensor back = prim::sub(number(mod, 2 * extent - (fill_mode == "reflect" ? 1 : 0)), mod);
        node.index = clamp(prim::select(prim::less(mod, number(mod, extent)), mod, back), 0, extent - 1);
      }
      node.index = prim::cast(node.index, DType::int32);
      nodes.push_back(node);
    };
    if (order == 0) {
      add_node(prim::round(c), {});
    } else {
      const Tensor lower = prim::floor(c), above = prim::sub(c, lower);
      add_node(lower, prim::sub(number(c, 1), above));
      add_node(prim::add(lower, number(c, 1)), above);
    }
    axes.push_back(std::move(nodes));
  }
  const Tensor flat = prim::reshape(x, Shape{element_count(x.shape())});
  Tensor sum;
  for (unsigned choice = 0; choice < (order == 0 ? 1u : 1u << x.rank()); ++choice) {
    Tensor place, valid, weight;
    for (int a = 0; a < x.rank(); ++a) {
      const Node& node = axes[static_cast<size_t>(a)][(choice >> a) & 1u];
      const Tensor extent = prim::scalar(static_cast<double>(known(x.dim(a))), DType::int32);
      place = place.defined() ? prim::add(prim::mul(place, extent), node.index) : node.index;
      if (node.valid.defined()) valid = valid.defined() ? prim::bit_and(valid, node.valid) : node.valid;
      if (node.weight.defined()) weight = weight.defined() ? prim::mul(weight, node.weight) : node.weight;
    }
    Tensor read = prim::cast(prim::gather(flat, place, 0), places.dtype());
    if (valid.defined()) read = prim::select(valid, read, number(read, fill_value));
    if (weight.defined()) read = prim::mul(weight, read);
    sum = sum.defined() ? prim::add(sum, read) : read;
  }
  if (is_integer(x.dtype())) sum = prim::round(sum);
  return prim::cast(sum, x.dtype());
}

}  // namespace keras::ops::image
