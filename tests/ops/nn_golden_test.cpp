// SPDX-License-Identifier: Apache-2.0
// keras.ops.nn against real Keras: values and gradients of tests/golden/ops_nn.npz.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "checkout.h"
#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/data/npy.h"
#include "keras/ops/nn.h"

namespace keras {
namespace {

using Json = nlohmann::ordered_json;

class Archive {
 public:
  explicit Archive(const std::string& family)
      : tensors_(load_npz(checkout::source_path("tests/golden/") + family + ".npz")) {
    for (const auto& [name, tensor] : tensors_) by_name_[name] = tensor;
    const auto text = by_name_.at("manifest").to_vector<uint8_t>();
    manifest_ = Json::parse(std::string(text.begin(), text.end()));
  }
  const Json& cases() const { return manifest_["cases"]; }
  bool has(const std::string& key) const { return by_name_.contains(key); }
  const Tensor& at(const std::string& key) const { return by_name_.at(key); }

 private:
  NamedTensors tensors_;
  std::map<std::string, Tensor> by_name_;
  Json manifest_;
};

// The arguments of a case: positional ones by number, keyword ones by name.
struct Arguments {
  const Json& given;
  const Archive& archive;
  std::vector<Tensor>& arrays;  // those of args, then of kwargs; the tape watches these very tensors
  std::map<std::string, Tensor> by_key;

