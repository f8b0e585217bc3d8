// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keras {

class Model;

/// Names and values of losses and metrics, in the order that they are shown.
class Logs {
 public:
  /// A value and its name.
  using Item = std::pair<std::string, double>;
  Logs() = default;
  Logs(std::initializer_list<Item> items) : items_(items) {}

  /// The value of a name, if there is one.
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  const double* find(std::string_view name) const;
  /// The value of a name. Throws ValueError with the names when there is none.
  double operator[](std::string_view name) const;
  void set(std::string_view name, double value);
  void merge(const Logs& other);
  /// Sorted by name, as Keras hands logs to callbacks.
  Logs sorted() const;
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<Item> items_;
};

/// What callbacks learn of a run before it begins.
struct CallbackParams {
  int verbose = 1;                    ///< 0 silent, 1 progress bar, 2 one line an epoch
  int64_t epochs = 1;                 ///< of this run
  std::optional<int64_t> steps = {};  ///< batches an epoch; none: not known beforehand
};

/// Hooks into training, evaluation and prediction (keras.callbacks.Callback). Override what is needed.
class Callback {
 public:
  virtual ~Callback() = default;
  /// Before and after training, each epoch and each batch; logs hold what is known by then.
  virtual void on_train_begin(const Logs&) {}
  virtual void on_train_end(const Logs&) {}
  virtual void on_epoch_begin(int64_t, const Logs&) {}
  virtual void on_epoch_end(int64_t, const Logs&) {}
  virtual void on_train_batch_begin(int64_t, const Logs&) {}
  virtual void on_train_batch_end(int64_t, const Logs&) {}
  /// The same for evaluation and prediction.
  virtual void on_test_begin(const Logs&) {}
  virtual void on_test_end(const Logs&) {}
  virtual void on_test_batch_begin(int64_t, const Logs&) {}
  virtual void on_test_batch_end(int64_t, const Logs&) {}
  virtual void on_predict_begin(const Logs&) {}
  virtual void on_predict_end(const Logs&) {}
  virtual void on_predict_batch_begin(int64_t, const Logs&) {}
  virtual void on_predict_batch_end(int64_t, const Logs&) {}

  /// What the run tells before it begins: the model and how long it will be.
  void set_model(Model* model) { model_ = model; }
  virtual void set_params(const CallbackParams& params) { params_ = params; }
  Model* model() const { return model_; }
  const CallbackParams& params() const { return params_; }

 private:
  Model* model_ = nullptr;
  CallbackParams params_;
};

namespace callbacks {

/// Records the logs of every epoch; `fit` returns it.
class History : public Callback {
 public:
  /// Epoch numbers, and for each name its values.
  std::vector<int64_t> epoch;
  std::vector<std::pair<std::string, std::vector<double>>> history;  ///< values by name, one an epoch

  /// The values of a name. Throws ValueError with the names when there is none.
  const std::vector<double>& operator[](std::string_view name) const;
  void on_train_begin(const Logs& logs) override;
  void on_epoch_end(int64_t epoch_number, const Logs& logs) override;
  /// Draws loss and metrics over epochs (training and validation) as an SVG file. Throws ValueError with the
  /// path when it cannot be written.
  void save_chart(const std::string& path) const;
};

/// Shows the progress bar; `fit` adds it unless verbose is 0.
class ProgbarLogger : public Callback {
 public:
  ProgbarLogger();
  ~ProgbarLogger() override;
  void set_params(const CallbackParams& params) override;
  void on_train_begin(const Logs& logs) override;
  void on_test_begin(const Logs& logs) override;
  void on_predict_begin(const Logs& logs) override;
  void on_epoch_begin(int64_t epoch, const Logs& logs) override;
  void on_train_batch_end(int64_t batch, const Logs& logs) override;
  void on_test_batch_end(int64_t batch, const Logs& logs) override;
  void on_predict_batch_end(int64_t batch, const Logs& logs) override;
  void on_epoch_end(int64_t epoch, const Logs& logs) override;
  void on_test_end(const Logs& logs) override;
  void on_predict_end(const Logs& logs) override;

 private:
  struct State;
  void begin();
  void update(int64_t batch, const Logs& logs);
  void finalize(const Logs& logs);
  std::unique_ptr<State> state_;
};

/// Passes every event on to a list of callbacks (keras.callbacks.CallbackList).
class CallbackList : public Callback {
 public:
  CallbackList(std::vector<std::shared_ptr<Callback>> callbacks, bool add_history, bool add_progbar,
               Model* model, const CallbackParams& params);
  /// What fit returns, and the callbacks in their order.
  const std::shared_ptr<History>& history() const { return history_; }
  const std::vector<std::shared_ptr<Callback>>& list() const { return callbacks_; }

  void on_train_begin(const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  void on_epoch_begin(int64_t epoch, const Logs& logs) override;
  void on_epoch_end(int64_t epoch, const Logs& logs) override;
  void on_train_batch_begin(int64_t batch, const Logs& logs) override;
  void on_train_batch_end(int64_t batch, const Logs& logs) override;
  void on_test_begin(const Logs& logs) override;
  void on_test_end(const Logs& logs) override;
  void on_test_batch_begin(int64_t batch, const Logs& logs) override;
  void on_test_batch_end(int64_t batch, const Logs& logs) override;
  void on_predict_begin(const Logs& logs) override;
  void on_predict_end(const Logs& logs) override;
  void on_predict_batch_begin(int64_t batch, const Logs& logs) override;
  void on_predict_batch_end(int64_t batch, const Logs& logs) override;

 private:
  std::vector<std::shared_ptr<Callback>> callbacks_;
  std::shared_ptr<History> history_;
};

}  // namespace callbacks
}  // namespace keras
