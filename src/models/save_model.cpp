// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <ctime>

#include "base/atomic_file.h"
#include "base/error_context.h"
#include "data/zip_archive.h"
#include "keras/base/error.h"
#include "keras/models/model.h"
#include "keras/models/save.h"
#include "models/trainer_state.h"
#include "saving/h5_weights.h"
#include "saving/weight_walk.h"

namespace keras {

namespace {

// The version whose files these are; Keras reads it to know what to expect.
constexpr const char* kKerasVersion = "3.16.0";
constexpr const char* kWeightsMember = "model.weights.h5";

std::string timestamp() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d@%H:%M:%S", &parts);
  return text;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

void write_weights(const Model& model, internal::ByteSink& sink) {
  internal::H5WeightWriter writer(sink);
  const auto& trainer = *model.trainer_state();
  const bool stateful = trainer.compiled && trainer.optimizer && trainer.optimizer->built();
  internal::WeightSaver(writer).save(model, stateful ? trainer.optimizer.get() : nullptr);
  writer.finish();
}

}  // namespace

Json serialize_model(const Model& model) { return serialize_layer(model); }

void Model::save(const std::string& path) const {
  if (!path.ends_with(".keras")) {
    internal::fail<ValueError>(
        {name(), "A saved model's file name ends in .keras", path, "model.save(\"model.keras\")"});
  }
  if (!built()) {
    internal::fail<ValueError>(
        {name(), "A model must be built before it is saved", "", "call it on data, or fit it, first"});
  }
  const std::string metadata =
      Json::dict({{"keras_version", kKerasVersion}, {"date_saved", timestamp()}}).dump();
  const std::string config = serialize_model(*this).dump();
  internal::ZipWriter zip(path);
  zip.add("metadata.json", bytes_of(metadata));
  zip.add("config.json", bytes_of(config));
  write_weights(*this, zip.begin_member(kWeightsMember));
  zip.end_member();
  zip.close();
}

void Model::save_weights(const std::string& path) const {
  if (!built()) {
    internal::fail<ValueError>({name(), "A model must be built before its weights are saved",
                                class_name() + " that is not built", "call it on data, or fit it, first"});
  }
  if (!path.ends_with(".weights.h5")) {
    internal::fail<ValueError>({name(), "A weights file's name ends in .weights.h5", path, ""});
  }
  internal::AtomicFile file(path);
  write_weights(*this, file);
  file.commit();
}

void Model::load_weights(const std::string& path) {
  // As in Keras, a compiled model takes the optimizer's state from the file, too.
  const auto& trainer = *trainer_state();
  Optimizer* optimizer =
      trainer.compiled && trainer.optimizer && trainer.optimizer->built() ? trainer.optimizer.get() : nullptr;
  const auto load = [&](const internal::H5WeightReader& reader) {
    internal::in_context([&] { internal::WeightLoader(reader).load(*this, optimizer); },
                         internal::naming_file(path));
  };
  if (path.ends_with(".keras")) {
    internal::ZipReader zip(path);
    const auto bytes = zip.read(kWeightsMember);
    return load(internal::H5WeightReader(bytes, path));
  }
  if (!path.ends_with(".h5")) {
    internal::fail<ValueError>({name(), "A weights file's name ends in .weights.h5 or .keras", path, ""});
  }
  load(internal::H5WeightReader(path));
}

}  // namespace keras
