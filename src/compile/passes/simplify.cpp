// SPDX-License-Identifier: Apache-2.0
// simplify: ops that change nothing go, chains of movements and conversions become one. Every rule gives the
// same bits; the one exception is named where it stands.
#include <cmath>
#include <unordered_map>

#include "compile/passes/simplifier.h"

namespace keras::internal {

namespace {

bool is_identity(std::span<const int64_t> permutation) {
  for (size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

bool all_zero(const keras_list& list) {
  for (const int64_t v : items(list)) {
    if (v != 0) return false;
  }
  return true;
}

bool known_ones(const Shape& shape, std::span<const int64_t> axes) {
  for (const int64_t a : axes) {
    if (!(shape[static_cast<size_t>(a)] == Dim(1))) return false;
  }
  return true;
}

bool has_floats(const Simplifier& s, Value v) { return is_float(s.type(v).dtype); }
bool has_integers(const Simplifier& s, Value v) { return is_integer(s.type(v).dtype); }

// marks and conversions

Value operand_itself(Simplifier&, const Expression& e) { return e.operands[0]; }

// True when `to` holds every value of `from`.
bool holds_every(DType to, DType from) {
  if (to == from || from == DType::bool_) return true;
  if (is_complex(to) || is_complex(from) || to == DType::bool_) return false;
  const auto significant = [](DType d) {
    switch (d) {
      case DType::float16:
        return 11;
      case DType::bfloat16:
        return 8;
      case DType::float32:
        return 24;
      case DType::float64:
        return 53;
      default:
        return static_cast<int>(dtype_size(d) * 8) - (is_signed(d) ? 1 : 0);
    }
  };
  if (is_float(to) && is_float(from)) {
    if (from == DType::float16) return to != DType::bfloat16;
    if (from == DType::bfloat16) return to != DType::float16;
    return significant(to) >= significant(from);
  }
  if (is_float(to)) return to != DType::float16 && significant(to) >= significant(from);
  if (is_float(from)) return false;
  if (is_signed(from) && !is_signed(to)) return false;
  return significant(to) >= significant(from);
}

Value simplify_cast(Simplifier& s, const Expression& e) {
  const Value x = e.operands[0];
  if (s.type(x).dtype == e.type.dtype) return x;
  const Graph::Node* inner = s.maker(x, OpId::cast_op);
  if (inner == nullptr) return kNone;
  const Value from = inner->inputs[0];
  const DType first = s.type(from).dtype, second = s.type(x).dtype, third = e.type.dtype;
  if (!holds_every(second, first)) return kNone;
  // An integer that a float passes on must fit the last dtype, or conversion from float is left to chance.
  const bool same_rule =
      third == first || (is_float(second) && is_float(third)) || is_integer(second) || first == DType::bool_;
  return same_rule && !is_complex(third) ? s.make(OpId::cast_op, e.attributes, {from}) : kNone;
}

// movement

Value number_in_shape(Simplifier& s, const Expression& e) {
  const auto number = uniform(s.rewriter(), e.operands[0]);
  if (!number) return kNone;
  auto attributes = *number;
  attributes.shape = to_list(e.type.shape);
  return s.make(OpId::constant_op, &attributes, {});
}

Value simplify_reshape(Simplifier& s, const Expression& e) {
  const Value x = e.operands[0];
  if (s.type(x).shape == e.type.shape) return x;
  if (const auto* inner = s.maker(x, OpId::reshape_op))
    return s.make(OpId::reshape_op, e.attributes, {inner->inputs[0]});
  return number_in_shape(s, e);
}

Value simplify_transpose(Simplifier& s, const Expression& e) {
  const Value x = e.operands[0];
  const auto permutation = items(e.attrs<PermutationAttributes>().permutation);
  if (is_identity(permutation)) return x;
  if (const auto* inner = s.maker(x, OpId::transpose_op)) {
    const auto first = items(attributes_of<PermutationAttributes>(*inner).permutation);
    auto both = e.attrs<PermutationAttributes>();
    for (size_t i = 0; i < permutation.size(); ++i) both.permutation.v[i] = first[permutation[i]];
    return s.make(OpId::transpose_op, &both, {inner->inputs[0]});
  }
  // The axes that are longer than 1 keep their order: nothing moves.
  int64_t previous = -1;
  bool moves = false;
  for (const int64_t p : permutation) {
    if (s.type(x).shape[static_cast<size_t>(p)] == Dim(1)) continue;
    moves = moves || p < previous;
    previous = p;
  }
  if (!moves) return s.reshape(x, e.type.shape);
  if (const Value swapped = transposed_product(s, e); swapped != kNone) return swapped;
  return number_in_shape(s, e);
}

Value simplify_broadcast(Simplifier& s, const Expression& e) {
  const Value x = e.operands[0];
  const Shape& from = s.type(x).shape;
  if (from == e.type.shape) return x;
  if (const auto* inner = s.maker(x, OpId::broadcast_to_op))
    return s.make(OpId::broadcast_to_op, e.attributes, {inner->inputs[0]});
  Shape padded(e.type.shape.size() - from.size(), Dim(1));
  for (const Dim d : from) padded.push_back(d);
  if (padded == e.type.shape) return s.reshape(x, e.type.shape);
  return number_in_shape(s, e);
}

Value simplify_slice(Simplifier& s, const Expression& e) {
  const Value x = e.operands[0];
  const auto& at = e.attrs<SliceAttributes>();
  bool whole = s.type(x).shape == e.type.shape && all_zero(at.start);
  for (const int64_t stride : items(at.stride)) whole = whole && stride == 1;
  return whole ? x : number_in_shape(s, e);
}

Value simplify_pad(Simplifier&, const Expression& e) {
  const auto& at = e.attrs<PadAttributes>();
  return all_zero(at.low) && all_zero(at.high) && all_zero(at.interior) ? e.operands[0] : kNone;
}

Value simplify_concat(Simplifier&, const Expression& e) {
  return e.operands.size() == 1 ? e.operands[0] : kNone;
}

Value simplify_reverse(Simplifier& s, const Expression& e) {
  const Value x = e.operands[0];
  const auto& axes = e.attrs<AxesAttributes>().axes;
  if (known_ones(s.type(x).shape, items(axes))) return x;
  if (const auto* inner = s.maker(x, OpId::reverse_op)) {
    const auto other = items(attributes_of<AxesAttributes>(*inner).axes);
    if (std::equal(other.begin(), other.end(), items(axes).begin(), items(axes).end()))
      return inner->inputs[0];
  }
  return number_in_shape(s, e);
}

Value simplify_dim_size(Simplifier& s, const Expression& e) {
  const Dim d = s.type(e.operands[0]).shape[static_cast<size_t>(e.attrs<AxisAttributes>().axis)];
  if (!d.known()) return kNone;
  return s.number({DType::int32, {}}, static_cast<double>(d.value()));
}

// Of one element: the sum of -0.0 alone is taken to be -0.0, where a kernel may begin with 0.0.
Value simplify_reduce(Simplifier& s, const Expression& e) {
  const Value x = e.operands[0];
  if (!known_ones(s.type(x).shape, items(e.attrs<ReduceAttributes>().axes))) return kNone;
  return s.reshape(x, e.type.shape);
}

// arithmetic

Value undoes_itself(Simplifier& s, const Expression& e) {
  const auto* inner = s.maker(e.operands[0], e.op);
  return inner != nullptr ? inner->inputs[0] : kNone;
}

Value repeats_itself(Simplifier& s, const Expression& e) {
  return s.maker(e.operands[0], e.op) != nullptr ? e.operands[0] : kNone;
}

Value simplify_add(Simplifier& s, const Expression& e) {
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const Value x = e.operands[1 - i], other = e.operands[i];
    // x + 0.0 turns -0.0 to 0.0; x + -0.0 is x.
    if (s.is(other, has_integers(s, x) ? 0.0 : -0.0)) return s.broadcast(x, e.type);
    if (const auto* negated = s.maker(other, OpId::neg_op))
      return s.make(OpId::sub_op, e.attributes, {x, negated->inputs[0]});
  }
  return kNone;
}

Value simplify_sub(Simplifier& s, const Expression& e) {
  if (s.is(e.operands[1], 0.0)) return s.broadcast(e.operands[0], e.type);
  if (const auto* negated = s.maker(e.operands[1], OpId::neg_op))
    return s.make(OpId::add_op, e.attributes, {e.operands[0], negated->inputs[0]});
  return kNone;
}

Value simplify_mul(Simplifier& s, const Expression& e) {
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const Value x = e.operands[1 - i], other = e.operands[i];
    if (s.is(other, 1.0)) return s.broadcast(x, e.type);
    if (has_integers(s, x) && s.is(other, 0.0)) return s.number(e.type, 0.0);
    if (s.is(other, -1.0) && (is_signed(s.type(x).dtype)))
      return s.make(OpId::neg_op, e.attributes, {s.broadcast(x, e.type)});
  }
  return kNone;
}

Value simplify_div(Simplifier& s, const Expression& e) {
  const Value x = e.operands[0], divisor = e.operands[1];
  if (s.is(divisor, 1.0)) return s.broadcast(x, e.type);
  // Dividing by a power of two and multiplying by its inverse round the same number.
  if (e.type.dtype != DType::float32 && e.type.dtype != DType::float64) return kNone;
  const auto number = uniform(s.rewriter(), divisor);
  if (!number || number->real == 0) return kNone;
  int exponent = 0;
  const int limit = e.type.dtype == DType::float32 ? 120 : 1000;
  if (std::abs(std::frexp(number->real, &exponent)) != 0.5 || std::abs(exponent) > limit) return kNone;
  const Value inverse = s.number({e.type.dtype, s.type(divisor).shape}, 1.0 / number->real);
  return s.make(OpId::mul_op, e.attributes, {x, inverse});
}

Value simplify_pow(Simplifier& s, const Expression& e) {
  if (!has_floats(s, e.operands[0])) return kNone;
  if (s.is(e.operands[1], 1.0)) return s.broadcast(e.operands[0], e.type);
  if (!s.is(e.operands[1], 2.0)) return kNone;
  const Value x = s.broadcast(e.operands[0], e.type);
  return s.make(OpId::mul_op, e.attributes, {x, x});
}

Value simplify_idempotent(Simplifier&, const Expression& e) {
  return e.operands[0] == e.operands[1] ? e.operands[0] : kNone;
}

// What relu gives is not negative: clipping it from below changes nothing.
Value simplify_maximum(Simplifier& s, const Expression& e) {
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const Value x = e.operands[i];
    if (s.maker(x, OpId::relu_op) != nullptr && s.is(e.operands[1 - i], 0.0) && s.type(x) == e.type) return x;
  }
  return simplify_idempotent(s, e);
}

Value simplify_bit_and(Simplifier& s, const Expression& e) {
  if (e.operands[0] == e.operands[1]) return e.operands[0];
  if (e.type.dtype != DType::bool_) return kNone;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    if (s.is(e.operands[i], 1.0)) return s.broadcast(e.operands[1 - i], e.type);
    if (s.is(e.operands[i], 0.0)) return s.number(e.type, 0.0);
  }
  return kNone;
}

