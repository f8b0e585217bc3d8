// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/vectorize.h"

#include "keras/base/error.h"
#include "keras/ops/control_flow.h"
#include "ops/primitives.h"
#include "ops/promotion.h"

namespace keras::ops {

TensorFunction vectorize(TensorFunction pyfunc) {
  return [pyfunc = std::move(pyfunc)](const std::vector<Tensor>& operands) {
    if (operands.empty()) {
      internal::fail<ValueError>({"vectorize", "There must be at least one tensor", "none", ""});
    }
    Shape shape;
    for (const Tensor& t : operands) shape = broadcast_shapes("vectorize", shape, t.shape());
    std::vector<Nest> lines;
    for (const Tensor& t : operands) {
      const Tensor wide = internal::prim::broadcast_to(internal::as_plain(t), shape);
      lines.emplace_back(internal::prim::reshape(wide, Shape{element_count(shape)}));
    }
    const Nest out =
        map([&](const Nest& elements) { return Nest(pyfunc(elements.flatten())); }, Nest(std::move(lines)));
    const Tensor& rows = out.tensor();
    return internal::prim::reshape(rows, shape + rows.shape().sub(1));
  };
}

}  // namespace keras::ops
