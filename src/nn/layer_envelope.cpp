// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layer_envelope.h"

namespace keras {

Json layer_envelope(const Layer& layer) {
  Json out = serialize_object(layer);
  const auto& shapes = layer.core().build_shapes;
  // Keras records what an overridden build received; layers without weights of their own have none.
  if (!layer.built() || !layer.overrides_build() || shapes.empty()) return out;
  const auto shape_json = [](const Shape& shape) { return FieldCodec<Shape>::to_json(shape); };
  const auto names = layer.call_signature().inputs;
  if (names.size() > 1) {
    Json given = Json::dict();
    for (size_t i = 0; i < names.size() && i < shapes.size(); ++i) {
      given.set(names[i] + "_shape", shape_json(shapes[i]));
    }
    out.set("build_config", Json::dict({{"shapes_dict", std::move(given)}}));
  } else if (shapes.size() > 1) {
    Json::List list;
    for (const Shape& shape : shapes) list.push_back(shape_json(shape));
    out.set("build_config", Json::dict({{"input_shape", Json(std::move(list))}}));
  } else {
    out.set("build_config", Json::dict({{"input_shape", shape_json(shapes.front())}}));
  }
  return out;
}

LayerHandle layer_from_envelope(const Json& json, std::string_view where) {
  const auto envelope = ObjectEnvelope::from_json(json, where);
  return LayerHandle(
      make_object<Layer>(ObjectCategory::layer, envelope.lookup_name(), envelope.config, where));
}

}  // namespace keras
