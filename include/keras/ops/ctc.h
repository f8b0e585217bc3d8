// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "keras/tensor/tensor.h"

/// Connectionist temporal classification of keras.ops (Graves et al., 2006): sequences of labels aligned with
/// longer sequences of steps, with a blank class `mask_index` between them.
namespace keras::ops {

/// -log of the probability of the labels under all alignments, one number a sample: target (N, labels) of
/// integers, output (N, steps, classes) of logits, target_length (N,) and output_length (N,). The number of
/// steps must be known. Infinite where the labels do not fit into the steps.
Tensor ctc_loss(const Tensor& target, const Tensor& output, const Tensor& target_length,
                const Tensor& output_length, int64_t mask_index = 0);

/// The labels of logits (N, steps, classes) with sequence_lengths (N,): (paths, N, steps) int32, filled up
/// with -1, and scores (N, paths). strategy "greedy" takes the largest class of each step (one path; the
/// score is minus the sum of these logits; merge_repeated joins equal neighbours), "beam_search" keeps
/// beam_width prefixes and gives the top_paths most probable ones, whose scores are log-probabilities.
/// mask_index none: the last class; below 0 it counts from the end. A beam search reads the logits, so that
/// it cannot be traced.
std::pair<Tensor, Tensor> ctc_decode(const Tensor& inputs, const Tensor& sequence_lengths,
                                     const std::string& strategy = "greedy", int64_t beam_width = 100,
                                     int64_t top_paths = 1, bool merge_repeated = true,
                                     std::optional<int64_t> mask_index = 0);

}  // namespace keras::ops
