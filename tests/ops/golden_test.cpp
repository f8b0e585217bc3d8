// SPDX-License-Identifier: Apache-2.0
// Every call of tests/golden/ops_*.npz through the table of functions: values, dtypes, gradients, and the
// node that the same call makes on KerasTensors.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "checkout.h"
#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/data/npy.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/tensor/config.h"
#include "keras/tensor/index.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::internal {
namespace {

/// One archive: its arrays and its cases.
struct Archive {
  std::map<std::string, Tensor> arrays;
  Json manifest;
};

Archive load(const std::string& family) {
  Archive out;
  for (auto& [name, tensor] : load_npz(checkout::source_path("tests/golden/" + family + ".npz"))) {
    if (name == "manifest") {
      const auto bytes = tensor.data<uint8_t>();
      out.manifest =
          Json::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), family);
    } else if (name.ends_with("@bfloat16")) {
      out.arrays[name] = Tensor::copy(tensor.host_data(), tensor.shape(), DType::bfloat16);
    } else {
      out.arrays[name] = tensor;
    }
  }
  return out;
}

/// Puts the arguments of a case into a function's C++ arguments.
class Call {
 public:
  Call(const Archive& archive, const FunctionType& type, const Json& test)
      : archive_(archive), type_(type), test_(test) {}

  /// What an array becomes: itself, another dtype, or a KerasTensor.
  std::function<Tensor(const Tensor&)> convert = [](const Tensor& t) { return t; };
  bool symbols = false;        ///< only arguments that a node's arguments hold are converted
  std::vector<Tensor> arrays;  ///< the converted arrays, in the order of args, then kwargs

  std::shared_ptr<void> arguments() {
    arrays.clear();
    const auto out = default_arguments(type_);
    const auto names = parameter_names(type_);
    const auto& args = test_["args"].as_list();
    for (size_t i = 0; i < args.size(); ++i) {
      // Further arguments of einsum and meshgrid go into one list.
      const bool rest = (type_.name == "einsum" && i == 1) || (type_.name == "meshgrid" && i == 0);
      if (rest) {
        std::vector<Nest> items;
        for (; i < args.size(); ++i) items.emplace_back(tensor(args[i]));
        type_.parameters[names.size() > 1 && type_.name == "einsum" ? 1 : 0].from_nest(
            type_.argument(out.get(), type_.name == "einsum" ? 1 : 0), Nest(std::move(items)));
        break;
      }
      place(out.get(), i, args[i], names.at(i));
    }
    for (const auto& [name, value] : test_["kwargs"].as_dict()) {
      const auto it = std::find(names.begin(), names.end(), name);
      if (it == names.end()) {
        if (value.is_null() || value == Json(false)) continue;
        throw UnsupportedError("no parameter " + name);
      }
      place(out.get(), static_cast<size_t>(it - names.begin()), value, name);
    }
    return out;
  }

 private:
  bool is_array(const Json& value) const {
    return value.is_string() && archive_.arrays.contains(value.as_string());
  }

  Tensor tensor(const Json& value) {
    if (is_array(value)) {
      const Tensor& array = archive_.arrays.at(value.as_string());
      if (symbols && !converts_) return array;
      arrays.push_back(convert(array));
      return arrays.back();
    }
    return FieldCodec<Tensor>::from_json(value, "argument");
  }

  Nest nest(const Json& value) {
    if (!value.is_list()) return value.is_null() ? Nest() : Nest(tensor(value));
    std::vector<Nest> items;
    for (const auto& item : value.as_list()) items.push_back(nest(item));
    return Nest(std::move(items));
  }

  // An index as get_item's codec writes it.
  static Json index(const Json& value) {
    if (value == Json("...")) return Json::dict({{"class_name", "__ellipsis__"}, {"config", Json::dict()}});
    if (const Json* s = value.find("slice")) {
      return Json::dict({{"class_name", "__slice__"},
                         {"config", Json::dict({{"start", (*s)[0]}, {"stop", (*s)[1]}, {"step", (*s)[2]}})}});
    }
    return value;
  }

  Json plain(const Json& value) {
    if (is_array(value)) {
      const Tensor& t = archive_.arrays.at(value.as_string());
      arrays.push_back(t);
      return type_.name == "get_item" ? FieldCodec<Tensor>::to_json(t)
                                      : FieldCodec<Tensor>::to_json(t)["config"]["value"];
    }
    if (value.is_list()) {
      Json::List out;
      for (const auto& item : value.as_list()) out.push_back(plain(item));
      return Json::list(std::move(out));
    }
    return type_.name == "get_item" ? index(value) : value;
  }

