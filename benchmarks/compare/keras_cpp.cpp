// SPDX-License-Identifier: Apache-2.0
// keras.cpp as a program that benchmarks/compare/run.py measures: its public interface, as a user has it.
#include "compare/protocol.h"
#include "models/models.h"

#include <cstdlib>

namespace {

using namespace keras;  // NOLINT: as a user's program
using keras::compare::Case;

// What fit does with a batch.
Logs training_step(Model& model, const Tensor& x, const Tensor& y) { return model.train_on_batch(x, y); }

// What predict does with a batch.
Nest inference(Model& model, const Tensor& x) { return model.predict_on_batch(x); }

int64_t trainable_parameters(const Model& model) {
  int64_t count = 0;
  for (const auto& variable : model.trainable_variables()) count += variable.shape().elements();
  return count;
}

Case make(const compare::Task& wanted) {
  utils::set_random_seed(1);
  benchmarks::TaskOptions options;
  options.learning_rate = wanted.learning_rate;
  if (const char* policy = std::getenv("COMPARE_DTYPE_POLICY")) options.dtype_policy = policy;
  const benchmarks::Task task = benchmarks::make_task(wanted.model, wanted.batch, options);
  // Threads are bound while the case lives, as fit and predict bind them while they run.
  const auto threads = std::make_shared<internal::RunScope>();
  const auto logs = std::make_shared<Logs>();
  Case made;
  made.parameters = trainable_parameters(*task.model);
  if (wanted.training) {
    made.step = [task, threads, logs] { *logs = training_step(*task.model, task.x, task.y); };
    made.loss = [logs] { return (*logs)["loss"]; };
  } else {
    made.step = [task, threads] { inference(*task.model, task.x); };
    made.plain = [task] { task.model->predict(task.x, {.batch_size = task.x.dim(0).value(), .verbose = 0}); };
  }
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  const Tensor a = Tensor::from(std::vector<float>{1, 2, 3, 4}, {4});
  const Tensor b = Tensor::from(std::vector<float>{5, 6, 7, 8}, {4});
  const Tensor m = Tensor::from(std::vector<float>(16, 0.5f), {4, 4});
  constexpr int kRecorded = 1000;
  const char* policy = std::getenv("COMPARE_DTYPE_POLICY");
  compare::Peer peer{"keras.cpp", KERAS_VERSION, config::backend() + " backend, defaults", make, {}};
  if (policy != nullptr) peer.settings = config::backend() + " backend, " + policy;
  peer.operations = {
      {"add", 1, [&] { ops::add(a, b); }},
      {"add recorded", kRecorded,
       [&] {
         GradientTape tape;
         tape.watch(a);
         for (int i = 0; i < kRecorded; ++i) ops::add(a, b);
       }},
      {"matmul 4x4", 1, [&] { ops::matmul(m, m); }},
  };
  return compare::serve(argc, argv, peer);
}
