// SPDX-License-Identifier: Apache-2.0
// What the golden calls do not reach: functions of functions, functions that make tensors from numbers, nodes
// with unknown sizes, and errors.
#include <gtest/gtest.h>

#include "keras/keras.h"

namespace keras {
namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }
using Doubles = std::vector<double>;

TEST(Creation, RangesAndGrids) {
  EXPECT_EQ(values(ops::arange(5)), (Doubles{0, 1, 2, 3, 4}));
  EXPECT_EQ(ops::arange(5).dtype(), DType::int32);
  EXPECT_EQ(values(ops::arange(1, 2, 0.25)), (Doubles{1, 1.25, 1.5, 1.75}));
  EXPECT_EQ(values(ops::arange(5, 0, -2)), (Doubles{5, 3, 1}));
  EXPECT_EQ(ops::arange(3, 1).shape(), Shape{0});
  EXPECT_THROW(ops::arange(0, 1, 0), ValueError);
  EXPECT_EQ(values(ops::linspace(0, 1, 5)), (Doubles{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(values(ops::linspace_with_step(0, 1, 4, false).second), (Doubles{0.25}));
  EXPECT_EQ(values(ops::eye(2, 3, 1)), (Doubles{0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(values(ops::tri(2, 3, -1)), (Doubles{0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(values(ops::diag(Tensor{1, 2}, -1)), (Doubles{0, 0, 0, 1, 0, 0, 0, 2, 0}));
  EXPECT_EQ(values(ops::full({2}, 7, "int8")), (Doubles{7, 7}));
  EXPECT_EQ(ops::zeros({2, 2}).dtype(), DType::float32);
}

TEST(Operators, FollowKerasPromotion) {
  const Tensor x{1, 2, 3};
  EXPECT_EQ((x * 2).dtype(), DType::int32);
  EXPECT_EQ((x * 2.5).dtype(), DType::float32);
  EXPECT_EQ((x / 2).dtype(), DType::float32);
  EXPECT_EQ(values(1 - x), (Doubles{0, -1, -2}));
  EXPECT_EQ(values(-x % 2), (Doubles{1, 0, 1}));
  EXPECT_EQ(values(x == 2), (Doubles{0, 1, 0}));
  EXPECT_EQ(values((x > 1) & (x < 3)), (Doubles{0, 1, 0}));
  const Tensor wide = ops::cast(Tensor{1.0}, "float64");
  EXPECT_EQ((wide * 0.1).at<double>({0}), 0.1);
  const Variable v(Tensor{1.0, 2.0});
  EXPECT_EQ(values(v * 2.0), (Doubles{2, 4}));
}

TEST(Indexing, FollowsNumPy) {
  const Tensor x = ops::reshape(ops::arange(24), {2, 3, 4});
  EXPECT_EQ(values(x[{1, 2, 3}]), (Doubles{23}));
  EXPECT_EQ(x[1].shape(), (Shape{3, 4}));
  EXPECT_EQ(values(x[{0, -1, Slice({}, {}, -2)}]), (Doubles{11, 9}));
  EXPECT_EQ((x[{ellipsis, newaxis, 0}].shape()), (Shape{2, 3, 1}));
  EXPECT_EQ(values(x[{all, 0, Slice(1, 3)}]), (Doubles{1, 2, 13, 14}));
  EXPECT_EQ(x[{Slice(5, 9)}].shape(), (Shape{0, 3, 4}));
  EXPECT_EQ(values(x[{0, 0, Tensor{3, -4}}]), (Doubles{3, 0}));
  EXPECT_EQ(values(x[{Tensor{0, 1}, Tensor{2, 0}, 1}]), (Doubles{9, 13}));
  EXPECT_EQ(values(x[Index(x > 21)]), (Doubles{22, 23}));
  EXPECT_THROW(x[2], ValueError);
  EXPECT_THROW((x[{0, 0, 0, 0}]), ValueError);
}

TEST(ControlFlow, RunsEagerly) {
  const Nest doubled = ops::while_loop([](const Nest& s) { return s[0].tensor() < 100; },
                                       [](const Nest& s) {
                                         return Nest{s[0].tensor() * 2, s[1].tensor() + 1};
                                       },
                                       Nest{Tensor(3), Tensor(0)});
  EXPECT_EQ(doubled[0].tensor().item<int>(), 192);
  EXPECT_EQ(doubled[1].tensor().item<int>(), 6);
  const auto [last, sums] = ops::scan(
      [](const Nest& carry, const Nest& x) {
        const Tensor sum = carry.tensor() + x.tensor();
        return std::pair<Nest, Nest>(sum, sum * 10);
      },
      Tensor(0), Tensor{1, 2, 3});
  EXPECT_EQ(last.tensor().item<int>(), 6);
  EXPECT_EQ(values(sums.tensor()), (Doubles{10, 30, 60}));
  const auto squares = ops::map([](const Nest& x) { return Nest(x.tensor() * 0.5); }, ops::zeros({0, 2}));
  EXPECT_EQ(squares.tensor().shape(), (Shape{0, 2}));
  EXPECT_EQ(squares.tensor().bytes(), 0u);
  const auto add = [](const Nest& a, const Nest& b) { return Nest(a.tensor() + b.tensor()); };
  EXPECT_EQ(values(ops::associative_scan(add, Tensor{1, 2, 3, 4, 5}).tensor()), (Doubles{1, 3, 6, 10, 15}));
  EXPECT_EQ(values(ops::associative_scan(add, Tensor{1, 2, 3, 4}, true).tensor()), (Doubles{10, 9, 7, 4}));
  EXPECT_EQ(ops::fori_loop(
                0, 5, [](const Tensor& i, const Nest& v) { return Nest(v.tensor() + i); }, Tensor(0))
                .tensor()
                .item<int>(),
            10);
  EXPECT_EQ(
      values(ops::map([](const Nest& x) { return Nest(x.tensor() * x.tensor()); }, Tensor{1, 2, 3}).tensor()),
      (Doubles{1, 4, 9}));
  EXPECT_EQ(ops::cond(
                Tensor(1) > 0, [] { return Nest(Tensor(1)); }, [] { return Nest(Tensor(2)); })
                .tensor()
                .item<int>(),
            1);
  const auto branch = [](int by) { return [by](const Nest& x) { return Nest(x.tensor() + by); }; };
  EXPECT_EQ(ops::switch_(9, {branch(1), branch(2)}, Tensor(10)).tensor().item<int>(), 12);
  EXPECT_THROW(ops::while_loop([](const Nest&) { return Tensor(true); },
                               [](const Nest& s) { return Nest(s.tensor() * 1.5); }, Tensor(1)),
               ValueError);
}

TEST(ControlFlow, VectorizesFunctionsOfScalars) {
  const auto weigh = ops::vectorize([](const std::vector<Tensor>& in) { return in[0] * 10 + in[1]; });
  EXPECT_EQ(values(weigh({Tensor{{1}, {2}}, Tensor{3, 4}})), (Doubles{13, 14, 23, 24}));
}

TEST(Symbolic, KeepsUnknownSizes) {
  const Tensor x = keras_tensor({DType::float32, {Dim::unknown(), 4}}, "x");
  const Tensor y = ops::mean(ops::matmul(x, ops::ones({4, 3})), -1);
  EXPECT_EQ(y.rank(), 1);
  EXPECT_EQ(y.dim(0), x.dim(0));
  const auto* value = symbolic_value(y);
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(value->node->operation->class_name(), "Mean");
  EXPECT_TRUE(is_keras_tensor(value->node->args[0].tensor()));
  EXPECT_EQ(ops::reshape(x, {-1, 2}).dim(0), x.dim(0) * Dim(2));
  EXPECT_EQ(((x * 2)[{all, 0}].shape()), Shape{x.dim(0)});
  EXPECT_THROW(y.host_data(), TypeError);
  EXPECT_THROW(ops::reshape(ops::ones({4}), {-1, 3}), ValueError);
}

TEST(Symbolic, NodesComputeOnValues) {
  const Tensor x = keras_tensor({DType::float32, {Dim::unknown(), 2}});
  const Tensor y = keras_tensor({DType::float32, {Dim::unknown(), 2}});
  const Tensor joined = ops::concatenate({x, y}, 1);
  const auto& node = *symbolic_value(joined)->node;
  const Nest pair{ops::ones({3, 2}), ops::zeros({3, 2})};
  const Nest args(std::vector<Nest>{pair});  // Nest{pair}: a list of it to g++, a copy to clang
  const auto out = node.operation->call(args, {});
  EXPECT_EQ(values(out[0]), (Doubles{1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0}));
  const auto again = make_operation("Concatenate", node.operation->get_config());
  EXPECT_EQ(values(again->call(args, {})[0]), values(out[0]));
  const auto parts = ops::split(x, 2, 1);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(symbolic_value(parts[1])->output_index, 1);
}

TEST(Errors, NameOpRequirementAndValues) {
  try {
    ops::matmul(ops::ones({2, 3}), ops::ones({4, 5}));
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("(2, 3) and (4, 5)"), std::string::npos) << e.what();
  }
  EXPECT_THROW(ops::concatenate({}), ValueError);
  EXPECT_THROW(ops::sum(ops::ones({2}), 3), ValueError);
  EXPECT_THROW(ops::squeeze(ops::ones({2}), 0), ValueError);
  EXPECT_THROW(ops::take(ops::ones({2}), Tensor{0.5}, 0), TypeError);
  EXPECT_THROW(ops::einsum("ij,jk->iz", {ops::ones({2, 2}), ops::ones({2, 2})}), ValueError);
  EXPECT_THROW(ops::pad(ops::ones({2}), {{1, 1}}, "mirror"), ValueError);
}

TEST(Rearrange, SplitsAndMerges) {
  const Tensor x = ops::reshape(ops::arange(12), {2, 6});
  EXPECT_EQ(ops::rearrange(x, "b (h w) -> w b h", {{"h", 2}}).shape(), (Shape{3, 2, 2}));
  EXPECT_EQ(ops::rearrange(ops::ones({2, 3, 4}), "b ... -> (b ...)").shape(), Shape{24});
  EXPECT_THROW(ops::rearrange(x, "a b c -> a"), ValueError);
}

}  // namespace
}  // namespace keras
