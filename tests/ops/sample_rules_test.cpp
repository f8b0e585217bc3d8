// SPDX-License-Identifier: Apache-2.0
// Tests made from the rule blocks: every op's sample calls, eagerly against its shape rule, its gradient and
// its decomposition.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <set>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/ops/abstract_evaluation.h"
#include "ops/primitives.h"

namespace keras::internal {
namespace {

namespace prim = internal::prim;

/// One sample of one op, for a parameterised test.
struct Case {
  const OpDef* op;
  OpSample sample;
};

std::string describe(const Case& c) {
  std::string out = c.op->name + ", " + c.sample.name + ": ";
  for (const Tensor& t : c.sample.operands) out += TensorType{t.dtype(), t.shape()}.to_string() + " ";
  return out + attributes_to_string(c.op->attributes, c.sample.attributes.data());
}

std::vector<Case> all_cases() {
  std::vector<Case> out;
  for (const OpDef* op : all_ops()) {
    if (op->rule.samples == nullptr) continue;
    for (OpSample& s : op->rule.samples()) out.push_back({op, std::move(s)});
  }
  return out;
}

Tensors run(const Case& c, std::span<const Tensor> operands, bool residuals = false) {
  return apply(OpCall{c.op, c.sample.attributes.data(), operands, residuals, {}, {}});
}

// Runs `body` for every sample that the predicate picks, with the sample's description in front of failures.
template <class Pick, class Body>
void for_each_case(Pick pick, Body body) {
  // A backend may do without decompositions of matrices; then their tests say so instead of passing.
  const std::set<std::string> optional{"cholesky", "triangular_solve", "lu", "qr", "svd", "eigh", "eig",
                                       "fft"};
  std::set<std::string> unsupported;
  size_t count = 0;
  for (const Case& c : all_cases()) {
    if (!pick(c)) continue;
    SCOPED_TRACE(describe(c));
    ++count;
    try {
      body(c);
    } catch (const UnsupportedError& e) {
      EXPECT_TRUE(optional.contains(c.op->name)) << e.what();
      unsupported.insert(c.op->name);
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }
  EXPECT_GT(count, 0u);
  for (const auto& name : unsupported) std::printf("not tested: the backend has no %s\n", name.c_str());
}

bool anything(const Case&) { return true; }

std::vector<TensorType> types_of(std::span<const Tensor> tensors) {
  std::vector<TensorType> out;
  for (const Tensor& t : tensors) out.push_back({t.dtype(), t.shape()});
  return out;
}

TEST(Samples, EveryCoreOpHasARuleAndSamples) {
  for (const OpDef* op : all_ops()) {
    if (op->has('X')) continue;
    EXPECT_NE(op->rule.infer, nullptr) << op->name;
    // A gradient op that reads residuals runs only after its forward op, whose samples reach it.
    const bool follows = op->name.ends_with("_grad") && op->operands < 0;
    EXPECT_TRUE(follows || op->rule.samples != nullptr) << op->name;
    EXPECT_TRUE(!op->has('F') || op->rule.decompose != nullptr) << op->name;
  }
}

TEST(Samples, EagerResultsHaveTheInferredTypes) {
  for_each_case(anything, [](const Case& c) {
    const auto inferred = infer(*c.op, c.sample.attributes.data(), types_of(c.sample.operands));
    const Tensors results = run(c, c.sample.operands);
    ASSERT_EQ(results.size(), inferred.size());
    for (size_t i = 0; i < results.size(); ++i) {
      EXPECT_EQ(results[i].dtype(), inferred[i].dtype);
      EXPECT_EQ(results[i].shape(), inferred[i].shape);
      results[i].host_data();
    }
  });
}

bool same_elements(const Tensor& a, const Tensor& b, double relative, double absolute) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  if (is_complex(a.dtype())) {
    return same_elements(prim::real(a), prim::real(b), relative, absolute) &&
           same_elements(prim::imag(a), prim::imag(b), relative, absolute);
  }
  const auto x = a.to_vector<double>();
  const auto y = b.to_vector<double>();
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i]) && std::isnan(y[i])) continue;
    if (x[i] == y[i]) continue;
    if (!(std::abs(x[i] - y[i]) <= absolute + relative * std::abs(y[i]))) return false;
  }
  return true;
}

