// SPDX-License-Identifier: Apache-2.0
#include "keras/schema/field.h"

#include <gtest/gtest.h>

#include "keras/base/error.h"
#include "keras/schema/int_tuple.h"

namespace keras {

enum class Padding : uint8_t { valid, same };
template <>
struct EnumNames<Padding> {
  static constexpr EnumName<Padding> names[] = {{Padding::valid, "valid"}, {Padding::same, "same"}};
};

struct InnerOptions {
  double rate = 0.5;
};
template <>
struct FieldTable<InnerOptions> {
  static constexpr auto fields = field_list(field<&InnerOptions::rate>("rate", "A rate"));
};

struct SampleOptions {
  int units = 0;
  bool use_bias = true;
  double scale = 1.0;
  Padding padding = Padding::valid;
  IntTuple kernel_size = 3;
  std::optional<int64_t> seed = {};
  std::vector<std::string> vocabulary = {};
  Axes axes = {-1};
  std::array<double, 2> range = {0, 1};
  std::pair<int, int> pair = {1, 2};
  Shape target_shape = {};
  DType output_dtype = DType::float32;
  uint8_t small = 0;
  std::vector<std::pair<std::string, double>> weights = {};
  std::vector<std::vector<int>> nested = {};
  InnerOptions inner = {};
  Json extra = {};
  std::string name = {};
  bool trainable = true;
};

// Rows that every layer shares, said once.
template <class Options>
constexpr auto shared_fields() {
  return field_list(field<&Options::name>("name", "Name"),
                    field<&Options::trainable>("trainable", "Trained or not"));
}

template <>
struct FieldTable<SampleOptions> {
  using O = SampleOptions;
  static constexpr auto fields =
      field_list(shared_fields<O>(), field<&O::units>("units", "Size of the output"),
                 field<&O::use_bias>("use_bias", "Bias?"), field<&O::scale>("scale", "Factor"),
                 field<&O::padding>("padding", "Padding"), field<&O::kernel_size>("kernel_size", "Window"),
                 field<&O::seed>("seed", "Seed"), field<&O::vocabulary>("vocabulary", "Words"),
                 field<&O::axes>("axes", "Axes"), field<&O::range>("range", "Range"),
                 field<&O::pair>("pair", "Pair"), field<&O::target_shape>("target_shape", "Shape"),
                 field<&O::output_dtype>("output_dtype", "Dtype"), field<&O::small>("small", "Small"),
                 field<&O::weights>("weights", "Weights"), field<&O::nested>("nested", "Lists"),
                 field<&O::inner>("inner", "Options"), field<&O::extra>("extra", "Rest"));
};

namespace {

template <class E, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

TEST(Field, WritesDefaultsInTheOrderOfTheTable) {
  EXPECT_EQ(
      to_config(SampleOptions{}).dump(),
      R"({"name": "", "trainable": true, "units": 0, "use_bias": true, "scale": 1.0, "padding": "valid", )"
      R"("kernel_size": 3, "seed": null, "vocabulary": [], "axes": [-1], "range": [0.0, 1.0], "pair": [1, 2], )"
      R"("target_shape": [], "output_dtype": "float32", "small": 0, "weights": {}, "nested": [], )"
      R"("inner": {"rate": 0.5}, "extra": null})");
}

TEST(Field, ComesBackFromJson) {
  const std::string text =
      R"({"name": "d", "trainable": false, "units": 32, "use_bias": false, "scale": 0.25, "padding": "same", )"
      R"("kernel_size": [3, 5], "seed": 7, "vocabulary": ["a", "b"], "axes": [1, 2], "range": [-1.0, 2.5], )"
      R"("pair": [3, 4], "target_shape": [null, 28], "output_dtype": "bfloat16", "small": 255, )"
      R"("weights": {"x": 1.5}, "nested": [[1], [2, 3]], "inner": {"rate": 0.1}, "extra": {"any": [1]}})";
  SampleOptions options;
  from_config(Json::parse(text), options, "Sample");
  EXPECT_EQ(to_config(options).dump(), text);
  EXPECT_EQ(options.padding, Padding::same);
  EXPECT_EQ(options.kernel_size, IntTuple({3, 5}));
  EXPECT_FALSE(options.target_shape[0].known());
  EXPECT_EQ(options.target_shape[1], Dim(28));
  EXPECT_EQ(options.weights[0].second, 1.5);
  EXPECT_EQ(options.inner.rate, 0.1);
}

TEST(Field, KeepsDefaultsOfMissingKeys) {
  SampleOptions options;
  options.units = 5;
  from_config(Json::parse(R"({"scale": 2})"), options, "Sample");
  EXPECT_EQ(options.units, 5);
  EXPECT_EQ(options.scale, 2.0);
  EXPECT_EQ(changed_fields(options), (std::vector<std::string>{"units", "scale"}));
}

TEST(Field, RefusesUnknownKeysWithAHint) {
  SampleOptions options;
  const auto message =
      message_of<ValueError>([&] { from_config(Json::parse(R"({"unit": 1})"), options, "Sample"); });
  EXPECT_NE(message.find("[Sample] Unknown argument. Received: 'unit'. Hint: did you mean 'units'?"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("use_bias"), std::string::npos);
}

TEST(Field, NamesTheFieldOfAWrongValue) {
  SampleOptions options;
  const auto set = [&](const std::string& text) { from_config(Json::parse(text), options, "Sample"); };
  EXPECT_EQ(message_of<TypeError>([&] { set(R"({"units": "x"})"); }),
            "[Sample.units] The value must be an integer. Received: a string, \"x\".");
  EXPECT_EQ(message_of<TypeError>([&] { set(R"({"units": 1.5})"); }),
            "[Sample.units] The value must be an integer. Received: a real number, 1.5.");
  EXPECT_EQ(message_of<ValueError>([&] { set(R"({"small": 256})"); }),
            "[Sample.small] The integer must be in [0, 255]. Received: 256.");
  EXPECT_EQ(message_of<TypeError>([&] { set(R"({"use_bias": 1})"); }),
            "[Sample.use_bias] The value must be a bool. Received: an integer, 1.");
  EXPECT_NE(message_of<ValueError>([&] { set(R"({"padding": "sam"})"); }).find("did you mean 'same'"),
            std::string::npos);
  EXPECT_NE(message_of<TypeError>([&] { set(R"({"nested": [[1], ["a"]]})"); }).find("[Sample.nested[1][0]]"),
            std::string::npos);
  EXPECT_NE(message_of<TypeError>([&] { set(R"({"inner": {"rate": "a"}})"); }).find("[Sample.inner.rate]"),
            std::string::npos);
  EXPECT_NE(message_of<ValueError>([&] { set(R"({"range": [1]})"); }).find("must have 2 items"),
            std::string::npos);
  EXPECT_NE(message_of<ValueError>([&] { set(R"({"output_dtype": "flaot32"})"); }).find("float32"),
            std::string::npos);
  EXPECT_NE(message_of<TypeError>([&] { set(R"([1])"); }).find("[Sample] The value must be a dictionary"),
            std::string::npos);
  EXPECT_NE(message_of<TypeError>([&] { set(R"({"kernel_size": "3"})"); }).find("integer or a list"),
            std::string::npos);
  EXPECT_THROW(set(R"({"target_shape": [-1]})"), ValueError);
}

TEST(Field, DescribesItsTypes) {
  const auto fields = fields_of<SampleOptions>();
  EXPECT_EQ(find_field(fields, "seed")->type->kind(), "int or null");
  EXPECT_EQ(find_field(fields, "nested")->type->kind(), "list of list of int");
  EXPECT_EQ(find_field(fields, "kernel_size")->type->kind(), "int or tuple of int");
  EXPECT_STREQ(find_field(fields, "units")->doc, "Size of the output");
  EXPECT_EQ(find_field(fields, "none"), nullptr);
}

TEST(IntTuple, ExpandsToEveryAxis) {
  EXPECT_EQ(IntTuple(3).expanded(2, "Conv2D", "kernel_size"), IntTuple({3, 3}));
  EXPECT_EQ(IntTuple({3, 5}).expanded(2, "Conv2D", "kernel_size"), IntTuple({3, 5}));
  EXPECT_EQ(message_of<ValueError>([] { (void)IntTuple({3}).expanded(2, "Conv2D", "kernel_size"); }),
            "[Conv2D] kernel_size must be an integer or 2 integers. Received: kernel_size=[3].");
  EXPECT_EQ(message_of<ValueError>([] { (void)IntTuple(0).expanded(2, "Conv2D", "strides"); }),
            "[Conv2D] strides must be 1 or more in each place. Received: strides=0.");
}

}  // namespace
}  // namespace keras
