// SPDX-License-Identifier: Apache-2.0
// Ops that treat each element alone, reductions, and tensors made of attributes.
#include <algorithm>
#include <map>
#include <string_view>

#include "kernel.h"

namespace keras::aten {
namespace {

using at::Tensor;

// Kinds of dtypes that an op takes.
enum Kinds : unsigned { kBool = 1, kInts = 2, kFloats = 4, kComplex = 8, kNumbers = 14 };

bool takes(unsigned kinds, int32_t dtype) {
  if (dtype == KERAS_BOOL) return (kinds & kBool) != 0;
  if (is_integer(dtype)) return (kinds & kInts) != 0;
  return (kinds & (is_float(dtype) ? kFloats : kComplex)) != 0;
}

Answer wrong_dtype() { return Answer::no("ATen has no kernel for this dtype"); }

struct UnaryRow {
  Tensor (*function)(const Tensor&);
  unsigned kinds;
};
struct BinaryRow {
  Tensor (*function)(const Tensor&, const Tensor&);
  unsigned kinds;
};

#define KERAS_UNARY(expression) [](const Tensor& x) -> Tensor { return expression; }
#define KERAS_BINARY(expression) [](const Tensor& a, const Tensor& b) -> Tensor { return expression; }

const std::map<std::string_view, UnaryRow>& unary_rows() {
  static const std::map<std::string_view, UnaryRow> rows = {
      {"neg", {KERAS_UNARY(at::neg(x)), kNumbers}},
      {"abs", {KERAS_UNARY(at::abs(x)), kNumbers}},
      // Torch's sign of NaN is 0.
      {"sign", {KERAS_UNARY(at::where(at::isnan(x), x, at::sign(x))), kFloats}},
      {"floor", {KERAS_UNARY(at::floor(x)), kFloats}},
      {"ceil", {KERAS_UNARY(at::ceil(x)), kFloats}},
      {"round", {KERAS_UNARY(at::round(x)), kFloats}},
      {"sqrt", {KERAS_UNARY(at::sqrt(x)), kFloats | kComplex}},
      {"rsqrt", {KERAS_UNARY(at::rsqrt(x)), kFloats | kComplex}},
      {"exp", {KERAS_UNARY(at::exp(x)), kFloats | kComplex}},
      {"expm1", {KERAS_UNARY(at::expm1(x)), kFloats}},
      {"log", {KERAS_UNARY(at::log(x)), kFloats | kComplex}},
      {"log1p", {KERAS_UNARY(at::log1p(x)), kFloats}},
      {"sin", {KERAS_UNARY(at::sin(x)), kFloats | kComplex}},
      {"cos", {KERAS_UNARY(at::cos(x)), kFloats | kComplex}},
      {"tan", {KERAS_UNARY(at::tan(x)), kFloats}},
      {"asin", {KERAS_UNARY(at::asin(x)), kFloats}},
      {"acos", {KERAS_UNARY(at::acos(x)), kFloats}},
      {"atan", {KERAS_UNARY(at::atan(x)), kFloats}},
      {"sinh", {KERAS_UNARY(at::sinh(x)), kFloats}},
      {"cosh", {KERAS_UNARY(at::cosh(x)), kFloats}},
      {"tanh", {KERAS_UNARY(at::tanh(x)), kFloats | kComplex}},
      {"asinh", {KERAS_UNARY(at::asinh(x)), kFloats}},
      {"acosh", {KERAS_UNARY(at::acosh(x)), kFloats}},
      {"atanh", {KERAS_UNARY(at::atanh(x)), kFloats}},
      {"erf", {KERAS_UNARY(at::erf(x)), kFloats}},
      {"erf_inv", {KERAS_UNARY(at::erfinv(x)), kFloats}},
      {"lgamma", {KERAS_UNARY(at::lgamma(x)), kFloats}},
      {"digamma", {KERAS_UNARY(at::digamma(x)), kFloats}},
      {"sigmoid", {KERAS_UNARY(at::sigmoid(x)), kFloats}},
      {"relu", {KERAS_UNARY(at::relu(x)), kFloats}},
      {"is_finite", {KERAS_UNARY(at::isfinite(x)), kFloats | kComplex}},
      {"real", {KERAS_UNARY(at::real(x)), kComplex}},
      {"imag", {KERAS_UNARY(at::imag(x)), kComplex}},
      {"stop_gradient", {KERAS_UNARY(x), kBool | kNumbers}},
  };
  return rows;
}

const std::map<std::string_view, BinaryRow>& binary_rows() {
  static const std::map<std::string_view, BinaryRow> rows = {
      {"div", {KERAS_BINARY(at::div(a, b)), kFloats | kComplex}},
      {"rem", {KERAS_BINARY(at::fmod(a, b)), kFloats}},
      {"pow", {KERAS_BINARY(at::pow(a, b)), kFloats | kComplex}},
      {"maximum", {KERAS_BINARY(at::maximum(a, b)), kInts | kFloats}},
      {"minimum", {KERAS_BINARY(at::minimum(a, b)), kInts | kFloats}},
      {"atan2", {KERAS_BINARY(at::atan2(a, b)), kFloats}},
      {"igamma", {KERAS_BINARY(at::igamma(a, b)), kFloats}},
      {"complex", {KERAS_BINARY(at::complex(a, b)), kFloats}},
      // These come out right on unsigned numbers in signed ones.
      {"add", {KERAS_BINARY(at::add(a, b)), kNumbers}},
      {"sub", {KERAS_BINARY(at::sub(a, b)), kNumbers}},
      {"mul", {KERAS_BINARY(at::mul(a, b)), kNumbers}},
      {"bit_and", {KERAS_BINARY(at::bitwise_and(a, b)), kBool | kInts}},
      {"bit_or", {KERAS_BINARY(at::bitwise_or(a, b)), kBool | kInts}},
      {"bit_xor", {KERAS_BINARY(at::bitwise_xor(a, b)), kBool | kInts}},
  };
  return rows;
}

// An operand of the result's dtype and shape over which the result may be written.
bool fits(const Tensor& operand, const keras_desc& result) {
  return is_spare(operand) && operand.scalar_type() == scalar_type(result.dtype) &&
         operand.sizes() == sizes_of(result) && operand.is_non_overlapping_and_dense();
}

using InPlaceUnary = Tensor& (*)(Tensor& out, const Tensor& x);
using InPlaceBinary = Tensor& (*)(Tensor& out, const Tensor& a, const Tensor& b);

InPlaceUnary unary_in_place(std::string_view name) {
  static const std::map<std::string_view, InPlaceUnary> ops = {
      {"relu", [](Tensor& out, const Tensor&) -> Tensor& { return at::relu_(out); }},
      {"neg", [](Tensor& out, const Tensor& x) -> Tensor& { return at::neg_out(out, x); }},
      {"exp", [](Tensor& out, const Tensor& x) -> Tensor& { return at::exp_out(out, x); }},
      {"sqrt", [](Tensor& out, const Tensor& x) -> Tensor& { return at::sqrt_out(out, x); }},
      {"tanh", [](Tensor& out, const Tensor& x) -> Tensor& { return at::tanh_out(out, x); }},
      {"sigmoid", [](Tensor& out, const Tensor& x) -> Tensor& { return at::sigmoid_out(out, x); }},
  };
  const auto found = ops.find(name);
  return found == ops.end() ? nullptr : found->second;
}

InPlaceBinary binary_in_place(std::string_view name) {
  static const std::map<std::string_view, InPlaceBinary> ops = {
      {"add",
       [](Tensor& out, const Tensor& a, const Tensor& b) -> Tensor& { return at::add_out(out, a, b); }},
      {"sub",
       [](Tensor& out, const Tensor& a, const Tensor& b) -> Tensor& { return at::sub_out(out, a, b); }},
      {"mul",
       [](Tensor& out, const Tensor& a, const Tensor& b) -> Tensor& { return at::mul_out(out, a, b); }},
      {"div",
       [](Tensor& out, const Tensor& a, const Tensor& b) -> Tensor& { return at::div_out(out, a, b); }},
  };
  const auto found = ops.find(name);
  return found == ops.end() ? nullptr : found->second;
}

Answer unary(const Call& call) {
  const UnaryRow& row = unary_rows().at(call.op().name);
  if (!takes(row.kinds, call.input(0).dtype)) return wrong_dtype();
  if (const InPlaceUnary over = unary_in_place(call.op().name); over != nullptr) {
    return [function = row.function, over, result = call.output(0)](const Values& in) {
      if (!fits(in[0], result)) return Values{function(in[0])};
      Tensor out = in[0];
      over(out, in[0]);
      return Values{out};
    };
  }
  return [function = row.function](const Values& in) { return Values{function(in[0])}; };
}

Answer binary(const Call& call) {
  const BinaryRow& row = binary_rows().at(call.op().name);
  if (!takes(row.kinds, call.input(0).dtype)) return wrong_dtype();
  if (const InPlaceBinary over = binary_in_place(call.op().name); over != nullptr) {
    return [function = row.function, over, result = call.output(0)](const Values& in) {
      const int place = fits(in[0], result) ? 0 : fits(in[1], result) ? 1 : -1;
      if (place < 0) return Values{function(in[0], in[1])};
      Tensor out = in[static_cast<size_t>(place)];
      over(out, in[0], in[1]);
      return Values{out};
    };
  }
  return [function = row.function](const Values& in) { return Values{function(in[0], in[1])}; };
}

Answer bit_not(const Call& call) {
  if (!takes(kBool | kInts, call.input(0).dtype)) return wrong_dtype();
  return [](const Values& in) { return Values{at::bitwise_not(in[0])}; };
}

Answer compare(const Call& call) {
  const int64_t direction = call.attributes<CompareAttributes>().direction;
  const bool equality = direction == KERAS_EQ || direction == KERAS_NE;
  const int32_t dtype = call.input(0).dtype;
  if (!equality && (dtype == KERAS_COMPLEX64 || is_wide_unsigned(dtype))) return wrong_dtype();
  return [direction](const Values& in) {
    switch (direction) {
      case KERAS_EQ:
        return Values{at::eq(in[0], in[1])};
      case KERAS_NE:
        return Values{at::ne(in[0], in[1])};
      case KERAS_LT:
        return Values{at::lt(in[0], in[1])};
      case KERAS_LE:
        return Values{at::le(in[0], in[1])};
      case KERAS_GT:
        return Values{at::gt(in[0], in[1])};
      default:
        return Values{at::ge(in[0], in[1])};
    }
  };
}

Answer select(const Call&) {
  return [](const Values& in) { return Values{at::where(in[0], in[1], in[2])}; };
}

Answer barrier(const Call&) {
  return [](const Values& in) { return in; };
}

Answer constant(const Call& call) {
  const auto& at = call.attributes<ConstantAttributes>();
  const keras_desc& desc = call.output(0);
  at::Scalar value = at.integer;
  if (is_float(desc.dtype)) value = at.real;
  if (desc.dtype == KERAS_COMPLEX64) value = c10::complex<double>(at.real, at.imag);
  if (desc.dtype == KERAS_BOOL) value = at.integer != 0;
  // The tensor is made once: results are never written to.
  const at::ScalarType dtype = scalar_type(desc.dtype);
  // A uint64 above int64 comes as the int64 of its bits, smaller unsigned numbers are cut to theirs.
  const Tensor one = is_wide_unsigned(desc.dtype) ? at::full({}, value, fresh(at::kLong)).to(dtype)
                                                  : at::full({}, value, fresh(dtype));
  return [result = one.expand(sizes_of(desc)).contiguous()](const Values&) { return Values{result}; };
}

Answer iota(const Call& call) {
  const int64_t axis = call.attributes<IotaAttributes>().axis;
  const keras_desc& desc = call.output(0);
  std::vector<int64_t> shape(static_cast<size_t>(desc.rank), 1);
  shape[static_cast<size_t>(axis)] = desc.shape[axis];
  const Tensor line = at::arange(desc.shape[axis], fresh(at::kLong)).to(scalar_type(desc.dtype));
  return [result = line.reshape(shape).expand(sizes_of(desc)).contiguous()](const Values&) {
    return Values{result};
  };
}

Answer dim_size(const Call& call) {
  const int64_t axis = call.attributes<AxisAttributes>().axis;
  return [result = at::full({}, call.input(0).shape[axis], fresh(at::kInt))](const Values&) {
    return Values{result};
  };
}

// A float outside the integers' range becomes the nearest of them, NaN becomes 0.
Tensor bounded(const Tensor& x, at::ScalarType to) {
  const Tensor wide = at::nan_to_num(x.to(at::kDouble), 0.0);
  switch (to) {
    case at::kByte:
      return wide.clamp(0, 255).to(to);
    case at::kChar:
      return wide.clamp(-128, 127).to(to);
    case at::kShort:
      return wide.clamp(-32768, 32767).to(to);
    case at::kInt:
      return wide.clamp(-2147483648.0, 2147483647.0).to(to);
    default: {
      const double limit = 9223372036854775808.0;
      const Tensor inside = wide.clamp(-limit, 9223372036854774784.0).to(to);
      return at::where(at::ge(wide, limit), at::full({}, INT64_MAX, x.options().dtype(to)), inside);
    }
  }
}

Answer cast(const Call& call) {
  const int32_t from = call.input(0).dtype;
  const int32_t to = call.output(0).dtype;
  const at::ScalarType type = scalar_type(to);
  if (from == to) return [](const Values& in) { return in; };
  if (from == KERAS_COMPLEX64) {
    if (to == KERAS_BOOL) return [](const Values& in) { return Values{at::ne(in[0], 0)}; };
    if (!is_float(to)) return Answer::no("complex to integer goes through its real part");
    return [type](const Values& in) { return Values{at::real(in[0]).to(type)}; };
  }
  if (to == KERAS_BOOL) return [](const Values& in) { return Values{at::ne(in[0], 0)}; };
  if (is_float(from) && is_integer(to)) {
    if (is_wide_unsigned(to)) return Answer::no("LibTorch has no unsigned integers beyond 8 bits");
    return [type](const Values& in) { return Values{bounded(in[0], type)}; };
  }
  if (from == KERAS_UINT64 && !is_integer(to)) {
    return Answer::no("LibTorch has no unsigned integers beyond 8 bits");
  }
  if (is_wide_unsigned(from)) {
    return [type, from](const Values& in) { return Values{indices_of(in[0], from).to(type)}; };
  }
  return [type](const Values& in) { return Values{in[0].to(type)}; };
}

Answer bitcast(const Call& call) {
  if (call.input(0).dtype == KERAS_BOOL || call.output(0).dtype == KERAS_BOOL) return wrong_dtype();
  return [type = scalar_type(call.output(0).dtype)](const Values& in) {
    return Values{in[0].contiguous().view(type)};
  };
}

// Reductions.

std::vector<int64_t> axes_of(const keras_list& list) { return {list.v, list.v + list.count}; }

template <class F>
Answer reduction(const Call& call, unsigned kinds, F reduce) {
  const auto& at = call.attributes<ReduceAttributes>();
  if (!takes(kinds, call.input(0).dtype)) return wrong_dtype();
  if (at.axes.count == 0) return [](const Values& in) { return in; };
  return [axes = axes_of(at.axes), keep = at.keepdims != 0, reduce](const Values& in) {
    return Values{reduce(in[0], axes, keep)};
  };
}

Answer reduce_sum(const Call& call) {
  return reduction(call, kNumbers, [](const Tensor& x, const std::vector<int64_t>& axes, bool keep) {
    return at::sum(x, axes, keep, x.scalar_type());
  });
}

Answer reduce_prod(const Call& call) {
  return reduction(call, kNumbers, [](const Tensor& x, const std::vector<int64_t>& axes, bool keep) {
    Tensor product = x;
    for (size_t i = axes.size(); i-- > 0;) product = at::prod(product, axes[i], keep, x.scalar_type());
    return product;
  });
}

bool empty(const Call& call) { return element_count(call.input(0)) == 0; }

Answer reduce_max(const Call& call) {
  if (empty(call)) return Answer::no("there is no largest of no elements");
  return reduction(call, kInts | kFloats, [](const Tensor& x, const std::vector<int64_t>& axes, bool keep) {
    return at::amax(x, axes, keep);
  });
}

Answer reduce_min(const Call& call) {
  if (empty(call)) return Answer::no("there is no smallest of no elements");
  return reduction(call, kInts | kFloats, [](const Tensor& x, const std::vector<int64_t>& axes, bool keep) {
    return at::amin(x, axes, keep);
  });
}

Answer logsumexp(const Call& call) {
  return reduction(call, kFloats, [](const Tensor& x, const std::vector<int64_t>& axes, bool keep) {
    return at::logsumexp(x, axes, keep);
  });
}

Answer argmax(const Call& call) {
  if (empty(call)) return Answer::no("there is no largest of no elements");
  return reduction(call, kInts | kFloats, [](const Tensor& x, const std::vector<int64_t>& axes, bool keep) {
    return at::argmax(x, axes.front(), keep);
  });
}

Answer argmin(const Call& call) {
  if (empty(call)) return Answer::no("there is no smallest of no elements");
  return reduction(call, kInts | kFloats, [](const Tensor& x, const std::vector<int64_t>& axes, bool keep) {
    return at::argmin(x, axes.front(), keep);
  });
}

Answer cumulate(const Call& call) {
  const auto& at = call.attributes<CumulateAttributes>();
  const bool order = at.kind == KERAS_CUM_MAX || at.kind == KERAS_CUM_MIN;
  if (!takes(order ? kInts | kFloats : kNumbers, call.input(0).dtype)) return wrong_dtype();
  return [at](const Values& in) {
    Tensor x = at.reverse != 0 ? at::flip(in[0], at.axis) : in[0];
    switch (at.kind) {
      case KERAS_CUM_SUM:
        x = at::cumsum(x, at.axis, x.scalar_type());
        break;
      case KERAS_CUM_PROD:
        x = at::cumprod(x, at.axis, x.scalar_type());
        break;
      case KERAS_CUM_MAX:
        x = std::get<0>(at::cummax(x, at.axis));
        break;
      default:
        x = std::get<0>(at::cummin(x, at.axis));
    }
    return Values{at.reverse != 0 ? at::flip(x, at.axis) : x};
  };
}

const bool registered = [] {
  for (const auto& [name, row] : unary_rows()) {
    register_op(name.data(), unary, name == "stop_gradient" ? kUnsigned : kWiden);
  }
  for (const auto& [name, row] : binary_rows()) {
    const bool bits = name == "add" || name == "sub" || name == "mul" || name.substr(0, 4) == "bit_";
    register_op(name.data(), binary, bits ? kWiden | kUnsigned : kWiden);
  }
  return register_op("bit_not", bit_not, kUnsigned) && register_op("compare", compare, kUnsigned) &&
         register_op("select", select, kUnsigned) && register_op("barrier", barrier, kUnsigned) &&
         register_op("constant", constant, kUnsigned) && register_op("iota", iota, kUnsigned) &&
         register_op("dim_size", dim_size, kUnsigned) && register_op("cast", cast, kUnsigned) &&
         register_op("bitcast", bitcast, kUnsigned) &&
         register_op("reduce_sum", reduce_sum, kWiden | kUnsigned) &&
         register_op("reduce_prod", reduce_prod, kWiden | kUnsigned) &&
         register_op("reduce_max", reduce_max, kWiden) && register_op("reduce_min", reduce_min, kWiden) &&
         register_op("logsumexp", logsumexp, kWiden) && register_op("argmax", argmax, kWiden) &&
         register_op("argmin", argmin, kWiden) && register_op("cumulate", cumulate, kWiden);
}();

}  // namespace
}  // namespace keras::aten
