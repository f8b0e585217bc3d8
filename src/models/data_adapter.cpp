// SPDX-License-Identifier: Apache-2.0
#include "models/data_adapter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "keras/base/error.h"
#include "keras/base/philox.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "models/output_structure.h"

namespace keras::internal {

namespace {

Nest standardized(const Nest& nest, const char* argument) {
  return nest.map([&](const Tensor& t) {
    if (!t.defined()) {
      fail<ValueError>({"fit", fmt::format("{} must hold data", argument), "an undefined tensor",
                        "a tensor that was only declared is undefined"});
    }
    if (t.abstract()) {
      fail<TypeError>(
          {"fit", fmt::format("{} must hold data", argument), t.impl().abstract->why_unreadable(), ""});
    }
    return is_float(t.dtype()) && t.dtype() != floatx() ? ops::cast(t, floatx()) : t;
  });
}

Tensor rows(const Tensor& t, int64_t first, int64_t last) { return t[Index(Slice(first, last))]; }

DataTriple map_rows(const DataTriple& data, int64_t first, int64_t last) {
  const auto cut = [&](const Tensor& t) { return rows(t, first, last); };
  return {data.x.map(cut), data.y.map(cut), data.sample_weight.map(cut)};
}

// The order of a round depends on its number alone, as in Keras, and is the same on every backend: samples
// sorted by their random words.
std::vector<int64_t> permutation(int64_t samples, int64_t round) {
  constexpr uint32_t kShuffleSeed = 1337;
  std::vector<uint32_t> words(static_cast<size_t>(samples));
  Philox(kShuffleSeed, static_cast<uint32_t>(round)).fill(0, std::span<uint32_t>(words));
  std::vector<int64_t> order(words.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return words[static_cast<size_t>(a)] < words[static_cast<size_t>(b)];
  });
  return order;
}

// One weight array may serve several outputs when it has one number a sample.
Nest weights_of_outputs(const Nest& y, const Nest& weights) {
  if (weights.is_none() || !is_nested(y)) return weights;
  if (is_nested(weights)) {
    if (!same_containers(y, weights)) {
      fail<ValueError>(
          {"fit", "There must be one sample_weight array per output in y",
           fmt::format("y {}, sample_weight {}", describe_structure(y), describe_structure(weights)), ""});
    }
    return weights;
  }
  const Tensor& w = weights.tensor();
  if (!(w.rank() == 1 || (w.rank() == 2 && w.dim(1) == Dim(1)))) {
    fail<ValueError>({"fit", "A single sample_weight array for several outputs must have one number a sample",
                      fmt::format("shape {}", w.shape().to_string()), "give one array per output"});
  }
  return y.map([&](const Tensor&) { return w; });
}

class ArrayAdapter final : public DataAdapter {
 public:
  ArrayAdapter(DataTriple data, const DataOptions& options)
      : data_{standardized(data.x, "x"), standardized(data.y, "y"),
              standardized(data.sample_weight, "sample_weight")},
        shuffle_(options.shuffle) {
    if (options.batch_size && *options.batch_size < 1) {
      fail<ValueError>({"fit", "batch_size must be at least 1", fmt::format("{}", *options.batch_size), ""});
    }
    if (options.steps && *options.steps < 1) {
      fail<ValueError>(
          {"fit", "The number of steps must be at least 1", fmt::format("{} steps", *options.steps), ""});
    }
    if (!options.class_weight.empty()) {
      if (!data_.sample_weight.is_none()) {
        fail<ValueError>({"fit", "class_weight and sample_weight cannot be given together", "both",
                          "multiply the class weights into sample_weight"});
      }
      data_.sample_weight = weights_of_classes(data_.y, options.class_weight);
    }
    data_.sample_weight = weights_of_outputs(data_.y, data_.sample_weight);
    samples_ = sample_count(data_);
    batch_size_ = options.batch_size.value_or(options.steps ? (samples_ + *options.steps - 1) / *options.steps
                                                            : kDefaultBatchSize);
  }

  std::optional<int64_t> num_batches() const override { return (samples_ + batch_size_ - 1) / batch_size_; }

