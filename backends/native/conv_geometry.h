// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <string>

#include "kernel.h"

namespace keras::native {

enum class ConvPass { kForward, kInput, kFilter };

/// The sizes of a convolution, whichever of its three passes; x (N, spatial..., Cin), y (N, spatial...,
/// Cout), kernel (spatial..., Cin/groups, Cout). Always three spatial axes: missing leading ones have
/// extent 1.
struct ConvGeometry {
  int spatial = 0;  // axes the op really has
  int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  std::array<int64_t, 3> in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1},
      pad_low{0, 0, 0};

  int64_t in_per_group() const { return in_channels / groups; }
  int64_t out_per_group() const { return out_channels / groups; }
  int64_t in_positions() const { return in[0] * in[1] * in[2]; }
  int64_t out_positions() const { return out[0] * out[1] * out[2]; }
  int64_t kernel_positions() const { return kernel[0] * kernel[1] * kernel[2]; }
  /// Padding at the end that gives exactly this output; negative where input is left over.
  int64_t pad_high(int axis) const {
    return (out[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 - in[axis] -
           pad_low[axis];
  }
};

ConvGeometry conv_geometry(const keras_op& op, ConvPass pass);

/// By patches and matrix products, for the dtypes and paddings that oneDNN does not take.
std::unique_ptr<keras_kernel> make_conv_loops(const keras_op& op, ConvPass pass, std::string& reason);

}  // namespace keras::native
