// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Functions that make tensors (keras.ops). Without a dtype they make floatx.
namespace keras::ops {

/// Zeros.
Tensor zeros(const Shape& shape, DTypeArgument dtype = {});
/// Ones.
Tensor ones(const Shape& shape, DTypeArgument dtype = {});
/// Zeros: there is no uninitialised memory here.
Tensor empty(const Shape& shape, DTypeArgument dtype = {});
/// `fill_value`, broadcast to the shape.
Tensor full(const Shape& shape, const Tensor& fill_value, DTypeArgument dtype = {});
/// Zeros in the shape (and, without a dtype, the dtype) of x.
Tensor zeros_like(const Tensor& x, DTypeArgument dtype = {});
/// Ones in the shape (and, without a dtype, the dtype) of x.
Tensor ones_like(const Tensor& x, DTypeArgument dtype = {});
/// Zeros in the shape (and, without a dtype, the dtype) of x.
Tensor empty_like(const Tensor& x, DTypeArgument dtype = {});
/// `fill_value` in the shape (and, without a dtype, the dtype) of x.
Tensor full_like(const Tensor& x, const Tensor& fill_value, DTypeArgument dtype = {});
/// x as a tensor, of a dtype.
Tensor array(const Tensor& x, DTypeArgument dtype = {});

/// start, start + step, ... below stop; with one argument 0, 1, ... below it. Without a dtype that of the
/// arguments. The arguments must be readable: their values give the shape.
Tensor arange(const Tensor& start, const Tensor& stop = {}, const Tensor& step = {},
              DTypeArgument dtype = {});
/// `num` values from start to stop (which is left out unless `endpoint`), along a new axis. Throws ValueError
/// for a negative num.
Tensor linspace(const Tensor& start, const Tensor& stop, int64_t num = 50, bool endpoint = true,
                bool retstep = false, DTypeArgument dtype = {}, int64_t axis = 0);
/// linspace's values and their step (Python's `retstep=True`).
std::pair<Tensor, Tensor> linspace_with_step(const Tensor& start, const Tensor& stop, int64_t num = 50,
                                             bool endpoint = true, DTypeArgument dtype = {},
                                             int64_t axis = 0);
/// `base` to the powers of linspace.
Tensor logspace(const Tensor& start, const Tensor& stop, int64_t num = 50, bool endpoint = true,
                double base = 10, DTypeArgument dtype = {}, int64_t axis = 0);
/// `num` values from start to stop in equal ratios.
Tensor geomspace(const Tensor& start, const Tensor& stop, int64_t num = 50, bool endpoint = true,
                 DTypeArgument dtype = {}, int64_t axis = 0);
/// Coordinate tensors of 1-D coordinates; indexing is "xy" (the first two axes exchanged) or "ij".
std::vector<Tensor> meshgrid(const std::vector<Tensor>& x, const std::string& indexing = "xy");

/// Ones on the k-th diagonal of an N x M matrix (M: N), zeros elsewhere.
Tensor eye(int64_t N, std::optional<int64_t> M = {}, int64_t k = 0, DTypeArgument dtype = {});
/// The identity matrix.
Tensor identity(int64_t n, DTypeArgument dtype = {});
/// Ones at and below the k-th diagonal of an N x M matrix (M: N).
Tensor tri(int64_t N, std::optional<int64_t> M = {}, int64_t k = 0, DTypeArgument dtype = {});
/// A 1-D x on the k-th diagonal of a matrix, or the k-th diagonal of a matrix.
Tensor diag(const Tensor& x, int64_t k = 0);
/// The flattened x on the k-th diagonal of a matrix.
Tensor diagflat(const Tensor& x, int64_t k = 0);
/// The powers N-1 to 0 (0 to N-1 when increasing) of a 1-D x as columns; N: its length.
Tensor vander(const Tensor& x, std::optional<int64_t> N = {}, bool increasing = false);

/// The triangular window of x points (Bartlett).
Tensor bartlett(int64_t x);
/// The Blackman window of x points.
Tensor blackman(int64_t x);
/// The Hamming window of x points.
Tensor hamming(int64_t x);
/// The Hann window of x points.
Tensor hanning(int64_t x);
/// The Kaiser window of x points with shape `beta`.
Tensor kaiser(int64_t x, double beta);

}  // namespace keras::ops
