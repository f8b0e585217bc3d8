// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "keras/base/error.h"
#include "keras/ops/products.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::fail;
using internal::symbolic;

namespace {

/// A tensor whose axes have letters.
struct Labelled {
  Tensor x;
  std::string axes;
};

/// A formula in which "..." has become letters of its own.
struct Formula {
  std::vector<std::string> inputs;
  std::string output;
};

[[noreturn]] void fail_formula(const std::string& subscripts, std::string_view requirement) {
  fail<ValueError>({"einsum", requirement, "'" + subscripts + "'", "such as \"ij,jk->ik\""});
}

Formula parse(const std::string& subscripts, const std::vector<Tensor>& operands) {
  std::string text;
  for (const char c : subscripts) {
    if (c != ' ') text += c;
  }
  const size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  Formula out;
  out.inputs.emplace_back();
  for (const char c : left) {
    if (c == ',') {
      out.inputs.emplace_back();
    } else {
      out.inputs.back() += c;
    }
  }
  if (out.inputs.size() != operands.size()) {
    fail<ValueError>(
        {"einsum", "There must be one list of letters for each operand",
         fmt::format("'{}' ({} lists) for {} operands", subscripts, out.inputs.size(), operands.size()),
         "commas part the lists"});
  }
  // Axes under an ellipsis are aligned at the right and take the characters from 1 on.
  size_t most = 0;
  for (size_t i = 0; i < operands.size(); ++i) {
    const size_t dots = out.inputs[i].find("...");
    const auto rank = static_cast<size_t>(operands[i].rank());
    const size_t letters = out.inputs[i].size() - (dots == std::string::npos ? 0 : 3);
    if (dots == std::string::npos ? letters != rank : letters > rank) {
      fail<ValueError>({"einsum", "An operand must have as many axes as letters",
                        fmt::format("'{}' for shape {}", out.inputs[i], operands[i].shape().to_string()),
                        ""});
    }
    if (dots != std::string::npos) most = std::max(most, rank - letters);
  }
  std::string under;
  for (size_t k = 0; k < most; ++k) under += static_cast<char>(1 + k);
  const auto expand = [&](std::string& letters, size_t count) {
    const size_t dots = letters.find("...");
    if (dots != std::string::npos)
      letters = letters.substr(0, dots) + under.substr(most - count) + letters.substr(dots + 3);
  };
  std::map<char, int> uses;
  std::map<char, Dim> extents;
  for (size_t i = 0; i < operands.size(); ++i) {
    const bool dots = out.inputs[i].find("...") != std::string::npos;
    expand(out.inputs[i], dots ? static_cast<size_t>(operands[i].rank()) + 3 - out.inputs[i].size() : 0);
    for (size_t k = 0; k < out.inputs[i].size(); ++k) {
      const char c = out.inputs[i][k];
      if (c >= 32 && std::isalpha(static_cast<unsigned char>(c)) == 0)
        fail_formula(subscripts, "Axes must be letters");
      ++uses[c];
      const Dim extent = operands[i].shape()[k];
      const auto [known, first] = extents.emplace(c, extent);
      if (first) continue;
      const Dim other = known->second;
      if (other == Dim(1)) known->second = extent;
      const bool repeated = out.inputs[i].find(c) != k;
      const bool differ = other.known() && extent.known() && !(other == extent);
      if (differ && (repeated || (!(other == Dim(1)) && !(extent == Dim(1))))) {
        fail<ValueError>({"einsum", "Axes of one letter must have one size",
                          fmt::format("'{}': '{}' has the sizes {} and {}", subscripts, c, other.to_string(),
                                      extent.to_string()),
                          ""});
      }
    }
  }
  if (arrow == std::string::npos) {
    // Without an arrow: the letters that stand once, sorted, behind the axes of the ellipsis.
    out.output = under;
    for (const auto& [letter, count] : uses) {
      if (letter >= 32 && count == 1) out.output += letter;
    }
    return out;
  }
  out.output = text.substr(arrow + 2);
  expand(out.output, most);
  for (size_t i = 0; i < out.output.size(); ++i) {
    if (!uses.contains(out.output[i]))
      fail_formula(subscripts, "Each letter of the result must stand in an operand");
    if (out.output.find(out.output[i]) != i) fail_formula(subscripts, "The result may have each letter once");
  }
  return out;
}

size_t at(const std::string& axes, char letter) { return axes.find(letter); }

// Repeated letters: the diagonal, found by masking and summing.
Labelled without_repeats(Labelled t) {
  for (size_t i = 0; i < t.axes.size(); ++i) {
    const size_t j = t.axes.find(t.axes[i], i + 1);
    if (j == std::string::npos) continue;
    Shape row(t.x.shape().size(), Dim(1));
    Shape column = row;
    row[i] = t.x.shape()[i];
    column[j] = t.x.shape()[j];
    const Tensor same = prim::equal(prim::iota(DType::int32, row, static_cast<int>(i)),
                                    prim::iota(DType::int32, column, static_cast<int>(j)));
    t.x = prim::reduce_sum(prim::select(same, t.x, prim::scalar_like(t.x, 0)), {static_cast<int>(j)});
    t.axes.erase(j, 1);
    return without_repeats(std::move(t));
  }
  return t;
}

// Sums away the letters that nothing else needs.
Labelled summed(Labelled t, const std::string& needed) {
  Axes axes;
  std::string kept;
  for (size_t i = 0; i < t.axes.size(); ++i) {
    if (needed.find(t.axes[i]) == std::string::npos) {
      axes.push_back(static_cast<int>(i));
    } else {
      kept += t.axes[i];
    }
  }
  return {prim::reduce_sum(t.x, axes), kept};
}

Labelled contract(Labelled a, Labelled b, const std::string& needed) {
  a = summed(std::move(a), needed + b.axes);
  b = summed(std::move(b), needed + a.axes);
  auto attributes = internal::make_attributes<DotAttributes>();
  const auto add = [](keras_list& list, size_t axis) { list.v[list.count++] = static_cast<int64_t>(axis); };
  std::string batch;
  std::string left;
  std::string right;
  for (size_t i = 0; i < a.axes.size(); ++i) {
    const char letter = a.axes[i];
    const size_t j = at(b.axes, letter);
    if (j == std::string::npos) {
      left += letter;
      continue;
    }
    // An axis of size 1 is broadcast against the other's.
    const Dim p = a.x.shape()[i];
    const Dim q = b.x.shape()[j];
    if (!(p == q) && (p == Dim(1) || q == Dim(1))) {
      Tensor& narrow = p == Dim(1) ? a.x : b.x;
      Shape shape = narrow.shape();
      shape[p == Dim(1) ? i : j] = p == Dim(1) ? q : p;
      narrow = prim::broadcast_to(narrow, shape);
    }
    if (needed.find(letter) == std::string::npos) {
      add(attributes.lhs_contract, i);
      add(attributes.rhs_contract, j);
    } else {
      batch += letter;
      add(attributes.lhs_batch, i);
      add(attributes.rhs_batch, j);
    }
  }
  for (const char letter : b.axes) {
    if (at(a.axes, letter) == std::string::npos) right += letter;
  }
  return {prim::dot_general(a.x, b.x, attributes), batch + left + right};
}

}  // namespace

