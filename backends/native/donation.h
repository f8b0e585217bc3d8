// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <vector>

#include "kernel.h"

namespace keras::native {

/// Kernels that cannot work in place: takes donated buffers out of the output slots, so that output() gives
/// fresh memory, and lets go of them when the operands have been read. A failed call gets them back.
class NotInPlace {
 public:
  NotInPlace(keras_tensor* out, int count) : out_(out), pending_(std::uncaught_exceptions()) {
    for (int i = 0; i < count; ++i) {
      if (!out[i].buffer) continue;
      donated_.emplace_back(i, out[i].buffer);
      out[i].buffer = nullptr;
    }
  }
  ~NotInPlace() {
    const bool failed = std::uncaught_exceptions() > pending_;
    for (auto [i, buffer] : donated_) {
      if (failed) {
        if (out_[i].buffer) release(out_[i].buffer);
        out_[i].buffer = buffer;
      } else {
        release(buffer);
      }
    }
  }
  NotInPlace(const NotInPlace&) = delete;
  NotInPlace& operator=(const NotInPlace&) = delete;

 private:
  keras_tensor* out_;
  int pending_;
  std::vector<std::pair<int, keras_buffer*>> donated_;
};

}  // namespace keras::native