struct Tolerance {
  double relative, absolute;
};
Tolerance tolerance(DType dtype) {
  switch (dtype) {
    case DType::bfloat16:
      return {2e-2, 2e-2};
    case DType::float16:
      return {3e-3, 3e-3};
    case DType::float32:
    case DType::complex64:
      return {2e-5, 2e-6};
    default:
      return {1e-10, 1e-11};
  }
}

// Ops whose values say something about the dtype itself, so that other dtypes give other values.
bool depends_on_dtype(const Case& c) {
  const auto& name = c.op->name;
  return name == "nextafter" || name == "cast" || name == "bitcast" || name == "complex" || c.op->has('D') ||
         name.find("random") != std::string::npos;
}

TEST(Samples, OtherDtypesAgreeWithFloat64) {
  for (const DType dtype : {DType::float32, DType::bfloat16, DType::float16}) {
    for_each_case([](const Case& c) { return !depends_on_dtype(c) && !c.sample.operands.empty(); },
                  [&](const Case& c) {
                    std::vector<Tensor> narrow;
                    std::vector<Tensor> wide;
                    bool floats = false;
                    for (const Tensor& t : c.sample.operands) {
                      const bool real = t.dtype() == DType::float64;
                      floats = floats || real;
                      narrow.push_back(real ? prim::cast(t, dtype) : t);
                      wide.push_back(real ? prim::cast(narrow.back(), DType::float64) : t);
                    }
                    if (!floats) return;
                    Tensors got;
                    try {
                      // Some operands have a dtype of their own (float32 statistics), which then does not
                      // fit.
                      infer(*c.op, c.sample.attributes.data(), types_of(narrow));
                    } catch (const TypeError&) {
                      return;
                    }
                    got = run(c, narrow);
                    const Tensors wanted = run(c, wide);
                    for (size_t i = 0; i < got.size(); ++i) {
                      const auto [relative, absolute] = tolerance(dtype);
                      const Tensor reference = prim::cast(wanted[i], got[i].dtype());
                      EXPECT_TRUE(same_elements(got[i], reference, relative, absolute))
                          << "result " << i << "\n"
                          << got[i].to_string() << "\ninstead of\n"
                          << reference.to_string();
                    }
                  });
  }
}

TEST(Samples, UnknownBatchSizesGiveTheSameShape) {
  for_each_case([](const Case& c) { return !c.sample.operands.empty(); },
                [](const Case& c) {
                  // One leading axis at a time is unknown; where the rule takes that at all, what it then
                  // knows must be right.
                  const auto known = infer(*c.op, c.sample.attributes.data(), types_of(c.sample.operands));
                  auto types = types_of(c.sample.operands);
                  if (types[0].shape.empty()) return;
                  const Dim batch = types[0].shape[0];
                  const Dim unknown = Dim::unknown();
                  for (auto& type : types) {
                    if (!type.shape.empty() && type.shape[0] == batch) type.shape[0] = unknown;
                  }
                  SmallVector<TensorType, 4> results;
                  try {
                    results = infer(*c.op, c.sample.attributes.data(), types);
                  } catch (const ValueError&) {
                    return;
                  }
                  ASSERT_EQ(results.size(), known.size());
                  DimBindings bindings;
                  bindings.bind(unknown, batch.value());
                  for (size_t i = 0; i < results.size(); ++i) {
                    EXPECT_EQ(results[i].dtype, known[i].dtype);
                    ASSERT_EQ(results[i].shape.rank(), known[i].shape.rank());
                    for (int k = 0; k < known[i].shape.rank(); ++k) {
                      const auto value = bindings.evaluate(results[i].shape.dim(k));
                      EXPECT_EQ(value.value_or(known[i].shape.dim(k).value()), known[i].shape.dim(k).value())
                          << "axis " << k;
                    }
                  }
                });
}

bool differentiable(const Case& c) {
  if (!c.sample.differentiable || c.op->rule.vjp == nullptr || c.op->has('N')) return false;
  for (const Tensor& t : c.sample.operands) {
    if (t.dtype() == DType::float64) return true;
  }
  return false;
}

