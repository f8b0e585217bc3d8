// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// From a step's input and the states to its output and the next states.
using RecurrentStep =
    std::function<std::pair<Tensor, std::vector<Tensor>>(const Tensor& x, const std::vector<Tensor>& states)>;

/// How a sequence is run.
struct RecurrentLoop {
  bool go_backwards = false;
  bool zero_output_for_mask = false;
  bool all_outputs = false;
};

/// What a sequence gives; `outputs` (batch, steps, ...) is undefined unless all are wanted.
struct RecurrentResult {
  Tensor last_output, outputs;
  std::vector<Tensor> states;
};

/// The steps of sequences (batch, steps, ...), whose number is known. They are cut out of parts of parts: the
/// gradient of a slice is as large as what it was cut from, so that direct cuts would cost steps squared.
std::vector<Tensor> steps_of(const Tensor& sequences);
/// Sequences (batch, steps, ...) as (steps, batch, ...), and back.
Tensor batch_and_steps_exchanged(const Tensor& x);

/// Runs the steps of sequences (batch, steps, ...), one by one where their number is known. The mask (batch,
/// steps) is bool or undefined.
RecurrentResult run_recurrent(const RecurrentLoop& loop, const RecurrentStep& step, const Tensor& sequences,
                              std::vector<Tensor> states, const Tensor& mask);

/// The same as an ops::scan, for any number of steps.
RecurrentResult run_recurrent_scan(const RecurrentLoop& loop, const RecurrentStep& step,
                                   const Tensor& sequences, std::vector<Tensor> states, const Tensor& mask);

}  // namespace keras::internal
