// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "backends/native/harness.h"

namespace keras::kernel_test {
namespace {

// One prepared kernel, launched from several threads at once on operands of their own.
void expect_reentrant(const char* name, const void* attributes, uint64_t size,
                      const std::vector<std::vector<Array>>& inputs, const Array& result) {
  const auto describe = [](const Array& a) {
    keras_desc desc{};
    desc.dtype = a.dtype;
    desc.rank = static_cast<int32_t>(a.shape.size());
    std::copy(a.shape.begin(), a.shape.end(), desc.shape);
    return desc;
  };
  std::vector<keras_desc> in_descs;
  for (const Array& input : inputs[0]) in_descs.push_back(describe(input));
  const keras_desc out_desc = describe(result);
  keras_op op{};
  op.struct_size = sizeof(op);
  op.name = name;
  op.attributes = attributes;
  op.attributes_size = size;
  op.num_inputs = static_cast<int32_t>(in_descs.size());
  op.num_outputs = 1;
  op.inputs = in_descs.data();
  op.outputs = &out_desc;
  keras_prepared prepared{};
  prepared.struct_size = sizeof(prepared);
  ASSERT_EQ(backend().prepare(0, &op, &prepared), KERAS_OK);
  ASSERT_EQ(prepared.verdict, KERAS_NATIVE) << prepared.reason;
  const auto launch = [&](const std::vector<Tensor>& tensors) {
    std::vector<keras_tensor> in;
    for (const Tensor& t : tensors) in.push_back({t.buffer.get(), t.desc});
    keras_tensor out{nullptr, out_desc};
    EXPECT_EQ(backend().launch(prepared.kernel, nullptr, in.data(), static_cast<int32_t>(in.size()), &out, 1),
              KERAS_OK);
    Tensor holder{{out.buffer, [](keras_buffer* b) { backend().free(b); }}, out.desc};
    return download(holder);
  };
  std::vector<std::vector<Tensor>> operands;
  std::vector<Array> expected;
  for (const auto& arrays : inputs) {
    operands.emplace_back();
    for (const Array& a : arrays) operands.back().push_back(upload(a));
    expected.push_back(launch(operands.back()));
  }
  std::vector<int> wrong(inputs.size(), 0);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < inputs.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int repeat = 0; repeat < 40; ++repeat)
        wrong[i] += launch(operands[i]).values != expected[i].values;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int count : wrong) EXPECT_EQ(count, 0) << name;
  backend().release_kernel(prepared.kernel);
}

TEST(Concurrency, PreparedKernelsAreReentrant) {
  std::vector<std::vector<Array>> images, matrices;
  for (uint32_t i = 0; i < 4; ++i) {
    images.push_back(
        {random(KERAS_FLOAT32, {2, 12, 12, 16}, i), random(KERAS_FLOAT32, {3, 3, 16, 20}, 10 + i)});
    matrices.push_back({random(KERAS_FLOAT32, {64, 96}, i), random(KERAS_FLOAT32, {80, 96}, 10 + i)});
  }
  ConvAttributes conv{};
  conv.struct_size = sizeof(conv);
  conv.strides = conv.dilations = list({1, 1});
  conv.pad_low = conv.pad_high = list({1, 1});
  conv.groups = 1;
  expect_reentrant("conv", &conv, sizeof(conv), images, Array(KERAS_FLOAT32, {2, 12, 12, 20}));
  DotAttributes product{};
  product.struct_size = sizeof(product);
  product.lhs_contract = product.rhs_contract = list({1});
  expect_reentrant("dot_general", &product, sizeof(product), matrices, Array(KERAS_FLOAT32, {64, 80}));
}

}  // namespace
}  // namespace keras::kernel_test
