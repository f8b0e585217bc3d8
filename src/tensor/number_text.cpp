// SPDX-License-Identifier: Apache-2.0
#include "tensor/number_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace keras::internal {
namespace {

constexpr int kPrecision = 8;  // digits after the point at most, NumPy's default

/// 0.d1d2d3... is never stored: the digits stand for d1.d2d3... times ten to the exponent.
struct Decimal {
  bool negative = false;
  std::string digits;  // without trailing zeros, "0" for zero
  int exponent = 0;
};

Decimal parse_scientific(const char* text) {
  Decimal out;
  if (*text == '-') {
    out.negative = true;
    ++text;
  }
  for (; *text != 'e'; ++text) {
    if (*text != '.') out.digits += *text;
  }
  out.exponent = std::atoi(text + 1);
  while (out.digits.size() > 1 && out.digits.back() == '0') out.digits.pop_back();
  return out;
}

// The fewest digits that read back as the same number of type T.
template <class T>
Decimal shortest(T value) {
  char text[64];
  *std::to_chars(text, text + sizeof(text) - 1, value, std::chars_format::scientific).ptr = '\0';
  return parse_scientific(text);
}

template <>
Decimal shortest(Half value) {
  char text[64];
  for (int digits = 0; digits < 6; ++digits) {
    std::snprintf(text, sizeof(text), "%.*e", digits, static_cast<double>(float(value)));
    if (Half(std::strtof(text, nullptr)).bits == value.bits) break;
  }
  return parse_scientific(text);
}

template <class T>
double exact(T value) {
  return static_cast<double>(value);
}
template <>
double exact(Half value) {
  return static_cast<double>(static_cast<float>(value));
}

struct Parts {
  std::string whole, fraction;  // around the point; the sign is in `whole`
};

Parts positional(const Decimal& d) {
  Parts out;
  if (d.negative) out.whole = "-";
  const auto count = static_cast<int>(d.digits.size());
  if (d.exponent < 0) {
    out.whole += "0";
    out.fraction = std::string(static_cast<size_t>(-d.exponent - 1), '0') + (d.digits == "0" ? "" : d.digits);
  } else {
    for (int i = 0; i <= d.exponent; ++i) out.whole += i < count ? d.digits[static_cast<size_t>(i)] : '0';
    if (count > d.exponent + 1) out.fraction = d.digits.substr(static_cast<size_t>(d.exponent + 1));
  }
  return out;
}

void strip_zeros(std::string& digits) {
  while (!digits.empty() && digits.back() == '0') digits.pop_back();
}

template <class T>
Parts rounded_positional(T value) {
  Parts out = positional(shortest(value));
  if (out.fraction.size() > kPrecision) {
    char text[400];
    std::snprintf(text, sizeof(text), "%.*f", kPrecision, exact(value));
    const std::string whole_text = text;
    const size_t point = whole_text.find('.');
    out = {whole_text.substr(0, point), whole_text.substr(point + 1)};
    strip_zeros(out.fraction);
  }
  return out;
}

template <class T>
bool finite(T value) {
  return std::isfinite(exact(value));
}

template <class T>
std::string nonfinite_text(T value, bool plus) {
  const double number = exact(value);
  if (std::isnan(number)) return plus ? "+nan" : "nan";
  return number < 0 ? "-inf" : plus ? "+inf" : "inf";
}

std::string padded_left(std::string text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

// Ten to the power at which NumPy changes to scientific notation.
template <class T>
double scientific_from();
template <>
double scientific_from<Half>() {
  return 1e3;
}
template <>
double scientific_from<float>() {
  return 1e6;
}
template <>
double scientific_from<double>() {
  return 1e8;
}

// Whether NumPy shows these numbers in scientific notation; it compares in their own type.
template <class T>
bool needs_scientific(std::span<const T> values) {
  double largest = 0;
  double smallest = std::numeric_limits<double>::infinity();
  for (const T value : values) {
    const double magnitude = std::fabs(exact(value));
    if (!std::isfinite(magnitude) || magnitude == 0) continue;
    largest = std::max(largest, magnitude);
    smallest = std::min(smallest, magnitude);
  }
  if (largest == 0) return false;
  double ratio = 0;
  double tiny = 0.0001;
  if constexpr (std::is_same_v<T, Half>) {
    ratio = float(Half(static_cast<float>(largest) / static_cast<float>(smallest)));
    tiny = float(Half(0.0001F));
  } else {
    ratio = static_cast<T>(largest) / static_cast<T>(smallest);
    tiny = static_cast<T>(0.0001);
  }
  return largest >= scientific_from<T>() || smallest < tiny || ratio > 1000;
}

struct Scientific {
  std::string mantissa, exponent_digits;
  char exponent_sign = '+';
};

template <class T>
Scientific scientific(T value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*e", digits, exact(value));
  const std::string whole = text;
  const size_t e = whole.find('e');
  Scientific out;
  out.mantissa = whole.substr(0, e);
  if (digits == 0) out.mantissa += ".";
  out.exponent_sign = whole[e + 1];
  out.exponent_digits = whole.substr(e + 2);
  return out;
}

template <class T>
std::vector<std::string> scientific_texts(std::span<const T> values, bool plus) {
  int digits = 0;
  size_t exponent_size = 2;
  size_t whole_size = 1;
  bool all_finite = true;
  bool negative_infinity = plus;
  for (const T value : values) {
    if (!finite(value)) {
      all_finite = false;
      continue;
    }
    const Decimal d = shortest(value);
    digits = std::max(digits, std::min(kPrecision, static_cast<int>(d.digits.size()) - 1));
    if (d.negative || plus) whole_size = 2;
  }
  for (const T value : values) {
    if (finite(value)) {
      exponent_size = std::max(exponent_size, scientific(value, digits).exponent_digits.size());
    } else {
      negative_infinity = negative_infinity || exact(value) < 0;
    }
  }
  const size_t right = exponent_size + 2 + static_cast<size_t>(digits);
  if (!all_finite) {
    const size_t longest = std::max<size_t>(3, 3 + (negative_infinity ? 1 : 0));
    if (longest > right + 1) whole_size = std::max(whole_size, longest - right - 1);
  }
  std::vector<std::string> out;
  for (const T value : values) {
    if (!finite(value)) {
      out.push_back(padded_left(nonfinite_text(value, plus), whole_size + right + 1));
      continue;
    }
    const Scientific s = scientific(value, digits);
    std::string mantissa = s.mantissa;
    if (plus && mantissa[0] != '-') mantissa.insert(0, 1, '+');
    const size_t point = mantissa.find('.');
    std::string text = point < whole_size ? std::string(whole_size - point, ' ') : "";
    text += mantissa + "e" + s.exponent_sign;
    text += std::string(exponent_size - s.exponent_digits.size(), '0') + s.exponent_digits;
    out.push_back(std::move(text));
  }
  return out;
}

template <class T>
std::vector<std::string> positional_texts(std::span<const T> values, bool plus) {
  std::vector<Parts> parts;
  size_t left = 0;
  size_t right = 0;
  bool all_finite = true;
  bool negative_infinity = plus;
  for (const T value : values) {
    if (!finite(value)) {
      all_finite = false;
      negative_infinity = negative_infinity || exact(value) < 0;
      parts.push_back({nonfinite_text(value, plus), ""});
      continue;
    }
    Parts p = rounded_positional(value);
    if (plus && p.whole[0] != '-') p.whole.insert(0, 1, '+');
    left = std::max(left, p.whole.size());
    right = std::max(right, p.fraction.size());
    parts.push_back(std::move(p));
  }
  if (!all_finite) {
    const size_t longest = 3 + (negative_infinity ? 1 : 0);
    if (longest > right + 1) left = std::max(left, longest - right - 1);
  }
  std::vector<std::string> out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!finite(values[i])) {
      out.push_back(padded_left(parts[i].whole, left + right + 1));
    } else {
      out.push_back(padded_left(parts[i].whole, left) + "." + parts[i].fraction +
                    std::string(right - parts[i].fraction.size(), ' '));
    }
  }
  return out;
}

