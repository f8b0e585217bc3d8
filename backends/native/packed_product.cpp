// SPDX-License-Identifier: Apache-2.0
#include "packed_product.h"

#include "bias_activation.h"

namespace keras::native {

PackedProduct::PackedProduct(const Sizes& sizes) : sizes_(sizes) {
  if (sizes.rows == 0 || sizes.depth == 0 || sizes.columns == 0) return;
  using dnnl::memory;
  constexpr auto kFloat = memory::data_type::f32;
  const memory::desc x({sizes.rows, sizes.depth}, kFloat, memory::dims{sizes.x_step, 1});
  const memory::desc any({sizes.depth, sizes.columns}, kFloat, memory::format_tag::any);
  const memory::desc y({sizes.rows, sizes.columns}, kFloat, memory::dims{sizes.columns, 1});
  const memory::desc bias({1, sizes.columns}, kFloat, memory::dims{sizes.columns, 1});
  dnnl::primitive_attr attr = onednn_attributes();
  activated_ = append_activation(attr, sizes.activation, sizes.alpha);
  try {
    const auto description = sizes.bias ? dnnl::matmul::desc(x, any, bias, y) : dnnl::matmul::desc(x, any, y);
    const dnnl::matmul::primitive_desc pd(description, attr, onednn_engine());
    const memory::desc weights({sizes.depth, sizes.columns}, kFloat,
                               memory::dims{sizes.w_row_step, sizes.w_column_step});
    pack_ = onednn_reorder(weights, pd.weights_desc());
    if (!pack_) return;
    bytes_ = pd.weights_desc().get_size();
    std::vector<OnednnPrimitive::Slot> slots{
        {DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, pd.weights_desc()}, {DNNL_ARG_DST, y}};
    if (sizes.bias) slots.push_back({DNNL_ARG_BIAS, bias});
    product_ = OnednnPrimitive(dnnl::matmul(pd), std::move(slots), pd.scratchpad_desc());
  } catch (const dnnl::error& error) {
    fail_onednn("linear", error);
  }
}

void PackedProduct::run(const float* x, const void* packed, const float* bias, float* y) const {
  if (sizes_.bias) {
    product_.execute({x, packed, y, bias});
  } else {
    product_.execute({x, packed, y});
  }
  if (!activated_) {
    bias_activation(y, sizes_.rows, sizes_.columns, nullptr, sizes_.activation, sizes_.alpha);
  }
}

}  // namespace keras::native