  const Json* find(size_t position, const char* name) const {
    const Json& args = given["args"];
    if (position < args.size()) return &args[position];
    const auto it = given["kwargs"].find(name);
    return it == given["kwargs"].end() || it->is_null() ? nullptr : &*it;
  }
  Tensor tensor(size_t position, const char* name = "") const {
    const Json* j = find(position, name);
    return j == nullptr ? Tensor() : by_key.at(j->get<std::string>());
  }
  double number(size_t position, const char* name, double otherwise) const {
    const Json* j = find(position, name);
    return j == nullptr ? otherwise : j->get<double>();
  }
  bool flag(size_t position, const char* name, bool otherwise) const {
    const Json* j = find(position, name);
    return j == nullptr ? otherwise : j->get<bool>();
  }
  std::string text(size_t position, const char* name, const std::string& otherwise) const {
    const Json* j = find(position, name);
    return j == nullptr ? otherwise : j->get<std::string>();
  }
  ops::Integers size(size_t position, const char* name, int otherwise) const {
    const Json* j = find(position, name);
    if (j == nullptr) return otherwise;
    return j->is_array() ? ops::Integers(j->get<std::vector<int64_t>>()) : ops::Integers(j->get<int64_t>());
  }
  std::optional<double> maybe(size_t position, const char* name) const {
    const Json* j = find(position, name);
    return j == nullptr ? std::nullopt : std::optional<double>(j->get<double>());
  }
  int axis(size_t position) const { return static_cast<int>(number(position, "axis", -1)); }
  Axes axes(size_t position, const char* name) const {
    const Json* j = find(position, name);
    if (j == nullptr) return {-1};
    if (!j->is_array()) return {j->get<int>()};
    const auto values = j->get<std::vector<int>>();
    return Axes(values.begin(), values.end());
  }
};

using Outputs = std::vector<Tensor>;
using Function = std::function<Outputs(const Arguments&)>;

std::optional<ops::Integers> maybe_size(const Arguments& a, size_t position, const char* name) {
  if (a.find(position, name) == nullptr) return std::nullopt;
  return a.size(position, name, 1);
}

// inputs and kernel, or with separable_conv both kernels, come first.
template <class F, class... Kernels>
Outputs convolve(const Arguments& a, F function, const Kernels&... kernels) {
  constexpr size_t kFirst = 1 + sizeof...(Kernels);
  return {function(a.tensor(0), kernels..., a.size(kFirst, "strides", 1),
                   a.text(kFirst + 1, "padding", "valid"), {}, a.size(kFirst + 3, "dilation_rate", 1))};
}

template <class F>
Outputs pool(const Arguments& a, F function) {
  return {function(a.tensor(0), a.size(1, "", 1), maybe_size(a, 2, "strides"), a.text(3, "padding", "valid"),
                   {})};
}

std::optional<DType> dtype_of_case(const Arguments& a) {
  const auto name = a.text(9, "dtype", "");
  return name.empty() ? std::nullopt : std::optional<DType>(parse_dtype(name));
}

const std::map<std::string, Function>& functions() {
  const auto unary = [](Tensor (*f)(const Tensor&)) {
    return [f](const Arguments& a) { return Outputs{f(a.tensor(0))}; };
  };
  const auto parametric = [](Tensor (*f)(const Tensor&, double), const char* name, double otherwise) {
    return [=](const Arguments& a) { return Outputs{f(a.tensor(0), a.number(1, name, otherwise))}; };
  };
  static const std::map<std::string, Function> table = {
      {"relu", unary(ops::relu)},
      {"relu6", unary(ops::relu6)},
      {"sigmoid", unary(ops::sigmoid)},
      {"sparse_sigmoid", unary(ops::sparse_sigmoid)},
      {"softplus", unary(ops::softplus)},
      {"softsign", unary(ops::softsign)},
      {"silu", unary(ops::silu)},
      {"swish", unary(ops::swish)},
      {"log_sigmoid", unary(ops::log_sigmoid)},
      {"hard_sigmoid", unary(ops::hard_sigmoid)},
      {"hard_silu", unary(ops::hard_silu)},
      {"hard_swish", unary(ops::hard_swish)},
      {"hard_tanh", unary(ops::hard_tanh)},
      {"selu", unary(ops::selu)},
      {"tanh_shrink", unary(ops::tanh_shrink)},
      {"sparse_plus", unary(ops::sparse_plus)},
      {"elu", parametric(ops::elu, "alpha", 1)},
      {"celu", parametric(ops::celu, "alpha", 1)},
      {"leaky_relu", parametric(ops::leaky_relu, "negative_slope", 0.2)},
      {"squareplus", parametric(ops::squareplus, "b", 4)},
      {"soft_shrink", parametric(ops::soft_shrink, "threshold", 0.5)},
      {"hard_shrink", parametric(ops::hard_shrink, "threshold", 0.5)},
      {"threshold",
       [](const Arguments& a) {
         return Outputs{
             ops::threshold(a.tensor(0), a.number(1, "threshold", 0), a.number(2, "default_value", 0))};
       }},
      {"gelu",
       [](const Arguments& a) { return Outputs{ops::gelu(a.tensor(0), a.flag(1, "approximate", true))}; }},
      {"glu", [](const Arguments& a) { return Outputs{ops::glu(a.tensor(0), a.axis(1))}; }},
      {"sparsemax", [](const Arguments& a) { return Outputs{ops::sparsemax(a.tensor(0), a.axis(1))}; }},
      {"softmax", [](const Arguments& a) { return Outputs{ops::softmax(a.tensor(0), a.axes(1, "axis"))}; }},
      {"log_softmax",
       [](const Arguments& a) { return Outputs{ops::log_softmax(a.tensor(0), a.axes(1, "axis"))}; }},
      {"conv", [](const Arguments& a) { return convolve(a, ops::conv, a.tensor(1)); }},
      {"depthwise_conv", [](const Arguments& a) { return convolve(a, ops::depthwise_conv, a.tensor(1)); }},
      {"separable_conv",
       [](const Arguments& a) { return convolve(a, ops::separable_conv, a.tensor(1), a.tensor(2)); }},
      {"conv_transpose",
       [](const Arguments& a) {
         return Outputs{ops::conv_transpose(a.tensor(0), a.tensor(1), a.size(2, "strides", 1),
                                            a.text(3, "padding", "valid"),
                                            maybe_size(a, 4, "output_padding"))};
       }},
      {"max_pool", [](const Arguments& a) { return pool(a, ops::max_pool); }},
      {"average_pool", [](const Arguments& a) { return pool(a, ops::average_pool); }},
      {"adaptive_max_pool",
       [](const Arguments& a) { return Outputs{ops::adaptive_max_pool(a.tensor(0), a.size(1, "", 1))}; }},
      {"adaptive_average_pool",
       [](const Arguments& a) { return Outputs{ops::adaptive_average_pool(a.tensor(0), a.size(1, "", 1))}; }},
      {"space_to_depth", [](const Arguments& a) { return Outputs{ops::space_to_depth(a.tensor(0), 2)}; }},
      {"depth_to_space", [](const Arguments& a) { return Outputs{ops::depth_to_space(a.tensor(0), 2)}; }},
      {"unfold",
       [](const Arguments& a) {
         return Outputs{ops::unfold(a.tensor(0), a.size(1, "", 1), a.size(2, "dilation", 1),
                                    a.size(3, "padding", 0), a.size(4, "stride", 1))};
       }},
      {"fold",
       [](const Arguments& a) {
         return Outputs{ops::fold(a.tensor(0), a.size(1, "", 1), a.size(2, "", 1), a.size(3, "dilation", 1),
                                  a.size(4, "padding", 0), a.size(5, "stride", 1))};
       }},
      {"batch_normalization",
       [](const Arguments& a) {
         return Outputs{ops::batch_normalization(a.tensor(0), a.tensor(1), a.tensor(2), a.axis(3),
                                                 a.tensor(4, "offset"), a.tensor(5, "scale"),
                                                 a.number(6, "epsilon", 1e-3))};
       }},
      {"layer_normalization",
       [](const Arguments& a) {
         return Outputs{ops::layer_normalization(a.tensor(0), a.tensor(1, "gamma"), a.tensor(2, "beta"),
                                                 a.axes(3, "axis"), a.maybe(4, "epsilon"))};
       }},
      {"rms_normalization",
       [](const Arguments& a) {
         return Outputs{ops::rms_normalization(a.tensor(0), a.tensor(1, "scale"), a.axes(2, "axis"),
                                               a.maybe(3, "epsilon"))};
       }},
      {"normalize",
       [](const Arguments& a) {
         return Outputs{ops::normalize(a.tensor(0), a.axes(1, "axis"),
                                       static_cast<int>(a.number(2, "order", 2)), a.maybe(3, "epsilon"))};
       }},
      {"moments",
       [](const Arguments& a) {
         const auto [mean, variance] =
             ops::moments(a.tensor(0), a.axes(1, "axes"), a.flag(2, "keepdims", false));
         return Outputs{mean, variance};
       }},
      {"dot_product_attention",
       [](const Arguments& a) {
         return Outputs{ops::dot_product_attention(a.tensor(0), a.tensor(1), a.tensor(2), a.tensor(3, "bias"),
                                                   a.tensor(4, "mask"), a.maybe(5, "scale"),
                                                   a.flag(6, "is_causal", false))};
       }},
      {"one_hot",
       [](const Arguments& a) {
         return Outputs{ops::one_hot(a.tensor(0), static_cast<int64_t>(a.number(1, "num_classes", 0)),
                                     a.axis(2), dtype_of_case(a))};
       }},
      {"multi_hot",
       [](const Arguments& a) {
         return Outputs{ops::multi_hot(a.tensor(0), static_cast<int64_t>(a.number(1, "num_classes", 0)),
                                       a.axis(2), dtype_of_case(a))};
       }},
      {"binary_crossentropy",
       [](const Arguments& a) {
         return Outputs{ops::binary_crossentropy(a.tensor(0), a.tensor(1), a.flag(2, "from_logits", false))};
       }},
      {"categorical_crossentropy",
       [](const Arguments& a) {
         return Outputs{ops::categorical_crossentropy(a.tensor(0), a.tensor(1),
                                                      a.flag(2, "from_logits", false), a.axis(3))};
       }},
      {"sparse_categorical_crossentropy",
       [](const Arguments& a) {
         return Outputs{
             ops::sparse_categorical_crossentropy(a.tensor(0), a.tensor(1), a.flag(2, "from_logits", false))};
       }},
      {"psnr",
       [](const Arguments& a) {
         return Outputs{ops::psnr(a.tensor(0), a.tensor(1), a.number(2, "max_val", 1))};
       }},
      {"polar", [](const Arguments& a) { return Outputs{ops::polar(a.tensor(0), a.tensor(1))}; }},
  };
  return table;
}

void expect_near(const Tensor& got, const Tensor& wanted, const std::string& what) {
  ASSERT_EQ(got.shape(), wanted.shape()) << what;
  ASSERT_EQ(got.dtype(), wanted.dtype()) << what;
  if (is_complex(got.dtype())) {
    const auto a = got.data<std::complex<float>>(), b = wanted.data<std::complex<float>>();
    for (size_t i = 0; i < a.size(); ++i)
      EXPECT_LE(std::abs(a[i] - b[i]), 1e-6 + 1e-5 * std::abs(b[i])) << what;
    return;
  }
  const bool half = got.dtype() == DType::float16 || got.dtype() == DType::bfloat16;
  const auto a = got.to_vector<double>(), b = wanted.to_vector<double>();
  double largest = 0;
  for (const double v : b) largest = std::max(largest, std::abs(v));
  for (size_t i = 0; i < a.size(); ++i) {
    // Sums of both signs are as exact as their largest terms.
    const double bound =
        half ? 1e-2 * std::max(largest, 1e-1) : 1e-6 + 1e-5 * std::abs(b[i]) + 1e-6 * largest;
    ASSERT_NEAR(a[i], b[i], bound) << what << " at " << i;
  }
}

void compare(const Archive& archive, const Json& c, const Function& function, const std::string& what) {
  std::vector<Tensor> arrays;
  Arguments arguments{c, archive, arrays, {}};
  const auto collect = [&](const Json& j) {
    if (!j.is_string() || !archive.has(j.get<std::string>())) return;
    const Tensor& t = archive.at(j.get<std::string>());
    arrays.push_back(t);
    arguments.by_key[j.get<std::string>()] = t;
  };
  for (const auto& j : c["args"]) collect(j);
  for (const auto& [name, j] : c["kwargs"].items()) collect(j);
  GradientTape tape(GradientTapeOptions{});
  for (const Tensor& t : arrays) {
    if (is_float(t.dtype())) tape.watch(t);
  }
  const Outputs outputs = function(arguments);
  ASSERT_EQ(outputs.size(), c["outputs"].size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    expect_near(outputs[i], archive.at(c["outputs"][i].get<std::string>()), what);
  }
  if (!c.contains("cotangents") || c["cotangents"].is_null()) return;
  std::vector<Tensor> targets, cotangents;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (c["cotangents"][i].is_null()) continue;
    const Tensor& given = archive.at(c["cotangents"][i].get<std::string>());
    targets.push_back(outputs[i]);
    cotangents.push_back(given);
  }
  GradientOptions options;
  options.output_gradients = Nest(cotangents);
  const Nest gradients = tape.gradient(Nest(targets), Nest(arrays), options);
  for (size_t i = 0; i < arrays.size(); ++i) {
    if (i >= c["input_grads"].size() || c["input_grads"][i].is_null()) continue;
    ASSERT_TRUE(gradients[i].is_leaf()) << "gradient " << i;
    expect_near(gradients[i].tensor(), archive.at(c["input_grads"][i].get<std::string>()),
                what + " gradient " + std::to_string(i));
  }
}

TEST(NnGolden, ValuesAndGradientsAreThoseOfKeras) {
  const Archive archive("ops_nn");
  size_t compared = 0;
  std::map<std::string, int> without;
  for (size_t number = 0; number < archive.cases().size(); ++number) {
    const Json& c = archive.cases()[number];
    if (!c.contains("outputs") || c["outputs"].is_null()) continue;
    const std::string op = c["op"];
    const auto function = functions().find(op);
    if (function == functions().end()) {
      ++without[op];
      continue;
    }
    const std::string what = "case " + std::to_string(number) + ", " + op + " " + c["kwargs"].dump();
    SCOPED_TRACE(what);
    try {
      compare(archive, c, function->second, what);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
    ++compared;
  }
  EXPECT_GE(compared, 130u);
  for (const auto& [op, count] : without) EXPECT_TRUE(op.starts_with("ctc_")) << op << " is not compared";
}

}  // namespace
}  // namespace keras
