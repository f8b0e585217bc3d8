// SPDX-License-Identifier: Apache-2.0
#include "keras/tensor/config.h"

#include <atomic>
#include <cmath>
#include <mutex>

#include "keras/base/error.h"
#include "keras/tensor/tensor.h"
#include "tensor/config_source.h"

namespace keras {
namespace config {
namespace {

// One cell for the process: constant-initialised, so that static initialisers may read it.
struct Cell {
  std::atomic<DType> floatx{DType::float32};
  std::atomic<double> epsilon{1e-7};
  std::atomic<bool> channels_first{false};
  std::atomic<internal::ConfigDefaults (*)()> source{nullptr};
  std::atomic<bool> loaded{false};
};

constinit Cell cell;

void store_floatx(std::string_view name) {
  for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
    if (dtype_name(dtype) == name) {
      cell.floatx.store(dtype, std::memory_order_relaxed);
      return;
    }
  }
  internal::fail_unknown_name("set_floatx", "floatx", name, {"float16", "bfloat16", "float32", "float64"});
}

void store_epsilon(double value) {
  if (!(value > 0) || !std::isfinite(value)) {
    internal::fail<ValueError>(
        {"set_epsilon", "epsilon must be a positive finite number", "epsilon=" + std::to_string(value), ""});
  }
  cell.epsilon.store(value, std::memory_order_relaxed);
}

void store_image_data_format(std::string_view name) {
  if (name != "channels_first" && name != "channels_last") {
    internal::fail_unknown_name("set_image_data_format", "data format", name,
                                {"channels_last", "channels_first"});
  }
  cell.channels_first.store(name == "channels_first", std::memory_order_relaxed);
}

void load_defaults() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const auto source = cell.source.load(std::memory_order_acquire);
  if (source == nullptr || cell.loaded.load(std::memory_order_relaxed)) return;
  const internal::ConfigDefaults defaults = source();
  if (defaults.floatx) store_floatx(*defaults.floatx);
  if (defaults.epsilon) store_epsilon(*defaults.epsilon);
  if (defaults.image_data_format) store_image_data_format(*defaults.image_data_format);
  cell.loaded.store(true, std::memory_order_release);
}

// What code sets must not be overwritten by a file that is read later.
void ensure_loaded() {
  if (!cell.loaded.load(std::memory_order_acquire)) load_defaults();
}

}  // namespace

DType floatx() {
  ensure_loaded();
  return cell.floatx.load(std::memory_order_relaxed);
}

void set_floatx(std::string_view name) {
  ensure_loaded();
  store_floatx(name);
}

double epsilon() {
  ensure_loaded();
  return cell.epsilon.load(std::memory_order_relaxed);
}

void set_epsilon(double value) {
  ensure_loaded();
  store_epsilon(value);
}

std::string image_data_format() {
  ensure_loaded();
  return cell.channels_first.load(std::memory_order_relaxed) ? "channels_first" : "channels_last";
}

void set_image_data_format(std::string_view name) {
  ensure_loaded();
  store_image_data_format(name);
}

}  // namespace config

DType floatx() { return config::floatx(); }

namespace internal {

void set_config_source(ConfigDefaults (*source)()) {
  config::cell.source.store(source, std::memory_order_release);
}

}  // namespace internal

}  // namespace keras
