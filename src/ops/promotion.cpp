// SPDX-License-Identifier: Apache-2.0
#include "ops/promotion.h"

#include "keras/tensor/config.h"
#include "keras/tensor/host_buffer.h"
#include "ops/primitives.h"

namespace keras::internal {

Tensor as_dtype(const Tensor& x, DType dtype) {
  if (!x.weak() || x.abstract()) return prim::cast(x, dtype);
  return host_cast(x, dtype);
}

Tensor as_plain(const Tensor& x) { return x.weak() ? as_dtype(x, result_type({x.promotion_type()})) : x; }

DType float_result(DType dtype) { return result_type({{dtype, false}, {DType::float32, true}}); }

DType float_dtype(const Tensor& x) {
  if (is_float(x.dtype()) && x.weak()) return config::floatx();
  return is_float(x.dtype()) || is_complex(x.dtype()) ? x.dtype() : float_result(x.dtype());
}

Tensor as_float(const Tensor& x) { return as_dtype(x, float_dtype(x)); }

DType common_dtype(std::initializer_list<Tensor> operands) {
  SmallVector<PromotionType, 4> types;
  for (const Tensor& t : operands) types.push_back(t.promotion_type());
  return result_type(types);
}

std::pair<Tensor, Tensor> promote(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype() && !a.weak() && !b.weak()) {
    const DType dtype = a.dtype() == DType::uint64 ? common_dtype({a, b}) : a.dtype();
    if (dtype == a.dtype()) return {a, b};
  }
  const DType dtype = common_dtype({a, b});
  return {as_dtype(a, dtype), as_dtype(b, dtype)};
}

std::pair<Tensor, Tensor> promote_float(const Tensor& a, const Tensor& b) {
  const DType dtype = result_type({a.promotion_type(), b.promotion_type(), {DType::float32, true}});
  return {as_dtype(a, dtype), as_dtype(b, dtype)};
}

std::vector<Tensor> promote(const std::vector<Tensor>& operands) {
  SmallVector<PromotionType, 8> types;
  for (const Tensor& t : operands) types.push_back(t.promotion_type());
  const DType dtype = result_type(types);
  std::vector<Tensor> out;
  for (const Tensor& t : operands) out.push_back(as_dtype(t, dtype));
  return out;
}

}  // namespace keras::internal
