// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/ctc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "keras/ops/abstract_evaluation.h"
#include "keras/ops/activation.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

using namespace internal;

namespace {

// The logarithm of no probability at all: finite, so that gradients of log-sums stay numbers.
constexpr double kNothing = -1e30;

Tensor as_int32(const Tensor& x) { return prim::cast(as_plain(x), DType::int32); }

int64_t class_index(const char* where, int64_t index, Dim classes) {
  if (!classes.known()) {
    fail<ValueError>({where, "The number of classes must be known", classes.to_string(), ""});
  }
  const int64_t resolved = index < 0 ? index + classes.value() : index;
  if (resolved < 0 || resolved >= classes.value()) {
    fail<ValueError>({where, "mask_index must be a class",
                      fmt::format("mask_index={}, {} classes", index, classes.value()), ""});
  }
  return resolved;
}

void check_logits(const char* where, const Tensor& logits, const Tensor& lengths) {
  if (logits.rank() == 3 && lengths.rank() == 1 && logits.dim(1).known()) return;
  fail<ValueError>(
      {where,
       "The logits must be (samples, a known number of steps, classes), with one length "
       "for each sample",
       fmt::format("logits {}, lengths {}", logits.shape().to_string(), lengths.shape().to_string()), ""});
}

// x (N, S) moved `by` places to higher positions.
Tensor moved(const Tensor& x, int64_t by) {
  const Shape nothing{x.dim(0), Dim(by)};
  return prim::concat(
      {prim::full(nothing, kNothing, x.dtype()), prim::slice_axis(x, 1, Dim(0), x.dim(1) - Dim(by))}, 1);
}

Tensor log_sum(std::initializer_list<Tensor> terms) {
  std::vector<Tensor> rows;
  for (const Tensor& t : terms) rows.push_back(prim::expand_dims(t, 0));
  return prim::logsumexp(prim::concat(rows, 0), {0});
}

// x (N, S) at one position of each row.
Tensor picked(const Tensor& x, const Tensor& position) {
  const Tensor here =
      prim::equal(prim::iota(DType::int32, Shape{Dim(1), x.dim(1)}, 1), prim::expand_dims(position, 1));
  return prim::reduce_sum(prim::select(here, x, prim::scalar_like(x, 0)), {1});
}

}  // namespace

Tensor ctc_loss(const Tensor& target, const Tensor& output, const Tensor& target_length,
                const Tensor& output_length, int64_t mask_index) {
  const char* where = "ctc_loss";
  if (auto node = symbolic<&ctc_loss>(target, output, target_length, output_length, mask_index)) return *node;
  check_logits(where, output, output_length);
  if (target.rank() != 2 || target_length.rank() != 1 || !target.dim(1).known()) {
    fail<ValueError>({where, "target must be (samples, a known number of labels), with one length for each",
                      fmt::format("target {}, target_length {}", target.shape().to_string(),
                                  target_length.shape().to_string()),
                      ""});
  }
  const Tensor logits = as_float(output);
  const DType result = logits.dtype();
  const Tensor wide = result == DType::float64 ? logits : prim::cast(logits, DType::float32);
  const Tensor labels = as_int32(target), label_count = as_int32(target_length),
               steps = as_int32(output_length);
  const Dim n = wide.dim(0);
  const int64_t length = wide.dim(1).value(), label_room = labels.dim(1).value();
  const int64_t blank = class_index(where, mask_index, wide.dim(2));
  if (length < 1)
    fail<ValueError>({where, "There must be at least one step", output.shape().to_string(), ""});

  // The states: a blank before, between and after the labels.
  const auto blanks = [&](int64_t count) {
    return prim::full(Shape{n, Dim(count)}, static_cast<double>(blank), DType::int32);
  };
  const Dim states(2 * label_room + 1);
  const Tensor pairs =
      prim::concat({prim::expand_dims(blanks(label_room), 2), prim::expand_dims(labels, 2)}, 2);
  const Tensor symbols = prim::concat({prim::reshape(pairs, Shape{n, Dim(2 * label_room)}), blanks(1)}, 1);
  // A label may follow the one before it without a blank unless they are equal.
  Tensor skips;
  if (label_room > 0) {
    const Tensor before = prim::concat({blanks(2), prim::slice_axis(symbols, 1, Dim(0), states - Dim(2))}, 1);
    skips = prim::bit_and(prim::not_equal(symbols, prim::scalar_like(symbols, static_cast<double>(blank))),
                          prim::not_equal(symbols, before));
  }
  const Tensor log_probabilities = log_softmax(wide, -1);
  const Tensor emissions =
      prim::gather(prim::transpose(log_probabilities, {0, 2, 1}), symbols, 1, 1);  // (N, states, steps)
  const auto emitted = [&](int64_t step) { return prim::index_axis(emissions, 2, Dim(step)); };
  const Tensor nothing = prim::scalar_like(wide, kNothing);
  const Tensor position = prim::iota(DType::int32, Shape{Dim(1), states}, 1);
  Tensor alpha = prim::select(prim::less(position, prim::scalar_like(position, 2)), emitted(0), nothing);
  for (int64_t t = 1; t < length; ++t) {
    Tensor arrived = log_sum({alpha, moved(alpha, 1)});
    if (label_room > 0) arrived = log_sum({arrived, prim::select(skips, moved(alpha, 2), nothing)});
    const Tensor next = prim::add(arrived, emitted(t));
    const Tensor running =
        prim::expand_dims(prim::less(prim::scalar(static_cast<double>(t), DType::int32), steps), 1);
    alpha = prim::select(running, next, alpha);
  }
  // The paths end in the last label or in the blank after it.
  const Tensor twice = prim::add(label_count, label_count);
  const Tensor none = prim::equal(label_count, prim::scalar_like(label_count, 0));
  const Tensor in_label = picked(alpha, prim::sub(twice, prim::scalar_like(twice, 1)));
  const Tensor total = log_sum({picked(alpha, twice), prim::select(none, nothing, in_label)});
  const Tensor infinite = prim::scalar_like(total, std::numeric_limits<double>::infinity());
  const Tensor possible = prim::greater(total, prim::scalar_like(total, kNothing / 10));
  return prim::cast(prim::select(possible, prim::neg(total), infinite), result);
}

