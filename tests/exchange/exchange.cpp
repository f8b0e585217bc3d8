// SPDX-License-Identifier: Apache-2.0
// The C++ half of exchange.py, which describes what the two do:
//   exchange write FOLDER   trains every model on the folder's data and saves it with what it gives
//   exchange read FOLDER    opens what Python Keras saved there and compares what it gives
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "exchange/models.h"
#include "keras/keras.h"

namespace keras::exchange {
namespace {

/// The arrays "x0", "x1", ... of a file.
Nest arrays(const NamedTensors& file, const std::string& prefix) {
  std::vector<Nest> found;
  for (const auto& [name, tensor] : file) {
    if (name.starts_with(prefix) && name.size() == prefix.size() + 1) found.emplace_back(tensor);
  }
  return found.size() == 1 ? found[0] : Nest(std::move(found));
}

struct Data {
  Nest x, y, next_x, next_y;
};

Data load_data(const std::string& folder, const Case& c) {
  const auto file = load_npz(folder + "/" + c.name + "_data.npz");
  return {arrays(file, "x"), arrays(file, "y"), arrays(file, "next_x"), arrays(file, "next_y")};
}

/// What a model gives now, and after one more step.
struct Results {
  NamedTensors tensors;
  void add(const std::string& prefix, const Nest& values) {
    const auto leaves = values.flatten();
    for (size_t i = 0; i < leaves.size(); ++i) tensors.emplace_back(prefix + std::to_string(i), leaves[i]);
  }
  void add(const std::string& prefix, const Logs& logs) {
    for (const auto& [name, value] : logs)
      tensors.emplace_back(prefix + name, Tensor(static_cast<double>(value)));
  }
};

Results results_now(Model& model, const Data& data) {
  Results out;
  out.add("output", model.predict(data.x, {.verbose = 0}));
  out.add("evaluate_", model.evaluate(data.x, data.y, {.verbose = 0}));
  return out;
}

void step_once(Model& model, const Data& data, Results& results) {
  results.add("next_", model.train_on_batch(data.next_x, data.next_y));
  results.add("next_output", model.predict(data.x, {.verbose = 0}));
}

void write(const std::string& folder) {
  for (const Case& c : cases()) {
    const auto model = c.make();
    const Data data = load_data(folder, c);
    model->fit(data.x, data.y, {.batch_size = 8, .epochs = 2, .verbose = 0, .shuffle = false});
    const std::string file = folder + "/" + c.name;
    model->save(file + ".keras");
    model->save_weights(file + ".weights.h5");
    Results results = results_now(*model, data);
    step_once(*model, data, results);
    save_npz(file + "_results.npz", results.tensors);
  }
}

/// How many of the wanted arrays differ.
int compare(const std::string& what, const NamedTensors& ours, const NamedTensors& wanted,
            const char* prefix) {
  int failures = 0, compared = 0;
  for (const auto& [name, value] : wanted) {
    if (!name.starts_with(prefix)) continue;
    const Tensor* found = nullptr;
    for (const auto& [own, tensor] : ours) {
      if (own == name) found = &tensor;
    }
    if (found == nullptr || !(found->shape() == value.shape())) {
      std::printf("%s: %s is %s here\n", what.c_str(), name.c_str(),
                  found == nullptr ? "missing" : "of another shape");
      ++failures;
      continue;
    }
    const auto a = found->to_vector<double>(), b = value.to_vector<double>();
    double worst = 0;
    for (size_t i = 0; i < a.size(); ++i)
      worst = std::fmax(worst, std::abs(a[i] - b[i]) / (1 + std::abs(b[i])));
    ++compared;
    if (!(worst <= 1e-5)) {
      std::printf("%s: %s differs by %.3g\n", what.c_str(), name.c_str(), worst);
      ++failures;
    }
  }
  if (compared == 0) {
    std::printf("%s: there is nothing to compare\n", what.c_str());
    ++failures;
  }
  return failures;
}

int read(const std::string& folder) {
  int failures = 0;
  for (const Case& c : cases()) {
    try {
      const std::string file = folder + "/" + c.name;
      const Data data = load_data(folder, c);
      const auto wanted = load_npz(file + "_results.npz");
      const auto rebuilt = c.make();
      rebuilt->load_weights(file + ".weights.h5");
      failures += compare(c.name + " (weights)", results_now(*rebuilt, data).tensors, wanted, "output");

      const auto loaded = load_model(file + ".keras");
      Results results = results_now(*loaded, data);
      failures += compare(c.name, results.tensors, wanted, "output");
      failures += compare(c.name, results.tensors, wanted, "evaluate_");
      step_once(*loaded, data, results);
      failures += compare(c.name, results.tensors, wanted, "next_");
    } catch (const std::exception& error) {
      std::printf("%s: %s\n", c.name.c_str(), error.what());
      ++failures;
    }
  }
  return failures;
}

}  // namespace
}  // namespace keras::exchange

int main(int argc, char** argv) try {
  const std::string command = argc == 3 ? argv[1] : "";
  if (command == "write") {
    keras::exchange::write(argv[2]);
    return 0;
  }
  if (command == "read") return keras::exchange::read(argv[2]) == 0 ? 0 : 1;
  std::fprintf(stderr, "usage: exchange write|read FOLDER\n");
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