  void start(int64_t round) override {
    position_ = 0;
    if (shuffle_) order_ = Tensor::from(permutation(samples_, round));
  }

  std::optional<DataTriple> next() override {
    if (position_ >= samples_) return std::nullopt;
    const int64_t first = position_;
    position_ = std::min(samples_, first + batch_size_);
    if (!order_.defined()) return map_rows(data_, first, position_);
    const Tensor picked = rows(order_, first, position_);
    const auto take = [&](const Tensor& t) { return ops::take(t, picked, 0); };
    return DataTriple{data_.x.map(take), data_.y.map(take), data_.sample_weight.map(take)};
  }

 private:
  static constexpr int64_t kDefaultBatchSize = 32;
  DataTriple data_;
  bool shuffle_;
  int64_t samples_ = 0;
  int64_t batch_size_ = 0;
  int64_t position_ = 0;
  Tensor order_;  ///< the shuffled sample numbers, undefined when not shuffling
};

class SequenceAdapter final : public DataAdapter {
 public:
  SequenceAdapter(std::shared_ptr<utils::Sequence> sequence, const DataOptions& options)
      : sequence_(std::move(sequence)), shuffle_(options.shuffle), class_weight_(options.class_weight) {
    if (shuffle_ && !sequence_->size()) {
      std::fputs("keras: shuffle is ignored for a Sequence without an end\n", stderr);
      shuffle_ = false;
    }
    if (sequence_->size() && *sequence_->size() < 1) {
      fail<ValueError>({"fit", "A Sequence must have at least one batch", "0 batches", ""});
    }
  }
  std::optional<int64_t> num_batches() const override { return sequence_->size(); }
  void start(int64_t round) override {
    // One without an end goes on where it was.
    if (!sequence_->size()) return;
    position_ = 0;
    if (shuffle_) order_ = permutation(*sequence_->size(), round);
  }
  std::optional<DataTriple> next() override {
    if (sequence_->size() && position_ >= *sequence_->size()) return std::nullopt;
    const int64_t index = order_.empty() ? position_ : order_[static_cast<size_t>(position_)];
    ++position_;
    DataTriple batch = sequence_->batch(index);
    if (!class_weight_.empty()) {
      if (!batch.sample_weight.is_none()) {
        fail<ValueError>({"fit", "class_weight and sample_weight cannot be given together", "both", ""});
      }
      batch.sample_weight = weights_of_classes(batch.y, class_weight_);
    }
    return batch;
  }
  void on_epoch_begin() override { sequence_->on_epoch_begin(); }
  void on_epoch_end() override { sequence_->on_epoch_end(); }

 private:
  std::shared_ptr<utils::Sequence> sequence_;
  bool shuffle_;
  std::map<int64_t, double> class_weight_;
  int64_t position_ = 0;
  std::vector<int64_t> order_;
};

class GeneratorAdapter final : public DataAdapter {
 public:
  explicit GeneratorAdapter(BatchSource::Generator generator)
      : generator_(std::move(generator)), waiting_(generator_()) {
    if (!waiting_) {
      fail<ValueError>({"fit", "A generator must give at least one batch", "an empty generator", ""});
    }
  }
  std::optional<int64_t> num_batches() const override { return std::nullopt; }
  void start(int64_t) override {}
  std::optional<DataTriple> next() override {
    if (waiting_) return std::exchange(waiting_, std::nullopt);
    if (ended_) return std::nullopt;
    auto batch = generator_();
    ended_ = !batch;
    return batch;
  }

 private:
  BatchSource::Generator generator_;
  std::optional<DataTriple> waiting_;  ///< the first batch, taken to see that there is one
  bool ended_ = false;
};

}  // namespace

