// SPDX-License-Identifier: Apache-2.0
#include "keras/models/save.h"
#include "keras/models/sequential.h"

namespace keras {

namespace {

Json shape_json(const Shape& shape) { return FieldCodec<Shape>::to_json(shape); }

}  // namespace

Json serialize_layer(const Layer& layer) {
  Json out = serialize_object(layer);
  const auto& shapes = layer.core().build_shapes;
  // Keras records what an overridden build received; layers without weights of their own have none.
  if (layer.built() && layer.overrides_build() && !shapes.empty()) {
    Shape open = shapes.front();
    if (!open.empty()) open[0] = Dim::unknown();
    out.set("build_config", Json::dict({{"input_shape", shape_json(open)}}));
  }
  return out;
}

Json Sequential::get_config() const {
  Json::List items;
  if (state_->given_input) {
    const Json input = Json::dict({{"batch_shape", shape_json(state_->input->shape)},
                                   {"dtype", dtype_name(state_->input->dtype)},
                                   {"sparse", false},
                                   {"ragged", false},
                                   {"name", state_->input_name},
                                   {"optional", false}});
    items.push_back(ObjectEnvelope{"keras.layers", "InputLayer", input, "", nullptr}.to_json());
  }
  for (const auto& layer : state_->layers) items.push_back(serialize_layer(*layer));
  Json out = Json::dict({{"name", name()},
                         {"trainable", trainable()},
                         {"dtype", FieldCodec<DTypePolicy>::to_json(dtype_policy())},
                         {"layers", Json(std::move(items))}});
  if (state_->input) out.set("build_input_shape", shape_json(state_->input->shape));
  return out;
}

}  // namespace keras