// Fixed weights that make one number of all results.
Tensor weights_like(const Tensor& t, size_t index) {
  std::vector<double> values(static_cast<size_t>(t.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = std::cos(1.3 * static_cast<double>(i) + static_cast<double>(index)) + 0.2;
  return prim::cast(Tensor::from(values, t.shape()), t.dtype());
}

double weighted_sum(const Tensors& results) {
  double sum = 0;
  for (size_t k = 0; k < results.size(); ++k) {
    if (!is_float(results[k].dtype())) continue;
    const auto values = results[k].to_vector<double>();
    const auto weights = weights_like(results[k], k).to_vector<double>();
    for (size_t i = 0; i < values.size(); ++i) sum += values[i] * weights[i];
  }
  return sum;
}

std::vector<Tensor> gradients(const Case& c, std::span<const Tensor> operands) {
  GradientTape tape;
  std::vector<Tensor> sources;
  for (const Tensor& t : operands) {
    if (t.dtype() != DType::float64) continue;
    tape.watch(t);
    sources.push_back(t);
  }
  const Tensors results = run(c, operands);
  std::vector<Tensor> targets;
  std::vector<Tensor> seeds;
  for (size_t k = 0; k < results.size(); ++k) {
    if (!is_float(results[k].dtype())) continue;
    targets.push_back(results[k]);
    seeds.push_back(weights_like(results[k], k));
  }
  GradientOptions options;
  options.output_gradients = Nest(seeds);
  const Nest gradient = tape.gradient(Nest(targets), Nest(sources), options);
  std::vector<Tensor> out;
  for (const Nest& g : gradient.list()) out.push_back(g.is_none() ? Tensor() : g.tensor());
  return out;
}

Tensor moved(const Tensor& t, int64_t element, double by) {
  auto values = t.to_vector<double>();
  values[static_cast<size_t>(element)] += by;
  return Tensor::from(values, t.shape());
}

TEST(Samples, GradientsAgreeWithFiniteDifferences) {
  for_each_case(differentiable, [](const Case& c) {
    std::vector<Tensor> operands = c.sample.operands;
    const auto analytic = gradients(c, operands);
    size_t source = 0;
    for (size_t k = 0; k < operands.size(); ++k) {
      if (operands[k].dtype() != DType::float64) continue;
      const Tensor gradient = analytic.at(source++);
      if (c.op->name == "igamma" && k == 0) continue;  // has no gradient in its first operand
      const int64_t count = operands[k].elements();
      const std::vector<double> got = gradient.defined()
                                          ? gradient.to_vector<double>()
                                          : std::vector<double>(static_cast<size_t>(count), 0.0);
      const Tensor original = operands[k];
      for (int64_t i = 0; i < count; i += std::max<int64_t>(1, count / 24)) {
        constexpr double kStep = 1e-5;
        operands[k] = moved(original, i, kStep);
        const double up = weighted_sum(run(c, operands));
        operands[k] = moved(original, i, -kStep);
        const double down = weighted_sum(run(c, operands));
        const double wanted = (up - down) / (2 * kStep);
        EXPECT_NEAR(got[static_cast<size_t>(i)], wanted, 2e-6 * std::max(1.0, std::abs(wanted)))
            << "operand " << k << ", element " << i;
      }
      operands[k] = original;
    }
  });
}

// One number of all first derivatives.
Tensor weighted_gradients(const Case& c, std::span<const Tensor> operands) {
  Tensor sum = prim::scalar(0, DType::float64);
  size_t k = 100;
  for (const Tensor& g : gradients(c, operands)) {
    if (!g.defined()) continue;
    const Tensor weighted = prim::mul(g, weights_like(g, k++));
    sum = prim::add(sum, prim::reduce_sum(weighted, prim::all_axes(weighted.rank())));
  }
  return sum;
}

bool twice_differentiable(const Case& c) {
  // A running product's gradient is TensorFlow's, 0 where an element is 0: right once, but not twice.
  if (c.sample.name.ends_with(" zero") || c.sample.name.ends_with(" zeros")) return false;
  // The derivative of digamma is no op.
  return differentiable(c) && !c.op->has('F') && c.op->name != "lgamma";
}

TEST(Samples, SecondDerivativesAgreeWithFiniteDifferences) {
  for_each_case(twice_differentiable, [](const Case& c) {
    std::vector<Tensor> operands = c.sample.operands;
    std::vector<Tensor> sources;
    std::vector<Tensor> directions;
    GradientTape tape;
    for (const Tensor& t : operands) {
      if (t.dtype() != DType::float64) continue;
      tape.watch(t);
      sources.push_back(t);
      directions.push_back(weights_like(t, 50 + sources.size()));
    }
    const Tensor sum = weighted_gradients(c, operands);
    const Nest second = tape.gradient(Nest(sum), Nest(sources));
    double got = 0;
    for (size_t i = 0; i < sources.size(); ++i) {
      if (second[i].is_none() || !second[i].tensor().defined()) continue;  // the first derivative is constant
      const auto values = second[i].tensor().to_vector<double>();
      const auto along = directions[i].to_vector<double>();
      for (size_t e = 0; e < values.size(); ++e) got += values[e] * along[e];
    }
    constexpr double kStep = 1e-5;
    const auto at = [&](double by) {
      std::vector<Tensor> shifted = operands;
      size_t next = 0;
      for (Tensor& t : shifted) {
        if (t.dtype() != DType::float64) continue;
        t = prim::add(t, prim::mul(directions[next++], prim::scalar(by, DType::float64)));
      }
      return weighted_gradients(c, shifted).item<double>();
    };
    const double wanted = (at(kStep) - at(-kStep)) / (2 * kStep);
    EXPECT_NEAR(got, wanted, 1e-5 * std::max(1.0, std::abs(wanted)));
  });
}

TEST(Samples, DecompositionsAgreeWithTheBackend) {
  for_each_case([](const Case& c) { return c.op->rule.decompose != nullptr; },
                [](const Case& c) {
                  const Tensors native = run(c, c.sample.operands);
                  DecomposeContext context{*c.op, c.sample.attributes.data(), c.sample.operands, false};
                  const Tensors composed = c.op->rule.decompose(context);
                  ASSERT_EQ(composed.size(), native.size());
                  for (size_t i = 0; i < native.size(); ++i) {
                    const auto [relative, absolute] = tolerance(native[i].dtype());
                    EXPECT_TRUE(same_elements(native[i], composed[i], relative * 10, absolute * 10))
                        << "result " << i << "\n"
                        << native[i].to_string() << "\ninstead of\n"
                        << composed[i].to_string();
                  }
                });
}

TEST(Samples, EveryUpdateRuleHasOne) {
  std::set<int64_t> rules;
  for (const OpSample& s : op_def(OpId::update_many_op).rule.samples()) {
    rules.insert(reinterpret_cast<const UpdateAttributes*>(s.attributes.data())->rule);
  }
  for (int64_t rule = KERAS_UPDATE_SGD; rule <= KERAS_UPDATE_NADAM; ++rule) EXPECT_TRUE(rules.contains(rule));
}

// Calls the gradient rule with only those values that the op's row names: reading another one would throw.
TEST(Samples, GradientsReadOnlyWhatTheirRowNames) {
  for_each_case([](const Case& c) { return differentiable(c) && !c.op->has('G'); },
                [](const Case& c) {
                  const Tensors results = run(c, c.sample.operands);
                  const std::string& reads = c.op->reads;
                  std::vector<Tensor> operands(c.sample.operands.size());
                  for (size_t i = 0; i < operands.size(); ++i) {
                    const bool named = reads.find('*') != std::string::npos ||
                                       (i < 5 && reads.find(static_cast<char>('a' + i)) != std::string::npos);
                    if (named) operands[i] = c.sample.operands[i];
                  }
                  std::vector<Tensor> kept(results.size());
                  for (size_t i = 0; i < kept.size() && i < 3; ++i) {
                    if (reads.find("rst"[i]) != std::string::npos) kept[i] = results[i];
                  }
                  const auto operand_types = types_of(c.sample.operands);
                  const auto result_types = types_of(results);
                  std::vector<Tensor> cotangents;
                  for (size_t k = 0; k < results.size(); ++k) {
                    const bool real = is_float(results[k].dtype()) || is_complex(results[k].dtype());
                    cotangents.push_back(real ? weights_like(results[k], k) : Tensor());
                  }
                  const auto needed = std::make_unique<bool[]>(operands.size());
                  for (size_t i = 0; i < operands.size(); ++i) {
                    needed[i] = is_float(operand_types[i].dtype) || is_complex(operand_types[i].dtype);
                  }
                  VjpContext context{*c.op,
                                     c.sample.attributes.data(),
                                     operands,
                                     operand_types,
                                     kept,
                                     result_types,
                                     {},
                                     cotangents,
                                     std::span<const bool>(needed.get(), operands.size()),
                                     {}};
                  EXPECT_NO_THROW(c.op->rule.vjp(context));
                });
}

}  // namespace
}  // namespace keras::internal
