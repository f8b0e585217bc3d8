// SPDX-License-Identifier: Apache-2.0
#include "keras/tensor/config.h"

#include <atomic>
#include <cmath>

#include "keras/base/error.h"
#include "keras/tensor/tensor.h"

namespace keras {
namespace config {
namespace {

// One cell for the process: constant-initialised, so that static initialisers may read it.
struct Cell {
  std::atomic<DType> floatx{DType::float32};
  std::atomic<double> epsilon{1e-7};
  std::atomic<bool> channels_first{false};
};

constinit Cell cell;

}  // namespace

DType floatx() { return cell.floatx.load(std::memory_order_relaxed); }

void set_floatx(std::string_view name) {
  for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
    if (dtype_name(dtype) == name) {
      cell.floatx.store(dtype, std::memory_order_relaxed);
      return;
    }
  }
  internal::fail_unknown_name("set_floatx", "floatx", name, {"float16", "bfloat16", "float32", "float64"});
}

double epsilon() { return cell.epsilon.load(std::memory_order_relaxed); }

void set_epsilon(double value) {
  if (!(value > 0) || !std::isfinite(value)) {
    internal::fail<ValueError>(
        {"set_epsilon", "epsilon must be a positive finite number", "epsilon=" + std::to_string(value), ""});
  }
  cell.epsilon.store(value, std::memory_order_relaxed);
}

std::string image_data_format() {
  return cell.channels_first.load(std::memory_order_relaxed) ? "channels_first" : "channels_last";
}

void set_image_data_format(std::string_view name) {
  if (name != "channels_first" && name != "channels_last") {
    internal::fail_unknown_name("set_image_data_format", "data format", name,
                                {"channels_last", "channels_first"});
  }
  cell.channels_first.store(name == "channels_first", std::memory_order_relaxed);
}

}  // namespace config

DType floatx() { return config::floatx(); }

}  // namespace keras