template <class T>
std::vector<std::string> float_texts(std::span<const T> values, bool plus = false) {
  return needs_scientific(values) ? scientific_texts(values, plus) : positional_texts(values, plus);
}

std::vector<std::string> complex_texts(std::span<const std::complex<float>> values) {
  std::vector<float> real, imaginary;
  for (const auto value : values) {
    real.push_back(value.real());
    imaginary.push_back(value.imag());
  }
  auto out = float_texts(std::span<const float>(real));
  const auto tails = float_texts(std::span<const float>(imaginary), true);
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t end = tails[i].find_last_not_of(' ') + 1;
    out[i] += tails[i].substr(0, end) + "j" + tails[i].substr(end);
  }
  return out;
}

template <class T>
std::vector<std::string> integer_texts(std::span<const T> values) {
  std::vector<std::string> out;
  size_t width = 0;
  for (const T value : values) {
    out.push_back(std::to_string(value));
    width = std::max(width, out.back().size());
  }
  for (auto& text : out) text = padded_left(std::move(text), width);
  return out;
}

// One float alone: positional in the middle range, else scientific; all digits that matter.
template <class T>
std::string lone_float(T value, bool keep_zero) {
  if (!finite(value)) return nonfinite_text(value, false);
  const Decimal d = shortest(value);
  const double magnitude = std::fabs(exact(value));
  const double scientific_at = std::is_same_v<T, double> ? 1e16 : scientific_from<T>();
  if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < scientific_at)) {
    const Parts p = positional(d);
    if (p.fraction.empty()) return keep_zero ? p.whole + ".0" : p.whole;
    return p.whole + "." + p.fraction;
  }
  std::string out = d.negative ? "-" : "";
  out += d.digits[0];
  if (d.digits.size() > 1) out += "." + d.digits.substr(1);
  char exponent[16];
  std::snprintf(exponent, sizeof(exponent), "e%+03d", d.exponent);
  return out + exponent;
}

