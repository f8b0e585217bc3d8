// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/rnn_cell.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "nn/fused_calls.h"
#include "ops/primitives.h"

namespace keras::layers {

namespace prim = internal::prim;

int64_t StateSize::first() const {
  if (!list_) return size_;
  if (items_.empty()) {
    internal::fail<ValueError>({"state_size", "A cell must have at least one state", "an empty list", ""});
  }
  return items_.front().first();
}

namespace {

Nest zero_states(const StateSize& size, Dim batch, DType dtype) {
  if (!size.is_list()) return prim::full(Shape{batch, Dim(size.size())}, 0, dtype);
  std::vector<Nest> items;
  for (const StateSize& item : size.items()) items.push_back(zero_states(item, batch, dtype));
  return Nest(std::move(items));
}

}  // namespace

Nest AbstractRNNCell::get_initial_state(Dim batch_size) const {
  Nest states = zero_states(state_size(), batch_size, compute_dtype());
  return states.is_leaf() ? Nest(std::vector<Nest>{states}) : states;
}

Nest AbstractRNNCell::call_nest(const Nest& inputs, const CallArgs& args) {
  if (!inputs.is_list() || inputs.size() != 2 || !inputs[0].is_leaf() || inputs[1].is_none()) {
    internal::fail<ValueError>({name(), "A cell takes its input and its states",
                                fmt::format("{} tensors", inputs.flatten().size()), "cell({x, Nest{h, c}})"});
  }
  const bool bare = inputs[1].is_leaf();
  auto [output, next] = step(inputs[0].tensor(), bare ? Nest(std::vector<Nest>{inputs[1]}) : inputs[1], args);
  if (bare && next.is_list() && next.size() == 1) next = Nest(next[0]);
  return Nest(std::vector<Nest>{output, next});
}

DropoutRNNCell::DropoutRNNCell(LayerOptions options, double dropout, double recurrent_dropout,
                               std::optional<int64_t> seed, size_t mask_count)
    : AbstractRNNCell(std::move(options)),
      dropout_(dropout),
      recurrent_dropout_(recurrent_dropout),
      mask_count_(mask_count),
      seed_generator_(add_seed_generator(seed)),
      masks_(std::make_shared<Masks>()) {}

void DropoutRNNCell::reset_dropout_mask() { masks_->inputs.clear(); }
void DropoutRNNCell::reset_recurrent_dropout_mask() { masks_->states.clear(); }

void DropoutRNNCell::begin_sequence() {
  *masks_ = Masks{};
  masks_->in_sequence = true;
}

void DropoutRNNCell::end_sequence() { *masks_ = Masks{}; }

std::function<std::shared_ptr<void>()> DropoutRNNCell::masks_as_now() const {
  return [masks = masks_, then = *masks_]() -> std::shared_ptr<void> {
    const auto now = std::make_shared<Masks>(std::exchange(*masks, then));
    return {now.get(), [masks, now](void*) { *masks = *now; }};
  };
}

const std::vector<Tensor>& DropoutRNNCell::draw(std::vector<Tensor>& masks, const Tensor& like, double rate) {
  // Outside of a sequence a mask of a trace would outlive it.
  const bool keep = !masks.empty() && masks.front().shape() == like.shape() &&
                    (masks_->in_sequence || (!masks.front().abstract() && !like.abstract()));
  if (keep) return masks;
  masks.clear();
  for (size_t i = 0; i < mask_count_; ++i) {
    masks.push_back(random::dropout(prim::ones_like(like), rate, {}, *seed_generator_));
  }
  return masks;
}

const std::vector<Tensor>& DropoutRNNCell::dropout_masks(const Tensor& like) {
  return draw(masks_->inputs, like, dropout_);
}

const std::vector<Tensor>& DropoutRNNCell::recurrent_dropout_masks(const Tensor& like) {
  return draw(masks_->states, like, recurrent_dropout_);
}

Tensor DropoutRNNCell::as_float(const Tensor& x) const {
  return is_float(x.dtype()) ? x : prim::cast(x, compute_dtype());
}

Tensor DropoutRNNCell::masked_product(const Tensor& x, const std::vector<Tensor>& masks, const Tensor& w,
                                      const Tensor& b) {
  static const auto linear = Activation::from_name("linear");
  if (masks.empty()) return internal::linear(x, w, b, *linear);
  if (masks.size() == 1) return internal::linear(x * masks[0], w, b, *linear);
  const Dim part = w.dim(1) / Dim(static_cast<int64_t>(masks.size()));
  std::vector<Tensor> products;
  for (size_t k = 0; k < masks.size(); ++k) {
    const Dim at(static_cast<int64_t>(k));
    const Tensor columns = prim::slice_axis(w, 1, part * at, part * (at + Dim(1)));
    products.push_back(internal::linear(x * masks[k], columns, Tensor(), *linear));
  }
  const Tensor y = prim::concat(products, 1);
  return b.defined() ? y + b : y;
}

}  // namespace keras::layers
