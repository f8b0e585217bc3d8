// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "keras/tensor/tensor.h"

namespace keras {

/// Python's `start:stop:step`; a missing end is nullopt: `Slice(1, {})` is `1:`, `Slice({}, {}, -1)` is
/// `::-1`.
struct Slice {
  std::optional<int64_t> start;  ///< the first index
  std::optional<int64_t> stop;   ///< one past the last
  std::optional<int64_t> step;   ///< the distance, negative to go back

  Slice() = default;
  /// start:stop:step.
  Slice(std::optional<int64_t> start_, std::optional<int64_t> stop_, std::optional<int64_t> step_ = {})
      : start(start_), stop(stop_), step(step_) {}
};

struct EllipsisTag {};                    ///< the type of `ellipsis`
struct NewAxisTag {};                     ///< the type of `newaxis`
inline constexpr EllipsisTag ellipsis{};  ///< `...`: all axes in between
inline constexpr NewAxisTag newaxis{};    ///< a new axis of size 1
inline const Slice all{};                 ///< `:`: the whole axis

/// One element of an index expression `x[{0, Slice(1, 3), ellipsis, newaxis, indices}]`.
class Index {
 public:
  /// An integer, a slice, an ellipsis, a new axis, or a tensor of integers or bools.
  ///@{
  template <class T>
  requires std::is_integral_v<T> Index(T i)
      : value_(static_cast<int64_t>(i)) {}               // NOLINT: indices convert by design
  Index(Slice s) : value_(s) {}                          // NOLINT
  Index(EllipsisTag t) : value_(t) {}                    // NOLINT
  Index(NewAxisTag t) : value_(t) {}                     // NOLINT
  Index(Tensor indices) : value_(std::move(indices)) {}  // NOLINT: integer or bool tensor
  ///@}

  /// What it is.
  const auto& value() const { return value_; }

 private:
  std::variant<int64_t, Slice, EllipsisTag, NewAxisTag, Tensor> value_;
};

}  // namespace keras
