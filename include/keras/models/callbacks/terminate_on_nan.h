// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/models/callback.h"

namespace keras::callbacks {

/// Arguments of TerminateOnNaN, as in Keras.
struct TerminateOnNaNOptions {
  bool raise_error = false;  ///< throw ValueError instead of ending training quietly
};

/// Ends training when the loss of a batch is NaN or infinite (keras.callbacks.TerminateOnNaN).
class TerminateOnNaN : public Callback {
 public:
  using Options = TerminateOnNaNOptions;
  explicit TerminateOnNaN(Options options = {}) : options_(options) {}
  void on_batch_end(int64_t batch, Logs& logs) override;

 private:
  Options options_;
};

}  // namespace keras::callbacks
