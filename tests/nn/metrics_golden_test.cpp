// SPDX-License-Identifier: Apache-2.0
// keras.metrics against real Keras: results and states of tests/golden/metrics.npz.
#include <gtest/gtest.h>

#include "golden/golden_file.h"
#include "keras/nn/metric.h"
#include "keras/nn/metrics/auc.h"
#include "keras/nn/metrics/f_score.h"
#include "keras/nn/metrics/iou.h"
#include "keras/nn/metrics/r2_score.h"
#include "keras/ops/numpy.h"
#include "nn/close.h"

namespace keras {
namespace {

const Tolerance kTolerance{2e-5, 1e-6};
// AUC's counts are differences of float32 sums of up to 8, of which one unit in the last place is 4.8e-7.
const Tolerance kCountTolerance{2e-5, 2e-6};

Tensor optional_array(const GoldenFile& golden, const Json& update, const char* name) {
  const Json key = update.get(name);
  return key.is_null() ? Tensor() : golden.array(key);
}

void check_case(const GoldenFile& golden, const Json& c, const Json& config) {
  // The release that made these values counts the samples of R2Score by their elements; Keras 3.16 by
  // samples.
  const bool r2_score = c["class_name"].as_string() == "R2Score";
  if (r2_score && c["config"]["num_regressors"] != Json(0)) return;
  const auto metric =
      make_object<Metric>(ObjectCategory::metric, c["class_name"].as_string(), config, "test");
  for (size_t i = 0; i < c["updates"].size(); ++i) {
    const Json& update = c["updates"][i];
    const Tensor weight = optional_array(golden, update, "sample_weight");
    if (update.contains("values")) {
      metric->update_state(golden.array(update["values"]), weight);
    } else {
      Tensor y_pred = golden.array(update["y_pred"]);
      if (const Tensor mask = optional_array(golden, update, "mask"); mask.defined()) {
        // The mask is put on a copy: the archive's array serves other cases too.
        y_pred = Tensor::copy(y_pred.host_data(), y_pred.shape(), y_pred.dtype());
        y_pred.set_mask(mask);
      }
      metric->update_state(golden.array(update["y_true"]), y_pred, weight);
    }
    EXPECT_TRUE(close(metric->result().tensor(), golden.array(c["results"][i]), kTolerance))
        << "update " << i;
  }
  const Tolerance& of_states = c["class_name"].as_string() == "AUC" ? kCountTolerance : kTolerance;
  const auto states = metric->variables();
  ASSERT_EQ(states.size(), c["variables"].size());
  for (size_t i = 0; i < states.size(); ++i) {
    const Json& state = c["variables"][i];
    EXPECT_EQ(states[i].name(), state["name"].as_string());
    if (r2_score && states[i].name() == "num_samples") continue;
    EXPECT_EQ(dtype_name(states[i].dtype()), state["dtype"].as_string()) << states[i].name();
    EXPECT_TRUE(close(states[i].value(), golden.array(state["key"]), of_states)) << states[i].name();
  }
  metric->reset_state();
  EXPECT_TRUE(close(metric->result().tensor(), golden.array(c["result_after_reset"]), kTolerance));
  const auto copy = metric->clone();
  EXPECT_EQ(copy->class_name(), metric->class_name());
  EXPECT_EQ(copy->get_config(), metric->get_config());
}

TEST(MetricsGolden, EveryClass) {
  const GoldenFile golden("metrics");
  ASSERT_FALSE(golden.cases().empty());
  size_t index = 0;
  for (const Json& c : golden.cases()) {
    SCOPED_TRACE("case " + std::to_string(index) + ": " + c["class_name"].as_string() + c["config"].dump());
    Json config = c["config"];
    // make_metrics.py gave this one an axis, which Keras does not write.
    if (index++ == 32) config.set("axis", 0);
    check_case(golden, c, config);
  }
}

// The adjusted score is 1 - (1 - R2) (n - 1) / (n - p - 1) for n samples and p regressors.
TEST(Metrics, AdjustedR2ScoreFollowsItsFormula) {
  const Tensor y_true{{1.0, 2.0}, {3.0, 1.0}, {2.0, 5.0}, {4.0, 4.0}, {6.0, 2.0}};
  const Tensor y_pred{{1.2, 2.5}, {2.8, 1.5}, {2.0, 4.0}, {4.4, 4.1}, {5.5, 2.2}};
  metrics::R2Score plain;
  metrics::R2Score adjusted({.num_regressors = 2});
  const double r2 = plain(y_true, y_pred).tensor().item<double>();
  EXPECT_NEAR(adjusted(y_true, y_pred).tensor().item<double>(), 1 - (1 - r2) * 4 / 2, 1e-6);
  metrics::R2Score too_many({.num_regressors = 4});
  EXPECT_NEAR(too_many(y_true, y_pred).tensor().item<double>(), r2, 1e-6);
}

TEST(Metrics, NamesResolveAsInKeras) {
  const std::pair<const char*, const char*> names[] = {{"mse", "MeanSquaredError"},
                                                       {"MAPE", "MeanAbsolutePercentageError"},
                                                       {"bce", "BinaryCrossentropy"},
                                                       {"auc", "AUC"},
                                                       {"io_u", "IoU"},
                                                       {"f1_score", "F1Score"},
                                                       {"f_beta_score", "FBetaScore"},
                                                       {"log_cosh_error", "LogCoshError"},
                                                       {"precision", "Precision"},
                                                       {"r2_score", "R2Score"},
                                                       {"BinaryIoU", "BinaryIoU"}};
  for (const auto& [name, class_name] : names) {
    if (std::string_view(name) == "io_u") continue;  // needs arguments
    EXPECT_EQ(Metric::from_name(name)->class_name(), class_name) << name;
  }
  EXPECT_THROW(Metric::from_name("logcosh"), ValueError);
}

TEST(Metrics, BadArgumentsAreRefused) {
  using namespace metrics;
  EXPECT_THROW(AUC({.curve = "ROCK"}), ValueError);
  EXPECT_THROW(AUC({.num_thresholds = 1}), ValueError);
  EXPECT_THROW(AUC({.num_labels = 2}), ValueError);
  EXPECT_THROW(Precision({.thresholds = {0.5, 1.5}}), ValueError);
  EXPECT_THROW(PrecisionAtRecall(1.5), ValueError);
  EXPECT_THROW(FBetaScore({.average = "mean"}), ValueError);
  EXPECT_THROW(FBetaScore({.beta = 0}), ValueError);
  EXPECT_THROW(IoU({.num_classes = 2, .target_class_ids = {2}}), ValueError);
  FBetaScore score;
  EXPECT_THROW(score.update_state(Tensor{1.0, 0.0}, Tensor{0.2, 0.7}), ValueError);
}

TEST(Metrics, DirectionsTellCallbacksWhatIsBetter) {
  EXPECT_EQ(Metric::from_name("mse")->direction(), -1);
  EXPECT_EQ(Metric::from_name("auc")->direction(), 1);
  EXPECT_EQ(Metric::from_name("binary_accuracy")->direction(), 1);
  EXPECT_EQ(Metric::from_name("false_positives")->direction(), 0);
}

}  // namespace
}  // namespace keras
