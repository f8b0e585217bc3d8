// SPDX-License-Identifier: Apache-2.0
// Symbolic dimensions: polynomials over symbols and quotients, interned for the life of the process.
#include <deque>
#include <map>
#include <mutex>

#include "keras/base/error.h"
#include "keras/tensor/shape.h"
#include "tensor/dim_polynomial.h"

namespace keras {
namespace {

using internal::DimPolynomial;
using Quotient = std::pair<DimPolynomial, DimPolynomial>;

/// A symbol, or floor(numerator / denominator) that does not simplify.
struct Atom {
  std::string name;  // empty for an unknown and for a quotient
  bool quotient = false;
  DimPolynomial numerator, denominator;
  int64_t code = 0;  // of the expression that is just this atom
};

/// Expressions and atoms by number. Entries never change or move, so references outlive the lock.
class DimTable {
 public:
  Dim intern(const DimPolynomial& p) {
    if (internal::is_constant(p)) {
      const int64_t value = internal::constant_value(p);
      if (value < 0) fail_negative(value);
      return {value};
    }
    const std::lock_guard lock(mutex_);
    return intern_locked(p);
  }

  Dim unknown() {
    const std::lock_guard lock(mutex_);
    return new_atom({});
  }

  Dim symbol(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = symbols_.find(name);
    if (found != symbols_.end()) return Dim::from_code(found->second);
    Atom atom;
    atom.name = name;
    const Dim dim = new_atom(std::move(atom));
    symbols_.emplace(name, dim.code());
    return dim;
  }

  /// The atom of a quotient, as a polynomial.
  DimPolynomial quotient(const DimPolynomial& numerator, const DimPolynomial& denominator) {
    const std::lock_guard lock(mutex_);
    auto [entry, fresh] = quotients_.try_emplace({numerator, denominator}, 0);
    if (fresh) {
      Atom atom;
      atom.quotient = true;
      atom.numerator = numerator;
      atom.denominator = denominator;
      entry->second = new_atom(std::move(atom)).code();
    }
    return expressions_[static_cast<size_t>(-(entry->second + 1))];
  }

  const DimPolynomial& polynomial(Dim d) {
    const auto index = static_cast<size_t>(-(d.code() + 1));
    const std::lock_guard lock(mutex_);
    if (index >= expressions_.size()) {
      internal::fail<ValueError>(
          {"Dim", "There is no symbolic dimension of this code", std::to_string(d.code()), ""});
    }
    return expressions_[index];
  }

  const Atom& atom(int32_t number) {
    const std::lock_guard lock(mutex_);
    return atoms_[static_cast<size_t>(number)];
  }

  [[noreturn]] static void fail_negative(int64_t value) {
    internal::fail<ValueError>({"Dim", "A dimension must not be negative", std::to_string(value),
                                "an unknown dimension is Dim::unknown()"});
  }

 private:
  Dim intern_locked(const DimPolynomial& p) {
    const auto [entry, fresh] = codes_.try_emplace(p, -static_cast<int64_t>(expressions_.size()) - 1);
    if (fresh) expressions_.push_back(p);
    return Dim::from_code(entry->second);
  }

  Dim new_atom(Atom atom) {
    const auto number = static_cast<int32_t>(atoms_.size());
    const Dim dim = intern_locked({{1, {number}}});
    atom.code = dim.code();
    atoms_.push_back(std::move(atom));
    return dim;
  }

