// SPDX-License-Identifier: Apache-2.0
#include "tensor/dim_polynomial.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "keras/base/error.h"

namespace keras::internal {
namespace {

[[noreturn]] void fail_overflow() {
  fail<ValueError>({"Dim", "A dimension must fit in 64 bits", "an expression that overflows", ""});
}

// Highest degree first, then by atoms: a monomial order, so long division comes to an end.
bool before(const DimTerm& a, const DimTerm& b) {
  if (a.atoms.size() != b.atoms.size()) return a.atoms.size() > b.atoms.size();
  return a.atoms < b.atoms;
}

DimPolynomial canonical(DimPolynomial terms) {
  std::sort(terms.begin(), terms.end(), before);
  DimPolynomial out;
  for (auto& term : terms) {
    if (!out.empty() && out.back().atoms == term.atoms) {
      out.back().coefficient = checked_add(out.back().coefficient, term.coefficient);
    } else {
      if (!out.empty() && out.back().coefficient == 0) out.pop_back();
      out.push_back(std::move(term));
    }
  }
  if (!out.empty() && out.back().coefficient == 0) out.pop_back();
  return out;
}

DimTerm multiply_terms(const DimTerm& a, const DimTerm& b) {
  DimTerm out{checked_multiply(a.coefficient, b.coefficient), {}};
  std::merge(a.atoms.begin(), a.atoms.end(), b.atoms.begin(), b.atoms.end(), std::back_inserter(out.atoms));
  return out;
}

int64_t content(const DimPolynomial& p) {
  int64_t g = 0;
  for (const auto& term : p) g = std::gcd(g, term.coefficient);
  return g;
}

// The atoms that every term of both has.
std::vector<int32_t> common_atoms(const DimPolynomial& a, const DimPolynomial& b) {
  std::vector<int32_t> common;
  bool first = true;
  for (const DimPolynomial* p : {&a, &b}) {
    for (const auto& term : *p) {
      if (first) {
        common = term.atoms;
        first = false;
        continue;
      }
      std::vector<int32_t> kept;
      std::set_intersection(common.begin(), common.end(), term.atoms.begin(), term.atoms.end(),
                            std::back_inserter(kept));
      common = std::move(kept);
    }
  }
  return common;
}

void remove_factor(DimPolynomial& p, int64_t factor, const std::vector<int32_t>& atoms) {
  for (auto& term : p) {
    term.coefficient /= factor;
    std::vector<int32_t> kept;
    std::set_difference(term.atoms.begin(), term.atoms.end(), atoms.begin(), atoms.end(),
                        std::back_inserter(kept));
    term.atoms = std::move(kept);
  }
}

void cancel_common_factor(DimPolynomial& a, DimPolynomial& b) {
  const int64_t g = std::gcd(content(a), content(b));
  const auto atoms = common_atoms(a, b);
  if (g > 1 || !atoms.empty()) {
    remove_factor(a, g, atoms);
    remove_factor(b, g, atoms);
  }
}

// floor((c*Q + r) / c) = Q + floor(r / c) with 0 <= r < c for every coefficient.
DimDivision divide_by_number(const DimPolynomial& numerator, int64_t divisor) {
  DimDivision out;
  int64_t g = divisor;
  for (const auto& term : numerator) {
    const int64_t q = floor_divide(term.coefficient, divisor);
    const int64_t r = term.coefficient - q * divisor;
    if (q != 0) out.whole.push_back({q, term.atoms});
    if (r != 0) out.rest.push_back({r, term.atoms});
    if (!term.atoms.empty()) g = std::gcd(g, r);
  }
  if (is_constant(out.rest)) {
    out.rest.clear();
    out.denominator = constant_polynomial(1);
    return out;
  }
  // Only the terms with symbols need the common factor: the constant rounds down within it.
  DimPolynomial reduced;
  for (const auto& term : out.rest) {
    if (const int64_t q = term.coefficient / g; q != 0) reduced.push_back({q, term.atoms});
  }
  out.rest = std::move(reduced);
  out.denominator = constant_polynomial(divisor / g);
  return out;
}

}  // namespace

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return q * b != a && ((a < 0) != (b < 0)) ? q - 1 : q;
}

int64_t checked_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) fail_overflow();
  return sum;
}

int64_t checked_multiply(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) fail_overflow();
  return product;
}

DimPolynomial constant_polynomial(int64_t value) {
  return value == 0 ? DimPolynomial{} : DimPolynomial{{value, {}}};
}

bool is_constant(const DimPolynomial& p) { return p.empty() || (p.size() == 1 && p[0].atoms.empty()); }

int64_t constant_value(const DimPolynomial& p) { return p.empty() ? 0 : p[0].coefficient; }

DimPolynomial add_polynomials(const DimPolynomial& a, const DimPolynomial& b, int64_t factor) {
  DimPolynomial sum = a;
  for (const auto& term : b) sum.push_back({checked_multiply(term.coefficient, factor), term.atoms});
  return canonical(std::move(sum));
}

DimPolynomial multiply_polynomials(const DimPolynomial& a, const DimPolynomial& b) {
  DimPolynomial product;
  for (const auto& x : a) {
    for (const auto& y : b) product.push_back(multiply_terms(x, y));
  }
  return canonical(std::move(product));
}

DimDivision divide_polynomials(DimPolynomial numerator, DimPolynomial denominator) {
  if (denominator.empty()) fail<ValueError>({"Dim", "A dimension cannot be divided by 0", "", ""});
  cancel_common_factor(numerator, denominator);
  if (is_constant(denominator)) {
    int64_t divisor = constant_value(denominator);
    if (divisor < 0) {
      for (auto& term : numerator) term.coefficient = checked_multiply(term.coefficient, -1);
      divisor = checked_multiply(divisor, -1);
    }
    return divide_by_number(numerator, divisor);
  }
  DimDivision out;
  const DimTerm& lead = denominator.front();
  while (!numerator.empty()) {
    const DimTerm term = numerator.front();
    const bool divisible =
        term.coefficient % lead.coefficient == 0 &&
        std::includes(term.atoms.begin(), term.atoms.end(), lead.atoms.begin(), lead.atoms.end());
    if (!divisible) {
      out.rest.push_back(term);
      numerator.erase(numerator.begin());
      continue;
    }
    DimTerm factor{term.coefficient / lead.coefficient, {}};
    std::set_difference(term.atoms.begin(), term.atoms.end(), lead.atoms.begin(), lead.atoms.end(),
                        std::back_inserter(factor.atoms));
    numerator = add_polynomials(numerator, multiply_polynomials({factor}, denominator), -1);
    out.whole.push_back(std::move(factor));
  }
  out.whole = canonical(std::move(out.whole));
  out.rest = canonical(std::move(out.rest));
  cancel_common_factor(out.rest, denominator);
  out.denominator = std::move(denominator);
  return out;
}

}  // namespace keras::internal
