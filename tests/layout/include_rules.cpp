// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "layout/rules.h"

namespace keras::layout {
namespace {

// Each room and what it includes directly; it may also include whatever those may include.
const std::map<std::string, std::vector<std::string>>& room_table() {
  static const std::map<std::string, std::vector<std::string>> table = {
      {"base", {}},
      {"tensor", {"base"}},
      {"schema", {"tensor"}},
      {"graph", {"schema"}},
      {"runtime", {"graph"}},
      {"ops", {"runtime"}},
      {"autodiff", {"ops"}},
      {"compile", {"autodiff"}},
      {"data", {"ops"}},
      {"distribution", {"autodiff"}},
      {"nn", {"autodiff", "data", "distribution"}},
      {"saving", {"nn"}},
      {"models", {"nn", "compile", "saving"}},
      {"applications", {"models"}},
  };
  return table;
}

// Public headers that stand beside the rooms' folders, under the name of Keras' module, and their rooms.
const std::map<std::string, std::string>& module_headers() {
  static const std::map<std::string, std::string> headers = {{"include/keras/random.h", "ops"},
                                                             {"include/keras/ops.h", "ops"}};
  return headers;
}

// The room of a file of the library, or nothing.
std::string room_of(const std::string& path) {
  if (auto header = module_headers().find(path); header != module_headers().end()) return header->second;
  const auto parts = split_path(path);
  const size_t index = parts[0] == "include" ? 2 : 1;
  if ((parts[0] != "include" && parts[0] != "src") || parts.size() <= index + 1) return "";
  return room_table().count(parts[index]) != 0 ? parts[index] : "";
}

// What every backend may include of the library, besides the room base: plain C structs.
const std::set<std::string>& backend_headers() {
  static const std::set<std::string> headers = {"keras/runtime/backend_api.h", "keras/graph/op_attributes.h"};
  return headers;
}

std::set<std::string> reachable_rooms(const std::string& room) {
  std::set<std::string> reached = {room};
  std::vector<std::string> open = {room};
  while (!open.empty()) {
    const std::string next = open.back();
    open.pop_back();
    for (const auto& below : room_table().at(next)) {
      if (reached.insert(below).second) open.push_back(below);
    }
  }
  return reached;
}

std::string at(const SourceFile& file, const Include& include) {
  return file.path + ":" + std::to_string(include.line) + " includes " + include.target;
}

std::set<std::string> paths_of(const Files& files) {
  std::set<std::string> paths;
  for (const auto& file : files) paths.insert(file.path);
  return paths;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// The file of the library that an include names, or nothing for headers from outside.
std::string resolve(const SourceFile& file, const Include& include, const std::set<std::string>& paths) {
  const std::string& target = include.target;
  if (starts_with(target, "keras/")) return "include/" + target;
  if (!include.quoted) return "";
  std::vector<std::string> candidates = {folder_of(file.path) + "/" + target, "src/" + target,
                                         "backends/" + target, target};
  const auto parts = split_path(file.path);
  if (parts[0] == "backends" && parts.size() > 2) {
    candidates.insert(candidates.begin(), "backends/" + parts[1] + "/" + target);
  }
  for (const auto& candidate : candidates) {
    if (paths.count(candidate) != 0) return candidate;
  }
  return "";
}

void check_room_include(const SourceFile& file, const Include& include, const std::string& room,
                        const std::string& resolved, Complaints& complaints) {
  if (resolved == "include/keras/keras.h") {
    complaints.push_back(at(file, include) + ": the umbrella header is for users");
    return;
  }
  const std::string target = room_of(resolved);
  if (target.empty()) {
    complaints.push_back(at(file, include) + ": that is no room of the library");
    return;
  }
  if (starts_with(resolved, "src/") && starts_with(file.path, "include/")) {
    complaints.push_back(at(file, include) + ": a public header includes a private one");
  }
  if (reachable_rooms(room).count(target) == 0) {
    complaints.push_back(at(file, include) + ": room " + room + " may not include room " + target);
  }
}

void check_backend_include(const SourceFile& file, const Include& include, const std::string& backend,
                           const std::string& resolved, Complaints& complaints) {
  if (starts_with(resolved, "backends/" + backend + "/")) return;
  if (starts_with(resolved, "include/keras/base/")) return;
  if (starts_with(resolved, "include/") && backend_headers().count(resolved.substr(8)) != 0) return;
  complaints.push_back(at(file, include) +
                       ": a backend sees only its own files, the backend interface and base");
}

}  // namespace

Complaints check_include_directions(const Files& files) {
  Complaints complaints;
  const auto paths = paths_of(files);
  for (const auto& file : files) {
    if (!is_cpp(file)) continue;
    const auto parts = split_path(file.path);
    const bool is_library = parts[0] == "include" || parts[0] == "src";
    const bool is_backend = parts[0] == "backends" && parts.size() > 2;
    if ((!is_library && !is_backend) || file.path == "include/keras/keras.h") continue;
    const std::string owner = is_backend ? parts[1] : room_of(file.path);
    if (owner.empty()) {
      complaints.push_back(file.path + " stands in no room of docs/architecture.md");
      continue;
    }
    for (const auto& include : includes_of(file)) {
      const std::string resolved = resolve(file, include, paths);
      if (resolved.empty()) {
        if (include.quoted) complaints.push_back(at(file, include) + ": no such file");
      } else if (paths.count(resolved) == 0) {
        complaints.push_back(at(file, include) + ": no such file");
      } else if (is_backend) {
        check_backend_include(file, include, owner, resolved, complaints);
      } else {
        check_room_include(file, include, owner, resolved, complaints);
      }
    }
  }
  return complaints;
}

Complaints check_room_table(const Files& files) {
  static const std::regex row(R"(src/(\w+)/ .*-> (.*))");
  std::map<std::string, std::vector<std::string>> written;
  for (const auto& file : files) {
    if (file.path != "docs/architecture.md") continue;
    for (const auto& line : file.lines) {
      std::smatch match;
      if (!std::regex_match(line, match, row)) continue;
      std::vector<std::string> below;
      std::stringstream rooms(match[2].str());
      for (std::string room; rooms >> room;) {
        if (room != "std") below.push_back(room);
      }
      written[match[1].str()] = below;
    }
  }
  Complaints complaints;
  for (const auto& [room, below] : room_table()) {
    if (written.count(room) == 0 || written[room] != below) {
      complaints.push_back("docs/architecture.md and the tests disagree about what room " + room +
                           " may include");
    }
    written.erase(room);
  }
  for (const auto& [room, below] : written)
    complaints.push_back("docs/architecture.md names unknown room " + room);
  return complaints;
}

Complaints check_public_headers(const Files& files) {
  static const std::vector<std::string> heavy = {"nlohmann/", "fmt/",   "oneapi/", "dnnl",
                                                 "hwy/",      "CLI/",   "hdf5",    "H5",
                                                 "zlib",      "torch/", "ATen/",   "iostream"};
  Complaints complaints;
  for (const auto& file : files) {
    if (!starts_with(file.path, "include/")) continue;
    for (const auto& include : includes_of(file)) {
      for (const auto& prefix : heavy) {
        if (starts_with(include.target, prefix)) {
          complaints.push_back(at(file, include) + ": heavy headers belong into .cpp files");
        }
      }
    }
  }
  return complaints;
}

Complaints check_reachability(const Files& files, const std::vector<std::string>& compiled) {
  Complaints complaints;
  const std::set<std::string> in_build(compiled.begin(), compiled.end());
  const auto paths = paths_of(files);
  std::set<std::string> included;
  std::map<std::string, std::string> build_files;  // folder -> text of its CMakeLists.txt
  for (const auto& file : files) {
    if (is_cpp(file)) {
      for (const auto& include : includes_of(file)) {
        included.insert(resolve(file, include, paths));
        for (const char* folder : {"tests/", "benchmarks/"}) included.insert(folder + include.target);
      }
    }
    if (ends_with(file.path, "CMakeLists.txt")) {
      std::string text;
      for (const auto& line : file.lines) text += line + "\n";
      build_files[folder_of(file.path)] = text;
    }
  }
  for (const auto& file : files) {
    const auto parts = split_path(file.path);
    const bool is_header = ends_with(file.path, ".h") || ends_with(file.path, ".def");
    if (is_header && included.count(file.path) == 0 && file.path != "include/keras/keras.h") {
      complaints.push_back(file.path + " is included by no file");
    }
    if (!ends_with(file.path, ".cpp") || in_build.count(file.path) != 0) continue;
    if (parts[0] == "src") complaints.push_back(file.path + " is compiled by no target");
    // Other programs depend on what is installed: there, the build file must at least name or glob the
    // source.
    std::string folder = folder_of(file.path);
    while (build_files.count(folder) == 0 && folder.find('/') != std::string::npos)
      folder = folder_of(folder);
    const std::string& text = build_files[folder];
    static const std::regex glob(R"(GLOB[^)]*\*\w*\.cpp)");
    const bool globbed = std::regex_search(text, glob);
    if (parts[0] != "src" && !globbed && text.find(parts.back()) == std::string::npos) {
      complaints.push_back(file.path + " is named by no build file");
    }
  }
  return complaints;
}

}  // namespace keras::layout
