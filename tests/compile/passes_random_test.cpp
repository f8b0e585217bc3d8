// SPDX-License-Identifier: Apache-2.0
// Random small programs through all passes: the same results.
#include "compile/graph_runs.h"

namespace keras::internal {
namespace {

using namespace tests;

// Programs over a few shapes that broadcast against each other, with movement, reductions and products.
class Writer {
 public:
  explicit Writer(unsigned seed) : generator_(seed) {}

  Graph write() {
    for (const Shape& shape : {Shape{4, 6}, Shape{6}, Shape{4, 1}, Shape{}, Shape{6, 4}})
      add(d_.input(f32(shape)));
    add(d_.graph.add_constant(random_tensor(f32({4, 6}), generator_)));
    add(d_.number(1));
    add(d_.number(0));
    add(d_.number(-0.0, DType::float32, {4, 6}));
    add(d_.number(2, DType::float32, {6}));
    const int steps = 6 + pick(30);
    for (int i = 0; i < steps; ++i) step();
    std::vector<Value> outputs;
    for (int i = 0; i < 3; ++i) outputs.push_back(any());
    outputs.push_back(values_.back());
    d_.graph.set_outputs(outputs);
    return d_.graph;
  }

 private:
  int pick(int n) { return static_cast<int>(generator_() % static_cast<unsigned>(n)); }
  void add(Value v) { values_.push_back(v); }
  Value any() { return values_[static_cast<size_t>(pick(static_cast<int>(values_.size())))]; }
  const Shape& shape(Value v) const { return d_.graph.type(v).shape; }
  bool agree(Value a, Value b) const {
    const Shape &x = shape(a), &y = shape(b);
    for (size_t i = 1; i <= std::min(x.size(), y.size()); ++i) {
      const Dim p = x[x.size() - i], q = y[y.size() - i];
      if (!(p == q) && !(p == Dim(1)) && !(q == Dim(1))) return false;
    }
    return true;
  }

  void step() {
    static const OpId unary[] = {OpId::neg_op,           OpId::abs_op,     OpId::tanh_op,
                                 OpId::relu_op,          OpId::sigmoid_op, OpId::floor_op,
                                 OpId::stop_gradient_op, OpId::sign_op,    OpId::cos_op};
    static const OpId binary[] = {OpId::add_op, OpId::sub_op, OpId::mul_op, OpId::maximum_op,
                                  OpId::minimum_op};
    const Value a = any(), b = any();
    switch (pick(10)) {
      case 0:
      case 1:
        return add(d_.op(unary[pick(9)], {a}));
      case 2:
      case 3:
      case 4:
        if (agree(a, b)) add(d_.op(binary[pick(5)], {a, b}));
        return;
      case 5:
        if (!agree(a, b)) return;
        return add(d_.op(OpId::select_op, {d_.compare(KERAS_GT, a, b), a, b}));
      case 6:
        if (shape(a).rank() == 2) add(d_.transpose(a, {1, 0}));
        return;
      case 7:
        if (shape(a) == Shape{4, 6}) return add(d_.reshape(a, {6, 4}));
        if (shape(a) == Shape{6} || shape(a).empty()) add(d_.broadcast(a, {4, 6}));
        return;
      case 8:
        if (shape(a).rank() == 2) add(d_.reduce(OpId::reduce_max_op, a, {pick(2)}, pick(2) == 0));
        return;
      default:
        return add(d_.cast(d_.cast(a, pick(2) == 0 ? DType::float64 : DType::float32), DType::float32));
    }
  }

  std::mt19937 generator_;
  Draft d_;
  std::vector<Value> values_;
};

TEST(RandomPrograms, KeepTheirBits) {
  int before = 0, after = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = Writer(seed).write();
    PassOptions exact;
    exact.disabled = {"fuse"};
    const Graph better = optimized(graph, exact);
    before += count(graph);
    after += count(better);
    if (HasFailure()) return;
  }
  EXPECT_LT(after, before * 3 / 4) << "hardly anything was improved";
}

TEST(RandomPrograms, FuseToTheSameNumbers) {
  for (unsigned seed = 200; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = Writer(seed).write();
    Graph better = optimized(graph, {}, 1e-5);
    const Graph native = better;
    lower(better, current_backend());
    const auto operands = random_operands(graph);
    expect_same(execute(better, operands), execute(native, operands), 0);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace keras::internal
