// SPDX-License-Identifier: Apache-2.0
// Matrix products.
#include <algorithm>

#include "kernel.h"

namespace keras::tensorflow {
namespace {

Sizes free_axes(int rank, const keras_list& batch, const keras_list& contract) {
  Sizes out;
  for (int64_t axis = 0; axis < rank; ++axis) {
    const auto has = [axis](const keras_list& list) {
      return std::find(list.v, list.v + list.count, axis) != list.v + list.count;
    };
    if (!has(batch) && !has(contract)) out.push_back(axis);
  }
  return out;
}

int64_t extent(const keras_desc& desc, const Sizes& axes) {
  int64_t product = 1;
  for (const int64_t axis : axes) product *= desc.shape[axis];
  return product;
}

Sizes joined(const Sizes& a, const Sizes& b, const Sizes& c) {
  Sizes all = a;
  all.insert(all.end(), b.begin(), b.end());
  all.insert(all.end(), c.begin(), c.end());
  return all;
}

// An operand as matrices: batch, rows, columns; transposed where its axes stand the other way round.
struct Side {
  Sizes order;
  Sizes sizes;
  bool transposed = false;

  Side(const keras_desc& desc, const Sizes& batch, const Sizes& first, const Sizes& second) {
    order = joined(batch, first, second);
    const Sizes other = joined(batch, second, first);
    transposed = !std::is_sorted(order.begin(), order.end()) && std::is_sorted(other.begin(), other.end());
    if (transposed) order = other;
    sizes = {extent(desc, transposed ? second : first), extent(desc, transposed ? first : second)};
    if (!batch.empty()) sizes.insert(sizes.begin(), extent(desc, batch));
    same = std::is_sorted(order.begin(), order.end()) && sizes == sizes_of(desc);
  }
  Value matrices(Builder& b, const Value& x) const {
    return same ? x : b.reshape(b.transpose(x, order), sizes);
  }
  bool same = false;
};

Answer dot_general(const Call& call) {
  const auto& at = call.attributes<DotAttributes>();
  const keras_desc& a = call.input(0);
  const keras_desc& b = call.input(1);
  if (a.dtype != b.dtype) return Answer::no("TensorFlow multiplies numbers of one dtype");
  const Sizes left = free_axes(a.rank, at.lhs_batch, at.lhs_contract);
  const Sizes right = free_axes(b.rank, at.rhs_batch, at.rhs_contract);
  const Side x(a, ints(at.lhs_batch), left, ints(at.lhs_contract));
  const Side y(b, ints(at.rhs_batch), ints(at.rhs_contract), right);
  return [x, y, plain = at.lhs_batch.count == 0](Builder& builder, const Values& in) {
    const Value p = x.matrices(builder, in[0]);
    const Value q = y.matrices(builder, in[1]);
    if (plain) {
      return Values{
          builder.op("MatMul", {p, q}, {{"transpose_a", x.transposed}, {"transpose_b", y.transposed}})};
    }
    return Values{builder.op("BatchMatMulV2", {p, q}, {{"adj_x", x.transposed}, {"adj_y", y.transposed}})};
  };
}

Answer linear(const Call& call) {
  const auto& at = call.attributes<ActivationAttributes>();
  const keras_desc& w = call.input(1);
  const bool flat = call.input(0).rank == 2;
  return [at, features = w.shape[0], flat](Builder& b, const Values& in) {
    const Value x = flat ? in[0] : b.reshape(in[0], {-1, features});
    Value y = b.op("MatMul", {x, in[1]});
    if (in.size() > 2) y = b.op("BiasAdd", {y, in[2]});
    return Values{activate(b, y, at.activation, at.alpha)};
  };
}

const bool registered =
    register_op("dot_general", dot_general, kWiden) && register_op("linear", linear, kWiden);

}  // namespace
}  // namespace keras::tensorflow
