// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace keras::layout {

/// A text file of the checkout: its path from the root, with forward slashes, and its lines.
struct SourceFile {
  std::string path;
  std::vector<std::string> lines;
};

/// One `#include` line.
struct Include {
  std::string target;  ///< what stands between the quotes or angle brackets
  bool quoted = false;
  size_t line = 0;  ///< counted from 1
};

/// Splits text into lines, for samples in tests.
SourceFile make_file(const std::string& path, const std::string& text);

/// Every text file under the root but build trees, version control and ignored outputs.
std::vector<SourceFile> read_tree(const std::string& root);

std::vector<Include> includes_of(const SourceFile& file);

bool starts_with(const std::string& text, const std::string& prefix);
bool ends_with(const std::string& text, const std::string& suffix);

/// The parts of a path: "src/base/error.cpp" gives src, base, error.cpp.
std::vector<std::string> split_path(const std::string& path);

/// C++ source, header or definition list.
bool is_cpp(const SourceFile& file);

/// Program text of any language: C++, CMake, shell, Python.
bool is_code(const SourceFile& file);

}  // namespace keras::layout
