// SPDX-License-Identifier: Apache-2.0
#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "kernel.h"

namespace keras::aten {
namespace {

struct Entry {
  Factory factory;
  unsigned treatment;
};

std::map<std::string, Entry, std::less<>>& registry() {
  static std::map<std::string, Entry, std::less<>> entries;
  return entries;
}

// Gives results the dtypes and shapes that the op's rule states.
void fit(Values& results, const std::vector<keras_desc>& wanted) {
  if (results.size() < wanted.size()) {
    throw Failure(KERAS_ERROR_INTERNAL, "the kernel gave fewer results than the op has");
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    at::Tensor& result = results[i];
    const at::ScalarType dtype = scalar_type(wanted[i].dtype);
    if (result.scalar_type() != dtype) result = result.to(dtype);
    if (result.sizes() != sizes_of(wanted[i])) result = result.reshape(sizes_of(wanted[i]));
  }
}

Values widened(const Values& operands) {
  Values wide = operands;
  for (at::Tensor& t : wide) {
    if (t.scalar_type() == at::kHalf || t.scalar_type() == at::kBFloat16) t = t.to(at::kFloat);
  }
  return wide;
}

bool any(const keras_op& op, bool (*is)(int32_t)) {
  return std::any_of(op.inputs, op.inputs + op.num_inputs,
                     [is](const keras_desc& d) { return is(d.dtype); }) ||
         std::any_of(op.outputs, op.outputs + op.num_outputs,
                     [is](const keras_desc& d) { return is(d.dtype); });
}

}  // namespace

bool register_op(const char* name, Factory factory, unsigned treatment) {
  registry()[name] = {factory, treatment};
  return true;
}

std::unique_ptr<keras_kernel> make_kernel(const keras_op& op, std::string& reason) {
  const auto found = registry().find(std::string_view(op.name));
  if (found == registry().end()) {
    reason = "the plug-in has no op of this name";
    return nullptr;
  }
  const auto [factory, treatment] = found->second;
  if ((treatment & kUnsigned) == 0 && any(op, is_wide_unsigned)) {
    reason = "LibTorch has no unsigned integers beyond 8 bits";
    return nullptr;
  }
  const bool half = any(op, is_half);
  keras_op seen = op;
  std::vector<keras_desc> inputs(op.inputs, op.inputs + op.num_inputs);
  if (half && (treatment & kWiden) != 0) {
    for (keras_desc& desc : inputs) {
      if (is_half(desc.dtype)) desc.dtype = KERAS_FLOAT32;
    }
    seen.inputs = inputs.data();
  }
  Answer answer = factory(Call(seen));
  if (!answer.run) {
    reason = answer.reason;
    return nullptr;
  }
  auto kernel = std::make_unique<keras_kernel>();
  kernel->residuals = answer.residuals;
  if (!half) kernel->run_in_place = std::move(answer.run_in_place);
  kernel->run = [run = std::move(answer.run), widen = half && (treatment & kWiden) != 0,
                 outputs =
                     std::vector<keras_desc>(op.outputs, op.outputs + op.num_outputs)](const Values& in) {
    Values results = widen ? run(widened(in)) : run(in);
    fit(results, outputs);
    return results;
  };
  return kernel;
}

bool is_spare(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.use_count() != 1 || !tensor.has_storage()) return false;
  const c10::Storage& storage = tensor.storage();
  // Imported memory has another deleter.
  return storage.use_count() == 1 &&
         storage.data_ptr().get_deleter() == c10::GetCPUAllocator()->raw_deleter();
}

at::ScalarType scalar_type(int32_t dtype) {
  static constexpr at::ScalarType types[] = {
      at::kBool, at::kByte, at::kShort, at::kInt,      at::kLong,  at::kChar,   at::kShort,
      at::kInt,  at::kLong, at::kHalf,  at::kBFloat16, at::kFloat, at::kDouble, at::kComplexFloat};
  return types[dtype];
}
bool is_float(int32_t dtype) { return dtype >= KERAS_FLOAT16 && dtype <= KERAS_FLOAT64; }
bool is_half(int32_t dtype) { return dtype == KERAS_FLOAT16 || dtype == KERAS_BFLOAT16; }
bool is_integer(int32_t dtype) { return dtype >= KERAS_UINT8 && dtype <= KERAS_INT64; }
bool is_wide_unsigned(int32_t dtype) { return dtype >= KERAS_UINT16 && dtype <= KERAS_UINT64; }

int64_t element_count(const keras_desc& desc) {
  int64_t count = 1;
  for (int i = 0; i < desc.rank; ++i) count *= desc.shape[i];
  return count;
}

at::Tensor indices_of(const at::Tensor& tensor, int32_t dtype) {
  const at::Tensor wide = tensor.to(at::kLong);
  // A uint64 beyond int64 stays negative, and so outside every axis.
  if (dtype == KERAS_UINT16) return at::bitwise_and(wide, 0xffff);
  if (dtype == KERAS_UINT32) return at::bitwise_and(wide, int64_t{0xffffffff});
  return wide;
}

at::Tensor activate(const at::Tensor& x, int64_t activation, double alpha) {
  switch (activation) {
    case KERAS_ACT_LINEAR:
      return x;
    case KERAS_ACT_RELU:
      return at::relu(x);
    case KERAS_ACT_SIGMOID:
      return at::sigmoid(x);
    case KERAS_ACT_TANH:
      return at::tanh(x);
    case KERAS_ACT_GELU:
      return at::gelu(x, "none");
    case KERAS_ACT_GELU_TANH:
      return at::gelu(x, "tanh");
    case KERAS_ACT_SILU:
      return at::silu(x);
    case KERAS_ACT_ELU:
      return at::elu(x, alpha);
    case KERAS_ACT_LEAKY_RELU:
      return at::leaky_relu(x, alpha);
    case KERAS_ACT_RELU6:
      return at::clamp(x, 0, 6);
    case KERAS_ACT_HARD_SIGMOID:
      return at::hardsigmoid(x);
    default:
      return {};
  }
}

}  // namespace keras::aten
