// SPDX-License-Identifier: Apache-2.0
// Rules of the ops that mark a place in a program and leave the values as they are.
#include "ops/primitives.h"
#include "ops/rules.h"
#include "ops/sample_values.h"

namespace keras::internal {

KERAS_OP_RULE(
    stop_gradient, .infer = infer_unary<Kind::any>, .samples = [] {
      return std::vector<OpSample>{
          sample("matrix", {sample_values({2, 3})}, make_attributes<NoAttributes>(), false)};
    });

KERAS_OP_RULE(
    barrier,
    .infer =
        [](InferContext& c) {
          for (size_t i = 0; i < c.operands.size(); ++i) c.result(c.dtype(i), c.shape(i));
        },
    .vjp = [](VjpContext& c) { return Tensors(c.cotangents.begin(), c.cotangents.end()); },
    .samples =
        [] {
          return std::vector<OpSample>{sample("two", {sample_values({2, 3}), sample_values({4}, 1.0)},
                                              make_attributes<NoAttributes>())};
        });

}  // namespace keras::internal
