// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/models/callback.h"

namespace keras::callbacks {

/// Records the logs of every epoch; `fit` returns it (keras.callbacks.History).
class History : public Callback {
 public:
  /// Epoch numbers, and for each name its values.
  ///@{
  std::vector<int64_t> epoch;
  std::vector<std::pair<std::string, std::vector<LogValue>>> history;  ///< values by name, one an epoch
  ///@}

  /// The numbers of a name, one an epoch. Throws ValueError with the names when there is none, TypeError for
  /// a metric with several numbers (`values` gives those).
  std::vector<double> operator[](std::string_view name) const;
  /// The values of a name, one an epoch. Throws ValueError with the names when there is none.
  const std::vector<LogValue>& values(std::string_view name) const;
  void on_train_begin(Logs& logs) override;
  void on_epoch_end(int64_t epoch_number, Logs& logs) override;
  /// Draws loss and metrics over epochs (training and validation) as an SVG file; a metric with several
  /// numbers is drawn as their mean. Throws ValueError with the path when it cannot be written.
  void save_chart(const std::string& path) const;
};

}  // namespace keras::callbacks
