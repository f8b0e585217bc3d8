// SPDX-License-Identifier: Apache-2.0
// Model::summary against the text that real Keras prints for the same models.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "checkout.h"
#include "keras/keras.h"

namespace keras {
namespace {

// Python's terminal has 80 columns, and cuts what a longer line_length would print; we print it.
const std::set<std::string> kCutByTerminal = {"mlp_wide", "functional_wide", "long_names_wide"};

class Subclassed : public Model {
  layers::Dense first{4}, second{2};

 public:
  explicit Subclassed(LayerOptions options = {}) : Model(std::move(options)) {}
  KERAS_MODEL(Subclassed, first, second)
  Tensor call(const Tensor& x, const CallArgs&) override { return second(first(x)); }
};

Json read_golden() {
  std::ifstream file(checkout::source_path("tests/golden/summary.json"));
  std::stringstream text;
  text << file.rdbuf();
  return Json::parse(text.str(), "summary.json");
}

std::shared_ptr<Model> make_model(const Json& golden, const Json& test) {
  const std::string& name = test["name"].as_string();
  internal::reset_auto_names();
  if (name == "unbuilt") {
    return std::make_shared<Sequential>(std::vector<LayerHandle>{layers::Dense(4), layers::Dense(2)},
                                        LayerOptions{.name = "unbuilt"});
  }
  if (name == "called" || name == "subclassed_not_called") {
    auto model = std::make_shared<Subclassed>(LayerOptions{.name = "subclassed"});
    if (name == "called") (*model)(ops::zeros({2, 3}));
    return model;
  }
  Json config = golden["models"][test["model"].as_string()];
  config.set("compile_config", nullptr);  // the cases say themselves with which optimizer they are compiled
  return std::dynamic_pointer_cast<Model>(deserialize_layer(config).shared());
}

TEST(Summary, PrintsWhatKerasPrints) {
  const Json golden = read_golden();
  int compared = 0;
  for (const Json& test : golden["cases"].as_list()) {
    const std::string& name = test["name"].as_string();
    if (kCutByTerminal.count(name) > 0) continue;
    SCOPED_TRACE(name);
    const auto model = make_model(golden, test);
    if (test["optimizer"].is_string()) {
      model->compile({.optimizer = test["optimizer"].as_string()});
      model->optimizer().build(model->trainable_variables());
    }
    SummaryOptions options;
    std::string printed;
    options.print_fn = [&](const std::string& text) { printed = text; };
    for (const auto& [key, value] : test["options"].as_dict()) {
      if (key == "line_length") options.line_length = static_cast<int>(value.as_int());
      if (key == "show_trainable") options.show_trainable = value.as_bool();
      if (key == "expand_nested") options.expand_nested = value.as_bool();
      if (key == "layer_range") options.layer_range = {value[0].as_string(), value[1].as_string()};
      if (key == "positions") {
        for (const Json& p : value.as_list()) options.positions.push_back(p.as_real());
      }
    }
    model->summary(options);
    std::string wanted = test["text"].as_string();
    while (wanted.ends_with("\n\n")) wanted.pop_back();
    EXPECT_EQ(printed, wanted);
    ++compared;
  }
  EXPECT_EQ(compared, 26);
}

}  // namespace
}  // namespace keras
