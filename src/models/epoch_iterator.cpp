// SPDX-License-Identifier: Apache-2.0
#include "models/epoch_iterator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "keras/base/error.h"
#include "keras/base/philox.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::internal {

namespace {

Nest standardized(const Nest& nest) {
  return nest.map([](const Tensor& t) {
    return is_float(t.dtype()) && t.dtype() != floatx() ? ops::cast(t, floatx()) : t;
  });
}

Tensor rows(const Tensor& t, int64_t first, int64_t last) { return t[Index(Slice(first, last))]; }

Nest map_rows(const Nest& nest, int64_t first, int64_t last) {
  return nest.map([&](const Tensor& t) { return rows(t, first, last); });
}

DataTriple map_rows(const DataTriple& data, int64_t first, int64_t last) {
  return {map_rows(data.x, first, last), map_rows(data.y, first, last),
          map_rows(data.sample_weight, first, last)};
}

// Keras' class weights as sample weights: a class without an entry weighs 1.
Tensor weights_of_classes(const Tensor& labels, const std::map<int64_t, double>& weights) {
  std::vector<int64_t> classes;
  if (labels.rank() > 1 && !(labels.dim(-1) == Dim(1))) {
    classes = ops::argmax(labels, -1).to_vector<int64_t>();
  } else {
    for (const double v : labels.to_vector<double>())
      classes.push_back(static_cast<int64_t>(std::llround(v)));
  }
  std::vector<float> out;
  for (const int64_t c : classes) {
    const auto it = weights.find(c);
    out.push_back(it == weights.end() ? 1.0f : static_cast<float>(it->second));
  }
  return Tensor::from(out);
}

// The order of an epoch depends on its number alone, as in Keras, and is the same on every backend: samples
// sorted by their random words.
Tensor permutation(int64_t samples, int64_t epoch) {
  constexpr uint32_t kShuffleSeed = 1337;
  std::vector<uint32_t> words(static_cast<size_t>(samples));
  Philox(kShuffleSeed, static_cast<uint32_t>(epoch)).fill(0, std::span<uint32_t>(words));
  std::vector<int64_t> order(words.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return words[static_cast<size_t>(a)] < words[static_cast<size_t>(b)];
  });
  return Tensor::from(order);
}

}  // namespace

int64_t sample_count(const DataTriple& data) {
  std::optional<int64_t> count;
  std::string sizes;
  bool differ = false;
  for (const auto* nest : {&data.x, &data.y, &data.sample_weight}) {
    for (const Tensor& t : nest->flatten()) {
      if (t.rank() == 0) {
        fail<ValueError>({"fit", "Data arrays need an axis of samples", "a scalar", ""});
      }
      const int64_t n = t.shape().front().value();
      sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", n);
      differ = differ || (count && *count != n);
      count = n;
    }
  }
  if (!count) fail<ValueError>({"fit", "There must be input data", "none", ""});
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

EpochIterator::EpochIterator(DataTriple data, Options options)
    : data_{standardized(data.x), standardized(data.y), standardized(data.sample_weight)},
      options_(std::move(options)),
      samples_(sample_count(data)) {
  if (options_.batch_size < 1) {
    fail<ValueError>({"fit", "batch_size must be at least 1", fmt::format("{}", options_.batch_size), ""});
  }
  if (options_.steps_per_epoch && *options_.steps_per_epoch < 1) {
    fail<ValueError>(
        {"fit", "steps_per_epoch must be at least 1", fmt::format("{}", *options_.steps_per_epoch), ""});
  }
  if (!options_.class_weight.empty()) {
    if (!data_.y.is_leaf()) {
      fail<ValueError>({"fit", "class_weight is for models with one output", "several targets", ""});
    }
    if (!data_.sample_weight.is_none()) {
      fail<ValueError>({"fit", "class_weight and sample_weight cannot be given together", "both",
                        "multiply the class weights into sample_weight"});
    }
    data_.sample_weight = weights_of_classes(data_.y.tensor(), options_.class_weight);
  }
}

int64_t EpochIterator::steps() const {
  if (options_.steps_per_epoch) return *options_.steps_per_epoch;
  return (samples_ + options_.batch_size - 1) / options_.batch_size;
}

void EpochIterator::shuffle(int64_t round) {
  if (round == round_) return;
  round_ = round;
  if (options_.shuffle) order_ = permutation(samples_, round);
}

void EpochIterator::start_epoch(int64_t epoch) {
  offset_ = options_.steps_per_epoch ? epoch * *options_.steps_per_epoch : 0;
  if (!options_.steps_per_epoch) shuffle(epoch);
}

DataTriple EpochIterator::batch(int64_t step) {
  const int64_t per_round = (samples_ + options_.batch_size - 1) / options_.batch_size;
  int64_t index = step;
  if (options_.steps_per_epoch) {
    shuffle((offset_ + step) / per_round);
    index = (offset_ + step) % per_round;
  }
  const int64_t first = index * options_.batch_size;
  const int64_t last = std::min(samples_, first + options_.batch_size);
  if (!order_.defined()) return map_rows(data_, first, last);
  const Tensor picked = rows(order_, first, last);
  const auto take = [&](const Tensor& t) { return ops::take(t, picked, 0); };
  return {data_.x.map(take), data_.y.map(take), data_.sample_weight.map(take)};
}

}  // namespace keras::internal
