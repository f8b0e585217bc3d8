// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/tensor_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "keras/base/error.h"
#include "keras/models/model.h"
#include "keras/models/save.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "models/callbacks/event_file.h"

namespace keras::callbacks {

namespace {

void write_scalar(internal::EventFile& file, const std::string& tag, const LogValue& value, int64_t step) {
  if (value.is_number()) return file.scalar(tag, value, step);
  int64_t i = 0;
  for (const Tensor& t : value.nest().flatten()) {
    for (const double v : t.to_vector<double>()) file.scalar(fmt::format("{}/{}", tag, i++), v, step);
  }
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A weight as (images, height, width, channels), where TensorBoard can show it: vectors as a row, matrices
// lying, a third axis as one image for each of its indices.
Tensor as_images(const Tensor& weight) {
  Tensor w = ops::squeeze(ops::cast(weight, DType::float32));
  if (w.rank() == 1) return ops::reshape(w, {1, w.dim(0).value(), 1, 1});
  if (w.rank() == 2) {
    if (w.dim(0).value() > w.dim(1).value()) w = ops::transpose(w);
    return ops::reshape(w, {1, w.dim(0).value(), w.dim(1).value(), 1});
  }
  if (w.rank() == 3) {
    w = ops::transpose(w, Axes{2, 0, 1});
    return ops::reshape(w, {w.dim(0).value(), w.dim(1).value(), w.dim(2).value(), 1});
  }
  return w;
}

void write_image(internal::EventFile& file, const std::string& tag, const Tensor& weight, int64_t step) {
  const Tensor images = as_images(weight);
  if (images.rank() != 4) return;
  const int64_t channels = images.dim(3).value();
  if (channels != 1 && channels != 3 && channels != 4) return;
  const int64_t height = images.dim(1).value(), width = images.dim(2).value();
  // Values from 0 to 1 become the whole range of a byte, as in tf.image.convert_image_dtype.
  std::vector<uint8_t> pixels;
  for (const float v : images.to_vector<float>()) {
    pixels.push_back(static_cast<uint8_t>(std::clamp(v * 255.5f, 0.0f, 255.0f)));
  }
  const auto size = static_cast<size_t>(height * width * channels);
  std::vector<std::string> pngs;
  for (size_t i = 0; i + size <= pixels.size() && pngs.size() < 3; i += size) {
    pngs.push_back(
        internal::png_image(width, height, channels, std::span<const uint8_t>(pixels).subspan(i, size)));
  }
  file.images(tag, width, height, std::move(pngs), step);
}

}  // namespace

UpdateFrequency::UpdateFrequency(const char* word) {
  const std::string_view given(word);
  if (given == "batch") {
    batches_ = 1;
  } else if (given != "epoch") {
    internal::fail<ValueError>({"TensorBoard",
                                "update_freq must be \"epoch\", \"batch\" or a number of batches",
                                fmt::format("\"{}\"", given), ""});
  }
}

UpdateFrequency::UpdateFrequency(int64_t batches) : batches_(batches) {
  if (batches < 1) {
    internal::fail<ValueError>({"TensorBoard",
                                "update_freq must be \"epoch\", \"batch\" or a number of batches",
                                fmt::format("{}", batches), ""});
  }
}

TensorBoard::TensorBoard(Options options) : options_(std::move(options)) {
  if (options_.profile_batch != 0) {
    internal::fail<UnsupportedError>({"TensorBoard", "There is no profile that TensorBoard could show",
                                      fmt::format("profile_batch={}", options_.profile_batch),
                                      "leave profile_batch at 0"});
  }
}

TensorBoard::TensorBoard(TensorBoard&&) noexcept = default;
TensorBoard::~TensorBoard() = default;

internal::EventFile& TensorBoard::train() {
  if (!train_) train_ = std::make_unique<internal::EventFile>(options_.log_dir + "/train");
  return *train_;
}

internal::EventFile& TensorBoard::validation() {
  if (!validation_) validation_ = std::make_unique<internal::EventFile>(options_.log_dir + "/validation");
  return *validation_;
}

double TensorBoard::iterations() const {
  const auto& optimizer = model()->optimizer();
  if (!optimizer.built()) return 0;
  const auto micro_steps = optimizer.settings().gradient_accumulation_steps.value_or(1);
  const int64_t updates = optimizer.iterations().value().item<int64_t>() / micro_steps;
  return static_cast<double>(updates);
}

void TensorBoard::set_model(Model* model) {
  Callback::set_model(model);
  train_.reset();
  validation_.reset();
  if (options_.write_graph) write_graph();
  if (options_.embeddings_freq != 0) write_projector_config();
}

void TensorBoard::write_graph() {
  auto& file = train();
  const std::string kind = model()->class_name();
  if (kind != "Sequential" && kind != "Functional") return;
  try {
    file.keras_graph("keras", serialize_model(*model()).dump(), 0);
  } catch (const UnsupportedError& error) {
    // A picture less is no reason not to train.
    std::fprintf(stderr, "keras: TensorBoard shows no graph of the model: %s\n", error.what());
  }
  file.flush();
}

void TensorBoard::write_projector_config() const {
  std::string text;
  const auto* by_layer = std::get_if<std::map<std::string, std::string>>(&options_.embeddings_metadata);
  std::map<std::string, std::string> left =
      by_layer != nullptr ? *by_layer : std::map<std::string, std::string>();
  for (const auto& layer : model()->layers()) {
    if (layer->class_name() != "Embedding") continue;
    text +=
        "embeddings {\n  tensor_name: "
        "\"layer_with_weights-0/embeddings/.ATTRIBUTES/VARIABLE_VALUE\"\n";
    std::string metadata;
    if (by_layer == nullptr) {
      metadata = std::get<std::string>(options_.embeddings_metadata);
    } else if (const auto found = left.find(layer->name()); found != left.end()) {
      metadata = found->second;
      left.erase(found);
    }
    if (!metadata.empty()) text += fmt::format("  metadata_path: {}\n", Json(metadata).dump());
    text += "}\n";
  }
  if (!left.empty()) {
    internal::fail<ValueError>({"TensorBoard", "embeddings_metadata must name Embedding layers of the model",
                                left.begin()->first, ""});
  }
  std::error_code error;
  std::filesystem::create_directories(options_.log_dir, error);
  const std::string path = options_.log_dir + "/projector_config.pbtxt";
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file) internal::fail<ValueError>({"TensorBoard", "The directory must be writable", path, ""});
}

void TensorBoard::on_train_begin(Logs&) {
  train_batches_ = 0;
  train();
}

void TensorBoard::on_train_end(Logs&) {
  train_.reset();
  validation_.reset();
}

void TensorBoard::on_train_batch_begin(int64_t, Logs&) {
  ++train_batches_;
  batch_start_ = Clock::now();
}

void TensorBoard::on_train_batch_end(int64_t, Logs& logs) {
  if (!options_.update_freq.includes(train_batches_)) return;
  if (options_.write_steps_per_second) {
    train().scalar("batch_steps_per_second", 1.0 / seconds_since(batch_start_), train_batches_);
  }
  for (const auto& [name, value] : logs) write_scalar(train(), "batch_" + name, value, train_batches_);
}

void TensorBoard::on_test_end(Logs& logs) {
  const auto step = static_cast<int64_t>(iterations());
  for (const auto& [name, value] : logs) {
    write_scalar(validation(), fmt::format("evaluation_{}_vs_iterations", name), value, step);
  }
  validation().flush();
}

void TensorBoard::on_epoch_begin(int64_t, Logs&) {
  epoch_first_iteration_ = iterations();
  epoch_start_ = Clock::now();
}

void TensorBoard::on_epoch_end(int64_t epoch, Logs& logs) {
  if (!logs.empty()) {
    Logs own, judged;
    for (const auto& [name, value] : logs) {
      if (name.starts_with("val_")) {
        judged.set(name.substr(4), value);
      } else {
        own.set(name, value);
      }
    }
    own.set("learning_rate", model()->optimizer().learning_rate().item<float>());
    if (options_.write_steps_per_second) {
      own.set("steps_per_second", (iterations() - epoch_first_iteration_) / seconds_since(epoch_start_));
    }
    for (const auto& [name, value] : own) write_scalar(train(), "epoch_" + name, value, epoch);
    for (const auto& [name, value] : judged) write_scalar(validation(), "epoch_" + name, value, epoch);
    train().flush();
    if (validation_) validation_->flush();
  }
  if (options_.histogram_freq != 0 && epoch % options_.histogram_freq == 0) write_weights(epoch);
  if (options_.embeddings_freq != 0 && epoch % options_.embeddings_freq == 0) {
    model()->save_weights(
        fmt::format("{}/train/keras_embedding.ckpt-{}.weights.h5", options_.log_dir, epoch));
  }
}

void TensorBoard::write_weights(int64_t epoch) {
  for (const auto& layer : model()->layers()) {
    for (const auto& weight : layer->weights()) {
      std::string name = weight.path();
      std::replace(name.begin(), name.end(), ':', '_');
      const Tensor value = weight.value();
      train().histogram(name + "/histogram", value.to_vector<double>(), epoch);
      if (options_.write_images) write_image(train(), name + "/image", value, epoch);
    }
  }
  train().flush();
}

}  // namespace keras::callbacks
