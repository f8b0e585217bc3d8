// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/save_frequency.h"

#include <fmt/format.h>

#include "keras/base/error.h"

namespace keras::callbacks {

SaveFrequency::SaveFrequency(const char* word) {
  if (std::string_view(word) != "epoch") {
    internal::fail<ValueError>(
        {"save_freq", "save_freq must be \"epoch\" or a number of batches", fmt::format("\"{}\"", word), ""});
  }
}

SaveFrequency::SaveFrequency(int64_t batches) : batches_(batches) {
  if (batches < 1) {
    internal::fail<ValueError>(
        {"save_freq", "save_freq must be \"epoch\" or a number of batches", fmt::format("{}", batches), ""});
  }
}

bool SaveFrequency::due_after_batch(int64_t batch) {
  if (!batches_) return false;
  seen_ += !last_batch_ || batch <= *last_batch_ ? batch + 1 : batch - *last_batch_;
  last_batch_ = batch;
  if (seen_ < *batches_) return false;
  seen_ = 0;
  return true;
}

}  // namespace keras::callbacks