Tensor weights_of_classes(const Nest& y, const std::map<int64_t, double>& weights) {
  if (!y.is_leaf()) {
    fail<ValueError>(
        {"fit", "class_weight is for models with one output", describe_structure(y), "give sample weights"});
  }
  for (const auto& [label, weight] : weights) {
    if (std::isfinite(weight)) continue;
    fail<ValueError>(
        {"fit", "class_weight must hold finite numbers", fmt::format("{} for class {}", weight, label), ""});
  }
  const Tensor& labels = y.tensor();
  std::vector<int64_t> classes;
  if (labels.rank() > 2) {
    fail<ValueError>({"fit", "class_weight needs one label a sample: classes, or one-hot rows",
                      fmt::format("labels of shape {}", labels.shape().to_string()), "give sample weights"});
  }
  if (labels.rank() == 2 && !(labels.dim(-1) == Dim(1))) {
    classes = ops::argmax(labels, -1).to_vector<int64_t>();
  } else {
    for (const double v : labels.to_vector<double>()) {
      if (!std::isfinite(v)) {
        fail<ValueError>(
            {"fit", "class_weight needs labels that are classes", fmt::format("a label of {}", v), ""});
      }
      classes.push_back(static_cast<int64_t>(std::nearbyint(v)));
    }
  }
  std::vector<float> out;
  for (const int64_t c : classes) {
    const auto it = weights.find(c);
    out.push_back(it == weights.end() ? 1.0f : static_cast<float>(it->second));
  }
  return Tensor::from(out);
}

int64_t sample_count(const DataTriple& data) {
  std::optional<int64_t> count;
  std::string sizes;
  bool differ = false;
  const std::pair<const char*, const Nest*> parts[] = {
      {"x", &data.x}, {"y", &data.y}, {"sample_weight", &data.sample_weight}};
  for (const auto& [name, nest] : parts) {
    std::string own;
    for (const Tensor& t : nest->flatten()) {
      if (t.rank() == 0) {
        fail<ValueError>(
            {"fit", "Data arrays need an axis of samples", fmt::format("a scalar in {}", name), ""});
      }
      const int64_t n = t.shape().front().value();
      own += fmt::format("{}{}", own.empty() ? "" : ", ", n);
      differ = differ || (count && *count != n);
      count = n;
    }
    if (!own.empty()) sizes += fmt::format("{}{} has {}", sizes.empty() ? "" : "; ", name, own);
  }
  if (data.x.flatten().empty()) fail<ValueError>({"fit", "There must be input data", "none", ""});
  if (differ) {
    fail<ValueError>(
        {"fit", "All arrays must have the same number of samples (their first axis)", sizes, ""});
  }
  if (*count == 0) fail<ValueError>({"fit", "The data must have at least one sample", "0 samples", ""});
  return *count;
}

std::pair<DataTriple, DataTriple> split_validation(const DataTriple& data, double split) {
  if (!(split > 0 && split < 1)) {
    fail<ValueError>({"fit", "validation_split must be in (0, 1)", fmt::format("{}", split), ""});
  }
  const int64_t count = sample_count(data);
  const auto train = static_cast<int64_t>(std::floor(static_cast<double>(count) * (1.0 - split)));
  if (train == 0 || train == count) {
    fail<ValueError>({"fit", "validation_split must leave samples on both sides",
                      fmt::format("{} samples, validation_split={}", count, split), "use more data"});
  }
  return {map_rows(data, 0, train), map_rows(data, train, count)};
}

std::unique_ptr<DataAdapter> adapt_arrays(DataTriple data, const DataOptions& options) {
  return std::make_unique<ArrayAdapter>(std::move(data), options);
}

std::unique_ptr<DataAdapter> adapt_batches(const BatchSource& source, const DataOptions& options) {
  if (options.batch_size) {
    fail<ValueError>({"fit", "batch_size is for arrays: batches have their own size",
                      fmt::format("batch_size={}", *options.batch_size), ""});
  }
  if (source.sequence()) return std::make_unique<SequenceAdapter>(source.sequence(), options);
  if (!options.class_weight.empty()) {
    fail<ValueError>({"fit", "class_weight cannot be given for a generator",
                      fmt::format("{} classes", options.class_weight.size()),
                      "let the generator give sample weights"});
  }
  return std::make_unique<GeneratorAdapter>(source.generator());
}

}  // namespace keras::internal
