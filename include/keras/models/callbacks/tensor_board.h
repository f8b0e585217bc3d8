// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "keras/models/callback.h"

namespace keras {

namespace internal {
class EventFile;
}

namespace callbacks {

/// How often TensorBoard writes the logs of batches: `"epoch"`, never; `"batch"`, after each; or a number,
/// after every so many.
class UpdateFrequency {
 public:
  /// Throws ValueError for another word, or a number below 1.
  ///@{
  UpdateFrequency(const char* word);  // NOLINT: words and numbers are frequencies
  UpdateFrequency(int64_t batches);   // NOLINT
  UpdateFrequency(int batches) : UpdateFrequency(static_cast<int64_t>(batches)) {}  // NOLINT
  ///@}
  /// Whether the batch of this number, counted from 1 over all epochs, is written.
  bool includes(int64_t batch) const { return batches_ && batch % *batches_ == 0; }

 private:
  std::optional<int64_t> batches_;
};

/// Arguments of TensorBoard, as in Keras.
struct TensorBoardOptions {
  std::string log_dir = "logs";           ///< gets the directories "train" and "validation"
  int64_t histogram_freq = 0;             ///< epochs between histograms of weights; 0: none
  bool write_graph = true;                ///< a Sequential or functional model's layers
  bool write_images = false;              ///< weights as images, beside their histograms
  bool write_steps_per_second = false;    ///< how fast batches and epochs went
  UpdateFrequency update_freq = "epoch";  ///< when to write the logs of batches
  int64_t profile_batch = 0;              ///< must be 0: there is no profile that TensorBoard shows
  int64_t embeddings_freq = 0;            ///< epochs between saved weights for the projector; 0: none
  /// The file with the labels of embeddings: one for all, or by the names of Embedding layers.
  std::variant<std::string, std::map<std::string, std::string>> embeddings_metadata = {};
};

/// Writes event files that TensorBoard shows (keras.callbacks.TensorBoard), with the tags of Keras:
/// "epoch_loss" and all other logs in train/ and validation/, "epoch_learning_rate", "batch_loss" ... by
/// update_freq, "evaluation_loss_vs_iterations" in validation/, "<weight>/histogram", "<weight>/image", and
/// the model's config as a graph. A log with several numbers becomes one scalar each: "epoch_f1_score/0".
/// Throws ValueError when the directory cannot be written, UnsupportedError for profile_batch.
class TensorBoard : public Callback {
 public:
  using Options = TensorBoardOptions;
  explicit TensorBoard(Options options = {});
  TensorBoard(TensorBoard&&) noexcept;
  ~TensorBoard() override;
  void set_model(Model* model) override;
  void on_train_begin(Logs& logs) override;
  void on_train_end(Logs& logs) override;
  void on_epoch_begin(int64_t epoch, Logs& logs) override;
  void on_epoch_end(int64_t epoch, Logs& logs) override;
  void on_train_batch_begin(int64_t batch, Logs& logs) override;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
  void on_test_end(Logs& logs) override;

 private:
  using Clock = std::chrono::steady_clock;
  internal::EventFile& train();
  internal::EventFile& validation();
  void write_graph();
  void write_projector_config() const;
  void write_weights(int64_t epoch);
  double iterations() const;

  Options options_;
  std::unique_ptr<internal::EventFile> train_, validation_;
  int64_t train_batches_ = 0;
  double epoch_first_iteration_ = 0;
  Clock::time_point epoch_start_, batch_start_;
};

}  // namespace callbacks
}  // namespace keras