  bool is_call_argument(const std::string& name) const {
    for (const auto& info : operation_infos()) {
      if (info.function != type_.name) continue;
      return (", " + info.call_arguments + ",").find(" " + name + ",") != std::string::npos;
    }
    return false;
  }

  void place(void* arguments, size_t p, const Json& value, const std::string& name) {
    const auto& parameter = type_.parameters[p];
    converts_ = is_call_argument(name);
    void* where = type_.argument(arguments, p);
    if (!parameter.tensors) {
      if (parameter.codec == nullptr) throw UnsupportedError("a callable: " + name);
      Json json = plain(value);
      if (name == "pad_width") json = pairs(json);
      parameter.codec->from_json(json, where, name);
      return;
    }
    // A list stands for several tensors where it has an array, else for the elements of one.
    bool several = value.is_list();
    if (several && parameter.codec == &field_type<Tensor>) several = false;
    parameter.from_nest(where, several ? nest(value) : value.is_null() ? Nest() : Nest(tensor(value)));
  }

  // Python takes 2 or (1, 2) for every axis.
  static Json pairs(const Json& json) {
    if (json.is_int()) return Json::list({Json::list({json, json})});
    if (json.size() == 2 && json[0].is_int()) return Json::list({json});
    return json;
  }

  const Archive& archive_;
  const FunctionType& type_;
  const Json& test_;
  bool converts_ = true;
};

bool close(const Tensor& got, const Tensor& wanted, double scale = 1.0) {
  if (got.shape() != wanted.shape()) return false;
  double relative = 1e-5;
  double absolute = 1e-6;
  if (got.dtype() == DType::float64) relative = 1e-9, absolute = 1e-10;
  if (got.dtype() == DType::float16) relative = absolute = 2e-3;
  if (got.dtype() == DType::bfloat16) relative = absolute = 2e-2;
  const auto same = [&](double x, double y) {
    if (std::isnan(x) && std::isnan(y)) return true;
    return x == y || std::abs(x - y) <= scale * (absolute + relative * std::abs(y));
  };
  if (is_complex(got.dtype())) {
    const auto x = got.data<std::complex<float>>();
    const auto y = wanted.data<std::complex<float>>();
    for (size_t i = 0; i < x.size(); ++i) {
      if (!same(x[i].real(), y[i].real()) || !same(x[i].imag(), y[i].imag())) return false;
    }
    return true;
  }
  const auto x = got.to_vector<double>();
  const auto y = wanted.to_vector<double>();
  for (size_t i = 0; i < x.size(); ++i) {
    if (!same(x[i], y[i])) return false;
  }
  return true;
}

Tensor sorted_real(const Tensor& t) { return ops::sort(is_complex(t.dtype()) ? ops::real(t) : t, -1); }

// Eigenvectors and singular vectors are given up to their sign (and order, where LAPACKs differ): the values
// must be Keras', and the factors must give the matrix. True when the case was of this kind.
bool check_factors(const Archive& archive, const std::string& op, const Json& test,
                   const std::vector<Tensor>& outputs) {
  if (op != "eigh" && op != "eig" && !(op == "svd" && outputs.size() == 3)) return false;
  const Tensor a = archive.arrays.at(test["args"][0].as_string());
  const auto& keys = test["outputs"].as_list();
  const size_t values = op == "svd" ? 1 : 0;
  EXPECT_TRUE(
      close(sorted_real(outputs[values]), sorted_real(archive.arrays.at(keys[values].as_string())), 20.0));
  for (size_t i = 0; i < keys.size(); ++i) {
    const Tensor& wanted = archive.arrays.at(keys[i].as_string());
    EXPECT_EQ(dtype_name(outputs[i].dtype()), dtype_name(wanted.dtype()));
    EXPECT_EQ(outputs[i].shape(), wanted.shape());
  }
  if (op == "svd") {
    const int64_t k = outputs[1].shape().back().value();
    const Tensor u = outputs[0][{ellipsis, Slice({}, k)}];
    const Tensor v = outputs[2][{ellipsis, Slice({}, k), all}];
    EXPECT_TRUE(close(ops::matmul(u * ops::expand_dims(outputs[1], -2), v), a, 50.0));
  } else {
    const Tensor whole = ops::cast(a, outputs[1].dtype());
    EXPECT_TRUE(close(ops::matmul(whole, outputs[1]), outputs[1] * ops::expand_dims(outputs[0], -2), 50.0));
  }
  return true;
}

