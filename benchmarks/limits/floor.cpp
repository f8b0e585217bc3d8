// SPDX-License-Identifier: Apache-2.0
// The hand-written steps of mlp, cnn and resnet20 as a program that benchmarks/compare/run.py measures.
// `floor blocked` uses oneDNN's blocked layout instead of channels-last.
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "compare/protocol.h"
#include "limits/floor_step.h"

namespace {

using keras::compare::Case;
using keras::compare::Task;
using keras::limits::Activation;
using keras::limits::FloorStep;

void add_mlp(FloorStep& step, int64_t batch) {
  Activation x = step.rows(batch, 784);
  x = step.dense(x, 512, true, true);
  x = step.dense(x, 512, true, false);
  step.classify(step.dense(x, 10, false, false));
}

void add_cnn(FloorStep& step, int64_t batch) {
  Activation x = step.images(batch, 1, 28);
  x = step.convolution(x, {.filters = 32, .relu = true, .bias = true, .first = true});
  x = step.convolution(x, {.filters = 64, .relu = true, .bias = true});
  x = step.max_pooling(x);
  step.dropout(x, 0.25);
  x = step.dense(step.flatten(x), 128, true, false);
  step.dropout(x, 0.5);
  step.classify(step.dense(x, 10, false, false));
}

void add_resnet20(FloorStep& step, int64_t batch) {
  Activation x = step.images(batch, 3, 32);
  x = step.normalization(step.convolution(x, {.filters = 16, .padding = 1, .first = true}), true);
  for (const int64_t filters : {16, 32, 64}) {
    for (int block = 0; block < 3; ++block) x = step.residual(x, filters, filters > 16 && block == 0 ? 2 : 1);
  }
  step.classify(step.dense(step.average_pooling(x), 10, false, false));
}

Case make(const Task& task, bool blocked) {
  if (!task.training) throw std::invalid_argument("the floor has training steps only");
  const bool adam = task.model != "resnet20";
  const double rate = task.learning_rate != 0 ? task.learning_rate : adam ? 1e-3 : 1e-2;
  const auto step = std::make_shared<FloorStep>(blocked, adam, rate);
  if (task.model == "mlp") {
    add_mlp(*step, task.batch);
  } else if (task.model == "cnn") {
    add_cnn(*step, task.batch);
  } else if (task.model == "resnet20") {
    add_resnet20(*step, task.batch);
  } else {
    throw std::invalid_argument("the floor has mlp, cnn and resnet20");
  }
  Case made;
  made.parameters = step->parameters();
  made.step = [step] { step->run(); };
  made.loss = [step] { return step->loss(); };
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) {
    std::printf("{\"error\": \"the hand-written floor is compiled for AVX-512\"}\n");
    return 0;
  }
  const bool blocked = argc > 1 && std::strcmp(argv[1], "blocked") == 0;
  return keras::compare::serve(argc, argv,
                               {"floor",
                                "",
                                blocked ? "oneDNN, blocked layout" : "oneDNN, channels-last",
                                [blocked](const Task& task) { return make(task, blocked); },
                                {}});
}
