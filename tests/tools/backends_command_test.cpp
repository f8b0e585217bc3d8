// SPDX-License-Identifier: Apache-2.0
// `keras backends`, as a user runs it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "checkout.h"
#include "chosen_backend.h"

namespace keras {
namespace {

struct Result {
  int status;
  std::string text;  // of both streams
};

Result run(const std::string& arguments, const std::string& environment = "") {
  const std::string command = "unset KERAS_BACKEND KERAS_CPP_BACKEND; export KERAS_HOME=/nowhere; " +
                              environment + " '" + checkout::build_path("bin/keras") + "' " + arguments +
                              " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> part{};
  for (size_t n; (n = std::fread(part.data(), 1, part.size(), pipe)) > 0;) text.append(part.data(), n);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

void expect_says(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << " in:\n" << text;
}

std::string line_with(const std::string& text, const std::string& begin) {
  const size_t at = text.find("\n" + begin);
  if (at == std::string::npos) return "";
  return text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

TEST(BackendsCommand, ListsWhatIsInstalledAndHowOpsRun) {
  const Result result = run("backends");
  EXPECT_EQ(result.status, 0) << result.text;
  expect_says(result.text, "Programs run on native, by the default\n");
  const std::string native = line_with(result.text, "native ");
  expect_says(native, "oneDNN");
  expect_says(native, "cpu:0");
  expect_says(native, "libkeras_native.so");
  expect_says(line_with(result.text, "conv "), "native");
  expect_says(result.text, "unsupported");
}

TEST(BackendsCommand, GivesTheReasonBehindOtherVerdicts) {
  if (!tests::is_installed("torch")) GTEST_SKIP() << "libkeras_torch.so is not built here";
  const Result result = run("backends torch --markdown");
  EXPECT_EQ(result.status, 0) << result.text;
  const size_t reasons = result.text.find("Why not native");
  ASSERT_NE(reasons, std::string::npos) << result.text;
  const std::string row = line_with(result.text.substr(reasons), "| top_k ");
  EXPECT_EQ(row.rfind("| top_k | torch | host | ", 0), 0u) << row;
  EXPECT_GT(row.size(), std::string("| top_k | torch | host |  |").size()) << "a reason";
  EXPECT_EQ(line_with(result.text, "| native "), "") << "only the backend that was asked for";
}

TEST(BackendsCommand, ShowsThoseThatDoNotLoad) {
  const std::string folder = "KERAS_BACKEND_PATH='" + checkout::build_path("lib/test_plugins") + ":" +
                             checkout::build_path("lib") + "'";
  const Result result = run("backends --list", folder);
  EXPECT_EQ(result.status, 0) << result.text;
  expect_says(line_with(result.text, "pair "), "gpu:0 cpu:0");
  expect_says(line_with(result.text, "baseless cannot be used"), "libtorch_absent.so is missing");
  expect_says(line_with(result.text, "other_version cannot be used"), "interface version");
  EXPECT_EQ(result.text.find("Why not native"), std::string::npos);
}

TEST(BackendsCommand, SaysWhoChose) {
  expect_says(run("backends native --list", "KERAS_BACKEND=native").text,
              "Programs run on native, by the environment variable KERAS_BACKEND\n");
  const Result result = run("backends native", "KERAS_CPP_BACKEND=jax KERAS_BACKEND=native");
  EXPECT_EQ(result.status, 0) << result.text;
  expect_says(result.text, "jax, by the environment variable KERAS_CPP_BACKEND, which is not installed");
  expect_says(line_with(result.text, "conv "), "native");
}

TEST(BackendsCommand, RefusesWhatItDoesNotKnow) {
  const Result unknown = run("backends no_such_backend");
  EXPECT_EQ(unknown.status, 1);
  expect_says(unknown.text, "'no_such_backend'");
  expect_says(unknown.text, "installed backends: ");
  EXPECT_NE(run("").status, 0);
  EXPECT_NE(run("nonsense").status, 0);
  EXPECT_EQ(run("--help").status, 0);
  expect_says(run("--version").text, "keras.cpp ");
}

}  // namespace
}  // namespace keras
