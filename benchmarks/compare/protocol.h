// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// The line protocol of benchmarks/compare/README.md, for the programs in C++. C++17, because LibTorch 1.13
/// is.
namespace keras::compare {

/// What the driver asks for with `case`.
struct Task {
  std::string model;
  bool training = true;
  int64_t batch = 32;
  double learning_rate = 0;
};

/// A model and its data, ready to run.
struct Case {
  int64_t parameters = 0;        ///< trainable ones
  std::function<void()> step;    ///< one training step, or the outputs of one batch
  std::function<void()> plain;   ///< inference as users write it, where that is another call; may be empty
  std::function<double()> loss;  ///< of the last training step; empty for inference
};

/// A small operation, measured in nanoseconds a call; `call` makes so many of them.
struct Operation {
  std::string name;
  int calls;
  std::function<void()> call;
};

/// A program that the driver measures.
struct Peer {
  std::string name, version, settings;
  std::function<Case(const Task&)> make;
  std::vector<Operation> operations;  ///< may be empty
};

/// Reads commands from stdin and answers on stdout until the end of the input; `PROGRAM first-step` makes one
/// training step of mlp at batch 32 and reports it. The exit status of main.
int serve(int argc, char** argv, const Peer& peer);

/// The data that every program makes in the same way: a wave between 0 and 1, and integers below a bound.
std::vector<float> real_values(int64_t count);
std::vector<int64_t> integer_values(int64_t count, int64_t below);

}  // namespace keras::compare
