// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "keras/tensor/dtype.h"

namespace keras::internal {

/// The texts that NumPy gives to the elements of an array, padded to line up. The dtype is any but string.
std::vector<std::string> array_texts(const void* elements, DType dtype, size_t count);

/// The text of an element without axes: shortest digits that tell it from its neighbours ("0.1", "1e-05").
std::string scalar_text(const void* element, DType dtype);

/// A string as Python's repr shows it: 'it is', "it's".
std::string quoted_text(const std::string& text);

}  // namespace keras::internal
