// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Image operations (keras.ops.image). Images are (H, W, C) or (N, H, W, C); with data_format
/// "channels_first" (C, H, W) or (N, C, H, W); data_format none: config::image_data_format().
namespace keras::ops::image {

/// Luminance, weights 0.2989, 0.587 and 0.114; one channel stays.
Tensor rgb_to_grayscale(const Tensor& images, const std::optional<std::string>& data_format = {});
/// Hue, saturation and value in [0, 1] of float images in [0, 1].
Tensor rgb_to_hsv(const Tensor& images, const std::optional<std::string>& data_format = {});
/// The inverse of rgb_to_hsv.
Tensor hsv_to_rgb(const Tensor& images, const std::optional<std::string>& data_format = {});
/// Images of another height and width. interpolation: "nearest" (keeps the dtype; all others give float32),
/// "bilinear", "bicubic", "lanczos3", "lanczos5" or "area"; antialias: low-pass when shrinking.
/// crop_to_aspect_ratio cuts and pad_to_aspect_ratio fills (with fill_value) so that nothing is distorted;
/// fill_mode must be "constant".
Tensor resize(const Tensor& images, const Integers& size, const std::string& interpolation = "bilinear",
              bool antialias = false, bool crop_to_aspect_ratio = false, bool pad_to_aspect_ratio = false,
              const std::string& fill_mode = "constant", double fill_value = 0.0,
              const std::optional<std::string>& data_format = {});
/// Zeros around images. Of top, bottom and target_height exactly two must be given, and so of the width's.
Tensor pad_images(const Tensor& images, std::optional<int64_t> top_padding = {},
                  std::optional<int64_t> left_padding = {}, std::optional<int64_t> bottom_padding = {},
                  std::optional<int64_t> right_padding = {}, std::optional<int64_t> target_height = {},
                  std::optional<int64_t> target_width = {},
                  const std::optional<std::string>& data_format = {});
/// A part of images. Of top, bottom and target_height exactly two must be given, and so of the width's.
Tensor crop_images(const Tensor& images, std::optional<int64_t> top_cropping = {},
                   std::optional<int64_t> left_cropping = {}, std::optional<int64_t> bottom_cropping = {},
                   std::optional<int64_t> right_cropping = {}, std::optional<int64_t> target_height = {},
                   std::optional<int64_t> target_width = {},
                   const std::optional<std::string>& data_format = {});
/// The patches of a size (two numbers, or three for volumes) as channels; strides none: the size.
Tensor extract_patches(const Tensor& images, const Integers& size,
                       const std::optional<Integers>& strides = {}, const Integers& dilation_rate = 1,
                       const std::string& padding = "valid",
                       const std::optional<std::string>& data_format = {});
/// The patches of volumes (D, H, W, C) or (N, D, H, W, C) as channels.
Tensor extract_patches_3d(const Tensor& volumes, const Integers& size,
                          const std::optional<Integers>& strides = {}, const Integers& dilation_rate = 1,
                          const std::string& padding = "valid",
                          const std::optional<std::string>& data_format = {});
/// Maps each output pixel (x, y) to ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1, of
/// the images; transform is [a0, a1, a2, b0, b1, b2, c0, c1], or one row an image. interpolation "nearest" or
/// "bilinear"; fill_mode "constant", "nearest", "wrap" or "reflect".
Tensor affine_transform(const Tensor& images, const Tensor& transform,
                        const std::string& interpolation = "bilinear",
                        const std::string& fill_mode = "constant", double fill_value = 0,
                        const std::optional<std::string>& data_format = {});
/// The projective map that takes four start points (x, y) to four end points: points (4, 2) or (N, 4, 2).
Tensor perspective_transform(const Tensor& images, const Tensor& start_points, const Tensor& end_points,
                             const std::string& interpolation = "bilinear", double fill_value = 0,
                             const std::optional<std::string>& data_format = {});
/// The values of inputs at coordinates (rank of inputs, ...), interpolated with order 0 (nearest) or 1
/// (linear). fill_mode: "constant", "nearest", "wrap", "mirror" or "reflect".
Tensor map_coordinates(const Tensor& inputs, const Tensor& coordinates, int order,
                       const std::string& fill_mode = "constant", double fill_value = 0);
/// Images smoothed by a Gaussian window.
Tensor gaussian_blur(const Tensor& images, const Integers& kernel_size = {3, 3},
                     const std::vector<double>& sigma = {1.0, 1.0},
                     const std::optional<std::string>& data_format = {});

/// The vertical and horizontal differences of Sobel's windows: (N, H, W, C) to (N, H, W, C, 2), with
/// "channels_first" (N, C, H, W, 2). The channels must be known.
Tensor sobel_edges(const Tensor& images, const std::optional<std::string>& data_format = {});
/// Structural similarity of two images (or batches) with values up to max_val: one number an image, 1 for
/// equal ones (Wang et al., 2004). filter_size and filter_sigma are those of the Gaussian window.
Tensor ssim(const Tensor& image1, const Tensor& image2, double max_val = 1.0, int64_t filter_size = 11,
            double filter_sigma = 1.5, double k1 = 0.01, double k2 = 0.03,
            const std::optional<std::string>& data_format = {});
/// Images of any rank scaled and then shifted along spatial_dims (one number of scale and translation for
/// each), in output_shape. method: "linear", "cubic" (each also with "bi" or "tri" in front), "lanczos3" or
/// "lanczos5"; antialias: low-pass when shrinking. Positions outside of the images give 0.
Tensor scale_and_translate(const Tensor& images, const Shape& output_shape, const Tensor& scale,
                           const Tensor& translation, const std::vector<int64_t>& spatial_dims,
                           const std::string& method, bool antialias = true);
/// Every pixel moved by alpha times a Gaussian random field of standard deviation sigma that a Gaussian
/// window of width sigma has smoothed (Simard et al., 2003). The extents of the images must be known. seed
/// none: the global generator.
Tensor elastic_transform(const Tensor& images, double alpha = 20.0, double sigma = 5.0,
                         const std::string& interpolation = "bilinear",
                         const std::string& fill_mode = "reflect", double fill_value = 0.0,
                         std::optional<int64_t> seed = {},
                         const std::optional<std::string>& data_format = {});
/// The inverse of extract_patches for patches that lie side by side: (N, grid..., C * patch elements) to (N,
/// output_size..., C), over two or three axes. With padding "same", what extract_patches added is cut off.
Tensor reconstruct_patches(const Tensor& patches, const Integers& size, const Integers& output_size,
                           const std::optional<Integers>& strides = {}, const std::string& padding = "valid",
                           const std::optional<std::string>& data_format = {});

}  // namespace keras::ops::image