Tensor einsum(const std::string& subscripts, const std::vector<Tensor>& operands) {
  if (auto node = symbolic<&einsum>(subscripts, operands)) return *node;
  if (operands.empty()) fail_formula(subscripts, "There must be at least one operand");
  const Formula formula = parse(subscripts, operands);
  const std::vector<Tensor> same = internal::promote(operands);
  bool int8 = true;
  for (const Tensor& t : operands) int8 = int8 && t.dtype() == DType::int8;
  const DType result = int8 ? DType::int32 : same[0].dtype();
  const DType work = internal::float_result(same[0].dtype());

  Labelled sum;
  for (size_t i = 0; i < same.size(); ++i) {
    Labelled next = without_repeats({prim::cast(same[i], work), formula.inputs[i]});
    if (i == 0) {
      sum = std::move(next);
      continue;
    }
    std::string needed = formula.output;
    for (size_t k = i + 1; k < same.size(); ++k) needed += formula.inputs[k];
    sum = contract(std::move(sum), std::move(next), needed);
  }
  sum = summed(std::move(sum), formula.output);
  Axes permutation;
  for (const char letter : formula.output) permutation.push_back(static_cast<int>(at(sum.axes, letter)));
  return prim::cast(prim::transpose(sum.x, permutation), result);
}

}  // namespace keras::ops
