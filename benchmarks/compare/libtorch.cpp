// SPDX-License-Identifier: Apache-2.0
// LibTorch's C++ frontend as a program that benchmarks/compare/run.py measures, at its best: channels-last
// convolutions, batch normalization folded for inference, one projection for query, key and value, sequences
// first in the LSTM. C++17, as its headers want it.
#include <torch/torch.h>
#include <torch/version.h>

#include <cstdlib>

#include "compare/libtorch_models.h"
#include "compare/protocol.h"

namespace {

using keras::compare::Case;
using keras::compare::Task;
namespace models = keras::compare::libtorch;

int64_t trainable_parameters(const torch::nn::Module& model) {
  int64_t count = 0;
  for (const auto& parameter : model.parameters()) {
    if (parameter.requires_grad()) count += parameter.numel();
  }
  return count;
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const torch::nn::Module& model, bool adam,
                                                        double rate) {
  std::vector<torch::Tensor> parameters;
  for (const auto& parameter : model.parameters()) {
    if (parameter.requires_grad()) parameters.push_back(parameter);
  }
  if (adam)
    return std::make_unique<torch::optim::Adam>(parameters,
                                                torch::optim::AdamOptions(rate == 0 ? 1e-3 : rate).eps(1e-7));
  return std::make_unique<torch::optim::SGD>(parameters,
                                             torch::optim::SGDOptions(rate == 0 ? 1e-2 : rate).momentum(0.9));
}

Case make(const Task& task) {
  torch::manual_seed(1);
  const models::Recipe recipe = models::make(task.model, task.batch);
  auto model = recipe.model;
  const torch::Tensor x = recipe.x, y = recipe.y;
  Case made;
  made.parameters = trainable_parameters(*model);
  if (!task.training) {
    model->eval();
    model->prepare_inference();
    made.step = [model, x] {
      const c10::InferenceMode guard;
      model->forward(x);
    };
    return made;
  }
  model->train();
  const std::shared_ptr<torch::optim::Optimizer> optimizer =
      make_optimizer(*model, recipe.adam, task.learning_rate);
  const auto last = std::make_shared<torch::Tensor>();
  const bool binary = recipe.binary;
  made.step = [=] {
    optimizer->zero_grad();
    const torch::Tensor output = model->forward(x);
    torch::Tensor loss = binary ? torch::binary_cross_entropy_with_logits(output, y)
                                : torch::nn::functional::cross_entropy(output, y);
    loss.backward();
    optimizer->step();
    *last = loss.detach();
  };
  made.loss = [last] { return last->item<double>(); };
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  // Asked for by name: a bound process sees one processor.
  if (const char* threads = std::getenv("OMP_NUM_THREADS")) at::set_num_threads(std::atoi(threads));
  at::globalContext().setFlushDenormal(true);
  const torch::Tensor a = torch::tensor({1.f, 2.f, 3.f, 4.f}), b = torch::tensor({5.f, 6.f, 7.f, 8.f});
  const torch::Tensor m = torch::full({4, 4}, 0.5f);
  const torch::Tensor recorded = a.clone().set_requires_grad(true);
  keras::compare::Peer peer{
      "LibTorch C++", TORCH_VERSION, "channels-last, batch normalization folded for inference", make, {}};
  peer.operations = {
      {"add", 1,
       [&] {
         const c10::InferenceMode guard;
         torch::add(a, b);
       }},
      {"add recorded", 1, [&] { torch::add(recorded, b); }},
      {"matmul 4x4", 1,
       [&] {
         const c10::InferenceMode guard;
         torch::matmul(m, m);
       }},
  };
  return keras::compare::serve(argc, argv, peer);
}
