// SPDX-License-Identifier: Apache-2.0
#include "layout/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace keras::layout {
namespace {

namespace fs = std::filesystem;

bool is_ignored_directory(const std::string& name) {
  static const std::set<std::string> ignored = {".git", ".cache", "__pycache__", "venv", ".venv"};
  return ignored.count(name) != 0 || starts_with(name, "build");
}

bool is_text(const std::string& content) { return content.find('\0') == std::string::npos; }

}  // namespace

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts;
  std::stringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');) parts.push_back(part);
  return parts;
}

bool is_cpp(const SourceFile& file) {
  return ends_with(file.path, ".h") || ends_with(file.path, ".cpp") || ends_with(file.path, ".def") ||
         ends_with(file.path, ".c");
}

bool is_code(const SourceFile& file) {
  return is_cpp(file) || ends_with(file.path, ".cmake") || ends_with(file.path, "CMakeLists.txt") ||
         ends_with(file.path, ".sh") || ends_with(file.path, ".py") || ends_with(file.path, ".supp") ||
         starts_with(file.path, ".ci/");
}

SourceFile make_file(const std::string& path, const std::string& text) {
  SourceFile file{path, {}};
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
  return file;
}

std::vector<SourceFile> read_tree(const std::string& root) {
  std::vector<SourceFile> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory() && is_ignored_directory(name)) {
      it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file() || name == ".git") continue;
    std::ifstream stream(it->path(), std::ios::binary);
    std::stringstream content;
    content << stream.rdbuf();
    if (!is_text(content.str())) continue;
    files.push_back(make_file(fs::relative(it->path(), root).generic_string(), content.str()));
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::vector<Include> includes_of(const SourceFile& file) {
  std::vector<Include> includes;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    size_t pos = line.find_first_not_of(" \t");
    if (pos == std::string::npos || line[pos] != '#') continue;
    pos = line.find_first_not_of(" \t", pos + 1);
    if (pos == std::string::npos || line.compare(pos, 7, "include") != 0) continue;
    pos = line.find_first_of("<\"", pos);
    if (pos == std::string::npos) continue;
    const bool quoted = line[pos] == '"';
    const size_t end = line.find(quoted ? '"' : '>', pos + 1);
    if (end == std::string::npos) continue;
    includes.push_back({line.substr(pos + 1, end - pos - 1), quoted, i + 1});
  }
  return includes;
}

}  // namespace keras::layout
