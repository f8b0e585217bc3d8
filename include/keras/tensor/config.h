// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "keras/tensor/dtype.h"

/// Process-wide defaults, as in keras.config. They may be read and set from any thread. At the start they are
/// what `keras.json` says (in $KERAS_HOME, else in ~/.keras), under Keras' keys "floatx", "epsilon" and
/// "image_data_format"; the file is read once and never written. A file that cannot be read as JSON, or names
/// an impossible value, is a ValueError at the first use.
namespace keras::config {

/// The default float dtype, float32 unless configured.
DType floatx();
/// Sets the default float dtype: "float16", "bfloat16", "float32" or "float64". Throws ValueError otherwise.
void set_floatx(std::string_view name);

/// The fuzz factor of losses and normalisations that take none, 1e-7 unless configured.
double epsilon();
/// Sets the fuzz factor. Throws ValueError unless it is a positive finite number.
void set_epsilon(double value);

/// "channels_last" (unless configured) or "channels_first".
std::string image_data_format();
/// Sets the default layout of images. Throws ValueError for another name than these two.
void set_image_data_format(std::string_view name);

}  // namespace keras::config
