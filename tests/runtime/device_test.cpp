// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/device.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "chosen_backend.h"
#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/compile/function.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/conv.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/input_layer.h"
#include "keras/nn/layers/normalization.h"
#include "keras/nn/layers/pooling.h"
#include "keras/nn/layers/recurrent.h"
#include "keras/nn/layers/reshaping.h"
#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "plugin_folder.h"

namespace keras {
namespace {

Tensor ramp(int64_t count, const Shape& shape) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(0.1f * static_cast<float>(i % 17) - 0.5f);
  return Tensor::from(values, shape);
}

// Two devices without a GPU: tests/plugins/two_devices.cpp, which refuses operands of the other one.
class Devices : public testing::Test {
 protected:
  void SetUp() override {
    chosen_.emplace("pair");
    void* library = dlopen(internal::current_backend().path().c_str(), RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(library, nullptr);
    copies_ = reinterpret_cast<int64_t (*)()>(dlsym(library, "keras_test_copies"));
    ASSERT_NE(copies_, nullptr);
  }
  int64_t copies() const { return copies_(); }

 private:
  tests::PluginFolder folder_;
  std::optional<tests::ChosenBackend> chosen_;
  int64_t (*copies_)() = nullptr;
};

TEST_F(Devices, AreListedByKind) {
  EXPECT_EQ(internal::current_backend().devices(), (std::vector<std::string>{"gpu:0", "cpu:0"}));
  EXPECT_EQ(distribution::list_devices(), std::vector<std::string>{"gpu:0"});
  EXPECT_EQ(distribution::list_devices("CPU"), std::vector<std::string>{"cpu:0"});
  EXPECT_TRUE(distribution::list_devices("tpu").empty());
  EXPECT_EQ(distribution::get_device_count(), 1);
  EXPECT_EQ(distribution::get_device_count("tpu"), 0);
}

TEST_F(Devices, HaveTheNamesThatKerasTakes) {
  const Tensor x = ramp(4, {4});
  for (const char* name : {"cpu:0", "cpu", "CPU:0"}) {
    const auto scope = device(name);
    EXPECT_EQ(ops::exp(x).device(), "cpu:0") << name;
  }
  for (const char* name : {"gpu:0", "GPU", "cuda:0"}) {
    const auto scope = device(name);
    EXPECT_EQ(ops::exp(x).device(), "gpu:0") << name;
  }
  EXPECT_THROW(static_cast<void>(device("gpu:1")), ValueError);
}

TEST_F(Devices, ScopesNestAndEnd) {
  const Tensor x = ramp(4, {4});
  EXPECT_EQ(ops::exp(x).device(), "gpu:0");
  {
    const auto outer = device("cpu:0");
    EXPECT_EQ(ops::exp(x).device(), "cpu:0");
    {
      const auto inner = device("gpu:0");
      EXPECT_EQ(ops::exp(x).device(), "gpu:0");
    }
    EXPECT_EQ(ops::exp(x).device(), "cpu:0");
    std::string elsewhere;
    std::thread([&] {
      const tests::ChosenBackend same("pair");
      elsewhere = ops::exp(x).device();
    }).join();
    EXPECT_EQ(elsewhere, "gpu:0") << "a scope belongs to its thread";
  }
  EXPECT_EQ(ops::exp(x).device(), "gpu:0");
}

TEST_F(Devices, CopyOnlyWhatLiesElsewhere) {
  const Tensor x = ramp(6, {2, 3});
  const int64_t before = copies();
  const Tensor on_gpu = ops::exp(x);
  const Tensor sum = on_gpu + on_gpu;
  EXPECT_EQ(sum.to_vector<float>().size(), 6u);  // downloaded
  EXPECT_EQ(copies(), before);
  const auto scope = device("cpu:0");
  const Tensor fresh = ramp(6, {2, 3});
  const Tensor there = ops::exp(fresh);
  EXPECT_EQ(copies(), before) << "host elements go straight to their device";
  const Tensor mixed = there + on_gpu;
  EXPECT_EQ(mixed.device(), "cpu:0");
  EXPECT_EQ(copies(), before + 1);
  EXPECT_EQ(on_gpu.device(), "gpu:0") << "the operand stays where it is";
  EXPECT_EQ(mixed.to_vector<float>(), sum.to_vector<float>());
}

// Residuals are a device's own: the gradient runs where the forward op ran.
TEST_F(Devices, GradientsFollowTheirForwardOp) {
  const auto gradients = [](const char* forward_device) {
    const Tensor x = ramp(2 * 5 * 3, {2, 5, 3});
    layers::LSTM lstm(4, {.kernel_initializer = initializers::Ones(), .recurrent_initializer = "zeros"});
    lstm.build({2, 5, 3});
    GradientTape tape;
    tape.watch(x);
    Tensor y;
    {
      std::optional<DeviceScope> scope;
      if (forward_device != nullptr) scope.emplace(forward_device);
      y = ops::sum(lstm(x));
    }
    return tape.gradient(y, x).to_vector<float>();
  };
  const auto here = gradients(nullptr);
  EXPECT_EQ(gradients("cpu:0"), here);
  EXPECT_NE(here[0], 0);
}

TEST_F(Devices, FunctionsAreCompiledForEachDevice) {
  const Variable w(ramp(4, {4}), "w");
  const Tensor constant = ramp(4, {4}) * 3;  // captured; lies on the default device
  auto f = function([&](const Tensor& x) { return x * w + constant; });
  const Tensor x = ramp(4, {4});
  const Tensor first = f(x);
  EXPECT_EQ(first.device(), "gpu:0");
  EXPECT_EQ(f.traces(), 1);
  {
    const auto scope = device("cpu:0");
    const Tensor second = f(x);
    EXPECT_EQ(second.device(), "cpu:0");
    EXPECT_EQ(second.to_vector<float>(), first.to_vector<float>());
    EXPECT_EQ(f.traces(), 2);
  }
  EXPECT_EQ(f(x).device(), "gpu:0");
  EXPECT_EQ(f.traces(), 2);
  auto switching = function([](const Tensor& t) {
    const auto scope = device("cpu:0");
    return ops::exp(t);
  });
  EXPECT_THROW(switching(x), UnsupportedError);
  const auto scope = device("cpu:0");
  EXPECT_EQ(switching(x).device(), "cpu:0");
}

TEST_F(Devices, TrainingStaysOnItsDevice) {
  const Tensor x = ramp(64 * 6, {64, 6});
  const Tensor y = ramp(64 * 2, {64, 2});
  const auto train = [&] {
    Sequential model({Input({6}), layers::Dense(8, {.activation = "relu", .kernel_initializer = "ones"}),
                      layers::BatchNormalization(), layers::Dense(2, {.kernel_initializer = "ones"})});
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(x, y, {.batch_size = 16, .epochs = 2, .verbose = 0, .shuffle = false});
    return model;
  };
  const int64_t before = copies();
  const auto on_gpu = train();
  EXPECT_EQ(copies(), before);
  for (const auto& weight : on_gpu.weights()) EXPECT_EQ(weight.value().device(), "gpu:0") << weight.path();
  {
    const auto scope = device("cpu:0");
    const auto on_cpu = train();
    for (const auto& weight : on_cpu.weights()) EXPECT_EQ(weight.value().device(), "cpu:0") << weight.path();
    const auto a = on_gpu.weights();
    const auto b = on_cpu.weights();
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].value().to_vector<float>(), b[i].value().to_vector<float>()) << a[i].path();
    }
  }
}

