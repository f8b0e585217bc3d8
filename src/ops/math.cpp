// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/math.h"

#include <fmt/format.h>

#include <limits>

#include "keras/base/error.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::as_float;
using internal::as_plain;
using internal::fail;
using internal::symbolic;
using prim::scalar_like;

Tensor erf(const Tensor& x) {
  if (auto node = symbolic<&erf>(x)) return *node;
  return prim::erf(as_plain(x));
}

Tensor erfc(const Tensor& x) {
  if (auto node = symbolic<&erfc>(x)) return *node;
  const Tensor plain = as_plain(x);
  return prim::sub(scalar_like(plain, 1), prim::erf(plain));
}

Tensor erfinv(const Tensor& x) {
  if (auto node = symbolic<&erfinv>(x)) return *node;
  return prim::erf_inv(as_plain(x));
}

Tensor rsqrt(const Tensor& x) {
  if (auto node = symbolic<&rsqrt>(x)) return *node;
  return prim::rsqrt(as_float(x));
}

Tensor gammainc(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&gammainc>(x1, x2)) return *node;
  const auto [a, b] = internal::promote_float(x1, x2);
  return prim::igamma(a, b);
}

Tensor cdist(const Tensor& x, const Tensor& y) {
  if (auto node = symbolic<&cdist>(x, y)) return *node;
  if (x.rank() != 2 || y.rank() != 2) {
    fail<ValueError>({"cdist", "Both tensors must have two axes",
                      x.shape().to_string() + " and " + y.shape().to_string(), ""});
  }
  const auto [a, b] = internal::promote_float(x, y);
  const Tensor away = prim::sub(prim::expand_dims(a, 1), prim::expand_dims(b, 0));
  const Tensor squared = prim::reduce_sum(prim::mul(away, away), {2});
  // Where two rows are equal the distance has no gradient: 0 instead of 0/0.
  const Tensor equal = prim::equal(squared, scalar_like(squared, 0));
  const Tensor safe = prim::select(equal, scalar_like(squared, 1), squared);
  return prim::select(equal, scalar_like(squared, 0), prim::sqrt(safe));
}

namespace {

double extreme_of(DType dtype, bool lowest) {
  switch (dtype) {
    case DType::uint8:
      return lowest ? 0 : 255;
    case DType::uint16:
      return lowest ? 0 : 65535;
    case DType::uint32:
      return lowest ? 0 : 4294967295.0;
    case DType::int8:
      return lowest ? -128 : 127;
    case DType::int16:
      return lowest ? -32768 : 32767;
    case DType::int32:
      return lowest ? -2147483648.0 : 2147483647.0;
    case DType::int64:
      return lowest ? -0x1p63 : 0x1.fffffffffffffp62;
    case DType::float16:
      return lowest ? -65504.0 : 65504.0;
    case DType::bfloat16:
      return lowest ? -0x1.fep127 : 0x1.fep127;
    case DType::float64:
      return lowest ? std::numeric_limits<double>::lowest() : std::numeric_limits<double>::max();
    default:
      return lowest ? std::numeric_limits<float>::lowest() : std::numeric_limits<float>::max();
  }
}

Tensor segments(std::string_view where, const Tensor& data, const Tensor& segment_ids,
                std::optional<int64_t> num_segments, keras_scatter kind) {
  if (segment_ids.rank() != 1 || data.rank() < 1) {
    fail<ValueError>({where, "segment_ids must have one axis, data at least one",
                      segment_ids.shape().to_string() + " and " + data.shape().to_string(), ""});
  }
  const Tensor plain = as_plain(data);
  const Tensor ids = prim::cast(as_plain(segment_ids), DType::int32);
  if (!num_segments && AbstractEvaluation::running()) {
    return AbstractEvaluation::tensor({plain.dtype(), Shape{Dim::unknown()} + plain.shape().sub(1)});
  }
  const int64_t count = num_segments          ? *num_segments
                        : ids.elements() == 0 ? 0
                                              : prim::reduce_max(ids, {0}).item<int64_t>() + 1;
  // Ids outside go to one more segment, which is cut off.
  const Tensor zero = prim::scalar(0, DType::int32);
  const Tensor end = prim::scalar(static_cast<double>(count), DType::int32);
  const Tensor valid = prim::bit_and(prim::greater_equal(ids, zero), prim::less(ids, end));
  const Tensor places = prim::expand_dims(prim::select(valid, ids, end), 1);
  const double start = kind == KERAS_SCATTER_MUL   ? 1
                       : kind == KERAS_SCATTER_MAX ? extreme_of(plain.dtype(), true)
                       : kind == KERAS_SCATTER_MIN ? extreme_of(plain.dtype(), false)
                                                   : 0;
  const Tensor base = prim::full(Shape{Dim(count) + Dim(1)} + plain.shape().sub(1), start, plain.dtype());
  return prim::slice_axis(prim::scatter(kind, base, places, plain), 0, Dim(0), Dim(count));
}

}  // namespace

