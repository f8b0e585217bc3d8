// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/dlpack.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <optional>

#include "chosen_backend.h"
#include "keras/base/error.h"
#include "keras/compile/function.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/runtime/variable.h"
#include "keras/tensor/host_buffer.h"
#include "plugin_folder.h"

namespace keras {
namespace {

using dlpack::Managed;
using dlpack::ManagedTensor;

// Another library's array: it counts how often it was let go of.
class Foreign {
 public:
  Foreign(std::vector<int64_t> shape, std::vector<int64_t> strides, dlpack::DataType dtype, void* data)
      : shape_(std::move(shape)), strides_(std::move(strides)) {
    array_.data = data;
    array_.ndim = static_cast<int32_t>(shape_.size());
    array_.dtype = dtype;
    array_.shape = shape_.data();
    array_.strides = strides_.empty() ? nullptr : strides_.data();
  }
  dlpack::Array& array() { return array_; }
  Managed managed() {
    struct_.version = {1, 0};
    struct_.manager_ctx = this;
    struct_.deleter = [](ManagedTensor* self) { ++static_cast<Foreign*>(self->manager_ctx)->deleted_; };
    struct_.dl_tensor = array_;
    return Managed(&struct_);
  }
  dlpack::LegacyManaged legacy() {
    legacy_.manager_ctx = this;
    legacy_.deleter = [](dlpack::LegacyTensor* self) {
      ++static_cast<Foreign*>(self->manager_ctx)->deleted_;
    };
    legacy_.dl_tensor = array_;
    return dlpack::LegacyManaged(&legacy_);
  }
  int deleted() const { return deleted_; }

