// SPDX-License-Identifier: Apache-2.0
// Low-rank adaptation: what trains, what a config says, and what files hold.
#include "keras/nn/lora.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "checkout.h"
#include "golden/golden_file.h"
#include "keras/base/error.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/conv.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/einsum_dense.h"
#include "keras/nn/layers/embedding.h"
#include "keras/nn/layers/feature_normalization.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/close.h"

namespace keras {
namespace {

std::string temporary(const std::string& name) {
  return (std::filesystem::temp_directory_path() / name).string();
}

TEST(LowRankAdaptation, FreezesTheKernel) {
  layers::Dense dense(3);
  EXPECT_THROW(dense.enable_lora(2), ValueError);  // not built
  const Tensor x = {{1.f, 2.f, 3.f, 4.f}};
  const Tensor before = dense(x);
  dense.enable_lora(2, {.alpha = 8});
  EXPECT_TRUE(close(dense(x), before));  // b begins as zeros
  std::vector<std::string> trained;
  for (const Variable& v : dense.trainable_weights()) trained.push_back(v.name());
  EXPECT_EQ(trained, (std::vector<std::string>{"bias", "lora_kernel_a", "lora_kernel_b"}));
  dense.lora_b.assign(ops::ones({2, 3}));
  const Tensor change = ops::matmul(dense.lora_a.value(), dense.lora_b.value()) * 4;  // alpha / rank
  EXPECT_TRUE(close(dense(x), before + ops::matmul(x, change), {1e-5, 1e-5}));
  EXPECT_EQ(dense.get_config()["lora_rank"], Json(2));
  EXPECT_EQ(dense.get_config()["lora_alpha"], Json(8));
  EXPECT_THROW(dense.enable_lora(2), ValueError);  // twice
}

TEST(LowRankAdaptation, IsSharedByCopiesOfALayer) {
  layers::Dense dense(3);
  const auto copy = dense.share();
  const Tensor x = {{1.f, 2.f}};
  dense(x);
  dense.enable_lora(1);
  dense.lora_b.assign(ops::ones({1, 3}));
  EXPECT_TRUE(close((*copy)(x), dense(x)));
  EXPECT_EQ(copy->get_config()["lora_rank"], Json(1));
}

TEST(LowRankAdaptation, RefusesConstraintsAndRanksBelowOne) {
  EXPECT_THROW(layers::Dense(3, {.kernel_constraint = "non_neg", .lora_rank = 2}).ensure_built({{1, 2}}),
               ValueError);
  EXPECT_THROW(layers::Conv1D(3, 2, {.lora_rank = 0}).ensure_built({{1, 4, 2}}), ValueError);
  EXPECT_THROW(
      layers::Embedding(3, 2, {.embeddings_constraint = "non_neg", .lora_rank = 1}).ensure_built({{1, 4}}),
      ValueError);
}

TEST(LowRankAdaptation, FilesHoldTheKernelInUse) {
  const auto make = [](bool adapted) {
    const std::optional<int64_t> rank = adapted ? std::optional<int64_t>(2) : std::nullopt;
    return Sequential({Input({6}, {.dtype = "int32"}), layers::Embedding(5, 4, {.lora_rank = rank}),
                       layers::Conv1D(3, 2, {.lora_rank = rank}),
                       layers::EinsumDense("abc,cd->abd", {-1, 4}, {.lora_rank = rank}),
                       layers::Dense(2, {.lora_rank = rank})});
  };
  const Tensor x = ops::cast(Tensor{{0, 1, 2, 3, 4, 0}}, DType::int32);
  auto adapted = make(true);
  for (const Variable& v : adapted.weights()) {
    if (v.name().ends_with("_b")) v.assign(ops::ones_like(v.value()) * 0.1);
  }
  const Tensor wanted = adapted(x);
  const std::string path = temporary("keras_cpp_lora.weights.h5");
  adapted.save_weights(path);
  auto plain = make(false);
  plain.load_weights(path);
  EXPECT_TRUE(close(plain(x), wanted, {1e-5, 1e-6}));
  auto again = make(true);
  again.load_weights(path);
  EXPECT_TRUE(close(again(x), wanted, {1e-5, 1e-6}));
  for (const Variable& v : again.weights()) {
    if (!v.name().starts_with("lora_")) continue;
    EXPECT_TRUE(close(v.value(), ops::zeros_like(v.value()))) << v.path();
  }
  std::filesystem::remove(path);
}

TEST(NormalizationFiles, AdaptedStatisticsAreReadAsKerasWroteThem) {
  const GoldenFile golden("files");
  for (const Json& c : golden.cases()) {
    if (c["name"].as_string() != "adapted") continue;
    layers::Normalization norm(-1, {.name = "norm"});
    Sequential model({Input({3}), norm, layers::Dense(2)});
    model.load_weights(checkout::source_path("tests/golden/files/adapted.keras"));
    EXPECT_TRUE(close(model(golden.array(c["inputs"])), golden.array(c["outputs"]), {1e-4, 1e-5}));
    return;
  }
  FAIL() << "no case named adapted";
}

}  // namespace
}  // namespace keras
