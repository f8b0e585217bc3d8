// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "layout/source_tree.h"

/// The rules of the tree, each a function from files to complaints; an empty list means that the rule holds.
namespace keras::layout {

using Files = std::vector<SourceFile>;
using Complaints = std::vector<std::string>;

/// Rooms include only in the direction of docs/architecture.md; backends see only what is made for them.
Complaints check_include_directions(const Files& files);

/// The table of rooms in docs/architecture.md is the one that `check_include_directions` enforces.
Complaints check_room_table(const Files& files);

/// Public headers stay free of the heavy headers of our dependencies.
Complaints check_public_headers(const Files& files);

/// No program file is longer than 800 lines.
Complaints check_file_sizes(const Files& files);

/// Every program file opens with the licence line (scripts: after the interpreter line).
Complaints check_licence_lines(const Files& files);

/// No file or folder has a catch-all name.
Complaints check_names(const Files& files);

/// Every header guards itself with `#pragma once`.
Complaints check_header_guards(const Files& files);

/// Words that must not stand in certain files: marks of unfinished work, machine-specific paths and hosts,
/// language features that one of our compilers lacks, OpenMP pragmas, questions for the backend's name.
Complaints check_forbidden_words(const Files& files);

/// Every relative link of a Markdown page leads to a file of the tree.
Complaints check_links(const Files& files);

/// The program that README.md shows is the example that scripts/quickstart.sh runs, and those of docs/guides
/// are the programs of examples/guides.
Complaints check_shown_programs(const Files& files);

/// Every .cpp file under the library, the tests and the backends belongs to a target, and every header is
/// included by some file. `compiled` holds the paths, from the root, that the build's compile commands name.
Complaints check_reachability(const Files& files, const std::vector<std::string>& compiled);

}  // namespace keras::layout
