// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "keras/nn/layer.h"

namespace keras {

/// A layer inside another one's config, as Keras writes it: module, class, config, and the input shape that
/// its build received, once it is built.
Json layer_envelope(const Layer& layer);
/// The layer of such a dictionary. It is not built: the layer that it belongs to builds it. Throws TypeError
/// or ValueError, naming `where`, for anything else and for an unknown class.
LayerHandle layer_from_envelope(const Json& json, std::string_view where);

/// Layers as arguments of layers: null or an envelope.
template <>
struct FieldCodec<LayerHandle> {
  static std::string kind() { return "layer"; }
  static Json to_json(const LayerHandle& value) { return value ? layer_envelope(*value) : Json(); }
  static LayerHandle from_json(const Json& json, std::string_view where) {
    return json.is_null() ? LayerHandle() : layer_from_envelope(json, where);
  }
};

}  // namespace keras
