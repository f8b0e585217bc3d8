// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel.h"

namespace keras::native {

/// Live and reserved bytes of the caching allocator.
keras_memory memory_statistics();

/// A buffer around the caller's memory; the deleter runs when the last reference goes.
keras_buffer* wrap(const void* data, size_t bytes, keras_deleter deleter, void* context);

}  // namespace keras::native
