// SPDX-License-Identifier: Apache-2.0
#include "keras/models/callbacks/history.h"

#include <algorithm>

#include "keras/base/error.h"

namespace keras::callbacks {

const std::vector<LogValue>& History::values(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& [key, values] : history) {
    if (key == name) return values;
    names.push_back(key);
  }
  internal::fail_unknown_name("History", "name", name, names);
}

std::vector<double> History::operator[](std::string_view name) const {
  const auto& found = values(name);
  return {found.begin(), found.end()};
}

void History::on_train_begin(Logs&) {
  epoch.clear();
  history.clear();
}

void History::on_epoch_end(int64_t epoch_number, Logs& logs) {
  epoch.push_back(epoch_number);
  for (const auto& log : logs) {
    const auto it = std::find_if(history.begin(), history.end(),
                                 [&](const auto& item) { return item.first == log.first; });
    if (it == history.end()) {
      history.emplace_back(log.first, std::vector<LogValue>{log.second});
    } else {
      it->second.push_back(log.second);
    }
  }
}

}  // namespace keras::callbacks
