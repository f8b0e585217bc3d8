// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/error_context.h"
#include "data/zip_archive.h"
#include "keras/base/error.h"
#include "keras/models/save.h"
#include "models/trainer_state.h"
#include "saving/h5_weights.h"
#include "saving/weight_walk.h"

namespace keras {

std::shared_ptr<Model> load_model(const std::string& path, const LoadOptions& options) {
  const internal::ZipReader zip(path);
  const auto text = zip.read("config.json");
  Json config =
      Json::parse({reinterpret_cast<const char*>(text.data()), text.size()}, path + ", config.json");
  if (!options.compile) config.set("compile_config", nullptr);
  const LayerHandle layer = deserialize_layer(config);
  auto model = std::dynamic_pointer_cast<Model>(layer.shared());
  if (model == nullptr) {
    internal::fail<ValueError>({path, "The file must hold a model", layer->class_name(), ""});
  }
  if (!model->built()) {
    internal::fail<ValueError>({path, "The file must say for which input shape the model was built",
                                model->class_name(), "save it after a first call"});
  }
  const auto weights = zip.read("model.weights.h5");
  Optimizer* optimizer = model->compiled() ? &model->optimizer() : nullptr;
  internal::in_context(
      [&] { internal::WeightLoader(internal::H5WeightReader(weights, path)).load(*model, optimizer); },
      internal::naming_file(path));
  return model;
}

}  // namespace keras