std::string lone_complex(std::complex<float> value) {
  std::string imaginary = lone_float(value.imag(), false);
  if (value.real() == 0 && !std::signbit(value.real())) return imaginary + "j";
  if (imaginary[0] != '-') imaginary.insert(0, 1, '+');
  return "(" + lone_float(value.real(), false) + imaginary + "j)";
}

template <class T>
std::span<const T> as(const void* elements, size_t count) {
  return {static_cast<const T*>(elements), count};
}

}  // namespace

std::vector<std::string> array_texts(const void* elements, DType dtype, size_t count) {
  switch (dtype) {
    case DType::bool_: {
      std::vector<std::string> out;
      for (const bool value : as<bool>(elements, count)) out.emplace_back(value ? " True" : "False");
      return out;
    }
    case DType::uint8:
      return integer_texts(as<uint8_t>(elements, count));
    case DType::uint16:
      return integer_texts(as<uint16_t>(elements, count));
    case DType::uint32:
      return integer_texts(as<uint32_t>(elements, count));
    case DType::uint64:
      return integer_texts(as<uint64_t>(elements, count));
    case DType::int8:
      return integer_texts(as<int8_t>(elements, count));
    case DType::int16:
      return integer_texts(as<int16_t>(elements, count));
    case DType::int32:
      return integer_texts(as<int32_t>(elements, count));
    case DType::int64:
      return integer_texts(as<int64_t>(elements, count));
    case DType::float16:
      return float_texts(as<Half>(elements, count));
    case DType::bfloat16: {  // NumPy has none: shown as the float32 of the same value
      std::vector<float> wide;
      for (const BFloat16 value : as<BFloat16>(elements, count)) wide.push_back(static_cast<float>(value));
      return float_texts(std::span<const float>(wide));
    }
    case DType::float32:
      return float_texts(as<float>(elements, count));
    case DType::float64:
      return float_texts(as<double>(elements, count));
    case DType::complex64:
      return complex_texts(as<std::complex<float>>(elements, count));
    case DType::string:
      break;
  }
  return {};
}

std::string scalar_text(const void* element, DType dtype) {
  switch (dtype) {
    case DType::bool_:
      return *static_cast<const bool*>(element) ? "True" : "False";
    case DType::float16:
      return lone_float(*static_cast<const Half*>(element), true);
    case DType::bfloat16:
      return lone_float(static_cast<float>(*static_cast<const BFloat16*>(element)), true);
    case DType::float32:
      return lone_float(*static_cast<const float*>(element), true);
    case DType::float64:
      return lone_float(*static_cast<const double*>(element), true);
    case DType::complex64:
      return lone_complex(*static_cast<const std::complex<float>*>(element));
    default:
      return array_texts(element, dtype, 1).front();
  }
}

std::string quoted_text(const std::string& text) {
  const bool doubles = text.find('\'') != std::string::npos && text.find('"') == std::string::npos;
  const char quote = doubles ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\x%02x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + quote;
}

}  // namespace keras::internal
