// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "kernel.h"

namespace keras::native {

/// The process' one oneDNN CPU engine.
const dnnl::engine& onednn_engine();

/// Attributes of every primitive here: scratch memory comes from the caller, so that calls may overlap.
dnnl::primitive_attr onednn_attributes();

/// Lets a primitive apply the activation (keras_activation) to its result. False, and nothing is done, where
/// that is not cheaper by oneDNN than by own loops, or not as exact.
bool append_activation(dnnl::primitive_attr& attributes, int64_t activation, double alpha);

/// A oneDNN primitive with its arguments made once. Calls may come from several threads: the first takes the
/// held arguments, one that overlaps others, which are made when they are first needed.
class OnednnPrimitive {
 public:
  struct Slot {
    int argument;  // DNNL_ARG_...
    dnnl::memory::desc desc;
  };
  OnednnPrimitive() = default;
  OnednnPrimitive(const dnnl::primitive& primitive, std::vector<Slot> slots,
                  const dnnl::memory::desc& scratchpad);
  /// One pointer a slot, in their order.
  void execute(std::span<void* const> pointers) const;
  void execute(std::initializer_list<const void*> pointers) const {
    execute(std::span<void* const>(const_cast<void* const*>(pointers.begin()), pointers.size()));
  }
  explicit operator bool() const { return state_ != nullptr; }

 private:
  struct Arguments;
  struct State;
  std::shared_ptr<State> state_;
};

/// A reorder between two layouts of the same elements, or nothing where they are equal.
OnednnPrimitive onednn_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

/// The status and sentence of a oneDNN exception.
[[noreturn]] void fail_onednn(const char* op, const dnnl::error& error);

}  // namespace keras::native
