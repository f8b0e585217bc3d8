// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/backup_and_restore.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/atomic_file.h"
#include "keras/base/error.h"
#include "keras/models/model.h"
#include "keras/schema/json.h"

namespace keras::callbacks {

namespace fs = std::filesystem;

namespace {

// The weights appear by a rename, and so does what belongs to them; a program may die between the two. The
// coming metadata are therefore written first, under another name, and each says how many optimizer steps its
// weights have seen, so that a reader knows which one belongs to the weights it finds.
constexpr const char* kWeights = "latest.weights.h5";
constexpr const char* kMetadata = "training_metadata.json";
constexpr const char* kComingMetadata = "training_metadata.next.json";
constexpr const char* kPrevious = ".bkp";

std::optional<Json> read_json(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return Json::parse(text, path.string());
}

void write_text(const fs::path& path, const std::string& text) {
  internal::AtomicFile file(path.string());
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

int64_t steps_of(const Model& model) {
  const auto& optimizer = model.optimizer();
  return optimizer.built() ? optimizer.iterations().value().item<int64_t>() : 0;
}

void replace_by(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

}  // namespace

BackupAndRestore::BackupAndRestore(std::string backup_dir, Options options)
    : directory_(std::move(backup_dir)), options_(options) {
  if (directory_.empty()) {
    internal::fail<ValueError>({"BackupAndRestore", "backup_dir must name a directory", "\"\"", ""});
  }
}

void BackupAndRestore::restore() {
  const fs::path directory(directory_);
  if (!fs::exists(directory / kWeights)) return;
  auto& optimizer = model()->optimizer();
  if (!optimizer.built()) optimizer.build(model()->trainable_variables());
  model()->load_weights((directory / kWeights).string());
  const int64_t steps = steps_of(*model());
  for (const char* name : {kMetadata, kComingMetadata}) {
    const auto metadata = read_json(directory / name);
    if (!metadata) continue;
    // Keras' own files do not say it.
    const Json* seen = metadata->find("iterations");
    if (seen != nullptr && seen->as_int() != steps) continue;
    epoch_ = (*metadata)["epoch"].as_int();
    model()->set_initial_epoch(epoch_);
    return;
  }
}

void BackupAndRestore::on_train_begin(Logs&) {
  epoch_ = batch_ = 0;
  if (!model()->built()) {
    internal::fail<ValueError>({"BackupAndRestore", "The model must be built before fit", model()->name(),
                                "call it on a batch of data first"});
  }
  try {
    restore();
  } catch (const ValueError&) {
    const fs::path weights = fs::path(directory_) / kWeights;
    const fs::path metadata = fs::path(directory_) / kMetadata;
    if (!fs::exists(weights.string() + kPrevious)) throw;
    replace_by(weights.string() + kPrevious, weights);
    fs::remove(metadata);
    fs::remove(fs::path(directory_) / kComingMetadata);
    if (fs::exists(metadata.string() + kPrevious)) replace_by(metadata.string() + kPrevious, metadata);
    restore();
  }
}

void BackupAndRestore::on_epoch_begin(int64_t epoch, Logs&) { epoch_ = epoch; }

void BackupAndRestore::on_train_batch_end(int64_t batch, Logs&) {
  batch_ = batch;
  if (options_.save_freq.due_after_batch(batch)) save();
}

void BackupAndRestore::on_epoch_end(int64_t epoch, Logs&) {
  epoch_ = epoch + 1;
  batch_ = 0;
  if (options_.save_freq.each_epoch()) save();
}

void BackupAndRestore::save() {
  const fs::path directory(directory_);
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    internal::fail<ValueError>(
        {"BackupAndRestore", "The directory must be writable", directory_, error.message()});
  }
  const fs::path weights = directory / kWeights, metadata = directory / kMetadata;
  if (options_.double_checkpoint) {
    for (const auto& path : {weights, metadata}) {
      if (fs::exists(path)) replace_by(path, path.string() + kPrevious);
    }
  }
  const Json state = Json::dict({{"epoch", epoch_}, {"batch", batch_}, {"iterations", steps_of(*model())}});
  write_text(directory / kComingMetadata, state.dump());
  model()->save_weights(weights.string());
  fs::rename(directory / kComingMetadata, metadata);
}

void BackupAndRestore::on_train_end(Logs&) {
  if (options_.delete_checkpoint) fs::remove_all(directory_);
}

}  // namespace keras::callbacks
