// SPDX-License-Identifier: Apache-2.0
#include <regex>
#include <set>

#include "layout/rules.h"

namespace keras::layout {
namespace {

constexpr char kFirstProgram[] = "examples/fashion_mnist_convnet.cpp";

// "docs/../README.md" without its detour.
std::string normal_path(const std::string& path) {
  std::vector<std::string> kept;
  for (const auto& part : split_path(path)) {
    if (part == ".." && !kept.empty()) {
      kept.pop_back();
    } else if (part != "." && !part.empty()) {
      kept.push_back(part);
    }
  }
  std::string out;
  for (const auto& part : kept) out += (out.empty() ? "" : "/") + part;
  return out;
}

std::string trimmed(const std::string& line) {
  const size_t first = line.find_first_not_of(" \t");
  return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \t") - first + 1);
}

}  // namespace

Complaints check_links(const Files& files) {
  static const std::regex link(R"(\]\(([^)#:\s]+)(#[^)]*)?\))");
  std::set<std::string> paths;
  for (const auto& file : files) {
    // A link may also lead to a folder.
    for (size_t end = file.path.find('/'); end != std::string::npos; end = file.path.find('/', end + 1)) {
      paths.insert(file.path.substr(0, end));
    }
    paths.insert(file.path);
  }
  Complaints complaints;
  for (const auto& file : files) {
    if (!ends_with(file.path, ".md")) continue;
    const size_t slash = file.path.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : file.path.substr(0, slash + 1);
    for (const auto& line : file.lines) {
      for (std::sregex_iterator it(line.begin(), line.end(), link), end; it != end; ++it) {
        const std::string target = (*it)[1].str();
        if (paths.count(normal_path(folder + target)) == 0) {
          complaints.push_back(file.path + " links to " + target + ", which does not exist");
        }
      }
    }
  }
  return complaints;
}

Complaints check_first_program(const Files& files) {
  std::set<std::string> program;
  std::vector<std::string> shown;
  for (const auto& file : files) {
    if (file.path == kFirstProgram) {
      for (const auto& line : file.lines) program.insert(trimmed(line));
    }
    if (file.path != "README.md") continue;
    bool inside = false;
    for (const auto& line : file.lines) {
      if (line == "```cpp" && shown.empty()) {
        inside = true;
      } else if (line == "```") {
        inside = false;
      } else if (inside) {
        shown.push_back(trimmed(line));
      }
    }
  }
  Complaints complaints;
  if (shown.empty()) complaints.emplace_back("README.md shows no program");
  if (program.empty()) return {std::string(kFirstProgram) + " does not exist"};
  for (const auto& line : shown) {
    if (!line.empty() && program.count(line) == 0) {
      complaints.push_back(std::string("README.md shows a line that is not in ") + kFirstProgram + ": " +
                           line);
    }
  }
  return complaints;
}

}  // namespace keras::layout
