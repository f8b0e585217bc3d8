// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace keras::internal {

/// A product of atoms (symbols and opaque quotients, by number) with an integer coefficient.
struct DimTerm {
  int64_t coefficient = 0;
  std::vector<int32_t> atoms;  ///< ascending, repeated for powers; empty for the constant term

  friend bool operator==(const DimTerm&, const DimTerm&) = default;
  friend auto operator<=>(const DimTerm&, const DimTerm&) = default;
};

/// A sum of products in canonical order (highest degree first, no zero coefficients, no term twice), so that
/// equal polynomials are equal vectors. Zero is the empty vector.
using DimPolynomial = std::vector<DimTerm>;

DimPolynomial constant_polynomial(int64_t value);
/// a + factor * b. Throws ValueError on overflow, as all of these.
DimPolynomial add_polynomials(const DimPolynomial& a, const DimPolynomial& b, int64_t factor = 1);
DimPolynomial multiply_polynomials(const DimPolynomial& a, const DimPolynomial& b);
bool is_constant(const DimPolynomial& p);
/// The value of a constant polynomial.
int64_t constant_value(const DimPolynomial& p);

/// numerator = whole * denominator + rest, with as much in `whole` as integer coefficients allow. A common
/// factor of rest and denominator is taken out of both, so floor(numerator / denominator) is
/// whole + floor(rest / denominator).
struct DimDivision {
  DimPolynomial whole;
  DimPolynomial rest;
  DimPolynomial denominator;
};
DimDivision divide_polynomials(DimPolynomial numerator, DimPolynomial denominator);

int64_t floor_divide(int64_t a, int64_t b);
int64_t checked_add(int64_t a, int64_t b);
int64_t checked_multiply(int64_t a, int64_t b);

}  // namespace keras::internal
