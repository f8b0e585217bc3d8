// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/terminate_on_nan.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "keras/base/error.h"
#include "keras/models/model.h"

namespace keras::callbacks {

void TerminateOnNaN::on_batch_end(int64_t batch, Logs& logs) {
  const LogValue* loss = logs.find("loss");
  if (loss == nullptr || std::isfinite(loss->mean())) return;
  if (options_.raise_error) {
    internal::fail<ValueError>({"TerminateOnNaN", "The loss must be finite",
                                fmt::format("{} at batch {}", loss->mean(), batch),
                                "lower the learning rate, or clip the gradients"});
  }
  std::printf("Batch %lld: Invalid loss, terminating training\n", static_cast<long long>(batch));
  model()->stop_training();
}

}  // namespace keras::callbacks