 private:
  std::vector<int64_t> shape_, strides_;
  dlpack::Array array_;
  ManagedTensor struct_;
  dlpack::LegacyTensor legacy_;
  int deleted_ = 0;
};

constexpr dlpack::DataType kFloat32{2, 32, 1};

std::vector<float> counting(size_t count) {
  std::vector<float> out(count);
  std::iota(out.begin(), out.end(), 0.f);
  return out;
}

TEST(DLPack, OutAndInIsTheSameMemory) {
  for (const bool computed : {false, true}) {
    Tensor x = Tensor::from(counting(6), {2, 3});
    if (computed) x = ops::exp(x);
    Managed out = dlpack::to_dlpack(x);
    EXPECT_EQ(out->version.major, 1u);
    EXPECT_EQ(out->flags, ManagedTensor::read_only);
    const dlpack::Array& array = out->dl_tensor;
    EXPECT_EQ(static_cast<const char*>(array.data) + array.byte_offset, x.host_data());
    EXPECT_EQ(array.device.type, 1);
    ASSERT_EQ(array.ndim, 2);
    EXPECT_EQ(array.shape[1], 3);
    EXPECT_EQ(array.strides[0], 3);
    EXPECT_EQ(array.strides[1], 1);
    const Tensor back = dlpack::from_dlpack(std::move(out));
    EXPECT_EQ(back.host_data(), x.host_data());
    EXPECT_EQ(back.to_vector<float>(), x.to_vector<float>());
    EXPECT_EQ(back.shape(), x.shape());
  }
}

TEST(DLPack, TheExportedTensorLivesUntilTheDeleter) {
  auto freed = std::make_shared<int>(0);
  auto values = counting(4);
  Managed out;
  {
    const Tensor x = Tensor::borrow(values.data(), {4}, DType::float32, [freed] { ++*freed; });
    out = dlpack::to_dlpack(x);
  }
  EXPECT_EQ(*freed, 0);
  out.reset();
  EXPECT_EQ(*freed, 1);
}

TEST(DLPack, TheImportedArrayLivesAsLongAsATensorOverIt) {
  const tests::ChosenBackend native("native");
  const auto memory = internal::allocate_host(65536);  // large and aligned: the backend takes it as it is
  auto* values = static_cast<float*>(memory.get());
  std::iota(values, values + 16384, 0.f);
  Foreign foreign({128, 128}, {}, kFloat32, values);
  Tensor flat;
  {
    const Tensor x = dlpack::from_dlpack(foreign.managed());
    EXPECT_EQ(x.host_data(), values);
    flat = ops::reshape(x, {16384});
    EXPECT_EQ(ops::exp(x).shape(), (Shape{128, 128}));
    EXPECT_EQ(foreign.deleted(), 0);
  }
  EXPECT_EQ(flat.at<float>({16383}), 16383.f);
  flat = Tensor();
  EXPECT_EQ(foreign.deleted(), 1);
}

// Host memory that the backend takes in is read where it lies, and never written.
TEST(DLPack, TheBackendReadsTheMemoryItself) {
  const auto memory = internal::allocate_host(65536);
  auto* values = static_cast<float*>(memory.get());
  std::iota(values, values + 16384, 0.f);
  Foreign foreign({16384}, {}, kFloat32, values);
  {
    const tests::ChosenBackend native("native");
    const Tensor x = dlpack::from_dlpack(foreign.managed());
    const Variable v(x, "v");
    auto step = function([&](const Tensor& d) {
      v.assign_add(d);
      return ops::sum(v.value());
    });
    const Tensor ones = ops::ones({16384});
    step(ones);
    EXPECT_EQ(dlpack::to_dlpack(x)->dl_tensor.data, values) << "the backend's memory is the array's";
    for (int i = 0; i < 3; ++i) step(ones);
    EXPECT_EQ(v.value().at<float>({5}), 9.f);
  }
  EXPECT_EQ(values[5], 5.f);
  EXPECT_EQ(values[0], 0.f);
  EXPECT_EQ(foreign.deleted(), 1);
}

TEST(DLPack, StridedArraysAreCopiedOrRefused) {
  auto values = counting(24);
  struct Case {
    std::vector<int64_t> shape, strides;
    size_t offset;
    std::vector<float> wanted;
  };
  const std::vector<Case> cases = {
      {{3, 2}, {1, 3}, 0, {0, 3, 1, 4, 2, 5}},                   // transposed
      {{3}, {-1}, 2, {2, 1, 0}},                                 // reversed
      {{2, 2}, {0, 1}, 0, {0, 1, 0, 1}},                         // broadcast
      {{2, 2, 2}, {12, 4, 2}, 1, {1, 3, 5, 7, 13, 15, 17, 19}},  // every second column
      {{2, 1, 3}, {6, 100, 2}, 0, {0, 2, 4, 6, 8, 10}},
  };
  for (const Case& c : cases) {
    Foreign foreign(c.shape, c.strides, kFloat32, values.data());
    foreign.array().byte_offset = c.offset * sizeof(float);
    const Tensor x = dlpack::from_dlpack(foreign.managed());
    EXPECT_EQ(x.to_vector<float>(), c.wanted);
    EXPECT_EQ(foreign.deleted(), 1) << "a copy needs the array no longer";
    EXPECT_THROW(dlpack::from_dlpack(foreign.managed(), {.copy = false}), UnsupportedError);
    EXPECT_EQ(foreign.deleted(), 2);
  }
}

TEST(DLPack, DenseArraysAreSharedWhateverTheirStridesSay) {
  auto values = counting(6);
  for (const std::vector<int64_t>& strides : {std::vector<int64_t>{}, {6, 3, 1}, {77, 3, 1}}) {
    Foreign foreign({1, 2, 3}, strides, kFloat32, values.data());
    EXPECT_EQ(dlpack::from_dlpack(foreign.managed(), {.copy = false}).host_data(), values.data());
    const Tensor copied = dlpack::from_dlpack(foreign.managed(), {.copy = true});
    EXPECT_NE(copied.host_data(), values.data());
    EXPECT_EQ(copied.to_vector<float>(), values);
    EXPECT_EQ(dlpack::from_dlpack(foreign.legacy()).host_data(), values.data());
    EXPECT_EQ(foreign.deleted(), 3);
  }
}

TEST(DLPack, ElementsThatAreNotAlignedAreCopied) {
  auto values = counting(4);
  std::vector<char> bytes(17);
  std::memcpy(bytes.data() + 1, values.data(), 16);
  Foreign foreign({4}, {}, kFloat32, bytes.data());
  foreign.array().byte_offset = 1;
  EXPECT_EQ(dlpack::from_dlpack(foreign.managed()).to_vector<float>(), values);
  EXPECT_THROW(dlpack::from_dlpack(foreign.managed(), {.copy = false}), UnsupportedError);
  EXPECT_EQ(foreign.deleted(), 2);
}

TEST(DLPack, ScalarsAndEmptyArrays) {
  float value = 7;
  Foreign scalar({}, {}, kFloat32, &value);
  const Tensor x = dlpack::from_dlpack(scalar.managed());
  EXPECT_EQ(x.rank(), 0);
  EXPECT_EQ(x.item<float>(), 7.f);
  EXPECT_EQ(dlpack::to_dlpack(x)->dl_tensor.ndim, 0);
  Foreign empty({3, 0}, {}, kFloat32, nullptr);
  const Tensor none = dlpack::from_dlpack(empty.managed());
  EXPECT_EQ(none.shape(), (Shape{3, 0}));
  EXPECT_EQ(dlpack::from_dlpack(dlpack::to_dlpack(none)).shape(), (Shape{3, 0}));
}

TEST(DLPack, EveryDtypeHasItsCode) {
  struct Row {
    DType dtype;
    uint8_t code, bits;
  };
  const std::vector<Row> rows = {{DType::bool_, 6, 8},    {DType::uint8, 1, 8},     {DType::uint16, 1, 16},
                                 {DType::uint32, 1, 32},  {DType::uint64, 1, 64},   {DType::int8, 0, 8},
                                 {DType::int16, 0, 16},   {DType::int32, 0, 32},    {DType::int64, 0, 64},
                                 {DType::float16, 2, 16}, {DType::bfloat16, 4, 16}, {DType::float32, 2, 32},
                                 {DType::float64, 2, 64}, {DType::complex64, 5, 64}};
  for (const Row& row : rows) {
    const Tensor x = ops::cast(Tensor{{0, 1}, {1, 1}}, row.dtype);
    Managed out = dlpack::to_dlpack(x);
    EXPECT_EQ(out->dl_tensor.dtype.code, row.code) << dtype_name(row.dtype);
    EXPECT_EQ(out->dl_tensor.dtype.bits, row.bits) << dtype_name(row.dtype);
    EXPECT_EQ(out->dl_tensor.dtype.lanes, 1) << dtype_name(row.dtype);
    const Tensor back = dlpack::from_dlpack(std::move(out));
    EXPECT_EQ(back.dtype(), row.dtype);
    EXPECT_EQ(back.to_vector<float>(), (std::vector<float>{0, 1, 1, 1})) << dtype_name(row.dtype);
  }
}

TEST(DLPack, WhatCannotBeTakenInIsSaidAndLetGoOf) {
  auto values = counting(4);
  int expected = 0;
  Foreign foreign({4}, {}, kFloat32, values.data());
  const auto refuse = [&](auto change, auto exception) {
    const dlpack::Array before = foreign.array();
    Managed managed = foreign.managed();
    change(*managed);
    EXPECT_THROW(dlpack::from_dlpack(std::move(managed)), decltype(exception));
    EXPECT_EQ(foreign.deleted(), ++expected);
    foreign.array() = before;
  };
  const ValueError value("");
  const TypeError type("");
  const UnsupportedError unsupported("");
  refuse([](ManagedTensor& t) { t.version.major = 2; }, unsupported);
  refuse([](ManagedTensor& t) { t.dl_tensor.dtype = {5, 128, 1}; }, type);
  refuse([](ManagedTensor& t) { t.dl_tensor.dtype = {2, 32, 4}; }, type);
  refuse([](ManagedTensor& t) { t.dl_tensor.dtype = {10, 8, 1}; }, type);  // an 8-bit float
  refuse([](ManagedTensor& t) { t.dl_tensor.device = {10, 0}; }, unsupported);
  refuse([](ManagedTensor& t) { t.dl_tensor.data = nullptr; }, value);
  refuse([](ManagedTensor& t) { t.dl_tensor.ndim = -1; }, value);
  refuse([](ManagedTensor& t) { t.dl_tensor.shape = nullptr; }, value);
  int64_t negative = -4;
  refuse([&](ManagedTensor& t) { t.dl_tensor.shape = &negative; }, value);
  int64_t huge[2] = {int64_t{1} << 40, int64_t{1} << 40};
  refuse(
      [&](ManagedTensor& t) {
        t.dl_tensor.ndim = 2;
        t.dl_tensor.shape = huge;
      },
      value);
  EXPECT_THROW(dlpack::from_dlpack(Managed()), ValueError);
  EXPECT_THROW(dlpack::from_dlpack(dlpack::LegacyManaged()), ValueError);
  EXPECT_THROW(dlpack::to_dlpack(Tensor::strings({"a"}, {1})), TypeError);
  auto f = function([](const Tensor& x) {
    EXPECT_THROW(dlpack::to_dlpack(x), TypeError);
    return x;
  });
  f(Tensor::from(values));
}

// A GPU's array, with memory of the host behind it: tests/plugins/two_devices.cpp.
TEST(DLPack, AGpusArrayStaysOnItsDevice) {
  const tests::PluginFolder folder;
  const auto memory = internal::allocate_host(64);
  auto* values = static_cast<float*>(memory.get());
  std::iota(values, values + 16, 0.f);
  Foreign foreign({16}, {}, kFloat32, values);
  foreign.array().device = {2, 0};
  {
    const tests::ChosenBackend pair("pair");
    const Tensor x = dlpack::from_dlpack(foreign.managed());
    EXPECT_EQ(x.device(), "gpu:0");
    const Tensor y = ops::add(x, x);
    EXPECT_EQ(y.device(), "gpu:0");
    EXPECT_EQ(y.at<float>({3}), 6.f);
    const Managed out = dlpack::to_dlpack(x);
    EXPECT_EQ(out->dl_tensor.data, values);
    EXPECT_EQ(out->dl_tensor.device.type, 2);
    EXPECT_EQ(out->dl_tensor.device.id, 0);
    const Tensor copied = dlpack::from_dlpack(foreign.managed(), {.copy = true});
    EXPECT_NE(dlpack::to_dlpack(copied)->dl_tensor.data, values);
    EXPECT_EQ(foreign.deleted(), 1);
    foreign.array().device.id = 1;
    EXPECT_THROW(dlpack::from_dlpack(foreign.managed()), UnsupportedError);
    foreign.array().device.id = 0;
    Foreign strided({4}, {2}, kFloat32, values);
    strided.array().device = {2, 0};
    EXPECT_THROW(dlpack::from_dlpack(strided.managed()), UnsupportedError);
  }
  EXPECT_EQ(foreign.deleted(), 3);
  const tests::ChosenBackend native("native");
  EXPECT_THROW(dlpack::from_dlpack(foreign.managed()), UnsupportedError);
}

// LibTorch transposes without a copy, and so does the exchange.
TEST(DLPack, TorchShowsItsViewsWithTheirStrides) {
  if (!tests::is_installed("torch")) GTEST_SKIP() << "libkeras_torch.so is not built here";
  const tests::ChosenBackend torch("torch");
  const Tensor x = ops::exp(Tensor::from(counting(6), {2, 3}));
  const Tensor t = ops::transpose(x);
  const Managed out = dlpack::to_dlpack(t);
  EXPECT_EQ(out->dl_tensor.data, dlpack::to_dlpack(x)->dl_tensor.data);
  EXPECT_EQ(out->dl_tensor.strides[0], 1);
  EXPECT_EQ(out->dl_tensor.strides[1], 3);
  EXPECT_EQ(dlpack::from_dlpack(dlpack::to_dlpack(t)).to_vector<float>(), t.to_vector<float>());
}

}  // namespace
}  // namespace keras