Tensor segment_sum(const Tensor& data, const Tensor& segment_ids, std::optional<int64_t> num_segments,
                   bool sorted) {
  if (auto node = symbolic<&segment_sum>(data, segment_ids, num_segments, sorted)) return *node;
  return segments("segment_sum", data, segment_ids, num_segments, KERAS_SCATTER_ADD);
}

Tensor segment_max(const Tensor& data, const Tensor& segment_ids, std::optional<int64_t> num_segments,
                   bool sorted) {
  if (auto node = symbolic<&segment_max>(data, segment_ids, num_segments, sorted)) return *node;
  return segments("segment_max", data, segment_ids, num_segments, KERAS_SCATTER_MAX);
}

Tensor segment_min(const Tensor& data, const Tensor& segment_ids, std::optional<int64_t> num_segments,
                   bool sorted) {
  if (auto node = symbolic<&segment_min>(data, segment_ids, num_segments, sorted)) return *node;
  return segments("segment_min", data, segment_ids, num_segments, KERAS_SCATTER_MIN);
}

Tensor segment_prod(const Tensor& data, const Tensor& segment_ids, std::optional<int64_t> num_segments,
                    bool sorted) {
  if (auto node = symbolic<&segment_prod>(data, segment_ids, num_segments, sorted)) return *node;
  return segments("segment_prod", data, segment_ids, num_segments, KERAS_SCATTER_MUL);
}

Tensor extract_sequences(const Tensor& x, int64_t sequence_length, int64_t sequence_stride) {
  if (auto node = symbolic<&extract_sequences>(x, sequence_length, sequence_stride)) return *node;
  if (x.rank() == 0 || sequence_length <= 0 || sequence_stride <= 0) {
    fail<ValueError>({"extract_sequences", "x must have an axis, and length and stride must be positive",
                      fmt::format("length {}, stride {}, shape {}", sequence_length, sequence_stride,
                                  x.shape().to_string()),
                      ""});
  }
  const Tensor plain = as_plain(x);
  const int last = plain.rank() - 1;
  const Dim extent = plain.dim(last);
  if (extent.known() && extent.value() < sequence_length) {
    fail<ValueError>({"extract_sequences", "A window must not be longer than the axis",
                      fmt::format("{} of {}", sequence_length, extent.value()), ""});
  }
  const Dim frames = (extent - Dim(sequence_length)) / Dim(sequence_stride) + Dim(1);
  const Tensor starts = prim::mul(prim::iota(DType::int32, Shape{frames, Dim(1)}, 0),
                                  prim::scalar(static_cast<double>(sequence_stride), DType::int32));
  const Tensor places = prim::add(starts, prim::iota(DType::int32, Shape{Dim(1), Dim(sequence_length)}, 1));
  return prim::gather(plain, places, last);
}

Tensor view_as_complex(const Tensor& x) {
  if (auto node = symbolic<&view_as_complex>(x)) return *node;
  if (x.rank() == 0 || (x.dim(-1).known() && !(x.dim(-1) == Dim(2)))) {
    fail<ValueError>({"view_as_complex", "The last axis must have size 2", x.shape().to_string(), ""});
  }
  const Tensor parts = prim::cast(as_plain(x), DType::float32);
  const int last = parts.rank() - 1;
  return prim::complex(prim::index_axis(parts, last, Dim(0)), prim::index_axis(parts, last, Dim(1)));
}

Tensor view_as_real(const Tensor& x) {
  if (auto node = symbolic<&view_as_real>(x)) return *node;
  const int last = x.rank();
  return prim::concat({prim::expand_dims(prim::real(x), last), prim::expand_dims(prim::imag(x), last)}, last);
}

}  // namespace keras::ops
