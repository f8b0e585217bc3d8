// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace keras {

/// Arguments of RematScope, as in Keras.
struct RematOptions {
  /// What is computed again in the backward pass instead of being kept: "full": every layer and operation;
  /// "activations": the activation functions of layers; "larger_than": layers and operations whose outputs
  /// have more elements than the threshold; "list_of_layers": those named; none: nothing.
  std::optional<std::string> mode = "full";
  int64_t output_size_threshold = 1024;       ///< for "larger_than", in elements, batch included
  std::vector<std::string> layer_names = {};  ///< for "list_of_layers"
};

namespace internal {

/// A scope's arguments, as layers and operations keep them.
struct RematMode {
  enum class Kind : uint8_t { full, activations, larger_than, list_of_layers };
  Kind kind;
  int64_t output_size_threshold;
  std::vector<std::string> layer_names;
};

/// That of this thread's innermost scope; null for none.
std::shared_ptr<const RematMode> current_remat_mode();

}  // namespace internal

/// Layers, and operations of functional models, that are made while it lives trade memory for time in
/// training: they are rematerialized as `mode` says (keras.RematScope; see keras::remat). It counts where a
/// layer is made, not where it is called; the innermost scope decides.
///
///     RematScope scope("larger_than", {.output_size_threshold = 2048});
///     layers::Conv2D conv(64, {3, 3});
class RematScope {
 public:
  /// Begins the scope. Throws ValueError for an unknown mode.
  ///@{
  explicit RematScope(RematOptions options = {});
  explicit RematScope(std::optional<std::string> mode, RematOptions options = {});
  ///@}
  ~RematScope();
  RematScope(const RematScope&) = delete;
  RematScope& operator=(const RematScope&) = delete;
};

}  // namespace keras
