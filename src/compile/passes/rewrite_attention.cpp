// SPDX-License-Identifier: Apache-2.0
// attention: softmax(scale q k^T + bias) v becomes one op, which never writes the weights down. The axes of
// q, k and v may stand in any order; where they are not (batch, positions, heads, width), transposes are
// added, if the weights that they save are larger.
#include "compile/match.h"
#include "compile/passes/list.h"
#include "compile/passes/simplifier.h"

namespace keras::internal {

namespace {

// The axis of an operand that is neither batch nor contracted; -1 unless there is exactly one.
int64_t free_axis(int rank, const keras_list& contract, const keras_list& batch) {
  int64_t found = -1;
  for (int64_t a = 0; a < rank; ++a) {
    bool used = false;
    for (const int64_t c : items(contract)) used = used || c == a;
    for (const int64_t b : items(batch)) used = used || b == a;
    if (used) continue;
    if (found >= 0) return -1;
    found = a;
  }
  return found;
}

// A product with one contracted axis, one free axis a side, and one or two batch axes.
struct Product {
  Value left, right;
  DotAttributes attributes;
  int64_t left_free, right_free;
};

std::optional<Product> as_product(const Rewriter& rewriter, const Graph::Node& node) {
  const auto& at = attributes_of<DotAttributes>(node);
  const int left = rewriter.type(node.inputs[0]).shape.rank(),
            right = rewriter.type(node.inputs[1]).shape.rank();
  if (at.lhs_contract.count != 1 || at.lhs_batch.count < 1 || at.lhs_batch.count > 2) return std::nullopt;
  const Product product{node.inputs[0], node.inputs[1], at, free_axis(left, at.lhs_contract, at.lhs_batch),
                        free_axis(right, at.rhs_contract, at.rhs_batch)};
  return product.left_free >= 0 && product.right_free >= 0 ? std::optional(product) : std::nullopt;
}

// What stands between the first product and the softmax.
struct Logits {
  Product product;
  double scale = 1;
  Value bias = kNone;
};

std::optional<Logits> as_logits(const Rewriter& rewriter, Value v) {
  Logits out;
  const TensorType& type = rewriter.type(v);
  if (const auto* add = sole_maker(rewriter, v, OpId::add_op)) {
    // The logits are the operand in full size that comes from a product; the other one is the bias.
    for (const size_t i : {size_t{0}, size_t{1}}) {
      if (!(rewriter.type(add->inputs[i]) == type)) continue;
      if (auto inner = as_logits(rewriter, add->inputs[i]); inner && inner->bias == kNone) {
        inner->bias = add->inputs[1 - i];
        return inner;
      }
    }
    return std::nullopt;
  }
  for (const OpId op : {OpId::mul_op, OpId::div_op}) {
    const auto* scaled = sole_maker(rewriter, v, op);
    if (scaled == nullptr) continue;
    const auto parts = with_number(rewriter, *scaled);
    if (!parts || (op == OpId::div_op && (parts->first != scaled->inputs[0] || parts->second == 0)))
      return std::nullopt;
    if (!(rewriter.type(parts->first) == type)) return std::nullopt;
    out.scale = op == OpId::mul_op ? parts->second : 1 / parts->second;
    v = parts->first;
    break;
  }
  const auto* dot = sole_maker(rewriter, v, OpId::dot_general_op);
  const auto product = dot == nullptr ? std::nullopt : as_product(rewriter, *dot);
  if (!product) return std::nullopt;
  out.product = *product;
  return out;
}

using Order = std::vector<int64_t>;

bool moves(const Order& order) {
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<int64_t>(i)) return true;
  }
  return false;
}

class Finder {
 public:
  explicit Finder(Rewriter& rewriter) : rewriter_(rewriter), make_(rewriter) {}

  Value find(const Graph::Node& node) {
    const auto second = as_product(rewriter_, node);
    if (!second || !is_float(rewriter_.type(node.outputs[0]).dtype)) return kNone;
    const auto& at = second->attributes;
    const int64_t batch = at.lhs_batch.count;
    // The left operand is the weights: (batch..., queries, keys), contracted over the keys.
    if (at.lhs_contract.v[0] != batch + 1 || second->left_free != batch) return kNone;
    for (int64_t i = 0; i < batch; ++i) {
      if (at.lhs_batch.v[i] != i) return kNone;
    }
    const auto* softmax = sole_maker(rewriter_, second->left, OpId::softmax_op);
    if (softmax == nullptr) return kNone;
    const auto& axes = attributes_of<AxesAttributes>(*softmax).axes;
    if (axes.count != 1 || axes.v[0] != batch + 1) return kNone;
    const auto logits = as_logits(rewriter_, softmax->inputs[0]);
    if (!logits || logits->product.attributes.lhs_batch.count != batch) return kNone;
    return build(*logits, *second, batch);
  }

