// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>

#include "kernel.h"

namespace keras::native {

/// The packed copy of one kernel's weights, made anew when the weights' content has changed. Executions on
/// several threads may use different copies at the same time.
class PackedWeights {
 private:
  // A copy with the contents it was made of.
  struct Copy;

 public:
  /// The copy that an execution used last, so that the next one need not lock.
  class Use {
    friend class PackedWeights;
    std::shared_ptr<const Copy> copy_;
  };

  explicit PackedWeights(std::shared_ptr<const keras_kernel> kernel);
  /// The packed copy for these operands; it lives at least until `use` is used again.
  const void* find(const keras_tensor* in, Use& use);

 private:
  bool matches(const Copy& copy, const keras_tensor* in) const;

  std::shared_ptr<const keras_kernel> kernel_;
  std::mutex mutex_;
  std::shared_ptr<const Copy> newest_;
};

}  // namespace keras::native
