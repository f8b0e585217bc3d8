// SPDX-License-Identifier: Apache-2.0
// Decompositions of matrices and Fourier transforms.
#include "kernel.h"

namespace keras::tensorflow {
namespace {

// The last two axes change places.
Value turned(Builder& b, const Value& x, int rank) {
  Sizes order;
  for (int axis = 0; axis < rank; ++axis) order.push_back(axis);
  std::swap(order[static_cast<size_t>(rank - 1)], order[static_cast<size_t>(rank - 2)]);
  return b.transpose(x, order);
}

// The last two axes change places, and complex numbers become their conjugates.
Value adjoint(Builder& b, const Value& x, int rank) {
  return turned(b, b.type(x) == TF_COMPLEX64 ? b.op("Conj", {x}) : x, rank);
}

bool decomposes(const Call& call) { return !is_half(call.input(0).dtype) && has_elements(call.input(0)); }
Answer unfit() { return Answer::no("TensorFlow decomposes matrices with elements, of 32 or 64 bits"); }

Answer cholesky(const Call& call) {
  if (!decomposes(call)) return unfit();
  return [upper = call.attributes<CholeskyAttributes>().upper != 0, rank = call.input(0).rank](
             Builder& b, const Values& in) {
    Value lower = b.op("Cholesky", {in[0]});
    // TensorFlow's answer to a matrix that is not positive definite is NaN.
    if (b.type(lower) != TF_COMPLEX64) {
      lower =
          b.op("CheckNumerics", {lower}, {{"message", std::string("the matrix is not positive definite")}});
    }
    return Values{upper ? adjoint(b, lower, rank) : lower};
  };
}

Answer triangular_solve(const Call& call) {
  const auto& at = call.attributes<TriangularSolveAttributes>();
  const keras_desc& a = call.input(0);
  const keras_desc& rhs = call.input(1);
  if (!decomposes(call) || !has_elements(rhs) || rhs.rank != a.rank) return unfit();
  if (at.unit_diagonal != 0) return Answer::no("TensorFlow reads the diagonal");
  return [at, rank = rhs.rank](Builder& b, const Values& in) {
    // x a = b is the adjoint of a^H x^H = b^H.
    const bool left = at.left != 0;
    const Value y = left ? in[1] : adjoint(b, in[1], rank);
    const bool turns = (at.transpose != 0) == left;
    const Value x = b.op("MatrixTriangularSolve", {in[0], y}, {{"lower", at.lower != 0}, {"adjoint", turns}});
    return Values{left ? x : adjoint(b, x, rank)};
  };
}

Answer qr(const Call& call) {
  if (!decomposes(call)) return unfit();
  return [full = call.attributes<QrAttributes>().full != 0](Builder& b, const Values& in) {
    return b.many("Qr", 2, {in[0]}, {{"full_matrices", full}});
  };
}

Answer svd(const Call& call) {
  if (!decomposes(call)) return unfit();
  const auto& at = call.attributes<SvdAttributes>();
  return [at, rank = call.input(0).rank](Builder& b, const Values& in) {
    const bool vectors = at.vectors != 0;
    const Values suv = b.many("Svd", 3, {in[0]}, {{"compute_uv", vectors}, {"full_matrices", at.full != 0}});
    return vectors ? Values{suv[1], suv[0], adjoint(b, suv[2], rank)} : Values{suv[0]};
  };
}

Answer fft(const Call& call) {
  const auto& at = call.attributes<FftAttributes>();
  if (at.axes < 1 || at.axes > 3 || !has_elements(call.input(0))) {
    return Answer::no("TensorFlow transforms one to three axes");
  }
  const auto axes = static_cast<size_t>(at.axes - 1);
  static constexpr const char* names[4][3] = {{"FFT", "FFT2D", "FFT3D"},
                                              {"IFFT", "IFFT2D", "IFFT3D"},
                                              {"RFFT", "RFFT2D", "RFFT3D"},
                                              {"IRFFT", "IRFFT2D", "IRFFT3D"}};
  const bool is_real = at.kind == KERAS_RFFT || at.kind == KERAS_IRFFT;
  // Lengths of the real side.
  const keras_desc& side = at.kind == KERAS_RFFT ? call.input(0) : call.output(0);
  std::vector<int32_t> lengths(side.shape + side.rank - at.axes, side.shape + side.rank);
  return [name = names[at.kind][axes], is_real, lengths](Builder& b, const Values& in) {
    if (!is_real) return Values{b.op(name, {in[0]})};
    const Value table = b.constant(TF_INT32, {static_cast<int64_t>(lengths.size())}, lengths.data());
    return Values{b.op(name, {in[0], table})};
  };
}

const bool registered = register_op("cholesky", cholesky) &&
                        register_op("triangular_solve", triangular_solve) && register_op("qr", qr) &&
                        register_op("svd", svd) && register_op("fft", fft);

}  // namespace
}  // namespace keras::tensorflow
