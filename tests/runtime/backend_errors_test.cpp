// SPDX-License-Identifier: Apache-2.0
// What goes wrong with backends, and what is said then.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "chosen_backend.h"
#include "keras/base/error.h"
#include "keras/compile/function.h"
#include "keras/ops/linalg.h"
#include "keras/ops/numpy.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/device.h"
#include "plugin_folder.h"

namespace keras {
namespace {

template <class E>
void expect_error(const std::function<void()>& use, const std::vector<std::string>& says) {
  try {
    use();
    FAIL() << "no exception";
  } catch (const E& error) {
    for (const std::string& part : says) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << part << " in:\n" << error.what();
    }
  } catch (const std::exception& error) {
    FAIL() << "another exception: " << error.what();
  }
}

void load(const char* name) { internal::load_backend(name); }

TEST(BackendErrors, AnUnknownNameIsSaidWithThoseInstalled) {
  expect_error<ValueError>([] { load("no_such_backend"); },
                           {"'no_such_backend'", "installed backends: ", "native", "KERAS_BACKEND_PATH"});
}

TEST(BackendErrors, AnotherInterfaceVersion) {
  const tests::PluginFolder folder;
  const std::string library = "library: version " + std::to_string(KERAS_BACKEND_INTERFACE);
  const std::string plugin = "version " + std::to_string(KERAS_BACKEND_INTERFACE + 1);
  expect_error<BackendError>([] { load("other_version"); },
                             {"libkeras_other_version.so", plugin, library, "rebuild the plug-in"});
}

TEST(BackendErrors, AMissingFrameworkIsNamedWithItsPackage) {
  const tests::PluginFolder folder;
  expect_error<BackendError>([] { load("baseless"); }, {"'baseless'", "libtorch_absent.so is missing",
                                                        "libkeras_baseless.so needs", "libtorch-dev"});
}

TEST(BackendErrors, APluginThatRefusesOrIsNone) {
  const tests::PluginFolder folder;
  expect_error<BackendError>([] { load("refusing"); },
                             {"'refusing' must start", "the licence of the framework has run out"});
  expect_error<BackendError>([] { load("mute"); }, {"exports keras_backend_open", "libkeras_mute.so"});
  expect_error<BackendError>([] { load("empty"); }, {"libkeras_empty.so", "version is missing"});
}

TEST(BackendErrors, AFailedLoadCanBeRepeated) {
  const tests::PluginFolder folder;
  for (int i = 0; i < 2; ++i) EXPECT_THROW(load("refusing"), BackendError);
  EXPECT_EQ(internal::load_backend("pair").name(), "pair");
}

TEST(BackendErrors, TensorsOfTwoBackendsInOneOp) {
  const tests::PluginFolder folder;
  const Tensor x = Tensor::from(std::vector<float>{1, 2});
  Tensor here;
  {
    const tests::ChosenBackend pair("pair");
    here = ops::exp(x);
  }
  const tests::ChosenBackend native("native");
  const Tensor other = Tensor::from(std::vector<float>{3, 4});
  expect_error<ValueError>([&] { ops::add(here, other); }, {"All operands of an op must live on one backend",
                                                            "'pair'", "'native'", "Tensor::copy"});
  auto add = function([](const Tensor& a, const Tensor& b) { return a + b; });
  expect_error<ValueError>([&] { add(here, other); }, {"one backend", "'pair'", "'native'"});
}

TEST(BackendErrors, ChangingTheBackendAfterItComputed) {
  const tests::PluginFolder folder;
  const tests::ChosenBackend native("native");
  expect_error<ValueError>([] { config::set_backend("pair"); },
                           {"set_backend", "'pair'", "tensors exist on 'native'", "KERAS_BACKEND"});
  config::set_backend("native");  // the same one
  EXPECT_EQ(config::backend(), "native");
}

TEST(BackendErrors, ADeviceThatIsNotThere) {
  const tests::ChosenBackend native("native");
  for (const char* name : {"gpu:0", "cpu:1", "tpu:0", "", ":", "cpu:x"}) {
    expect_error<ValueError>([&] { const auto scope = device(name); },
                             {std::string("'") + name + "'", "native", "its devices: cpu:0"});
  }
}

// What the framework throws comes out with the op and the shapes, eagerly and from a compiled function.
TEST(BackendErrors, AFrameworksExceptionBecomesABackendError) {
  bool tested = false;
  // LibTorch broadcasts without memory.
  for (const auto& [name, op] : {std::pair("torch", "cumulate"), std::pair("tensorflow", "broadcast_to")}) {
    if (!tests::is_installed(name)) continue;
    tested = true;
    const tests::ChosenBackend chosen(name);
    const Tensor one = Tensor::from(std::vector<float>{1});
    const auto too_much = [](const Tensor& x) {
      return ops::cumsum(ops::broadcast_to(x, {int64_t{1} << 30, int64_t{1} << 20}), 0);
    };
    const std::vector<std::string> says = {std::string(name) + " backend failed", op, "1073741824",
                                           "1048576"};
    expect_error<BackendError>([&] { too_much(one); }, says);
    auto compiled = function(too_much);
    expect_error<BackendError>([&] { compiled(one); }, says);
  }
  if (!tested) GTEST_SKIP() << "neither libkeras_torch.so nor libkeras_tensorflow.so is built here";
}

TEST(BackendErrors, WrongDataStayAValueError) {
  for (const char* name : {"native", "torch", "tensorflow"}) {
    if (!tests::is_installed(name)) continue;
    const tests::ChosenBackend chosen(name);
    expect_error<ValueError>([&] { ops::cholesky(Tensor{{-1.f, 0.f}, {0.f, 1.f}}); }, {"cholesky"});
  }
}

}  // namespace
}  // namespace keras
