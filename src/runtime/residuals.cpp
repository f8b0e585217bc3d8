// SPDX-License-Identifier: Apache-2.0
#include "runtime/residuals.h"

#include "keras/base/error.h"
#include "runtime/kernel_cache.h"

namespace keras::internal {

bool follows_decomposition(const OpCall& call) {
  return call.op->operands < 0 && !call.operands.empty() && call.op->rule.decompose != nullptr &&
         call.operands.back().impl().residual == Residual::canonical;
}

size_t own_results(const OpCall& call) {
  SmallVector<TensorType, 6> types;
  for (const Tensor& t : call.operands) types.push_back({t.dtype(), t.shape()});
  return infer(*call.op, call.attributes, types).size();
}

std::string describe_operands(const OpCall& call) {
  std::string out;
  for (const Tensor& t : call.operands) {
    out += (out.empty() ? "" : ", ") + TensorType{t.dtype(), t.shape()}.to_string();
  }
  return out;
}

Lowering decide_lowering(const OpCall& call, Backend& backend, int& residuals) {
  residuals = 0;
  if (follows_decomposition(call)) return Lowering::decomposed;
  const PreparedOp* p = &prepare_fast(call, backend, current_device(backend));
  if (p->verdict == KERAS_UNSUPPORTED) {
    fail<UnsupportedError>({call.op->name, p->reason, describe_operands(call), ""});
  }
  Lowering lowering = Lowering::native;
  if (p->verdict == KERAS_HOST || (p->verdict == KERAS_COMPOSED && call.op->rule.decompose == nullptr)) {
    p = &prepare_fast(call, load_backend("native"), 0);
    lowering = Lowering::host;
  } else if (p->verdict == KERAS_COMPOSED) {
    return Lowering::decomposed;
  }
  residuals = p->num_residuals;
  return lowering;
}

}  // namespace keras::internal