void check_values(const Archive& archive, const std::string& op, const FunctionType& type, const Json& test) {
  Call call(archive, type, test);
  GradientTape tape;
  call.convert = [&](const Tensor& t) {
    if ((is_float(t.dtype()) || is_complex(t.dtype())) && !test["input_grads"].is_null()) tape.watch(t);
    return t;
  };
  const auto arguments = call.arguments();
  const auto outputs = type.invoke(arguments.get());
  const auto& keys = test["outputs"].as_list();
  ASSERT_EQ(outputs.size(), keys.size());
  // TensorFlow rounds gelu's coefficients to float32.
  const double scale = op == "gelu" && outputs[0].dtype() == DType::float64 ? 100.0 : 1.0;
  if (check_factors(archive, op, test, outputs)) return;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Tensor& wanted = archive.arrays.at(keys[i].as_string());
    EXPECT_EQ(dtype_name(outputs[i].dtype()), dtype_name(wanted.dtype())) << "output " << i;
    if (outputs[i].dtype() != wanted.dtype()) continue;
    EXPECT_TRUE(close(outputs[i], wanted, scale)) << "output " << i << "\n"
                                                  << outputs[i].to_string() << "\ninstead of\n"
                                                  << wanted.to_string();
  }
  if (test["cotangents"].is_null() || test["input_grads"].is_null()) return;
  std::vector<Tensor> targets;
  std::vector<Tensor> seeds;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Json& key = test["cotangents"][i];
    if (key.is_null()) continue;
    targets.push_back(outputs[i]);
    seeds.push_back(as_dtype(archive.arrays.at(key.as_string()), outputs[i].dtype()));
  }
  GradientOptions options;
  options.output_gradients = Nest(seeds);
  const Nest gradients = tape.gradient(Nest(targets), Nest(call.arrays), options);
  const auto& wanted = test["input_grads"].as_list();
  for (size_t i = 0; i < wanted.size() && i < gradients.size(); ++i) {
    if (wanted[i].is_null()) continue;
    const Tensor& reference = archive.arrays.at(wanted[i].as_string());
    const Nest& got = gradients[i];
    const auto zeros = [](const Tensor& t) {
      for (const double v : t.to_vector<double>()) {
        if (v != 0) return false;
      }
      return true;
    };
    if (got.is_none()) {
      EXPECT_TRUE(zeros(reference)) << "gradient of array " << i << " is missing";
      continue;
    }
    EXPECT_TRUE(close(got.tensor(), as_dtype(reference, got.tensor().dtype()), 5.0 * scale))
        << "gradient of array " << i << "\n"
        << got.tensor().to_string() << "\ninstead of\n"
        << reference.to_string();
  }
}

Tensor as_symbol(const Tensor& t) { return keras_tensor({t.dtype(), t.shape()}); }