namespace {

// (N, steps): the largest class of each step, blanks and repetitions taken out, the rest moved to the front.
std::pair<Tensor, Tensor> greedy(const Tensor& x, const Tensor& lengths, bool merge_repeated, int64_t blank) {
  const Dim steps = x.dim(1);
  const Tensor time = prim::iota(DType::int32, Shape{Dim(1), steps}, 1);
  const Tensor running = prim::less(time, prim::expand_dims(lengths, 1));
  const Tensor best = prim::cast(prim::argmax(x, 2), DType::int32);
  const Tensor largest = prim::reduce_max(x, {2});
  const Tensor score =
      prim::neg(prim::reduce_sum(prim::select(running, largest, prim::scalar_like(largest, 0)), {1}, true));
  Tensor kept =
      prim::bit_and(running, prim::not_equal(best, prim::scalar_like(best, static_cast<double>(blank))));
  if (merge_repeated && steps.value() > 1) {
    const Tensor first = prim::full(Shape{x.dim(0), Dim(1)}, -1, DType::int32);
    const Tensor previous = prim::concat({first, prim::slice_axis(best, 1, Dim(0), steps - Dim(1))}, 1);
    kept = prim::bit_and(kept, prim::not_equal(best, previous));
  }
  const Tensor count = prim::cast(kept, DType::int32);
  const Tensor place = prim::sub(prim::cumulate(KERAS_CUM_SUM, count, 1), prim::scalar_like(count, 1));
  const Tensor goes = prim::bit_and(
      prim::expand_dims(kept, 2),
      prim::equal(prim::expand_dims(place, 2), prim::iota(DType::int32, Shape{Dim(1), Dim(1), steps}, 2)));
  const Tensor raised = prim::expand_dims(prim::add(best, prim::scalar_like(best, 1)), 2);
  const Tensor sum = prim::reduce_sum(prim::select(goes, raised, prim::scalar_like(raised, 0)), {1});
  return {prim::expand_dims(prim::sub(sum, prim::scalar_like(sum, 1)), 0), score};
}

double log_add(double a, double b) {
  if (a == -INFINITY) return b;
  if (b == -INFINITY) return a;
  return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
}

/// A prefix of labels: its probability with a blank at its end, and with its last label.
struct Prefix {
  std::vector<int32_t> labels;
  double blank = -INFINITY;
  double label = -INFINITY;
  double total() const { return log_add(blank, label); }
};

// The most probable prefixes, most probable first, after all steps of one sample.
std::vector<Prefix> beams(const double* logits, int64_t steps, int64_t classes, int64_t blank, size_t width) {
  std::vector<Prefix> beam{{{}, 0.0, -INFINITY}};
  for (int64_t t = 0; t < steps; ++t, logits += classes) {
    double norm = -INFINITY;
    for (int64_t c = 0; c < classes; ++c) norm = log_add(norm, logits[c]);
    std::map<std::vector<int32_t>, Prefix> next;
    const auto at = [&](const std::vector<int32_t>& labels) -> Prefix& {
      Prefix& p = next[labels];
      p.labels = labels;
      return p;
    };
    for (const Prefix& p : beam) {
      Prefix& same = at(p.labels);
      same.blank = log_add(same.blank, p.total() + logits[blank] - norm);
      if (!p.labels.empty()) {
        same.label = log_add(same.label, p.label + logits[p.labels.back()] - norm);
      }
      for (int64_t c = 0; c < classes; ++c) {
        if (c == blank) continue;
        const bool repeated = !p.labels.empty() && p.labels.back() == c;
        std::vector<int32_t> longer = p.labels;
        longer.push_back(static_cast<int32_t>(c));
        Prefix& q = at(longer);
        q.label = log_add(q.label, (repeated ? p.blank : p.total()) + logits[c] - norm);
      }
    }
    beam.clear();
    for (auto& [labels, p] : next) beam.push_back(std::move(p));
    std::stable_sort(beam.begin(), beam.end(),
                     [](const Prefix& a, const Prefix& b) { return a.total() > b.total(); });
    if (beam.size() > width) beam.resize(width);
  }
  return beam;
}

std::pair<Tensor, Tensor> beam_search(const Tensor& x, const Tensor& lengths, int64_t beam_width,
                                      int64_t top_paths, int64_t blank) {
  const char* where = "ctc_decode";
  if (beam_width < top_paths || top_paths < 1) {
    fail<ValueError>({where, "top_paths must be from 1 to beam_width",
                      fmt::format("top_paths={}, beam_width={}", top_paths, beam_width), ""});
  }
  if (AbstractEvaluation::running()) {
    return {AbstractEvaluation::tensor({DType::int32, {Dim(top_paths), x.dim(0), x.dim(1)}}),
            AbstractEvaluation::tensor({x.dtype(), {x.dim(0), Dim(top_paths)}})};
  }
  if (x.abstract() || lengths.abstract()) {
    fail<UnsupportedError>({where, "A beam search reads its inputs and cannot be traced", "a traced value",
                            "call it outside of function(), or use strategy=\"greedy\""});
  }
  const int64_t n = x.dim(0).value(), steps = x.dim(1).value(), classes = x.dim(2).value();
  const auto logits = x.to_vector<double>();
  const auto counts = lengths.to_vector<int64_t>();
  std::vector<int32_t> labels(host_entries(where, sizeof(int32_t), {top_paths, n, steps}), -1);
  std::vector<double> scores(host_entries(where, sizeof(double), {n, top_paths}), -INFINITY);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t count = std::clamp<int64_t>(counts[static_cast<size_t>(i)], 0, steps);
    const auto found =
        beams(logits.data() + i * steps * classes, count, classes, blank, static_cast<size_t>(beam_width));
    for (int64_t p = 0; p < top_paths && p < static_cast<int64_t>(found.size()); ++p) {
      const Prefix& prefix = found[static_cast<size_t>(p)];
      std::copy(prefix.labels.begin(), prefix.labels.end(), labels.begin() + (p * n + i) * steps);
      scores[static_cast<size_t>(i * top_paths + p)] = prefix.total();
    }
  }
  return {Tensor::from(labels, Shape{top_paths, n, steps}),
          prim::cast(Tensor::from(scores, Shape{n, top_paths}), x.dtype())};
}

}  // namespace

std::pair<Tensor, Tensor> ctc_decode(const Tensor& inputs, const Tensor& sequence_lengths,
                                     const std::string& strategy, int64_t beam_width, int64_t top_paths,
                                     bool merge_repeated, std::optional<int64_t> mask_index) {
  const char* where = "ctc_decode";
  if (auto node = symbolic<&ctc_decode>(inputs, sequence_lengths, strategy, beam_width, top_paths,
                                        merge_repeated, mask_index)) {
    return *node;
  }
  check_logits(where, inputs, sequence_lengths);
  const Tensor x = as_float(inputs), lengths = as_int32(sequence_lengths);
  const int64_t blank = class_index(where, mask_index.value_or(-1), x.dim(2));
  if (strategy == "greedy") return greedy(x, lengths, merge_repeated, blank);
  if (strategy == "beam_search") return beam_search(x, lengths, beam_width, top_paths, blank);
  fail_unknown_name(where, "strategy", strategy, {"greedy", "beam_search"});
}

}  // namespace keras::ops
