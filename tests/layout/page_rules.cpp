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

namespace {

// Every line of a page's C++ blocks (of the first one only, on the front page) stands in the program.
void compare(const SourceFile& page, const SourceFile& source, bool first_block, Complaints& complaints) {
  std::set<std::string> program;
  for (const auto& line : source.lines) program.insert(trimmed(line));
  bool inside = false;
  size_t shown = 0;
  for (const auto& line : page.lines) {
    if (line == "```cpp" && !(first_block && shown > 0)) {
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside && !trimmed(line).empty()) {
      ++shown;
      if (program.count(trimmed(line)) > 0) continue;
      complaints.push_back(page.path + " shows a line that is not in " + source.path + ": " + trimmed(line));
    }
  }
  if (shown == 0) complaints.push_back(page.path + " shows no program");
}

const SourceFile* find(const Files& files, const std::string& path) {
  for (const auto& file : files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

}  // namespace

Complaints check_shown_programs(const Files& files) {
  Complaints complaints;
  const std::string guides = "docs/guides/";
  for (const auto& file : files) {
    const bool front = file.path == "README.md";
    const bool guide = file.path.rfind(guides, 0) == 0 && ends_with(file.path, ".md");
    if (!front && !guide) continue;
    const std::string name =
        front ? "" : file.path.substr(guides.size(), file.path.size() - guides.size() - 3);
    const std::string program = front ? kFirstProgram : "examples/guides/" + name + ".cpp";
    const auto* source = find(files, program);
    if (source == nullptr) {
      complaints.push_back(program + " does not exist");
    } else {
      compare(file, *source, front, complaints);
    }
  }
  if (find(files, "README.md") == nullptr) complaints.emplace_back("README.md shows no program");
  return complaints;
}

}  // namespace keras::layout
