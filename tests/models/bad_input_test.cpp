// SPDX-License-Identifier: Apache-2.0
// Wrong use of models, data and files: each raises the right exception, with a message that teaches. Ops,
// layers, losses and optimizers have theirs in tests/ops, tests/nn.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "keras/keras.h"
#include "refusal.h"

namespace keras {
namespace {

using Cases = std::vector<Refusal>;
constexpr auto kValue = Refused::value;
constexpr auto kType = Refused::type;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class ModelsRefuse : public ::testing::TestWithParam<Refusal> {};
TEST_P(ModelsRefuse, WrongUse) { EXPECT_TRUE(refused(GetParam())); }

Tensor ones(const Shape& shape) { return ops::ones(shape); }

Sequential uncompiled() { return Sequential({Input({3}), layers::Dense(2, {.name = "d"})}, {.name = "m"}); }

Sequential compiled(const CompileOptions& options = {.optimizer = "sgd", .loss = "mse"}) {
  Sequential model = uncompiled();
  model.compile(options);
  return model;
}

FitOptions quiet(FitOptions options = {}) {
  options.verbose = 0;
  return options;
}

// Fits 4 samples.
void fit(const FitOptions& options) { compiled().fit(ones({4, 3}), ones({4, 2}), quiet(options)); }

// A model with the outputs "a" and "b".
Model two_outputs() {
  const Tensor x = Input({3}, {.name = "x"});
  return Model(x, Nest{layers::Dense(2, {.name = "a"})(x), layers::Dense(1, {.name = "b"})(x)},
               {.name = "two"});
}

// A folder of this process that is gone at its end.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("keras_bad_input_" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string at(const std::string& name) const { return (path_ / name).string(); }
  std::string text(const std::string& name, const std::string& bytes) const {
    std::ofstream(at(name), std::ios::binary) << bytes;
    return at(name);
  }
  // The file without its last `less` bytes.
  std::string cut(const std::string& name, uintmax_t less) const {
    std::filesystem::resize_file(at(name), std::filesystem::file_size(at(name)) - less);
    return at(name);
  }

