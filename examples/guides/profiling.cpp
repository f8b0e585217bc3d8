// SPDX-License-Identifier: Apache-2.0
// The program of docs/guides/profiling.md.
#include <keras/keras.h>

#include <cstdio>

using namespace keras;

int main() {
  Sequential model({Input({784}), layers::Dense(64, {.activation = "relu"}), layers::Dense(10)});
  model.compile({.optimizer = "adam", .loss = losses::SparseCategoricalCrossentropy({.from_logits = true})});
  const Tensor x = random::uniform({640, 784});
  const Tensor y = random::randint({640}, 0, 10);
  model.fit(x, y, {.verbose = 0});  // traced and warm: not in the profile
  {
    profiler::Profile profile("trace.json");
    profiler::Annotation part("second epoch");  // a mark of one's own
    model.fit(x, y, {.verbose = 0});
  }
  std::puts("wrote trace.json");
}