TEST_F(Devices, VariablesLieWhereTheyWereMade) {
  const auto scope = device("cpu:0");
  const Variable v(ramp(4, {4}), "v");
  EXPECT_EQ(v.value().device(), "cpu:0");
  const auto inner = device("gpu:0");
  const Variable w(v.value(), "w");
  EXPECT_EQ(w.value().device(), "gpu:0");
  EXPECT_EQ(v.value().device(), "cpu:0");
  w.assign_add(v.value());
  EXPECT_EQ(w.value().device(), "gpu:0");
  EXPECT_EQ(w.value().at<float>({3}), 2 * v.value().at<float>({3}));
}

TEST(Device, NativeHasTheProcessor) {
  const tests::ChosenBackend native("native");
  EXPECT_EQ(distribution::list_devices(), std::vector<std::string>{"cpu:0"});
  const auto scope = device("cpu:0");
  EXPECT_EQ(ops::exp(ramp(4, {4})).device(), "cpu:0");
}

// With LibTorch built for CUDA, and a GPU.
class TorchGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (!tests::is_installed("torch")) GTEST_SKIP() << "libkeras_torch.so is not built here";
    chosen_.emplace("torch");
    const auto devices = distribution::list_devices("gpu");
    if (devices.empty()) GTEST_SKIP() << "no GPU: LibTorch has no CUDA here, or finds no device";
  }

 private:
  std::optional<tests::ChosenBackend> chosen_;
};

TEST_F(TorchGpu, IsTheDefaultAndAgreesWithTheProcessor) {
  const Tensor x = ramp(64 * 32, {64, 32});
  const Tensor on_gpu = ops::matmul(ops::exp(x), ops::transpose(x));
  EXPECT_EQ(on_gpu.device(), "gpu:0");
  const auto scope = device("cpu:0");
  const Tensor on_cpu = ops::matmul(ops::exp(x), ops::transpose(x));
  EXPECT_EQ(on_cpu.device(), "cpu:0");
  const auto a = on_gpu.to_vector<float>(), b = on_cpu.to_vector<float>();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4);
}

TEST_F(TorchGpu, TrainsAConvnetAsTheProcessorDoes) {
  const Tensor x = ramp(32 * 8 * 8, {32, 8, 8, 1});
  const Tensor y = ops::cast(ops::arange(32) % 10, "int32");
  const auto train = [&] {
    Sequential model({Input({8, 8, 1}),
                      layers::Conv2D(4, {3, 3}, {.activation = "relu", .kernel_initializer = "ones"}),
                      layers::BatchNormalization(), layers::MaxPooling2D({2, 2}), layers::Flatten(),
                      layers::Dense(10, {.kernel_initializer = "ones"})});
    model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
    model.fit(x, y, {.batch_size = 16, .epochs = 2, .verbose = 0, .shuffle = false});
    return model;
  };
  const auto on_gpu = train();
  const auto scope = device("cpu:0");
  const auto on_cpu = train();
  for (size_t i = 0; i < on_gpu.weights().size(); ++i) {
    EXPECT_EQ(on_gpu.weights()[i].value().device(), "gpu:0");
    const auto a = on_gpu.weights()[i].value().to_vector<float>();
    const auto b = on_cpu.weights()[i].value().to_vector<float>();
    for (size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-3 + 1e-3 * std::abs(b[k]));
  }
}

}  // namespace
}  // namespace keras
