// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "keras/base/error.h"
#include "keras/data/datasets.h"

namespace keras::datasets::fashion_mnist {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> folders(const std::string& folder) {
  if (!folder.empty()) return {folder};
  std::vector<fs::path> out;
  if (const char* home = std::getenv("KERAS_HOME"); home != nullptr && *home != '\0') {
    out.push_back(fs::path(home) / "datasets" / "fashion-mnist");
  } else if (const char* user = std::getenv("HOME"); user != nullptr && *user != '\0') {
    out.push_back(fs::path(user) / ".keras" / "datasets" / "fashion-mnist");
  }
  out.emplace_back("/usr/share/datasets/fashion-mnist");
  return out;
}

// "" when the folder has neither form of the file.
std::string find(const fs::path& folder, const std::string& name) {
  std::error_code ec;
  for (const char* ending : {".gz", ""}) {
    const fs::path file = folder / (name + ending);
    if (fs::exists(file, ec)) return file.string();
  }
  return "";
}

}  // namespace

TrainTest load_data(const std::string& folder) {
  std::string tried;
  for (const auto& dir : folders(folder)) {
    const std::string train_x = find(dir, "train-images-idx3-ubyte");
    const std::string train_y = find(dir, "train-labels-idx1-ubyte");
    const std::string test_x = find(dir, "t10k-images-idx3-ubyte");
    const std::string test_y = find(dir, "t10k-labels-idx1-ubyte");
    if (!train_x.empty() && !train_y.empty() && !test_x.empty() && !test_y.empty()) {
      return {{load_idx(train_x), load_idx(train_y)}, {load_idx(test_x), load_idx(test_y)}};
    }
    std::string lacking;
    for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                             "t10k-labels-idx1-ubyte"}) {
      if (find(dir, name).empty()) lacking += (lacking.empty() ? "" : ", ") + std::string(name);
    }
    tried += fmt::format("{}{} (lacks {})", tried.empty() ? "" : "; ", dir.string(), lacking);
  }
  internal::fail<ValueError>(
      {"fashion_mnist", "The data set must be installed", "not found in " + tried,
       "on Debian: apt-get install dataset-fashion-mnist; or give the folder of its four files"});
}

}  // namespace keras::datasets::fashion_mnist
