// SPDX-License-Identifier: Apache-2.0
// Finding a backend's library, opening it, and looking over the table that it gives.
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "runtime/missing_library.h"
#include "runtime/profiler.h"

namespace keras::internal {

namespace {

namespace fs = std::filesystem;

struct Loaded {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Backend>, std::less<>> by_name;
};

Loaded& loaded() {
  static Loaded* instance = new Loaded;  // NOLINT: tensors of static storage may outlive every other static
  return *instance;
}

void log_from_backend(int level, const char* message) {
  if (level >= 2) std::fprintf(stderr, "keras: %s\n", message);
}

const keras_host kHost = {sizeof(keras_host), KERAS_BACKEND_INTERFACE, &log_from_backend};

// Plug-ins lie where KERAS_BACKEND_PATH says (a list), else beside libkeras or in "keras" below it.
std::vector<fs::path> search_path() {
  std::vector<fs::path> out;
  if (const char* list = std::getenv("KERAS_BACKEND_PATH"); list != nullptr && *list != '\0') {
    std::string_view rest = list;
    while (!rest.empty()) {
      const size_t colon = rest.find(':');
      out.emplace_back(rest.substr(0, colon));
      rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    }
  }
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&search_path), &info) != 0 && info.dli_fname != nullptr) {
    const fs::path here = fs::path(info.dli_fname).parent_path();
    out.push_back(here);
    out.push_back(here / "keras");
  }
  return out;
}

fs::path find_library(std::string_view name) {
  for (const auto& dir : search_path()) {
    std::error_code ec;
    const fs::path file = dir / fmt::format("libkeras_{}.so", name);
    if (fs::exists(file, ec)) return file;
  }
  return {};
}

std::string joined(const std::vector<std::string>& names) {
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

[[noreturn]] void fail_to_load(std::string_view name, const fs::path& path) {
  const char* said = dlerror();
  const std::string message = said == nullptr ? "no reason given" : said;
  const std::string missing = missing_library(message);
  if (missing.empty()) {
    fail<BackendError>({"backend", fmt::format("The backend '{}' must load", name),
                        fmt::format("{}: {}", path.string(), message), ""});
  }
  fail<BackendError>(
      {"backend", fmt::format("The libraries that the backend '{}' stands on must be there", name),
       fmt::format("{} is missing, which {} needs", missing, path.string()), installation_hint(missing)});
}

// The first row that a plug-in must have and does not.
const char* missing_row(const keras_backend& table) {
  const std::pair<const char*, bool> rows[] = {
      {"name", table.name != nullptr},
      {"version", table.version != nullptr},
      {"device_count", table.device_count != nullptr && table.device_count() > 0},
      {"device_name", table.device_name != nullptr},
      {"dtype_usage", table.dtype_usage != nullptr},
      {"upload", table.upload != nullptr},
      {"import", table.import != nullptr},
      {"export_view", table.export_view != nullptr},
      {"download", table.download != nullptr},
      {"retain", table.retain != nullptr},
      {"free", table.free != nullptr},
      {"device_of", table.device_of != nullptr},
      {"prepare", table.prepare != nullptr},
      {"launch", table.launch != nullptr},
      {"release_kernel", table.release_kernel != nullptr},
      {"compile", table.compile != nullptr},
      {"execute", table.execute != nullptr},
      {"release_executable", table.release_executable != nullptr},
      {"sync", table.sync != nullptr},
      {"memory", table.memory != nullptr},
      {"last_error", table.last_error != nullptr},
  };
  for (const auto& [row, there] : rows) {
    if (!there) return row;
  }
  return nullptr;
}

std::unique_ptr<Backend> open(std::string_view name) {
  const fs::path path = find_library(name);
  if (path.empty()) {
    fail<ValueError>(
        {"backend", "The backend must be a known and installed one", fmt::format("'{}'", name),
         fmt::format("installed backends: {}; KERAS_CPP_BACKEND chooses one where KERAS_BACKEND is "
                     "meant for Python; KERAS_BACKEND_PATH names further folders with "
                     "libkeras_<name>.so",
                     joined(installed_backends()))});
  }
  // libgomp reads it once, when the plug-in brings it in: a short spin keeps workers awake between ops.
  setenv("GOMP_SPINCOUNT", "3000", 0);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fail_to_load(name, path);
  using Open = int (*)(const keras_host*, keras_backend*);
  const auto open_backend = reinterpret_cast<Open>(dlsym(library, "keras_backend_open"));
  if (open_backend == nullptr) {
    fail<BackendError>({"backend", "A plug-in exports keras_backend_open", path.string(), ""});
  }
  keras_backend table{};
  table.struct_size = sizeof(table);
  const int status = open_backend(&kHost, &table);
  // One that gives up may do so before it says which version it speaks.
  const bool silent = status != KERAS_OK && table.interface_version == 0;
  if (!silent && table.interface_version != KERAS_BACKEND_INTERFACE) {
    fail<BackendError>({"backend", "A plug-in must have the interface version of the library",
                        fmt::format("{}: version {}, library: version {}", path.string(),
                                    table.interface_version, KERAS_BACKEND_INTERFACE),
                        "rebuild the plug-in with this keras.cpp"});
  }
  if (status != KERAS_OK) {
    const char* reason = table.last_error != nullptr ? table.last_error() : nullptr;
    fail<BackendError>({"backend", fmt::format("The backend '{}' must start", name),
                        fmt::format("{}: {}", path.string(), reason == nullptr ? "no reason given" : reason),
                        ""});
  }
  if (const char* row = missing_row(table)) {
    fail<BackendError>({"backend", "A plug-in fills every row of the table that is not optional",
                        fmt::format("{}: {} is missing", path.string(), row), ""});
  }
  watch_backend(table.set_profiler);
  return std::make_unique<Backend>(path.string(), library, table);
}

}  // namespace

std::vector<std::string> installed_backends() {
  std::vector<std::string> out;
  for (const auto& dir : search_path()) {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(dir, ec)) {
      const std::string file = entry.path().filename().string();
      if (file.starts_with("libkeras_") && file.ends_with(".so"))
        out.push_back(file.substr(9, file.size() - 12));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Backend& load_backend(std::string_view name) {
  auto& all = loaded();
  const std::lock_guard lock(all.mutex);
  if (const auto it = all.by_name.find(name); it != all.by_name.end()) return *it->second;
  return *all.by_name.emplace(std::string(name), open(name)).first->second;
}

}  // namespace keras::internal
