// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/model_checkpoint.h"

#include <fmt/args.h>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "keras/base/error.h"
#include "keras/models/model.h"

namespace keras::callbacks {

namespace {

std::string best_text(const std::optional<double>& best) {
  return best ? fmt::format("{:.5f}", *best) : std::string("None");
}

}  // namespace

ModelCheckpoint::ModelCheckpoint(std::string filepath, Options options)
    : MonitorCallback(options.monitor, options.mode, options.initial_value_threshold, 0),
      filepath_(std::move(filepath)),
      options_(std::move(options)) {
  const bool fits = options_.save_weights_only ? filepath_.ends_with(".weights.h5")
                                               : filepath_.ends_with(".keras") || filepath_.ends_with(".h5");
  if (!fits) {
    internal::fail<ValueError>({"ModelCheckpoint",
                                options_.save_weights_only
                                    ? "With save_weights_only the path must end in .weights.h5"
                                    : "The path must end in .keras",
                                filepath_, ""});
  }
}

void ModelCheckpoint::on_epoch_begin(int64_t epoch, Logs&) { epoch_ = epoch; }

void ModelCheckpoint::on_train_batch_end(int64_t batch, Logs& logs) {
  if (options_.save_freq.due_after_batch(batch)) save(epoch_, batch, logs);
}

void ModelCheckpoint::on_epoch_end(int64_t epoch, Logs& logs) {
  find_direction();
  if (options_.save_freq.each_epoch()) save(epoch, std::nullopt, logs);
}

bool ModelCheckpoint::should_save(int64_t epoch, const Logs& logs, const std::string& path) {
  const auto say = [&](const std::string& text) {
    if (options_.verbose > 0) std::fputs(fmt::format("\nEpoch {}: {}\n", epoch + 1, text).c_str(), stdout);
  };
  if (!options_.save_best_only) {
    say("saving model to " + path);
    return true;
  }
  const LogValue* log = logs.find(monitor());
  if (log == nullptr || !log->is_number()) {
    std::fprintf(stderr, "keras: ModelCheckpoint can save the best model only by one number named '%s': %s\n",
                 monitor().c_str(), log == nullptr ? "there is none" : "it has several");
    return true;
  }
  const double current = *log;
  const std::string before = best_text(best_);
  if (!improves(current, best_)) {
    say(fmt::format("{} did not improve from {}", monitor(), before));
    return false;
  }
  say(fmt::format("{} improved from {} to {:.5f}, saving model to {}", monitor(), before, current, path));
  best_ = current;
  return true;
}

std::string ModelCheckpoint::path_for(int64_t epoch, std::optional<int64_t> batch, const Logs& logs) const {
  fmt::dynamic_format_arg_store<fmt::format_context> places;
  places.push_back(fmt::arg("epoch", epoch + 1));
  if (batch && !logs.contains("batch")) places.push_back(fmt::arg("batch", *batch + 1));
  for (const auto& [name, value] : logs) {
    if (value.is_number()) places.push_back(fmt::arg(name.c_str(), static_cast<double>(value)));
  }
  try {
    return fmt::vformat(filepath_, places);
  } catch (const fmt::format_error& error) {
    internal::fail<ValueError>({"ModelCheckpoint", "Each place in the path must name the epoch, or a log",
                                fmt::format("{} ({})", filepath_, error.what()),
                                fmt::format("logs: {}", logs.names())});
  }
}

void ModelCheckpoint::save(int64_t epoch, std::optional<int64_t> batch, const Logs& logs) {
  const std::string path = path_for(epoch, batch, logs);
  if (!should_save(epoch, logs, path)) return;
  const std::filesystem::path target(path);
  std::error_code error;
  if (target.has_parent_path()) std::filesystem::create_directories(target.parent_path(), error);
  if (std::filesystem::is_directory(target, error)) {
    internal::fail<ValueError>({"ModelCheckpoint", "The path must not be a directory", path, ""});
  }
  if (options_.save_weights_only) {
    model()->save_weights(path);
  } else {
    model()->save(path);
  }
  if (options_.verbose > 0) {
    std::fputs(fmt::format("\nEpoch {}: finished saving model to {}\n", epoch + 1, path).c_str(), stdout);
  }
}

}  // namespace keras::callbacks