void check_node(const Archive& archive, const FunctionType& type, const Json& test) {
  if (test.get("class_name").is_null()) return;
  Call call(archive, type, test);
  call.convert = as_symbol;
  call.symbols = true;
  const auto arguments = call.arguments();
  if (call.arrays.empty()) return;
  const auto outputs = type.invoke(arguments.get());
  ASSERT_FALSE(outputs.empty());
  const SymbolicValue* value = symbolic_value(outputs[0]);
  ASSERT_NE(value, nullptr);
  ASSERT_NE(value->node, nullptr);
  const auto& operation = value->node->operation;
  EXPECT_EQ(operation->class_name(), test["class_name"].as_string());
  EXPECT_EQ(operation->module(), test["module"].as_string());
  if (!test["config"].is_null()) {
    Json config = operation->get_config();
    config.erase("name");
    Json wanted = test["config"];
    // Since 3.16 the operations on images keep the format that "no format" stands for.
    if (operation->module() == "keras.src.ops.image" && wanted.contains("data_format") &&
        wanted["data_format"].is_null()) {
      wanted.set("data_format", config::image_data_format());
    }
    // Since 3.16 OneHot keeps "no dtype".
    if (operation->class_name() == "OneHot" && config["dtype"].is_null()) wanted.set("dtype", nullptr);
    // The goldens' release has no such argument yet.
    if (operation->class_name() == "TopK") config.erase("is_stable");
    // Numbers compare by value: Keras keeps the integer that a float argument was given as.
    EXPECT_TRUE(config == wanted) << config.dump() << "\ninstead of\n" << wanted.dump();
    // The operation made from that config gives the same config.
    Json again = make_operation(operation->class_name(), wanted)->get_config();
    again.erase("name");
    if (operation->class_name() == "TopK") again.erase("is_stable");
    EXPECT_EQ(again.dump(), config.dump());
  }
  const Json& symbolic = test["symbolic"];
  // Keras' own rule gives the shape of x for the correlations of its rows.
  if (symbolic.is_null() || symbolic.size() != outputs.size() || operation->class_name() == "Corrcoef")
    return;
  // It counts the output size of an adaptive pooling as one more axis, and drops the last axis of a
  // crossentropy whatever the axis is.
  if (operation->class_name().starts_with("Adaptive")) return;
  if (operation->class_name() == "CategoricalCrossentropy" && test["kwargs"].contains("axis")) return;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Json& shape = symbolic[i]["shape"];
    ASSERT_EQ(static_cast<size_t>(outputs[i].rank()), shape.size());
    for (int k = 0; k < outputs[i].rank(); ++k) {
      const Dim d = outputs[i].dim(k);
      if (shape[k].is_null() || !d.known()) continue;  // one of the two may know more than the other
      EXPECT_EQ(d.value(), shape[k].as_int()) << "output " << i << ", axis " << k;
    }
  }
}

void check_dtypes(const Archive& archive, const FunctionType& type, const Json& test) {
  for (const auto& [name, wanted] : test["dtype_table"].as_dict()) {
    if (wanted.is_null() || name == "int" || name == "float") continue;
    const DType dtype = parse_dtype(name);
    Call call(archive, type, test);
    call.convert = [&](const Tensor& t) { return as_dtype(t, dtype); };
    try {
      const auto arguments = call.arguments();
      const auto outputs = type.invoke(arguments.get());
      const auto& names = wanted.as_list();
      ASSERT_EQ(outputs.size(), names.size());
      for (size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(dtype_name(outputs[i].dtype()), names[i].as_string()) << "of " << name;
      }
    } catch (const std::exception& e) {
      ADD_FAILURE() << name << ": " << e.what();
    }
  }
}

// Calls in which we follow the newer release or the documentation instead of the release of the goldens.
bool differs_on_purpose(const std::string& op, const Json& test) {
  // Since 3.16 equal infinities are close.
  if (op == "isclose" && test["kwargs"].contains("equal_nan")) return true;
  // TensorFlow's backend ignores the dtype, and names one index twice.
  if (op == "prod" && test["kwargs"].contains("dtype")) return true;
  if (op == "argpartition") return true;
  // Vectors are stacked as rows, as the documentation shows; TensorFlow's backend joins them.
  if (op == "vstack" && !test.contains("dtype_table") && test["outputs"].size() == 1 &&
      test["args"][0].size() == 2)
    return true;
  // Here a function of its own, linspace_with_step.
  return op == "linspace" && test["kwargs"].contains("retstep");
}

std::string function_of(const std::string& op, const Json& test) {
  if (op == "abs") return "absolute";
  if (op == "swish") return "silu";
  if (op == "hard_swish") return "hard_silu";
  // One class of nodes for images and volumes.
  if (op == "extract_patches_3d") return "extract_patches";
  if (op == "conj") return "conjugate";
  // With one argument where() is nonzero().
  if (op == "where" && test["args"].size() == 1) return "nonzero";
  return op;
}