Value simplify_bit_or(Simplifier& s, const Expression& e) {
  if (e.operands[0] == e.operands[1]) return e.operands[0];
  if (e.type.dtype != DType::bool_) return kNone;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    if (s.is(e.operands[i], 0.0)) return s.broadcast(e.operands[1 - i], e.type);
    if (s.is(e.operands[i], 1.0)) return s.number(e.type, 1.0);
  }
  return kNone;
}

Value simplify_select(Simplifier& s, const Expression& e) {
  const Value condition = e.operands[0], yes = e.operands[1], no = e.operands[2];
  if (yes == no) return s.broadcast(yes, e.type);
  if (const auto* inverted = s.maker(condition, OpId::bit_not_op))
    return s.make(OpId::select_op, e.attributes, {inverted->inputs[0], no, yes});
  if (s.is(condition, 1.0)) return s.broadcast(yes, e.type);
  if (s.is(condition, 0.0)) return s.broadcast(no, e.type);
  return kNone;
}

Value simplify_dropout(Simplifier&, const Expression& e) {
  return e.attrs<DropoutAttributes>().rate == 0 ? e.operands[0] : kNone;
}

using Rule = Value (*)(Simplifier&, const Expression&);

Rule rule_of(OpId op) {
  static const std::unordered_map<OpId, Rule> rules = {
      {OpId::stop_gradient_op, operand_itself},
      {OpId::cast_op, simplify_cast},
      {OpId::reshape_op, simplify_reshape},
      {OpId::transpose_op, simplify_transpose},
      {OpId::broadcast_to_op, simplify_broadcast},
      {OpId::slice_op, simplify_slice},
      {OpId::pad_op, simplify_pad},
      {OpId::concat_op, simplify_concat},
      {OpId::reverse_op, simplify_reverse},
      {OpId::dim_size_op, simplify_dim_size},
      {OpId::reduce_sum_op, simplify_reduce},
      {OpId::reduce_prod_op, simplify_reduce},
      {OpId::reduce_max_op, simplify_reduce},
      {OpId::reduce_min_op, simplify_reduce},
      {OpId::neg_op, undoes_itself},
      {OpId::bit_not_op, undoes_itself},
      {OpId::abs_op, repeats_itself},
      {OpId::relu_op, repeats_itself},
      {OpId::floor_op, repeats_itself},
      {OpId::ceil_op, repeats_itself},
      {OpId::round_op, repeats_itself},
      {OpId::sign_op, repeats_itself},
      {OpId::add_op, simplify_add},
      {OpId::sub_op, simplify_sub},
      {OpId::mul_op, simplify_mul},
      {OpId::div_op, simplify_div},
      {OpId::pow_op, simplify_pow},
      {OpId::maximum_op, simplify_maximum},
      {OpId::minimum_op, simplify_idempotent},
      {OpId::bit_and_op, simplify_bit_and},
      {OpId::bit_or_op, simplify_bit_or},
      {OpId::select_op, simplify_select},
      {OpId::dot_general_op, product_of_transposed},
      {OpId::dropout_op, simplify_dropout},
  };
  const auto found = rules.find(op);
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace

Value Simplifier::simplified(const Expression& e) {
  const Rule rule = rule_of(e.op);
  return rule == nullptr ? kNone : rule(*this, e);
}

Value Simplifier::make(OpId op, const void* attributes, const std::vector<Value>& operands) {
  std::vector<TensorType> types;
  for (const Value v : operands) types.push_back(type(v));
  const auto results = infer(op_def(op), attributes, types);
  // The attributes may lie in a node that moves when one is added.
  const auto* bytes = static_cast<const uint8_t*>(attributes);
  const std::vector<uint8_t> kept(bytes, bytes + op_def(op).attributes.size);
  const Value found = simplified({op, kept.data(), operands, results[0]});
  return found != kNone ? found : rewriter_.add(op, kept.data(), operands);
}

Value Simplifier::reshape(Value x, const Shape& shape) {
  if (type(x).shape == shape) return x;
  auto attributes = make_attributes<ShapeAttributes>();
  attributes.shape = to_list(shape);
  return make(OpId::reshape_op, &attributes, {x});
}

Value Simplifier::transpose(Value x, std::span<const int64_t> permutation) {
  auto attributes = make_attributes<PermutationAttributes>();
  attributes.permutation = to_list(permutation);
  return make(OpId::transpose_op, &attributes, {x});
}

Value Simplifier::broadcast(Value x, const TensorType& wanted) {
  if (type(x).shape == wanted.shape) return x;
  auto attributes = make_attributes<ShapeAttributes>();
  attributes.shape = to_list(wanted.shape);
  return make(OpId::broadcast_to_op, &attributes, {x});
}

Value Simplifier::number(const TensorType& wanted, double value) {
  const auto attributes = uniform_attributes(wanted.dtype, wanted.shape, value);
  return rewriter_.add(OpId::constant_op, attributes, {});
}

void simplify(Graph& graph, const PassContext&) {
  Rewriter rewriter(graph);
  Simplifier simplifier(rewriter);
  while (const Graph::Node* node = rewriter.next()) {
    Value found = kNone;
    if (node->outputs.size() == 1 && node->regions.empty()) {
      found = simplifier.simplified(
          {node->op, node->attributes.data(), node->inputs, rewriter.type(node->outputs[0])});
    }
    // A symbolic dimension may have got another name on the way.
    if (found != kNone && rewriter.type(found) == rewriter.type(node->outputs[0])) {
      rewriter.replace(found);
    } else {
      rewriter.keep();
    }
  }
  rewriter.finish();
}

}  // namespace keras::internal
