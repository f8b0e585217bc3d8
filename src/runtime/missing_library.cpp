// SPDX-License-Identifier: Apache-2.0
#include "runtime/missing_library.h"

#include <fmt/format.h>

#include <array>

namespace keras::internal {

namespace {

struct Source {
  std::string_view prefix;  // of library names
  std::string_view hint;
};

// By the libraries that plug-ins of this tree bring in; first match.
constexpr std::array kSources = {
    Source{"libtorch",
           "install LibTorch: Debian's libtorch-dev, or one whose lib folder LD_LIBRARY_PATH names"},
    Source{"libc10",
           "install LibTorch: Debian's libtorch-dev, or one whose lib folder LD_LIBRARY_PATH names"},
    Source{"libtensorflow",
           "install TensorFlow with scripts/get_tensorflow.sh, or name the folder of its libraries in "
           "LD_LIBRARY_PATH"},
    Source{"libcud", "install NVIDIA's CUDA libraries, or a build of the framework without CUDA"},
    Source{"libnv", "install NVIDIA's CUDA libraries, or a build of the framework without CUDA"},
    Source{"libdnnl", "install oneDNN: Debian's libdnnl3"},
    Source{"libhwy", "install Highway: Debian's libhwy1"},
    Source{"libgomp", "install GCC's OpenMP library: Debian's libgomp1"},
};

}  // namespace

std::string missing_library(std::string_view message) {
  const size_t end = message.find(": cannot open shared object file");
  if (end == std::string_view::npos) return "";
  const std::string_view before = message.substr(0, end);
  const size_t space = before.find_last_of(' ');
  return std::string(space == std::string_view::npos ? before : before.substr(space + 1));
}

std::string installation_hint(std::string_view library) {
  const std::string_view name = library.substr(library.find_last_of('/') + 1);
  for (const Source& source : kSources) {
    if (name.starts_with(source.prefix)) return std::string(source.hint);
  }
  return fmt::format("install the package that has {}, or name its folder in LD_LIBRARY_PATH", name);
}

}  // namespace keras::internal