// Functions that make tensors from numbers are no nodes and stand in no table. True when `op` is one of them.
bool check_plain(const Archive& archive, const std::string& op, const Json& test) {
  const Json& args = test["args"];
  const Json& kwargs = test["kwargs"];
  const auto argument = [&](size_t i, const char* name, Json otherwise) {
    return i < args.size() ? args[i] : kwargs.get(name, std::move(otherwise));
  };
  const auto integer = [&](size_t i, const char* name) { return argument(i, name, 0).as_int(); };
  const auto columns = [&] {
    const Json m = argument(1, "M", nullptr);
    return m.is_null() ? std::optional<int64_t>() : std::optional<int64_t>(m.as_int());
  };
  const auto dtype = [&](size_t i) {
    return FieldCodec<ops::DTypeArgument>::from_json(argument(i, "dtype", nullptr), "dtype");
  };
  const auto shape = [&] { return FieldCodec<Shape>::from_json(args[0], "shape"); };
  const std::map<std::string, std::function<Tensor()>> makers{
      {"bartlett", [&] { return ops::bartlett(integer(0, "x")); }},
      {"blackman", [&] { return ops::blackman(integer(0, "x")); }},
      {"hamming", [&] { return ops::hamming(integer(0, "x")); }},
      {"hanning", [&] { return ops::hanning(integer(0, "x")); }},
      {"kaiser", [&] { return ops::kaiser(integer(0, "x"), argument(1, "beta", 0).as_real()); }},
      {"eye", [&] { return ops::eye(integer(0, "N"), columns(), integer(2, "k"), dtype(3)); }},
      {"tri", [&] { return ops::tri(integer(0, "N"), columns(), integer(2, "k"), dtype(3)); }},
      {"identity", [&] { return ops::identity(integer(0, "n"), dtype(1)); }},
      {"ones", [&] { return ops::ones(shape(), dtype(1)); }},
      {"zeros", [&] { return ops::zeros(shape(), dtype(1)); }},
      {"rearrange",
       [&] {
         std::vector<std::pair<std::string, int64_t>> lengths;
         for (const auto& [name, value] : kwargs.as_dict()) lengths.emplace_back(name, value.as_int());
         return ops::rearrange(archive.arrays.at(args[0].as_string()), args[1].as_string(), lengths);
       }},
  };
  // Their results are C++ numbers here.
  if (op == "ndim" || op == "shape") return true;
  const auto maker = makers.find(op);
  if (maker == makers.end()) return false;
  SCOPED_TRACE(op + " " + args.dump() + kwargs.dump());
  if (test.contains("dtype_table")) return true;
  const Tensor got = maker->second();
  const Tensor& wanted = archive.arrays.at(test["outputs"][0].as_string());
  EXPECT_EQ(dtype_name(got.dtype()), dtype_name(wanted.dtype()));
  EXPECT_TRUE(close(got, wanted, 2.0)) << got.to_string() << "\ninstead of\n" << wanted.to_string();
  return true;
}

void check_family(const std::string& family, const std::set<std::string>& elsewhere) {
  const Archive archive = load(family);
  std::set<std::string> missing;
  size_t number = 0;
  for (const auto& test : archive.manifest["cases"].as_list()) {
    std::string op = test["op"].as_string();
    op = op.substr(op.rfind('.') + 1);
    const size_t index = number++;
    if (differs_on_purpose(op, test)) continue;
    if (check_plain(archive, op, test)) continue;
    const FunctionType* type = find_function(function_of(op, test));
    if (type == nullptr) {
      if (!elsewhere.contains(op)) missing.insert(op);
      continue;
    }
    SCOPED_TRACE(family + " case " + std::to_string(index) + ": " + op + " " + test["args"].dump() +
                 test["kwargs"].dump());
    try {
      if (test.contains("dtype_table")) {
        check_dtypes(archive, *type, test);
      } else {
        check_values(archive, op, *type, test);
        if (op != "where") check_node(archive, *type, test);
      }
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }
  for (const auto& name : missing) ADD_FAILURE() << "keras.ops." << name << " is no function here";
}

// Decompositions of matrices and Fourier transforms: checked as soon as their functions are there.
const std::set<std::string> kLinearAlgebra{"cholesky",  "cholesky_inverse",
                                           "det",       "eig",
                                           "eigh",      "inv",
                                           "logdet",    "lstsq",
                                           "lu_factor", "matrix_rank",
                                           "norm",      "pinv",
                                           "qr",        "slogdet",
                                           "solve",     "solve_triangular",
                                           "svd",       "fft",
                                           "fft2",      "ifft2",
                                           "rfft",      "irfft",
                                           "stft",      "istft"};

TEST(Golden, NumpyElementwise) { check_family("ops_numpy_elementwise", {}); }
TEST(Golden, NumpyReductions) { check_family("ops_numpy_reductions", {}); }
TEST(Golden, NumpyShape) { check_family("ops_numpy_shape", {}); }
TEST(Golden, Math) { check_family("ops_math", kLinearAlgebra); }
TEST(Golden, Nn) { check_family("ops_nn", {}); }
TEST(Golden, Image) { check_family("ops_image", {}); }

}  // namespace
}  // namespace keras::internal
