// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "saving/hdf5/file_image.h"

namespace keras::internal::hdf5 {

/// The filters that a dataset's chunks went through when they were written, first to last.
class FilterPipeline {
 public:
  FilterPipeline() = default;

  /// Decodes a filter pipeline message (versions 1 and 2). UnsupportedError for filters other than deflate,
  /// shuffle and fletcher32.
  FilterPipeline(const FileImage& image, std::span<const std::byte> body);

  bool empty() const { return filters_.empty(); }

  /// Undoes the filters, last to first, but those whose bit is set in `mask`. `size` is the chunk's size in
  /// memory, which bounds every step.
  std::vector<std::byte> decode(const FileImage& image, std::span<const std::byte> stored, uint32_t mask,
                                uint64_t size) const;

 private:
  struct Filter {
    uint16_t id;
    std::vector<uint32_t> values;
  };

  std::vector<Filter> filters_;
};

}  // namespace keras::internal::hdf5
