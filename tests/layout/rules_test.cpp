// SPDX-License-Identifier: Apache-2.0
// Each rule complains about a bad sample and accepts a good one.
#include "layout/rules.h"

#include <gtest/gtest.h>

namespace keras::layout {
namespace {

const char kLicence[] = "// SPDX-License-Identifier: Apache-2.0\n";

size_t complaints(Complaints (*rule)(const Files&), const std::string& path, const std::string& text) {
  return rule({make_file(path, text)}).size();
}

TEST(Rules, IncludesRunOneWay) {
  const Files rooms = {
      make_file("include/keras/base/error.h", ""),          make_file("src/nn/layer_core.h", ""),
      make_file("include/keras/tensor/tensor.h", ""),       make_file("include/keras/keras.h", ""),
      make_file("include/keras/runtime/backend_api.h", ""), make_file("backends/native/kernel.h", "")};
  auto count = [&](const std::string& path, const std::string& text) {
    Files files = rooms;
    files.push_back(make_file(path, text));
    return check_include_directions(files).size();
  };
  EXPECT_EQ(count("src/tensor/tensor.cpp", "#include \"keras/base/error.h\"\n#include <vector>\n"), 0u);
  EXPECT_EQ(count("src/base/error.cpp", "#include \"keras/tensor/tensor.h\"\n"), 1u);
  EXPECT_EQ(count("src/base/error.cpp", "  #  include <keras/tensor/tensor.h>\n"), 1u);
  EXPECT_EQ(count("src/nn/dense.cpp", "#include \"nn/layer_core.h\"\n"), 0u);
  EXPECT_EQ(count("src/models/model.cpp", "#include \"nn/layer_core.h\"\n"), 0u);
  EXPECT_EQ(count("src/ops/math.cpp", "#include \"nn/layer_core.h\"\n"), 1u);
  EXPECT_EQ(count("include/keras/nn/dense.h", "#include \"nn/layer_core.h\"\n"), 1u);
  EXPECT_EQ(count("src/nn/dense.cpp", "#include \"keras/keras.h\"\n"), 1u);
  EXPECT_EQ(count("src/nn/dense.cpp", "#include \"nn/absent.h\"\n"), 1u);
  EXPECT_EQ(count("src/nn/dense.cpp", "#include \"native/kernel.h\"\n"), 1u);
  EXPECT_EQ(count("include/keras/attic.h", "#include <vector>\n"), 1u);
  EXPECT_EQ(count("include/keras/random.h", "#include \"keras/tensor/tensor.h\"\n"), 0u);
  EXPECT_EQ(count("include/keras/random.h", "#include \"nn/layer_core.h\"\n"), 2u);
  EXPECT_EQ(count("src/attic/old.cpp", "#include <vector>\n"), 1u);
  EXPECT_EQ(
      count("backends/native/a.cpp", "#include \"kernel.h\"\n#include \"keras/runtime/backend_api.h\"\n"),
      0u);
  EXPECT_EQ(count("backends/native/a.cpp", "#include \"keras/base/error.h\"\n"), 0u);
  EXPECT_EQ(count("backends/native/a.cpp", "#include \"keras/tensor/tensor.h\"\n"), 1u);
  EXPECT_EQ(count("backends/torch/a.cpp", "#include \"native/kernel.h\"\n"), 1u);
}

TEST(Rules, TheArchitecturePageIsCompared) {
  const std::string path = "docs/architecture.md";
  const size_t rooms = complaints(check_room_table, path, "");
  EXPECT_GT(rooms, 10u);
  EXPECT_EQ(complaints(check_room_table, path, "src/tensor/   dtypes   -> base\n"), rooms - 1);
  EXPECT_EQ(complaints(check_room_table, path, "src/tensor/   dtypes   -> nn\n"), rooms);
  EXPECT_EQ(complaints(check_room_table, path, "src/attic/   old things   -> nn\n"), rooms + 1);
}

TEST(Rules, PublicHeadersAreLight) {
  EXPECT_EQ(complaints(check_public_headers, "include/keras/base/a.h", "#include <nlohmann/json.hpp>\n"), 1u);
  EXPECT_EQ(complaints(check_public_headers, "include/keras/base/a.h", "#include <oneapi/dnnl/dnnl.hpp>\n"),
            1u);
  EXPECT_EQ(complaints(check_public_headers, "include/keras/base/a.h", "#include <vector>\n"), 0u);
  EXPECT_EQ(complaints(check_public_headers, "src/base/a.h", "#include <fmt/format.h>\n"), 0u);
}

TEST(Rules, FilesStaySmall) {
  std::string lines;
  for (int i = 0; i < 800; ++i) lines += "x\n";
  EXPECT_EQ(complaints(check_file_sizes, "src/base/a.cpp", lines), 0u);
  EXPECT_EQ(complaints(check_file_sizes, "src/base/a.cpp", lines + "x\n"), 1u);
  EXPECT_EQ(complaints(check_file_sizes, "scripts/a.sh", lines + "x\n"), 1u);
}

TEST(Rules, FilesNameTheirLicence) {
  EXPECT_EQ(complaints(check_licence_lines, "src/base/a.cpp", std::string(kLicence) + "int x;\n"), 0u);
  EXPECT_EQ(complaints(check_licence_lines, "src/base/a.cpp", "int x;\n"), 1u);
  EXPECT_EQ(complaints(check_licence_lines, "src/base/a.cpp", ""), 1u);
  EXPECT_EQ(
      complaints(check_licence_lines, "scripts/a.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"),
      0u);
  EXPECT_EQ(complaints(check_licence_lines, "cmake/a.cmake", "set(x 1)\n"), 1u);
}

TEST(Rules, NamesSayWhatIsInside) {
  EXPECT_EQ(complaints(check_names,
                       "src/base/util"
                       "s.cpp",
                       ""),
            1u);
  EXPECT_EQ(complaints(check_names,
                       "src/help"
                       "ers/a.cpp",
                       ""),
            1u);
  EXPECT_EQ(complaints(check_names,
                       "src/base/string_util"
                       ".h",
                       ""),
            1u);
  EXPECT_EQ(complaints(check_names, "src/base/utilization.h", ""), 0u);
}

TEST(Rules, HeadersGuardThemselves) {
  EXPECT_EQ(complaints(check_header_guards, "src/base/a.h", "int x();\n"), 1u);
  EXPECT_EQ(complaints(check_header_guards, "src/base/a.h", "#pragma once\n"), 0u);
}

TEST(Rules, ForbiddenWordsAreFound) {
  auto count = [](const std::string& path, const std::string& text) {
    return complaints(check_forbidden_words, path, text);
  };
  EXPECT_EQ(count("docs/a.md",
                  "see /wo"
                  "rk/main\n"),
            1u);
  EXPECT_EQ(count("docs/a.md",
                  "net/wo"
                  "rk/main\n"),
            0u);
  EXPECT_EQ(count("scripts/a.sh",
                  "https://py"
                  "pi.org/simple\n"),
            1u);
  EXPECT_EQ(count("src/base/a.cpp",
                  "// TO"
                  "DO\n"),
            1u);
  EXPECT_EQ(count("src/nn/a.cpp", "if (backend() == \"torch\") {\n"), 1u);
  EXPECT_EQ(count("tests/nn/a.cpp", "EXPECT_TRUE(config::backend() == \"torch\");\n"), 0u);
  EXPECT_EQ(count("src/base/a.cpp",
                  "for (auto x : v | std::vi"
                  "ews::reverse)\n"),
            1u);
  EXPECT_EQ(count("src/base/a.cpp",
                  "#pragma "
                  "omp parallel\n"),
            1u);
  EXPECT_EQ(count("CMakeLists.txt",
                  "add_compile_options(-march=nat"
                  "ive)\n"),
            1u);
  EXPECT_EQ(count("CMakeLists.txt",
                  "# no -march=nat"
                  "ive\n"),
            0u);
  EXPECT_EQ(count("src/base/a.cpp", "int x = 0;\n"), 0u);
}

TEST(Rules, LinksLeadSomewhere) {
  const SourceFile page =
      make_file("docs/page.md", "[a](../README.md) [b](page.md#part) [c](https://keras.io)");
  EXPECT_EQ(check_links({page}).size(), 1u);
  EXPECT_EQ(check_links({page, make_file("README.md", "[docs](docs)\n")}).size(), 0u);
  EXPECT_EQ(check_links({make_file("README.md", "see [the page](docs/absent.md).\n")}).size(), 1u);
}

TEST(Rules, PagesShowTheirPrograms) {
  const SourceFile program = make_file("examples/fashion_mnist_convnet.cpp", "int main() {\n  train();\n}\n");
  EXPECT_EQ(
      check_shown_programs({program, make_file("README.md", "```cpp\nint main() {\ntrain();\n```\n")}).size(),
      0u);
  EXPECT_EQ(
      check_shown_programs({program, make_file("README.md", "```cpp\nint main() {\nlearn();\n```\n")}).size(),
      1u);
  EXPECT_EQ(check_shown_programs({program, make_file("README.md", "no program\n")}).size(), 1u);
}

TEST(Rules, EveryFileBelongsToTheBuild) {
  const Files files = {make_file("src/base/error.cpp", "#include \"keras/base/error.h\"\n"),
                       make_file("include/keras/base/error.h", ""),
                       make_file("backends/native/CMakeLists.txt", "add_library(native MODULE gemm.cpp)\n"),
                       make_file("backends/native/gemm.cpp", ""),
                       make_file("tests/fuzz/CMakeLists.txt", "file(GLOB programs ${dir}/*_fuzz.cpp)\n"),
                       make_file("tests/fuzz/archive_fuzz.cpp", "")};
  EXPECT_EQ(check_reachability(files, {"src/base/error.cpp"}).size(), 0u);
  EXPECT_EQ(check_reachability(files, {}).size(), 1u);
  Files orphans = files;
  orphans.push_back(make_file("src/base/orphan.h", ""));
  orphans.push_back(make_file("backends/native/orphan.cpp", ""));
  EXPECT_EQ(check_reachability(orphans, {"src/base/error.cpp"}).size(), 2u);
}

}  // namespace
}  // namespace keras::layout