 private:
  std::filesystem::path path_;
};

const Cases kFit = {
    {"fit_uncompiled",
     [] {
       uncompiled().fit(ones({4, 3}), ones({4, 2}));
     },
     kValue,
     {"[m", "compile", "fit"}},
    {"evaluate_uncompiled",
     [] {
       uncompiled().evaluate(ones({4, 3}), ones({4, 2}));
     },
     kValue,
     {"[m", "compile", "evaluate"}},
    {"optimizer_uncompiled", [] { uncompiled().optimizer(); }, kValue, {"[m", "compile"}},
    {"no_loss",
     [] {
       compiled({.optimizer = "sgd"}).fit(ones({4, 3}), ones({4, 2}), quiet());
     },
     kValue,
     {"loss", "compile"}},
    {"unknown_optimizer", [] { compiled({.optimizer = "adma"}); }, kValue, {"did you mean 'adam'"}},
    {"unknown_loss",
     [] {
       compiled({.loss = "meen_squared_error"}).fit(ones({4, 3}), ones({4, 2}), quiet());
     },
     kValue,
     {"loss", "did you mean 'mean_squared_error'"}},
    {"unknown_metric",
     [] {
       compiled({.loss = "mse", .metrics = {"acuracy"}}).fit(ones({4, 3}), ones({4, 2}), quiet());
     },
     kValue,
     {"metric", "did you mean 'accuracy'"}},
    {"wrong_width",
     [] {
       compiled().fit(ones({4, 5}), ones({4, 2}), quiet());
     },
     kValue,
     {"[m", "(None, 3)", "(4, 5)"}},
    {"wrong_rank",
     [] {
       compiled().fit(ones({4, 5, 3}), ones({4, 2}), quiet());
     },
     kValue,
     {"[m", "(None, 3)", "(4, 5, 3)"}},
    {"wrong_targets",
     [] {
       compiled().fit(ones({4, 3}), ones({4, 5}), quiet());
     },
     kValue,
     {"mean_squared_error", "(4, 5)", "(4, 2)"}},
    {"lengths_differ",
     [] {
       compiled().fit(ones({4, 3}), ones({5, 2}), quiet());
     },
     kValue,
     {"x has 4", "y has 5"}},
    {"weights_differ",
     [] {
       compiled().fit(ones({4, 3}), ones({4, 2}), quiet({.sample_weight = ones({3})}));
     },
     kValue,
     {"x has 4", "sample_weight has 3"}},
    {"no_samples",
     [] {
       compiled().fit(ops::zeros({0, 3}), ops::zeros({0, 2}), quiet());
     },
     kValue,
     {"0 samples"}},
    {"no_data", [] { compiled().fit(Nest(), Nest(), quiet()); }, kValue, {"input data"}},
    {"no_targets",
     [] {
       compiled().fit(ones({4, 3}), Nest(), quiet());
     },
     kValue,
     {"target"}},
    {"undefined_data",
     [] {
       compiled().fit(Tensor(), ones({4, 2}), quiet());
     },
     kValue,
     {"x must hold data", "undefined"}},
    {"scalar_data", [] { compiled().fit(Tensor(1.0), Tensor(1.0), quiet()); }, kValue, {"scalar", "x"}},
    {"words",
     [] {
       compiled().fit(Tensor::strings({"a", "b"}, {2, 1}), ones({2, 2}), quiet());
     },
     kType,
     {"string"}},
    {"symbol_as_data",
     [] {
       compiled().fit(Input({3}), ones({4, 2}), quiet());
     },
     kType,
     {"x must hold data", "KerasTensor"}},
    {"predict_nothing",
     [] {
       uncompiled().predict(ops::zeros({0, 3}), {.verbose = 0});
     },
     kValue,
     {"0 samples"}},
    {"predict_width",
     [] {
       uncompiled().predict(ones({4, 5}), {.verbose = 0});
     },
     kValue,
     {"(None, 3)", "(4, 5)"}},
    {"inputs_missing",
     [] {
       two_outputs().predict(Nest{ones({2, 3}), ones({2, 3})}, {.verbose = 0});
     },
     kValue,
     {"[two", "inputs are x", "a list of 2"}},
    {"batch_size_0", [] { fit({.batch_size = 0}); }, kValue, {"batch_size", "0"}},
    {"batch_size_negative",
     [] {
       compiled().evaluate(ones({4, 3}), ones({4, 2}), {.batch_size = -4, .verbose = 0});
     },
     kValue,
     {"batch_size", "-4"}},
    {"epochs_negative", [] { fit({.epochs = -1}); }, kValue, {"epochs", "-1"}},
    {"initial_epoch_negative", [] { fit({.initial_epoch = -1}); }, kValue, {"initial_epoch", "-1"}},
    {"steps_0", [] { fit({.steps_per_epoch = 0}); }, kValue, {"steps_per_epoch", "0"}},
    {"steps_negative", [] { fit({.steps_per_epoch = -1}); }, kValue, {"steps_per_epoch", "-1"}},
    {"validation_steps_0",
     [] {
       fit({.validation_data = {ones({4, 3}), ones({4, 2})}, .validation_steps = 0});
     },
     kValue,
     {"validation_steps", "0"}},
    {"evaluate_steps_0",
     [] {
       compiled().evaluate(ones({4, 3}), ones({4, 2}), {.verbose = 0, .steps = 0});
     },
     kValue,
     {"steps", "0"}},
    {"predict_steps_negative",
     [] {
       uncompiled().predict(ones({4, 3}), {.verbose = 0, .steps = -2});
     },
     kValue,
     {"steps", "-2"}},
    {"steps_per_execution_0",
     [] { compiled({.loss = "mse", .steps_per_execution = 0}); },
     kValue,
     {"steps_per_execution", "0"}},
    {"split_of_1", [] { fit({.validation_split = 1}); }, kValue, {"validation_split", "1"}},
    {"split_negative", [] { fit({.validation_split = -0.5}); }, kValue, {"validation_split", "-0.5"}},
    {"split_nan", [] { fit({.validation_split = kNan}); }, kValue, {"validation_split", "nan"}},
    {"split_leaves_nothing", [] { fit({.validation_split = 0.99}); }, kValue, {"validation_split", "4"}},
    {"validation_freq_negative", [] { fit({.validation_freq = -1}); }, kValue, {"validation_freq", "-1"}},
    {"validation_freq_0",
     [] {
       fit({.validation_data = {ones({4, 3}), ones({4, 2})}, .validation_freq = 0});
     },
     kValue,
     {"validation_freq", "0"}},
    {"validation_width",
     [] {
       fit({.validation_data = {ones({4, 2}), ones({4, 2})}});
     },
     kValue,
     {"(None, 3)", "(4, 2)"}},
    {"validation_lengths",
     [] {
       fit({.validation_data = {ones({4, 3}), ones({3, 2})}});
     },
     kValue,
     {"x has 4", "y has 3"}},
    {"weights_of_both_kinds",
     [] {
       fit({.class_weight = {{0, 1.0}}, .sample_weight = ones({4})});
     },
     kValue,
     {"class_weight", "sample_weight"}},
    {"class_weight_of_nan",
     [] {
       compiled().fit(ones({2, 3}), Tensor{{kNan}, {1.}}, quiet({.class_weight = {{0, 1.0}}}));
     },
     kValue,
     {"class_weight", "label of nan"}},
    {"class_weight_negative",
     [] {
       fit({.class_weight = {{0, kNan}}});
     },
     kValue,
     {"class_weight", "nan"}},
    {"batch_size_of_batches",
     [] {
       compiled().fit(BatchSource([] { return std::optional<DataTriple>(); }), quiet({.batch_size = 3}));
     },
     kValue,
     {"batch_size"}},
    {"generator_of_nothing",
     [] { compiled().fit(BatchSource([] { return std::optional<DataTriple>(); }), quiet()); },
     kValue,
     {"generator"}},
    {"train_on_batch",
     [] {
       uncompiled().train_on_batch(ones({4, 3}), ones({4, 2}));
     },
     kValue,
     {"compile", "train_on_batch"}},
    {"label_out_of_range",
     [] {
       compiled({.loss = "sparse_categorical_crossentropy"}).fit(ones({2, 3}), Tensor{0, 2}, quiet());
     },
     kValue,
     {"2"}},
};
INSTANTIATE_TEST_SUITE_P(Fit, ModelsRefuse, ::testing::ValuesIn(kFit), refusal_name);

const Cases kModels = {
    {"loss_of_unknown_output",
     [] {
       Model m = two_outputs();
       m.compile({.loss = named<LossArg>({{"a", "mse"}, {"bb", "mse"}})});
       m.fit(ones({2, 3}), Nest{ones({2, 2}), ones({2, 1})}, quiet());
     },
     kValue,
     {"bb", "did you mean 'b'"}},
    {"metric_of_unknown_output",
     [] {
       Model m = two_outputs();
       m.compile({.loss = "mse", .metrics = named<MetricsArg>({{"aa", "mae"}})});
       m.fit(ones({2, 3}), Nest{ones({2, 2}), ones({2, 1})}, quiet());
     },
     kValue,
     {"aa", "did you mean 'a'"}},
    {"weight_of_unknown_output",
     [] {
       Model m = two_outputs();
       m.compile({.loss = {"mse", "mse"}, .loss_weights = named<LossWeightsArg>({{"a", 1.0}, {"c", 2.0}})});
       m.fit(ones({2, 3}), Nest{ones({2, 2}), ones({2, 1})}, quiet());
     },
     kValue,
     {"c", "a, b"}},
    {"losses_count",
     [] {
       Model m = two_outputs();
       m.compile({.loss = {"mse", "mse", "mse"}});
       m.fit(ones({2, 3}), Nest{ones({2, 2}), ones({2, 1})}, quiet());
     },
     kValue,
     {"3", "2"}},
    {"targets_count",
     [] {
       Model m = two_outputs();
       m.compile({.loss = "mse"});
       m.fit(ones({2, 3}), Nest{ones({2, 2})}, quiet());
     },
     kValue,
     {"target"}},
    {"get_layer", [] { uncompiled().get_layer("dd"); }, kValue, {"[m", "did you mean 'd'"}},
    {"get_layer_index", [] { uncompiled().get_layer(7); }, kValue, {"[m", "7", "1"}},
    {"summary_range",
     [] {
       uncompiled().summary({.print_fn = [](const std::string&) {},
                             .layer_range = std::pair<std::string, std::string>("x", "d")});
     },
     kValue,
     {"x"}},
    {"count_unbuilt",
     [] { Sequential({layers::Dense(2)}, {.name = "m"}).count_params(); },
     kValue,
     {"[m", "must be built", "Sequential"}},
    {"weights_unbuilt",
     [] {
       Sequential({layers::Dense(2)}, {.name = "m"}).set_weights({ones({3, 2}), ones({2})});
     },
     kValue,
     {"[m", "build"}},
    {"inputs_unbuilt", [] { (void)Sequential({layers::Dense(2)}, {.name = "m"}).inputs(); }, kValue, {"[m"}},
    {"fit_nothing",
     [] {
       Sequential model(LayerOptions{.name = "m"});
       model.compile({.loss = "mse"});
       model.fit(ones({4, 3}), ones({4, 2}), quiet());
     },
     kValue,
     {"[m", "layer"}},
    {"pop_empty", [] { Sequential(LayerOptions{.name = "m"}).pop(); }, kValue, {"[m", "layer to remove"}},
    {"second_input",
     [] {
       Sequential({Input({3}), layers::Dense(2), Input({2})}, {.name = "m"});
     },
     kValue,
     {"[m", "Input", "1"}},
    {"duplicate_names",
     [] {
       Sequential({layers::Dense(2, {.name = "a"}), layers::Dense(2, {.name = "a"})}, {.name = "m"});
     },
     kValue,
     {"[m", "'a'"}},
    {"symbol_in_sequential",
     [] { Sequential({layers::Dense(2)(Input({3}))}, {.name = "m"}); },
     kType,
     {"[m", "Input"}},
    {"layers_do_not_fit",
     [] {
       Sequential({Input({3}), layers::Conv2D(2, {3, 3}, {.name = "c"})}, {.name = "m"});
     },
     kValue,
     {"c", "(None, 3)"}},
    {"disconnected",
     [] {
       const Tensor a = Input({3}, {.name = "a"}), b = Input({3}, {.name = "b"});
       Model(a, layers::Add()(Nest{a, b}));
     },
     kValue,
     {"b", "Input"}},
    {"output_of_values",
     [] {
       Model(Input({3}), ones({1, 3}));
     },
     kValue,
     {"KerasTensor", "(1, 3)"}},
    {"input_of_values",
     [] {
       Model(ones({1, 3}), Input({3}));
     },
     kValue,
     {"KerasTensor", "(1, 3)"}},
    {"functional_of_nothing", [] { Model(Nest(std::vector<Nest>{}), Input({3})); }, kValue, {"inputs"}},
    {"functional_names",
     [] {
       const Tensor a = Input({3});
       Model(a, layers::Dense(1, {.name = "d"})(layers::Dense(1, {.name = "d"})(a)));
     },
     kValue,
     {"'d'"}},
    {"input_keys",
     [] {
       const Tensor a = Input({3}, {.name = "a"});
       Model m(Nest::dict({{"a", a}}), layers::Dense(1)(a), {.name = "m"});
       m(Nest::dict({{"b", ones({1, 3})}}));
     },
     kValue,
     {"[m", "a", "b"}},
    {"call_width",
     [] {
       uncompiled()(ones({1, 4}));
     },
     kValue,
     {"[m", "(None, 3)", "(1, 4)"}},
    {"call_rank",
     [] {
       Sequential m = uncompiled();
       m(ones({1, 3}));
       m(ones({1, 2, 2, 3}));
     },
     kValue,
     {"[m", "(None, 3)", "(1, 2, 2, 3)"}},
    {"call_empty_model", [] { Model(Input({3}), Input({2})); }, kValue, {"depend"}},
};
INSTANTIATE_TEST_SUITE_P(Models, ModelsRefuse, ::testing::ValuesIn(kModels), refusal_name);

const Cases kFiles = {
    {"save_name",
     [] {
       const Folder f;
       uncompiled().save(f.at("m.txt"));
     },
     kValue,
     {"m.txt", ".keras"}},
    {"save_folder",
     [] { uncompiled().save("/nowhere/at/all/m.keras"); },
     kValue,
     {"/nowhere/at/all/m.keras"}},
    {"save_unbuilt",
     [] {
       const Folder f;
       Sequential({layers::Dense(2)}, {.name = "m"}).save_weights(f.at("m.weights.h5"));
     },
     kValue,
     {"[m", "must be built"}},
    {"load_missing", [] { load_model("/nowhere/m.keras"); }, kValue, {"/nowhere/m.keras"}},
    {"load_folder",
     [] {
       const Folder f;
       load_model(f.at(""));
     },
     kValue,
     {"keras_bad_input"}},
    {"load_text",
     [] {
       const Folder f;
       load_model(f.text("m.keras", "hello"));
     },
     kValue,
     {"m.keras"}},
    {"load_empty",
     [] {
       const Folder f;
       load_model(f.text("m.keras", ""));
     },
     kValue,
     {"m.keras"}},
    {"load_cut",
     [] {
       const Folder f;
       uncompiled().save(f.at("m.keras"));
       load_model(f.cut("m.keras", 30));
     },
     kValue,
     {"m.keras"}},
    {"load_npz_as_model",
     [] {
       const Folder f;
       save_npz(f.at("m.keras"), {{"a", ones({2})}});
       load_model(f.at("m.keras"));
     },
     kValue,
     {"m.keras", "config.json"}},
    {"weights_missing",
     [] { uncompiled().load_weights("/nowhere/m.weights.h5"); },
     kValue,
     {"/nowhere/m.weights.h5"}},
    {"weights_text",
     [] {
       const Folder f;
       uncompiled().load_weights(f.text("m.weights.h5", "hello"));
     },
     kValue,
     {"m.weights.h5"}},
    {"weights_cut",
     [] {
       const Folder f;
       uncompiled().save_weights(f.at("m.weights.h5"));
       uncompiled().load_weights(f.cut("m.weights.h5", 100));
     },
     kValue,
     {"m.weights.h5"}},
    {"weights_name",
     [] { uncompiled().load_weights("m.weights.txt"); },
     kValue,
     {"m.weights.txt", ".weights.h5"}},
    {"weights_of_another_model",
     [] {
       const Folder f;
       Sequential({Input({3}), layers::Dense(5)}).save_weights(f.at("m.weights.h5"));
       uncompiled().load_weights(f.at("m.weights.h5"));
     },
     kValue,
     {"(3, 2)", "(3, 5)", "m.weights.h5"}},
    {"weights_of_fewer_layers",
     [] {
       const Folder f;
       uncompiled().save_weights(f.at("m.weights.h5"));
       Sequential({Input({3}), layers::Dense(2), layers::Dense(2)}).load_weights(f.at("m.weights.h5"));
     },
     kValue,
     {"m.weights.h5"}},
    {"weights_into_unbuilt",
     [] {
       const Folder f;
       uncompiled().save_weights(f.at("m.weights.h5"));
       Sequential({layers::Dense(2)}, {.name = "m"}).load_weights(f.at("m.weights.h5"));
     },
     kValue,
     {"0 weights", "build the model", "m.weights.h5"}},
    {"npy_missing", [] { load_npy("/nowhere/a.npy"); }, kValue, {"/nowhere/a.npy"}},
    {"npy_text",
     [] {
       const Folder f;
       load_npy(f.text("a.npy", "hello, this is no array"));
     },
     kValue,
     {"a.npy"}},
    {"npy_cut",
     [] {
       const Folder f;
       save_npy(f.at("a.npy"), ones({100}));
       load_npy(f.cut("a.npy", 8));
     },
     kValue,
     {"a.npy"}},
    {"npz_missing", [] { load_npz("/nowhere/a.npz"); }, kValue, {"/nowhere/a.npz"}},
    {"npz_cut",
     [] {
       const Folder f;
       save_npz(f.at("a.npz"), {{"a", ones({100})}});
       load_npz(f.cut("a.npz", 8));
     },
     kValue,
     {"a.npz"}},
    {"npy_folder", [] { save_npy("/nowhere/a.npy", ones({2})); }, kValue, {"/nowhere/a.npy"}},
    {"npy_of_symbol",
     [] {
       const Folder f;
       save_npy(f.at("a.npy"), Input({3}));
     },
     kType,
     {"KerasTensor"}},
    {"idx_missing", [] { load_idx("/nowhere/a.idx"); }, kValue, {"/nowhere/a.idx"}},
    {"idx_magic",
     [] {
       const Folder f;
       load_idx(f.text("a.idx", "\x12\x34\x56\x78 no data"));
     },
     kValue,
     {"a.idx", "header"}},
    {"idx_type",
     [] {
       const Folder f;
       load_idx(f.text("a.idx", std::string("\0\0\x77\x01\0\0\0\x01z", 9)));
     },
     kValue,
     {"a.idx", "0x77"}},
    {"idx_cut",
     [] {
       const Folder f;
       load_idx(f.text("a.idx", std::string("\0\0\x08\x01\0\0\0\x09zz", 10)));
     },
     kValue,
     {"a.idx", "ends too early"}},
    {"idx_longer",
     [] {
       const Folder f;
       load_idx(f.text("a.idx", std::string("\0\0\x08\x01\0\0\0\x01zz", 10)));
     },
     kValue,
     {"a.idx", "more"}},
    {"fashion_mnist_folder",
     [] { datasets::fashion_mnist::load_data("/nowhere"); },
     kValue,
     {"/nowhere", "dataset-fashion-mnist"}},
    {"fashion_mnist_lacks",
     [] {
       const Folder f;
       f.text("train-images-idx3-ubyte", "x");
       datasets::fashion_mnist::load_data(f.at(""));
     },
     kValue,
     {"train-labels-idx1-ubyte"}},
    {"csv_logger",
     [] { fit({.callbacks = {callbacks::CSVLogger("/nowhere/log.csv")}}); },
     kValue,
     {"/nowhere/log.csv"}},
    {"checkpoint_name", [] { callbacks::ModelCheckpoint("m.txt"); }, kValue, {"m.txt", ".keras"}},
};
INSTANTIATE_TEST_SUITE_P(Files, ModelsRefuse, ::testing::ValuesIn(kFiles), refusal_name);

// Keras' rules where nothing is refused.
TEST(BadModelInput, TerminateOnNaNEndsTraining) {
  Sequential model = compiled({.optimizer = optimizers::SGD(1e30), .loss = "mse"});
  const auto history =
      model.fit(ones({64, 3}), ones({64, 2}) * 1e30,
                quiet({.batch_size = 4, .epochs = 9, .callbacks = {callbacks::TerminateOnNaN()}}));
  EXPECT_TRUE(model.training_stopped());
  EXPECT_LT(history->epoch.size(), 9u);
}

TEST(BadModelInput, MetricsOfNaNAreNaN) {
  Sequential model = compiled();
  const Logs logs = model.evaluate(ones({4, 3}) * kNan, ones({4, 2}), {.verbose = 0});
  EXPECT_TRUE(std::isnan(logs["loss"]));
}

TEST(BadModelInput, ClassesWithoutAWeightHaveOne) {
  const auto loss = [](const std::map<int64_t, double>& weights) {
    Sequential model =
        compiled({.optimizer = optimizers::SGD(0.0), .loss = "sparse_categorical_crossentropy"});
    model.set_weights({ops::zeros({3, 2}), Tensor{0.5, 0.25}});
    const auto history = model.fit(ones({2, 3}), Tensor{0, 1}, quiet({.class_weight = weights}));
    return (*history)["loss"].at(0);
  };
  EXPECT_EQ(loss({}), loss({{7, 3.0}}));
  EXPECT_NE(loss({}), loss({{1, 3.0}}));
}

}  // namespace
}  // namespace keras