 private:
  // (batch, positions, heads, width) of an operand: its axes in this order.
  static Order order_of(const keras_list& batch, int64_t position, int64_t width) {
    Order order = {batch.v[0], position};
    if (batch.count == 2) order.push_back(batch.v[1]);
    order.push_back(width);
    return order;
  }

  Value build(const Logits& logits, const Product& second, int64_t batch) {
    const Product& first = logits.product;
    const auto& a = first.attributes;
    const auto& b = second.attributes;
    const Order q = order_of(a.lhs_batch, first.left_free, a.lhs_contract.v[0]);
    const Order k = order_of(a.rhs_batch, first.right_free, a.rhs_contract.v[0]);
    const Order v = order_of(b.rhs_batch, b.rhs_contract.v[0], second.right_free);
    if (!pays(first, q, k, v)) return kNone;
    const Value bias = bias_of(logits, batch);
    if (logits.bias != kNone && bias == kNone) return kNone;
    auto at = make_attributes<AttentionAttributes>();
    at.scale = logits.scale;
    at.has_bias = bias != kNone ? 1 : 0;
    std::vector<Value> operands = {placed(first.left, q), placed(first.right, k), placed(second.right, v)};
    if (bias != kNone) operands.push_back(bias);
    const Value y = make_.make(OpId::attention_op, at, operands);
    const Order back = {0, 2, 1, 3};  // (batch, heads, queries, width), as the product gave it
    const Value result = make_.transpose(y, back);
    if (batch == 2) return result;
    const Shape s = rewriter_.type(result).shape;
    return make_.reshape(result, {s[0], s[2], s[3]});
  }

  // Transposes cost a copy of an operand each; what is saved is writing and reading the weights twice.
  bool pays(const Product& product, const Order& q, const Order& k, const Order& v) const {
    if (!moves(q) && !moves(k) && !moves(v)) return true;
    const Shape& left = rewriter_.type(product.left).shape;
    const Dim queries = left[static_cast<size_t>(product.left_free)];
    const Dim width = left[static_cast<size_t>(product.attributes.lhs_contract.v[0])];
    const Dim keys = rewriter_.type(product.right).shape[static_cast<size_t>(product.right_free)];
    if (!queries.known() || !keys.known() || !width.known()) return false;
    const int64_t moved = 2 * width.value() * (queries.value() + keys.value());
    return 2 * queries.value() * keys.value() >= moved;
  }

  Value placed(Value x, const Order& order) {
    if (moves(order)) x = make_.transpose(x, order);
    if (order.size() == 4) return x;
    const Shape s = rewriter_.type(x).shape;
    return make_.reshape(x, {s[0], s[1], Dim(1), s[2]});
  }

  // The bias as (B, N, T, S), each of them or 1.
  Value bias_of(const Logits& logits, int64_t batch) {
    if (logits.bias == kNone) return kNone;
    const TensorType type = rewriter_.type(logits.bias);
    const DType product = rewriter_.type(logits.product.left).dtype;
    if (type.dtype != product) return kNone;
    Shape shape = type.shape;
    while (shape.rank() < static_cast<int>(batch) + 2) shape.insert(0, Dim(1));
    if (batch == 1) shape.insert(1, Dim(1));
    return make_.reshape(logits.bias, shape);
  }

  Rewriter& rewriter_;
  Simplifier make_;
};

}  // namespace

void rewrite_attention(Graph& graph, const PassContext&) {
  Rewriter rewriter(graph);
  Finder finder(rewriter);
  while (const Graph::Node* node = rewriter.next()) {
    const Value found = node->op == OpId::dot_general_op ? finder.find(*node) : kNone;
    if (found != kNone && rewriter.type(found) == rewriter.type(node->outputs[0])) {
      rewriter.replace(found);
    } else {
      rewriter.keep();
    }
  }
  rewriter.finish();
}

}  // namespace keras::internal
