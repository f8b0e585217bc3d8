// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keras/ops/arguments.h"
#include "keras/ops/control_flow.h"
#include "keras/tensor/tensor.h"

/// keras.ops.core: conversion, scatter and dynamic slices (control flow stands in control_flow.h).
namespace keras::ops {

/// x with another dtype; floats become integers by truncation.
Tensor cast(const Tensor& x, DTypeArgument dtype);
/// x with another dtype, limited first to the values which that dtype can hold.
Tensor saturate_cast(const Tensor& x, DTypeArgument dtype);
/// x as a tensor of a dtype (none: its own; a C++ scalar becomes int32, floatx or bool).
Tensor convert_to_tensor(const Tensor& x, DTypeArgument dtype = {});
/// The elements in host memory: a tensor that owns a copy there.
Tensor convert_to_numpy(const Tensor& x);
/// Whether the tensor is a defined one, not a bare C++ scalar.
bool is_tensor(const Tensor& x);
/// The shape; dimensions of a KerasTensor or traced tensor may be symbolic.
Shape shape(const Tensor& x);
/// The dtype.
DType dtype(const Tensor& x);
/// The same values, through which no gradient flows.
Tensor stop_gradient(const Tensor& variable);

/// Zeros of `shape` with `values` added at `indices`, whose last axis names places along the leading axes.
Tensor scatter(const Tensor& indices, const Tensor& values, const Shape& shape);
/// `inputs` with `updates` put at `indices` (last axis: places along the leading axes). `reduction` is none
/// (the update replaces), "add", "mul", "min" or "max".
Tensor scatter_update(const Tensor& inputs, const Tensor& indices, const Tensor& updates,
                      const std::optional<std::string>& reduction = {});
/// The box of a static shape at a start that may be a computed tensor (rank,), moved to fit inside.
Tensor slice(const Tensor& inputs, const Tensor& start_indices, const Shape& shape);
/// `inputs` with `updates` written at a start that may be a computed tensor, moved to fit inside.
Tensor slice_update(const Tensor& inputs, const Tensor& start_indices, const Tensor& updates);
/// The slices along an axis, without it; `num` is needed only where the extent is unknown.
std::vector<Tensor> unstack(const Tensor& x, std::optional<int64_t> num = {}, int64_t axis = 0);

}  // namespace keras::ops
