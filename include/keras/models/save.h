// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/models/model.h"

namespace keras {

/// The layer as Keras writes it: its envelope, with build_config once it is built.
Json serialize_layer(const Layer& layer);
/// The model as in a .keras file's config.json: serialize_layer and compile_config.
Json serialize_model(const Model& model);

}  // namespace keras
