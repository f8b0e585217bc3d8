// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/einsum_dense.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "keras/base/error.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::layers {

KERAS_REGISTER_LAYER(EinsumDense);

namespace {

/// The letters of "input,kernel->output" and on which side "..." stands.
struct Equation {
  std::string input, kernel, output;
  bool left = false;
  bool right = false;
};

bool letters(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

bool take_ellipsis(std::string& text, bool left) {
  if (left ? !text.starts_with("...") : !text.ends_with("...")) return false;
  text.erase(left ? 0 : text.size() - 3, 3);
  return true;
}

Equation parse_equation(const std::string& text) {
  Equation e;
  const size_t comma = text.find(',');
  const size_t arrow = text.find("->");
  bool valid = comma != std::string::npos && arrow != std::string::npos && comma < arrow;
  if (valid) {
    e.input = text.substr(0, comma);
    e.kernel = text.substr(comma + 1, arrow - comma - 1);
    e.output = text.substr(arrow + 2);
    e.left = take_ellipsis(e.input, true);
    valid = take_ellipsis(e.output, true) == e.left;
    if (valid && !e.left) {
      e.right = take_ellipsis(e.input, false);
      valid = take_ellipsis(e.output, false) == e.right;
    }
    valid = valid && letters(e.input) && letters(e.kernel) && letters(e.output);
  }
  if (!valid) {
    internal::fail<ValueError>(
        {"EinsumDense", "equation must have the form 'ab,bc->ac', '...ab,bc->...ac' or 'ab...,bc->ac...'",
         fmt::format("equation='{}'", text), ""});
  }
  return e;
}

// The output's axes that the bias has, 1 for the others behind its first.
Shape bias_shape(const std::string& where, const std::string& equation, const Equation& e,
                 const std::string& axes, const std::map<char, std::optional<Dim>>& output_dims, int elided) {
  size_t first = e.output.size();
  for (const char letter : axes) {
    const size_t place = e.output.find(letter);
    if (place == std::string::npos) {
      internal::fail<ValueError>({where, fmt::format("The bias axis '{}' must be in the output", letter),
                                  fmt::format("equation '{}'", equation), ""});
    }
    first = std::min(first, place);
  }
  Shape shape;
  for (size_t i = first; i < e.output.size(); ++i) {
    const bool has = axes.find(e.output[i]) != std::string::npos;
    shape.push_back(has ? output_dims.at(e.output[i]).value_or(Dim::unknown()) : Dim(1));
  }
  if (!e.left) {
    for (int i = 0; i < elided; ++i) shape.push_back(1);
  }
  return shape;
}

}  // namespace

EinsumDense::EinsumDense(EinsumDenseOptions options) : ConfiguredLayer(std::move(options)) {
  parse_equation(options_.equation);
  if (!options_.output_shape.is_list()) options_.output_shape = Json::list({options_.output_shape});
  if (!options_.activation) options_.activation = "linear";
  core().activity_regularizer = options_.activity_regularizer;
}

EinsumDense::EinsumDense(std::string equation, IntTuple output_shape, EinsumDenseOptions options)
    : EinsumDense([&] {
        options.equation = std::move(equation);
        Json::List shape;
        for (const int64_t d : output_shape) shape.push_back(d < 0 ? Json() : Json(d));
        options.output_shape = std::move(shape);
        return std::move(options);
      }()) {}

void EinsumDense::build(const Shape& input_shape) {
  const Equation e = parse_equation(options_.equation);
  const int elided = input_shape.rank() - static_cast<int>(e.input.size());
  if (elided < 0 || (elided > 0 && !e.left && !e.right)) {
    internal::fail<ValueError>(
        {name(), "The input must have the axes of the equation",
         fmt::format("input {}, equation '{}'", input_shape.to_string(), options_.equation), ""});
  }
  std::vector<std::optional<Dim>> output{input_shape[0]};
  if (e.left) {
    for (int i = 1; i < elided; ++i) output.emplace_back(input_shape.dim(i));
  }
  for (const Json& d : options_.output_shape.as_list(kClassName)) {
    output.push_back(d.is_null() ? std::nullopt : std::optional<Dim>(d.as_int(kClassName)));
  }
  if (e.right) {
    for (int i = input_shape.rank() - elided; i < input_shape.rank(); ++i)
      output.emplace_back(input_shape.dim(i));
  }
  const size_t before = e.left ? static_cast<size_t>(elided) : 0;
  const size_t covered = e.output.size() + static_cast<size_t>(elided);
  if (output.size() != covered) {
    internal::fail<ValueError>({name(),
                                fmt::format("output_shape must have the axes of '{}' without the batch and "
                                            "the elided axes",
                                            e.output),
                                options_.output_shape.dump(), ""});
  }
  std::map<char, Dim> input_dims;
  std::map<char, std::optional<Dim>> output_dims;
  for (size_t i = 0; i < e.input.size(); ++i) input_dims.emplace(e.input[i], input_shape[i + before]);
  for (size_t i = 0; i < e.output.size(); ++i) output_dims.emplace(e.output[i], output[i + before]);
  for (auto& [letter, dim] : output_dims) {
    const auto in = input_dims.find(letter);
    if (in == input_dims.end()) {
      if (e.kernel.find(letter) != std::string::npos) continue;
      internal::fail<ValueError>(
          {name(), fmt::format("The output axis '{}' must be in the input or the kernel", letter),
           fmt::format("equation '{}'", options_.equation), ""});
    }
    if (!dim) {
      dim = in->second;
    } else if (!(*dim == in->second)) {
      internal::fail<ValueError>({name(),
                                  fmt::format("The axis '{}' must have one size in input and output", letter),
                                  fmt::format("{} and {}", in->second.to_string(), dim->to_string()), ""});
    }
  }
  Shape shape;
  for (const char letter : e.kernel) {
    if (const auto out = output_dims.find(letter); out != output_dims.end() && out->second) {
      shape.push_back(*out->second);
    } else if (const auto in = input_dims.find(letter); in != input_dims.end()) {
      shape.push_back(in->second);
    } else {
      internal::fail<ValueError>(
          {name(), fmt::format("The kernel axis '{}' must be in the input or the output", letter),
           fmt::format("equation '{}'", options_.equation), ""});
    }
  }
  add_weight(kernel, "kernel", shape,
             {.initializer = options_.kernel_initializer,
              .regularizer = options_.kernel_regularizer,
              .constraint = options_.kernel_constraint});
  if (options_.bias_axes && !options_.bias_axes->empty()) {
    add_weight(bias, "bias",
               bias_shape(name(), options_.equation, e, *options_.bias_axes, output_dims, elided),
               {.initializer = options_.bias_initializer,
                .regularizer = options_.bias_regularizer,
                .constraint = options_.bias_constraint});
  }
  if (options_.lora_rank) enable_lora(*options_.lora_rank, {.alpha = options_.lora_alpha});
}

void EinsumDense::enable_lora(int64_t rank, LoraOptions options) {
  add_factors(name(), "kernel", static_cast<bool>(options_.kernel_constraint), options_.kernel_regularizer,
              rank, options,
              [this](Variable& member, std::string_view weight, const Shape& shape,
                     const WeightOptions& how) { add_weight(member, weight, shape, how); });
}

Json EinsumDense::get_config() const { return with_lora(ConfiguredLayer::get_config()); }

Tensor EinsumDense::call(const Tensor& inputs, const CallArgs&) {
  Tensor y = ops::einsum(options_.equation, {inputs, merged_weight(compute_dtype())});
  if (bias.defined()) y = y + bias.value();
  return (*options_.activation)(y);
}

}  // namespace keras::layers
