// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/coverage.h"

#include "keras/base/error.h"

namespace keras::internal {

namespace {

// The samples are in float64; float32 is what programs mostly use.
std::vector<TensorType> operand_types(const OpDef& op, const OpSample& sample) {
  std::vector<TensorType> own;
  std::vector<TensorType> usual;
  for (const Tensor& t : sample.operands) {
    own.push_back({t.dtype(), t.shape()});
    usual.push_back({t.dtype() == DType::float64 ? DType::float32 : t.dtype(), t.shape()});
  }
  try {
    infer(op, sample.attributes.data(), usual);
    return usual;
  } catch (const TypeError&) {
    return own;
  }
}

void ask(const Backend& backend, const OpSample& sample, OpCoverage& row) {
  const OpDef& op = *row.op;
  std::vector<keras_desc> in;
  std::vector<keras_desc> out;
  const auto types = operand_types(op, sample);
  for (const TensorType& t : types) in.push_back(to_desc(t));
  for (const TensorType& t : infer(op, sample.attributes.data(), types)) out.push_back(to_desc(t));
  keras_op call{};
  call.struct_size = sizeof(call);
  call.name = op.name.c_str();
  call.attributes = sample.attributes.data();
  call.attributes_size = sample.attributes.size();
  call.num_inputs = static_cast<int32_t>(in.size());
  call.num_outputs = static_cast<int32_t>(out.size());
  call.inputs = in.data();
  call.outputs = out.data();
  call.wants_residuals = op.has('G') ? 1 : 0;
  keras_prepared answer{};
  answer.struct_size = sizeof(answer);
  answer.verdict = KERAS_COMPOSED;
  const keras_backend& table = backend.table();
  backend.check(table.prepare(0, &call, &answer), op.name);
  if (answer.kernel != nullptr) table.release_kernel(answer.kernel);
  keras_verdict verdict = answer.verdict;
  if (verdict == KERAS_COMPOSED && op.rule.decompose == nullptr) verdict = KERAS_HOST;
  ++row.calls;
  row.native_calls += verdict == KERAS_NATIVE ? 1 : 0;
  if (verdict <= row.verdict) return;
  row.verdict = verdict;
  row.reason = answer.reason;
}

}  // namespace

std::vector<OpCoverage> coverage(Backend& backend) {
  std::vector<OpCoverage> rows;
  for (const OpDef* op : all_ops()) {
    if (op->has('X')) continue;
    OpCoverage row;
    row.op = op;
    if (op->rule.samples != nullptr) {
      for (const OpSample& sample : op->rule.samples()) ask(backend, sample, row);
    } else if (op->name.ends_with("_grad")) {
      const std::string forward = op->name.substr(0, op->name.size() - 5);
      for (const OpCoverage& other : rows) {
        if (other.op->name != forward) continue;
        row = other;
        row.op = op;
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

const char* verdict_name(keras_verdict verdict) {
  switch (verdict) {
    case KERAS_NATIVE:
      return "native";
    case KERAS_COMPOSED:
      return "composed";
    case KERAS_HOST:
      return "host";
    default:
      return "unsupported";
  }
}

}  // namespace keras::internal