  std::mutex mutex_;
  std::deque<DimPolynomial> expressions_;
  std::deque<Atom> atoms_;
  std::map<DimPolynomial, int64_t> codes_;
  std::map<std::string, int64_t, std::less<>> symbols_;
  std::map<Quotient, int64_t> quotients_;
};

DimTable& table() {
  static DimTable instance;
  return instance;
}

DimPolynomial polynomial_of(Dim d) {
  return d.known() ? internal::constant_polynomial(d.code()) : table().polynomial(d);
}

// The only term with symbols, when it is one quotient by a number with factor 1; else nullptr.
const Atom* lone_quotient(const DimPolynomial& p) {
  if (p.empty() || p[0].coefficient != 1 || p[0].atoms.size() != 1) return nullptr;
  if (p.size() > 2 || (p.size() == 2 && !p[1].atoms.empty())) return nullptr;
  const Atom& atom = table().atom(p[0].atoms[0]);
  return atom.quotient && internal::is_constant(atom.denominator) ? &atom : nullptr;
}

DimPolynomial floor_quotient(const DimPolynomial& numerator, const DimPolynomial& denominator) {
  auto [whole, rest, divisor] = internal::divide_polynomials(numerator, denominator);
  if (rest.empty()) return whole;
  if (internal::is_constant(divisor)) {
    // floor((floor(n / d) + k) / c) = floor((n + k d) / (c d))
    if (const Atom* inner = lone_quotient(rest)) {
      const int64_t shift = rest.size() == 2 ? rest[1].coefficient : 0;
      const auto shifted = internal::add_polynomials(inner->numerator, inner->denominator, shift);
      return internal::add_polynomials(
          whole, floor_quotient(shifted, internal::multiply_polynomials(inner->denominator, divisor)));
    }
  }
  return internal::add_polynomials(whole, table().quotient(rest, divisor));
}

bool anonymous(const DimPolynomial& p) {
  for (const auto& term : p) {
    for (const int32_t number : term.atoms) {
      const Atom& atom = table().atom(number);
      if (atom.quotient ? anonymous(atom.numerator) || anonymous(atom.denominator) : atom.name.empty())
        return true;
    }
  }
  return false;
}

std::string polynomial_to_string(const DimPolynomial& p);

std::string grouped(const DimPolynomial& p) {
  const bool simple =
      internal::is_constant(p) || (p.size() == 1 && p[0].coefficient == 1 && p[0].atoms.size() == 1 &&
                                   !table().atom(p[0].atoms[0]).quotient);
  return simple ? polynomial_to_string(p) : "(" + polynomial_to_string(p) + ")";
}

std::string term_to_string(const internal::DimTerm& term, int64_t magnitude) {
  std::string out;
  if (magnitude != 1 || term.atoms.empty()) out = std::to_string(magnitude);
  const bool alone = out.empty() && term.atoms.size() == 1;
  for (const int32_t number : term.atoms) {
    const Atom& atom = table().atom(number);
    if (!out.empty()) out += "*";
    if (!atom.quotient) {
      out += atom.name;
    } else {
      const std::string text = grouped(atom.numerator) + "//" + grouped(atom.denominator);
      out += alone ? text : "(" + text + ")";
    }
  }
  return out;
}

std::string polynomial_to_string(const DimPolynomial& p) {
  std::string out;
  for (const auto& term : p) {
    if (term.coefficient < 0) out += "-";
    if (term.coefficient > 0 && !out.empty()) out += "+";
    out += term_to_string(term, term.coefficient < 0 ? -term.coefficient : term.coefficient);
  }
  return out.empty() ? "0" : out;
}

}  // namespace

Dim Dim::unknown() { return table().unknown(); }

Dim Dim::symbol(std::string_view name) {
  if (name.empty()) {
    internal::fail<ValueError>(
        {"Dim::symbol", "A symbol needs a name", "an empty name", "use Dim::unknown()"});
  }
  return table().symbol(name);
}

int64_t Dim::value() const {
  if (!known()) {
    internal::fail<ValueError>({"Dim", "The dimension must be known here", to_string(), ""});
  }
  return code_;
}

int64_t Dim::reject_negative(int64_t value) { DimTable::fail_negative(value); }

Dim Dim::add_slowly(Dim a, Dim b) {
  return table().intern(internal::add_polynomials(polynomial_of(a), polynomial_of(b)));
}

Dim Dim::subtract_slowly(Dim a, Dim b) {
  return table().intern(internal::add_polynomials(polynomial_of(a), polynomial_of(b), -1));
}

Dim Dim::multiply_slowly(Dim a, Dim b) {
  return table().intern(internal::multiply_polynomials(polynomial_of(a), polynomial_of(b)));
}

Dim Dim::divide_slowly(Dim a, Dim b) {
  return table().intern(floor_quotient(polynomial_of(a), polynomial_of(b)));
}

std::string Dim::to_string() const {
  if (known()) return std::to_string(code_);
  const auto& p = table().polynomial(*this);
  return anonymous(p) ? "None" : polynomial_to_string(p);
}

namespace {

using Values = SmallVector<std::pair<int64_t, int64_t>, 8>;

std::optional<int64_t> look_up(const Values& values, int64_t code) {
  for (const auto& [bound, value] : values) {
    if (bound == code) return value;
  }
  return {};
}

std::optional<int64_t> evaluate_polynomial(const Values& values, const DimPolynomial& p, int64_t except);

// The value of an atom; `except` is an entry not to be used, so that it can be checked against the others.
std::optional<int64_t> evaluate_atom(const Values& values, int32_t number, int64_t except) {
  const Atom& atom = table().atom(number);
  if (atom.code != except) {
    if (const auto direct = look_up(values, atom.code)) return direct;
  }
  if (!atom.quotient) return {};
  const auto numerator = evaluate_polynomial(values, atom.numerator, except);
  const auto denominator = evaluate_polynomial(values, atom.denominator, except);
  if (!numerator || !denominator || *denominator == 0) return {};
  return internal::floor_divide(*numerator, *denominator);
}

std::optional<int64_t> evaluate_polynomial(const Values& values, const DimPolynomial& p, int64_t except) {
  int64_t sum = 0;
  for (const auto& term : p) {
    int64_t product = term.coefficient;
    for (const int32_t number : term.atoms) {
      const auto value = evaluate_atom(values, number, except);
      if (!value) return {};
      product = internal::checked_multiply(product, *value);
    }
    sum = internal::checked_add(sum, product);
  }
  return sum;
}

// True when no bound expression contradicts what the others say about it.
bool consistent(const Values& values) {
  for (const auto& [code, value] : values) {
    const auto computed = evaluate_polynomial(values, table().polynomial(Dim::from_code(code)), code);
    if (computed && *computed != value) return false;
  }
  return true;
}

}  // namespace

bool DimBindings::bind(Dim symbolic, int64_t value) {
  if (const auto known = evaluate(symbolic)) return *known == value;
  if (value < 0) return false;
  // Solve for the one atom without a value, if there is exactly one and the expression is linear in it.
  const auto& p = table().polynomial(symbolic);
  int64_t rest = value;
  const internal::DimTerm* open = nullptr;
  bool several = false;
  for (const auto& term : p) {
    if (const auto known = evaluate_polynomial(values_, {term}, 0)) {
      rest = internal::checked_add(rest, internal::checked_multiply(*known, -1));
    } else {
      several = several || open != nullptr;
      open = &term;
    }
  }
  int64_t factor = open == nullptr ? 0 : open->coefficient;
  int32_t unbound = -1;
  if (open != nullptr && !several) {
    for (const int32_t number : open->atoms) {
      if (const auto known = evaluate_atom(values_, number, 0)) {
        factor = internal::checked_multiply(factor, *known);
      } else {
        several = several || unbound >= 0;
        unbound = number;
      }
    }
  }
  if (several || factor == 0) {
    if (!several && rest != 0) return false;
    values_.push_back({symbolic.code(), value});
  } else {
    if (rest % factor != 0 || rest / factor < 0) return false;
    values_.push_back({table().atom(unbound).code, rest / factor});
  }
  return consistent(values_);
}

std::optional<int64_t> DimBindings::evaluate(Dim d) const {
  if (d.known()) return d.value();
  if (const auto direct = look_up(values_, d.code())) return direct;
  return evaluate_polynomial(values_, table().polynomial(d), 0);
}

}  // namespace keras
