// SPDX-License-Identifier: Apache-2.0
// Every function of keras.ops, given every kind of odd tensor and argument: it answers, or raises a
// keras::Error.
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include "keras/base/error.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"
#include "ops/symbolic.h"

namespace keras {
namespace {

struct Odd {
  std::string name;
  Nest tensor;
};

std::vector<Odd> odd_tensors() {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  return {
      {"none", Nest()},
      {"weak scalar", Tensor(2)},
      {"scalar", ops::full({}, 0.5)},
      {"empty vector", ops::zeros({0})},
      {"empty rows", ops::zeros({0, 3})},
      {"empty columns", ops::zeros({2, 0})},
      {"words", Tensor::strings({"a", "b"}, {2})},
      {"bools", ops::ones({2, 2}, "bool")},
      {"bytes", ops::full({3}, 255, "uint8")},
      {"integers", Tensor{-7, 5, 1000000}},
      {"complex", ops::full({2, 2}, 1, "complex64")},
      {"halves", ops::ones({2, 2}, "float16")},
      {"not finite", Tensor{{kNan, 1.0}, {std::numeric_limits<double>::infinity(), 0.0}}},
      {"image", ops::ones({1, 2, 2, 1})},
      {"seven axes", ops::ones({1, 2, 1, 1, 1, 1, 1})},
      {"symbol", keras_tensor({DType::float32, {std::nullopt, 3}})},
      {"symbol of unknown size", keras_tensor({DType::int32, {std::nullopt, std::nullopt}})},
      {"list", Nest{ops::ones({2, 2}), ops::ones({3})}},
  };
}

std::vector<Json> odd_arguments() {
  std::vector<Json> out;
  for (const char* text :
       {"0", "-1", "3", "-9223372036854775808", "9223372036854775807", "1099511627776", "[]", "[0]", "[-1]",
        "[2, 2]", "[1, 1, 1, 1]", "[-9223372036854775808]", "[9223372036854775807, 9223372036854775807]",
        "[1099511627776, 1099511627776]", "0.5", "\"nonsense\"", "true"}) {
    out.push_back(Json::parse(text, "odd argument"));
  }
  return out;
}

// Whether the argument took the value.
bool place(const internal::FunctionType& type, void* arguments, size_t i, const Json& value) {
  const auto& parameter = type.parameters[i];
  if (parameter.codec == nullptr) return false;
  try {
    parameter.codec->from_json(value, type.argument(arguments, i), type.name);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void expect_answer_or_error(const internal::FunctionType& type, const void* arguments,
                            const std::string& with) {
  if (std::getenv("KERAS_TRACE_ROBUSTNESS") != nullptr) {
    std::fprintf(stderr, "%s with %s\n", std::string(type.name).c_str(), with.c_str());
  }
  try {
    for (const Tensor& t : type.invoke(arguments)) {
      if (t.defined() && !t.abstract() && t.dtype() != DType::string) (void)t.host_data();
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.what()[0], '[') << type.name << " with " << with << ": " << error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << type.name << " with " << with << " raised " << error.what();
  }
}

TEST(FunctionRobustness, OddTensors) {
  const auto tensors = odd_tensors();
  size_t count = 0;
  for (const auto* type : internal::registered_functions()) {
    for (const Odd& odd : tensors) {
      const auto arguments = internal::default_arguments(*type);
      bool whole = true;
      for (size_t i = 0; i < type->parameters.size(); ++i) {
        if (!type->parameters[i].tensors) continue;
        try {
          type->parameters[i].from_nest(type->argument(arguments.get(), i), odd.tensor);
        } catch (const Error&) {
          whole = false;  // a list where one tensor belongs
        }
      }
      if (!whole) continue;
      expect_answer_or_error(*type, arguments.get(), odd.name);
      ++count;
    }
  }
  EXPECT_GT(count, 3000u);
}

TEST(FunctionRobustness, OddArguments) {
  const Odd sources[] = {
      {"matrix", ops::ones({2, 2})}, {"image", ops::ones({1, 4, 4, 1})}, {"integers", Tensor{1, 0, 2}}};
  size_t count = 0;
  for (const auto* type : internal::registered_functions()) {
    for (const Odd& source : sources) {
      for (size_t p = 0; p < type->parameters.size(); ++p) {
        for (const Json& value : odd_arguments()) {
          const auto arguments = internal::default_arguments(*type);
          for (size_t i = 0; i < type->parameters.size(); ++i) {
            if (type->parameters[i].tensors) {
              type->parameters[i].from_nest(type->argument(arguments.get(), i), source.tensor);
            }
          }
          if (type->parameters[p].tensors || !place(*type, arguments.get(), p, value)) continue;
          expect_answer_or_error(*type, arguments.get(),
                                 source.name + ", argument " + std::to_string(p) + " = " + value.dump());
          ++count;
        }
      }
    }
  }
  EXPECT_GT(count, 3000u);
}

}  // namespace
}  // namespace keras
