// SPDX-License-Identifier: Apache-2.0
// Ops that treat each element alone. Which dtypes one takes is known from TensorFlow's kernels (probe).
#include <string_view>

#include "kernel.h"

namespace keras::tensorflow {
namespace {

struct Row {
  const char* ours;
  const char* theirs;
};
constexpr Row kUnary[] = {
    {"floor", "Floor"},     {"ceil", "Ceil"},       {"round", "Rint"},     {"sqrt", "Sqrt"},
    {"rsqrt", "Rsqrt"},     {"exp", "Exp"},         {"expm1", "Expm1"},    {"log", "Log"},
    {"log1p", "Log1p"},     {"sin", "Sin"},         {"cos", "Cos"},        {"tan", "Tan"},
    {"asin", "Asin"},       {"acos", "Acos"},       {"atan", "Atan"},      {"sinh", "Sinh"},
    {"cosh", "Cosh"},       {"tanh", "Tanh"},       {"asinh", "Asinh"},    {"acosh", "Acosh"},
    {"atanh", "Atanh"},     {"erf", "Erf"},         {"erf_inv", "Erfinv"}, {"lgamma", "Lgamma"},
    {"digamma", "Digamma"}, {"sigmoid", "Sigmoid"}, {"relu", "Relu"},      {"real", "Real"},
    {"imag", "Imag"}};

struct BinaryRow {
  const char* ours;
  const char* theirs;
  const char* logical;  // on bool
};
constexpr BinaryRow kBinary[] = {
    {"add", "AddV2", "LogicalOr"},        {"sub", "Sub", "NotEqual"},
    {"mul", "Mul", "LogicalAnd"},         {"maximum", "Maximum", "LogicalOr"},
    {"minimum", "Minimum", "LogicalAnd"}, {"bit_and", "BitwiseAnd", "LogicalAnd"},
    {"bit_or", "BitwiseOr", "LogicalOr"}, {"bit_xor", "BitwiseXor", "NotEqual"},
    {"atan2", "Atan2", nullptr},          {"igamma", "Igamma", nullptr},
    {"complex", "Complex", nullptr}};

Answer run(const char* op) {
  return [op](Builder& b, const Values& in) { return Values{b.op(op, {in.begin(), in.end()})}; };
}

Answer unary(const Call& call) {
  for (const Row& row : kUnary) {
    if (std::string_view(row.ours) == call.op().name) return run(row.theirs);
  }
  return Answer::no("the plug-in has no op of this name");
}

Answer binary(const Call& call) {
  for (const BinaryRow& row : kBinary) {
    if (std::string_view(row.ours) != call.op().name) continue;
    if (call.input(0).dtype != KERAS_BOOL) return run(row.theirs);
    if (row.logical != nullptr) return run(row.logical);
  }
  return Answer::no("TensorFlow has no kernel for this dtype");
}

bool is_unsigned(int32_t dtype) { return dtype >= KERAS_UINT8 && dtype <= KERAS_UINT64; }

Answer neg(const Call& call) {
  if (!is_unsigned(call.input(0).dtype)) return run("Neg");
  return [](Builder& b, const Values& in) { return Values{b.sub(b.scalar(b.type(in[0]), 0), in[0])}; };
}

Answer absolute(const Call& call) {
  if (call.input(0).dtype == KERAS_COMPLEX64) return run("ComplexAbs");
  if (!is_unsigned(call.input(0).dtype)) return run("Abs");
  return [](Builder&, const Values& in) { return in; };
}

Answer sign(const Call& call) {
  if (!is_unsigned(call.input(0).dtype)) return run("Sign");
  return [](Builder& b, const Values& in) {
    return Values{b.op("Greater", {in[0], b.scalar(b.type(in[0]), 0)})};
  };
}

Answer is_finite(const Call& call) {
  if (call.input(0).dtype != KERAS_COMPLEX64) return run("IsFinite");
  return [](Builder& b, const Values& in) {
    const Value real = b.op("IsFinite", {b.op("Real", {in[0]})});
    return Values{b.op("LogicalAnd", {real, b.op("IsFinite", {b.op("Imag", {in[0]})})})};
  };
}

// Integers with negative exponents are 0 but for 1 and -1, where only the exponent's parity counts.
Answer power(const Call& call) {
  const int32_t dtype = call.input(0).dtype;
  if (!is_integer(dtype)) return run("Pow");
  return [has_sign = !is_unsigned(dtype)](Builder& b, const Values& in) {
    if (!has_sign) return Values{b.op("Pow", {in[0], in[1]})};
    const TF_DataType type = b.type(in[0]);
    const Value zero = b.scalar(type, 0);
    const Value one = b.scalar(type, 1);
    const Value whole = b.op("GreaterEqual", {in[1], zero});
    const Value size = b.op("Abs", {in[0]});
    const Value result = b.op("Pow", {in[0], b.select(whole, in[1], b.op("BitwiseAnd", {in[1], one}))});
    return Values{b.select(b.op("LogicalOr", {whole, b.op("Equal", {size, one})}), result, zero)};
  };
}

Value zero_like(Builder& b, const Value& x) { return b.scalar(b.type(x), 0); }

// By zero 0; the least number by -1 wraps.
Value quotient(Builder& b, const Value& x, const Value& by, bool has_sign) {
  const TF_DataType type = b.type(x);
  const Value zero = b.scalar(type, 0);
  const Value one = b.scalar(type, 1);
  const Value none = b.op("Equal", {by, zero});
  if (!has_sign) return b.select(none, zero, b.op("TruncateDiv", {x, b.select(none, one, by)}));
  const Value turned = b.op("Equal", {by, b.scalar(type, -1)});
  const Value safe = b.select(b.op("LogicalOr", {none, turned}), one, by);
  const Value result = b.select(turned, b.sub(zero, x), b.op("TruncateDiv", {x, safe}));
  return b.select(none, zero, result);
}

Answer div(const Call& call) {
  if (!is_integer(call.input(0).dtype)) return run("RealDiv");
  return [has_sign = !is_unsigned(call.input(0).dtype)](Builder& b, const Values& in) {
    return Values{quotient(b, in[0], in[1], has_sign)};
  };
}

Answer rem(const Call& call) {
  if (!is_integer(call.input(0).dtype)) return run("TruncateMod");
  return [has_sign = !is_unsigned(call.input(0).dtype)](Builder& b, const Values& in) {
    const Value rest = b.sub(in[0], b.mul(quotient(b, in[0], in[1], has_sign), in[1]));
    return Values{b.select(b.op("Equal", {in[1], zero_like(b, rest)}), zero_like(b, rest), rest)};
  };
}

// Shifts by the width or more shift everything out.
Answer shift(const Call& call) {
  const int32_t dtype = call.input(0).dtype;
  if (!is_integer(dtype)) return Answer::no("only integers have bits to shift");
  const auto width = static_cast<double>(TF_DataTypeSize(tf_type(dtype)) * 8);
  const bool left = call.op().name == std::string_view("shl");
  const bool keeps_sign = !left && !is_unsigned(dtype);
  return [width, left, keeps_sign](Builder& b, const Values& in) {
    const TF_DataType type = b.type(in[0]);
    const Value zero = b.scalar(type, 0);
    const Value inside = b.op(
        "LogicalAnd", {b.op("GreaterEqual", {in[1], zero}), b.op("Less", {in[1], b.scalar(type, width)})});
    const Value by = b.select(inside, in[1], b.scalar(type, width - 1));
    const Value shifted = b.op(left ? "LeftShift" : "RightShift", {in[0], by});
    return Values{keeps_sign ? shifted : b.select(inside, shifted, zero)};
  };
}

Answer next_after(const Call& call) {
  if (is_half(call.input(0).dtype)) return Answer::no("TensorFlow steps through float32 and float64");
  return run("NextAfter");
}

Answer bit_not(const Call& call) { return run(call.input(0).dtype == KERAS_BOOL ? "LogicalNot" : "Invert"); }

Answer compare(const Call& call) {
  static constexpr const char* ops[] = {"Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"};
  const int64_t direction = call.attributes<CompareAttributes>().direction;
  return [op = ops[direction], ordered = direction >= KERAS_LT](Builder& b, const Values& in) {
    if (ordered && b.type(in[0]) == TF_BOOL) {
      return Values{b.op(op, {b.cast(in[0], TF_UINT8), b.cast(in[1], TF_UINT8)})};
    }
    return Values{b.op(op, {in[0], in[1]})};
  };
}

Answer select(const Call&) {
  return [](Builder& b, const Values& in) { return Values{b.select(in[0], in[1], in[2])}; };
}

Answer barrier(const Call&) {
  return [](Builder& b, const Values& in) {
    return in.empty() ? in : b.many("IdentityN", static_cast<int>(in.size()), {in});
  };
}

// One identity, which keeps nothing back: gradients are ours.
Answer stop_gradient(const Call&) {
  return [](Builder&, const Values& in) { return in; };
}

// What a float is as an integer: outside the range the nearest one, NaN is 0.
Value bounded(Builder& b, const Value& x, TF_DataType to) {
  const Value raw = b.cast(x, TF_DOUBLE);
  const Value wide = b.select(b.op("IsNan", {raw}), b.scalar(TF_DOUBLE, 0), raw);
  const auto clamped = [&](double low, double high) {
    return b.cast(
        b.op("Maximum", {b.op("Minimum", {wide, b.scalar(TF_DOUBLE, high)}), b.scalar(TF_DOUBLE, low)}), to);
  };
  // The largest 64-bit integers are no doubles.
  const auto above = [&](double limit, const Value& largest, const Value& inside) {
    return b.select(b.op("GreaterEqual", {wide, b.scalar(TF_DOUBLE, limit)}), largest, inside);
  };
  switch (to) {
    case TF_UINT8:
      return clamped(0, 255);
    case TF_UINT16:
      return clamped(0, 65535);
    case TF_UINT32:
      return clamped(0, 4294967295.0);
    case TF_INT8:
      return clamped(-128, 127);
    case TF_INT16:
      return clamped(-32768, 32767);
    case TF_INT32:
      return clamped(-2147483648.0, 2147483647.0);
    case TF_UINT64: {
      const uint64_t largest = UINT64_MAX;
      return above(18446744073709551616.0, b.constant(TF_UINT64, {}, &largest),
                   clamped(0, 18446744073709549568.0));
    }
    default: {
      const int64_t largest = INT64_MAX;
      return above(9223372036854775808.0, b.constant(TF_INT64, {}, &largest),
                   clamped(-9223372036854775808.0, 9223372036854774784.0));
    }
  }
}

Answer cast(const Call& call) {
  const int32_t from = call.input(0).dtype;
  const int32_t to = call.output(0).dtype;
  const TF_DataType type = tf_type(to);
  if (from == to) return stop_gradient(call);
  if (to == KERAS_BOOL) {
    return [](Builder& b, const Values& in) {
      const Value zero =
          b.type(in[0]) == TF_COMPLEX64 ? b.cast(b.scalar(TF_DOUBLE, 0), TF_COMPLEX64) : zero_like(b, in[0]);
      return Values{b.op("NotEqual", {in[0], zero})};
    };
  }
  if (from == KERAS_COMPLEX64) {
    return [type, to](Builder& b, const Values& in) {
      const Value real = b.op("Real", {in[0]});
      return Values{is_float(to) ? b.cast(real, type) : bounded(b, real, type)};
    };
  }
  if (is_float(from) && is_integer(to)) {
    return [type](Builder& b, const Values& in) { return Values{bounded(b, in[0], type)}; };
  }
  return [type](Builder& b, const Values& in) { return Values{b.cast(in[0], type)}; };
}

Answer bitcast(const Call& call) {
  if (call.input(0).dtype == KERAS_BOOL || call.output(0).dtype == KERAS_BOOL) {
    return Answer::no("TensorFlow's bools are no bits");
  }
  return [type = tf_type(call.output(0).dtype)](Builder& b, const Values& in) {
    return Values{b.op("Bitcast", {in[0]}, {{"type", type}})};
  };
}

const bool registered = [] {
  for (const Row& row : kUnary) register_op(row.ours, unary, kWiden);
  for (const BinaryRow& row : kBinary) register_op(row.ours, binary, kWiden | kBroadcast);
  return register_op("neg", neg, kWiden) && register_op("abs", absolute, kWiden) &&
         register_op("div", div, kWiden | kBroadcast) && register_op("rem", rem, kWiden | kBroadcast) &&
         register_op("pow", power, kWiden | kBroadcast) && register_op("sign", sign, kWiden) &&
         register_op("is_finite", is_finite, kWiden) && register_op("shl", shift, kBroadcast) &&
         register_op("shr", shift, kBroadcast) && register_op("nextafter", next_after, kBroadcast) &&
         register_op("bit_not", bit_not) && register_op("compare", compare, kBroadcast) &&
         register_op("select", select, kBroadcast) && register_op("barrier", barrier) &&
         register_op("stop_gradient", stop_gradient) && register_op("cast", cast) &&
         register_op("bitcast", bitcast);
}();

}  // namespace
}  // namespace keras::tensorflow
