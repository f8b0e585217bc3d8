// SPDX-License-Identifier: Apache-2.0
// Profiles: valid JSON in Chrome's format, with the kernels of eager ops and of compiled programs.
#include "keras/runtime/profiler.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "keras/base/error.h"
#include "keras/compile/function.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/input_layer.h"
#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/schema/json.h"

namespace keras {
namespace {

std::string path_of(const char* name) { return (std::filesystem::path(testing::TempDir()) / name).string(); }

Json read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return Json::parse(text.str(), path);
}

// Events by category, then by name.
std::map<std::string, std::map<std::string, std::vector<Json>>> events_of(const Json& profile) {
  std::map<std::string, std::map<std::string, std::vector<Json>>> out;
  for (const Json& event : profile.as_list()) {
    if (event["ph"].as_string() == "M") continue;
    EXPECT_EQ(event["ph"].as_string(), "X");
    EXPECT_GE(event["ts"].as_real(), 0);
    EXPECT_GE(event["dur"].as_real(), 0);
    EXPECT_GE(event["tid"].as_int(), 1);
    EXPECT_TRUE(event.contains("pid"));
    out[event["cat"].as_string()][event["name"].as_string()].push_back(event);
  }
  return out;
}

// Whether an event lies inside another one.
bool inside(const Json& inner, const Json& outer) {
  const double begin = outer["ts"].as_real(), end = begin + outer["dur"].as_real();
  return inner["tid"] == outer["tid"] && inner["ts"].as_real() >= begin &&
         inner["ts"].as_real() + inner["dur"].as_real() <= end + 1e-3;
}

TEST(Profiler, RecordsEagerKernels) {
  const std::string path = path_of("eager.json");
  const Tensor x = ops::ones({3, 4});
  ops::sin(x);
  {
    profiler::Profile profile(path);
    const profiler::Annotation mark("a \"quoted\" part");
    ops::exp(ops::matmul(x, ops::ones({4, 2})));
    std::thread([&] { ops::cos(x); }).join();
  }
  ops::tanh(x);
  auto events = events_of(read(path));
  auto& kernels = events["kernel"];
  ASSERT_EQ(kernels["exp"].size(), 1u);
  EXPECT_EQ(kernels["exp"][0]["args"]["operands"].as_string(), "float32(3, 2)");
  EXPECT_EQ(kernels["exp"][0]["args"]["results"].as_string(), "float32(3, 2)");
  ASSERT_EQ(kernels["cos"].size(), 1u);
  EXPECT_NE(kernels["cos"][0]["tid"], kernels["exp"][0]["tid"]);
  EXPECT_EQ(kernels.count("sin"), 0u) << "before the profile";
  EXPECT_EQ(kernels.count("tanh"), 0u) << "after the profile";
  ASSERT_EQ(events["annotation"]["a \"quoted\" part"].size(), 1u);
  EXPECT_TRUE(inside(kernels["exp"][0], events["annotation"]["a \"quoted\" part"][0]));
}

TEST(Profiler, RecordsTheKernelsOfPrograms) {
  const std::string path = path_of("function.json");
  const auto f =
      function([](const Tensor& x) { return ops::softmax(ops::matmul(x, x)); }, {.name = "attend"});
  f(ops::ones({4, 4}));
  profiler::Profile profile(path);
  f(ops::ones({4, 4}));
  f(ops::ones({5, 5}));
  profile.stop();
  auto events = events_of(read(path));
  ASSERT_EQ(events["function"]["attend"].size(), 2u);
  EXPECT_EQ(events["trace"]["attend"].size(), 1u);
  ASSERT_EQ(events["graph"].size(), 1u);
  const auto& runs = events["graph"].begin()->second;
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_TRUE(inside(runs[0], events["function"]["attend"][0]));
  size_t within = 0;
  for (const auto& [name, list] : events["kernel"]) {
    for (const Json& kernel : list) within += inside(kernel, runs[0]) ? 1 : 0;
  }
  EXPECT_GE(within, 2u) << "the product and the softmax";
}

TEST(Profiler, RecordsEpochsAndBatches) {
  Sequential model({Input({3}), layers::Dense(2)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const std::string path = path_of("fit.json");
  const Tensor x = ops::ones({10, 3}), y = ops::ones({10, 2});
  profiler::Profile profile(path);
  model.fit(x, y, {.batch_size = 5, .epochs = 3, .verbose = 0});
  model.evaluate(x, y, {.batch_size = 5, .verbose = 0});
  model.predict(x, {.batch_size = 5, .verbose = 0});
  profile.stop();
  auto events = events_of(read(path));
  ASSERT_EQ(events["epoch"]["epoch"].size(), 3u);
  EXPECT_EQ(events["epoch"]["epoch"][2]["args"]["number"].as_int(), 2);
  ASSERT_EQ(events["batch"]["train batch"].size(), 6u);
  EXPECT_TRUE(inside(events["batch"]["train batch"][5], events["epoch"]["epoch"][2]));
  EXPECT_EQ(events["batch"]["test batch"].size(), 2u);
  EXPECT_EQ(events["batch"]["predict batch"].size(), 2u);
  EXPECT_EQ(events["function"]["train_step"].size(), 6u);
  EXPECT_EQ(events["function"]["predict_step"].size(), 2u);
}

TEST(Profiler, ProfilesOverlap) {
  const std::string first = path_of("first.json"), second = path_of("second.json");
  const Tensor x = ops::ones({2});
  profiler::Profile outer(first);
  ops::sin(x);
  {
    profiler::Profile inner(second);
    ops::cos(x);
  }
  ops::exp(x);
  outer.stop();
  auto a = events_of(read(first))["kernel"], b = events_of(read(second))["kernel"];
  EXPECT_EQ(a.count("sin") + a.count("cos") + a.count("exp"), 3u);
  EXPECT_EQ(b.count("sin") + b.count("exp"), 0u);
  EXPECT_EQ(b.count("cos"), 1u);
}

TEST(Profiler, RefusesPathsThatCannotBeWritten) {
  const std::string path = path_of("no_such_folder") + "/trace.json";
  try {
    const profiler::Profile profile(path);
    FAIL() << "no error";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
  }
  // Nothing of a file appears before the end.
  const std::string later = path_of("later.json");
  std::filesystem::remove(later);
  profiler::Profile profile(later);
  EXPECT_FALSE(std::filesystem::exists(later));
  profile.stop();
  EXPECT_TRUE(std::filesystem::exists(later));
}

}  // namespace
}  // namespace keras
