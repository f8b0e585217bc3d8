// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layer_envelope.h"

namespace keras {

Json layer_envelope(const Layer& layer) {
  Json out = serialize_object(layer);
  const auto& shapes = layer.core().build_shapes;
  if (layer.built() && layer.overrides_build() && !shapes.empty()) {
    out.set("build_config", Json::dict({{"input_shape", FieldCodec<Shape>::to_json(shapes.front())}}));
  }
  return out;
}

LayerHandle layer_from_envelope(const Json& json, std::string_view where) {
  const auto envelope = ObjectEnvelope::from_json(json, where);
  return LayerHandle(
      make_object<Layer>(ObjectCategory::layer, envelope.lookup_name(), envelope.config, where));
}

}  // namespace keras
