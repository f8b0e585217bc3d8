// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// Throws ValueError unless the mode is one of "int" (where allowed), "one_hot", "multi_hot" and "count";
/// gives the mode ("binary" is "multi_hot").
std::string standardize_output_mode(std::string_view where, const std::string& mode, bool integers);

/// Indices as the mode wants them: themselves ("int"), one row of `depth` numbers for each ("one_hot"; a last
/// axis of 1 is replaced), or for each sample ("multi_hot", "count"; weights may be undefined).
Tensor encode_categorical(const Tensor& indices, const std::string& mode, int64_t depth, DType dtype,
                          const Tensor& count_weights = {});

}  // namespace keras::internal
