// SPDX-License-Identifier: Apache-2.0
#include <regex>
#include <set>

#include "layout/rules.h"

namespace keras::layout {
namespace {

constexpr size_t kLongestFile = 800;

struct ForbiddenWord {
  std::string pattern;
  std::vector<std::string> folders;  // path prefixes where it is forbidden; empty: everywhere
  std::string reason;
  bool in_comments = true;
};

// The patterns are written with a gap ("" "") where this very file would otherwise contain them.
const std::vector<ForbiddenWord>& forbidden_words() {
  static const std::vector<ForbiddenWord> words = {
      {R"((^|[^\w.])/(wo)"
       "rk|fa"
       R"(rm)/)",
       {},
       "names a path of one machine"},
      {R"(\.libr)"
       R"(ary/|before-st)"
       R"(op|suba)"
       R"(gent)",
       {},
       "names a workplace"},
      {R"(\bpy)"
       R"(pi\.org|pythonho)"
       R"(sted|deb\.debi)"
       R"(an\.org|anaco)"
       R"(nda\.(org|com))",
       {},
       "names a registry's host"},
      {R"(\bTO)"
       R"(DO\b|\bFIX)"
       R"(ME\b)",
       {},
       "marks unfinished work"},
      {R"(\bbackend\(\)\s*==)", {"src/", "include/"}, "asks for the backend's name instead of a capability"},
      {R"(\bstd::(ranges::)?views\b)",
       {"src/", "include/", "backends/", "tests/", "tools/", "examples/", "benchmarks/"},
       "clang 14 with libstdc++ 12 rejects it"},
      {R"(#\s*pragma\s+omp)", {"src/", "include/", "backends/"}, "parallel loops go through parallel_for"},
      {R"(-fopenm)"
       R"(p|-march=nati)"
       R"(ve)",
       {"CMakeLists.txt", "cmake/", "src/", "backends/", "tests/"},
       "would tie the build to one OpenMP library or one processor",
       false},
      {R"(\bstd::format\b)", {"src/", "include/", "backends/", "tests/", "tools/"}, "g++ 12 has none"},
  };
  return words;
}

bool is_comment(const SourceFile& file, const std::string& line) {
  const size_t first = line.find_first_not_of(" \t");
  return first != std::string::npos &&
         line.compare(first, is_cpp(file) ? 2 : 1, is_cpp(file) ? "//" : "#") == 0;
}

std::string at(const SourceFile& file, size_t line) { return file.path + ":" + std::to_string(line + 1); }

}  // namespace

Complaints check_file_sizes(const Files& files) {
  Complaints complaints;
  for (const auto& file : files) {
    if (is_code(file) && file.lines.size() > kLongestFile) {
      complaints.push_back(file.path + " has " + std::to_string(file.lines.size()) + " lines; at most " +
                           std::to_string(kLongestFile) + " fit one concept");
    }
  }
  return complaints;
}

Complaints check_licence_lines(const Files& files) {
  Complaints complaints;
  for (const auto& file : files) {
    if (!is_code(file)) continue;
    const bool has_interpreter = !file.lines.empty() && starts_with(file.lines[0], "#!");
    const size_t index = has_interpreter ? 1 : 0;
    const std::string licence = "SPDX-License-Identifier: Apache-2.0";
    const std::string first = file.lines.size() > index ? file.lines[index] : "";
    // The C header for backends has C's comments.
    const bool holds =
        is_cpp(file) ? first == "// " + licence || first == "/* " + licence + " */" : first == "# " + licence;
    if (!holds) complaints.push_back(file.path + " does not begin with a comment '" + licence + "'");
  }
  return complaints;
}

Complaints check_names(const Files& files) {
  static const std::regex catch_all(
      R"((^|[_.\-/])(utils?|utilities|helpers?|misc|miscellaneous|stuff)([_.\-/]|$))", std::regex::icase);
  Complaints complaints;
  for (const auto& file : files) {
    if (std::regex_search(file.path, catch_all)) complaints.push_back(file.path + " has a catch-all name");
  }
  return complaints;
}

Complaints check_header_guards(const Files& files) {
  Complaints complaints;
  for (const auto& file : files) {
    if (!ends_with(file.path, ".h")) continue;
    bool guarded = false;
    for (const auto& line : file.lines) guarded = guarded || line == "#pragma once";
    // Highway compiles some headers once per instruction set, behind its own toggle.
    for (const auto& line : file.lines)
      guarded = guarded || line.find("HWY_TARGET_TOGGLE") != std::string::npos;
    if (!guarded) complaints.push_back(file.path + " lacks #pragma once");
  }
  return complaints;
}

Complaints check_forbidden_words(const Files& files) {
  Complaints complaints;
  for (const auto& word : forbidden_words()) {
    const std::regex pattern(word.pattern);
    for (const auto& file : files) {
      bool applies = word.folders.empty();
      for (const auto& folder : word.folders) applies = applies || starts_with(file.path, folder);
      if (!applies) continue;
      for (size_t i = 0; i < file.lines.size(); ++i) {
        if (!word.in_comments && is_comment(file, file.lines[i])) continue;
        // std::regex recurses over long lines; no program line is that long.
        if (file.lines[i].size() < 2000 && std::regex_search(file.lines[i], pattern)) {
          complaints.push_back(at(file, i) + ": " + word.reason);
        }
      }
    }
  }
  return complaints;
}

}  // namespace keras::layout
