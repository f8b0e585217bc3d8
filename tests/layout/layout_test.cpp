// SPDX-License-Identifier: Apache-2.0
// The rules of the tree, applied to this checkout.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "checkout.h"
#include "keras/schema/json.h"
#include "layout/rules.h"

namespace keras::layout {
namespace {

const Files& tree() {
  static const Files files = read_tree(checkout::source_path(""));
  return files;
}

std::string joined(const Complaints& complaints) {
  std::string text;
  for (const auto& complaint : complaints) text += "\n  " + complaint;
  return text;
}

std::vector<std::string> compiled_files() {
  std::ifstream stream(checkout::build_path("compile_commands.json"));
  std::vector<std::string> files;
  const std::string root = checkout::source_path("");
  std::stringstream text;
  text << stream.rdbuf();
  const Json commands = Json::parse(text.str(), "compile_commands.json");
  for (const Json& command : commands.as_list()) {
    const std::string& file = command["file"].as_string();
    if (starts_with(file, root)) files.push_back(file.substr(root.size()));
  }
  return files;
}

void expect_none(const Complaints& complaints) { EXPECT_TRUE(complaints.empty()) << joined(complaints); }

TEST(Layout, TheTreeWasRead) {
  size_t sources = 0;
  for (const auto& file : tree()) sources += starts_with(file.path, "src/") ? 1 : 0;
  EXPECT_GT(sources, 1u);
}

TEST(Layout, IncludesRunOneWay) { expect_none(check_include_directions(tree())); }
TEST(Layout, TheArchitecturePageIsTrue) { expect_none(check_room_table(tree())); }
TEST(Layout, PublicHeadersAreLight) { expect_none(check_public_headers(tree())); }
TEST(Layout, FilesStaySmall) { expect_none(check_file_sizes(tree())); }
TEST(Layout, FilesNameTheirLicence) { expect_none(check_licence_lines(tree())); }
TEST(Layout, NamesSayWhatIsInside) { expect_none(check_names(tree())); }
TEST(Layout, HeadersGuardThemselves) { expect_none(check_header_guards(tree())); }
TEST(Layout, NoForbiddenWords) { expect_none(check_forbidden_words(tree())); }
TEST(Layout, LinksLeadSomewhere) { expect_none(check_links(tree())); }
TEST(Layout, PagesShowTheirPrograms) { expect_none(check_shown_programs(tree())); }
TEST(Layout, EveryFileBelongsToTheBuild) { expect_none(check_reachability(tree(), compiled_files())); }

}  // namespace
}  // namespace keras::layout
