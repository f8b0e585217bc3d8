// SPDX-License-Identifier: Apache-2.0
#include "keras/tensor/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <thread>

#include "keras/base/error.h"
#include "keras/tensor/config.h"
#include "keras/tensor/host_buffer.h"

namespace keras {
namespace {

template <class E, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

TEST(Tensor, IsMadeFromNestedLists) {
  const Tensor ints = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(ints.dtype(), DType::int32);
  EXPECT_EQ(ints.shape(), Shape({2, 3}));
  EXPECT_EQ(ints.to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  const Tensor reals = {{{1.5, 2}}};
  EXPECT_EQ(reals.dtype(), DType::float32);
  EXPECT_EQ(reals.shape(), Shape({1, 1, 2}));
  EXPECT_FALSE(reals.weak());
  const Tensor bools = {true, false};
  EXPECT_EQ(bools.dtype(), DType::bool_);
  EXPECT_EQ(bools.to_vector<bool>(), (std::vector<bool>{true, false}));
  EXPECT_EQ(Tensor({true, 2}).to_vector<int>(), (std::vector<int>{1, 2}));
  const Tensor wide = {1, int64_t{1} << 40};
  EXPECT_EQ(wide.dtype(), DType::int64);
  EXPECT_EQ(wide.at<int64_t>({1}), int64_t{1} << 40);
}

TEST(Tensor, RefusesRaggedLists) {
  EXPECT_NE(message_of<ValueError>([] {
              Tensor t = {{1, 2}, {3}};
            }).find("2 and 1 items"),
            std::string::npos);
  EXPECT_NE(message_of<ValueError>([] {
              Tensor t = {{1, 2}, 3};
            }).find("as deep as the others"),
            std::string::npos);
  EXPECT_NE(message_of<ValueError>([] {
              Tensor t = {3, {1, 2}};
            }).find("as deep as the others"),
            std::string::npos);
  EXPECT_NE(message_of<ValueError>([] { Tensor t = {{{1}}, {2}}; }).find("as deep"), std::string::npos);
}

TEST(Tensor, HasWeakScalars) {
  const Tensor real = 0.1;
  EXPECT_TRUE(real.weak());
  EXPECT_EQ(real.dtype(), DType::float32);
  EXPECT_EQ(real.item<double>(), 0.1);
  EXPECT_EQ(real.item<float>(), 0.1F);
  EXPECT_EQ(real.data<float>()[0], 0.1F);
  EXPECT_EQ(real.to_vector<double>()[0], 0.1);
  const Tensor integer = 3;
  EXPECT_EQ(integer.dtype(), DType::int32);
  EXPECT_TRUE(integer.weak());
  EXPECT_EQ(Tensor(true).dtype(), DType::bool_);
  const Tensor wide = int64_t{1} << 40;
  EXPECT_EQ(wide.dtype(), DType::int64);
  EXPECT_FALSE(wide.weak());
  const Tensor widest = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(widest.dtype(), DType::uint64);
  EXPECT_EQ(widest.item<uint64_t>(), std::numeric_limits<uint64_t>::max());
  config::set_floatx("float64");
  EXPECT_EQ(Tensor(0.1).dtype(), DType::float64);
  EXPECT_EQ(Tensor({0.1}).data<double>()[0], 0.1);
  config::set_floatx("bfloat16");
  EXPECT_EQ(Tensor(0.1).dtype(), DType::bfloat16);
  EXPECT_EQ(Tensor(0.1).item<double>(), 0.1);
  config::set_floatx("float32");
}

TEST(Tensor, CopiesAndBorrows) {
  std::vector<float> values = {1, 2, 3, 4};
  const Tensor copied = Tensor::from(values, {2, 2});
  const Tensor flat = Tensor::from(values);
  EXPECT_EQ(flat.shape(), Shape({4}));
  int deletions = 0;
  {
    const Tensor borrowed = Tensor::borrow(values.data(), {4}, DType::float32, [&] { ++deletions; });
    const Tensor again = borrowed;
    EXPECT_EQ(borrowed.host_data(), values.data());
    EXPECT_TRUE(again.same(borrowed));
    EXPECT_FALSE(again.unique());
  }
  EXPECT_EQ(deletions, 1);
  values[0] = 9;
  EXPECT_EQ(copied.at<float>({0, 0}), 1.0F);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(copied.host_data()) % 64, 0U);
  EXPECT_THROW(Tensor::from(values, {3}), ValueError);
  EXPECT_THROW(Tensor::copy(nullptr, {3}, DType::float32), ValueError);
  EXPECT_THROW(Tensor::borrow(nullptr, {3}, DType::float32), ValueError);
  EXPECT_THROW(Tensor::copy(values.data(), {3}, DType::string), TypeError);
  EXPECT_EQ(Tensor::copy(nullptr, {0}, DType::float32).elements(), 0);
  EXPECT_EQ(Tensor::from(std::vector<bool>{true, false, true}, {3}).to_vector<int>(),
            (std::vector<int>{1, 0, 1}));
}

TEST(Tensor, GivesElements) {
  const Tensor t = {{1.5, 2.5}, {3.5, -4.5}};
  EXPECT_EQ(t.at<double>({1, 0}), 3.5);
  EXPECT_EQ(t.at<int>({-1, -1}), -4);
  EXPECT_EQ(t.at<Half>({0, 0}), Half(1.5F));
  EXPECT_EQ(t.at<std::complex<float>>({0, 1}), std::complex<float>(2.5F));
  EXPECT_TRUE(t.at<bool>({0, 0}));
  EXPECT_EQ(Tensor({{7}}).item<int>(), 7);
  EXPECT_EQ(t.rank(), 2);
  EXPECT_EQ(t.dim(-1), Dim(2));
  EXPECT_EQ(t.bytes(), 16U);
  EXPECT_EQ(t.device(), "cpu:0");
  EXPECT_THROW((void)t.at<double>({2, 0}), ValueError);
  EXPECT_THROW((void)t.at<double>({0}), ValueError);
  EXPECT_THROW((void)t.item<float>(), ValueError);
  EXPECT_THROW((void)t.data<int>(), TypeError);
  EXPECT_THROW((void)Tensor().dtype(), ValueError);
  EXPECT_THROW((void)t.to_strings(), TypeError);
}

TEST(Tensor, HoldsStrings) {
  const Tensor t = Tensor::strings({"a", "b", "c", "d"}, {2, 2});
  EXPECT_EQ(t.dtype(), DType::string);
  EXPECT_EQ(t.at<std::string>({1, 0}), "c");
  EXPECT_EQ(t.to_vector<std::string>()[3], "d");
  EXPECT_THROW((void)t.host_data(), TypeError);
  EXPECT_THROW((void)t.to_vector<int>(), TypeError);
  EXPECT_THROW((void)Tensor::strings({"a"}, {2}), ValueError);
}

TEST(Tensor, CarriesAMask) {
  const Tensor t = {1, 2};
  EXPECT_FALSE(t.mask().defined());
  const Tensor mask = {true, false};
  t.set_mask(mask);
  EXPECT_TRUE(t.mask().same(mask));
  const Tensor handle = t;
  EXPECT_TRUE(handle.mask().same(mask));
  t.set_mask({});
  EXPECT_FALSE(t.mask().defined());
}

TEST(Tensor, HasAnIdentity) {
  const Tensor a = {1, 2};
  const Tensor same = a;
  const Tensor other = {1, 2};
  EXPECT_EQ(a.identity(), same.identity());
  EXPECT_NE(a.identity(), other.identity());
}

struct Symbol : internal::AbstractValue {
  std::string why_unreadable() const override { return "A symbolic value has no elements; use ops::cond"; }
};

TEST(Tensor, RefusesToReadAbstractValues) {
  const Tensor t(new internal::TensorImpl);
  t.impl().abstract = std::make_shared<Symbol>();
  t.impl().shape = {Dim::symbol("batch"), 3};
  EXPECT_TRUE(t.abstract());
  EXPECT_EQ(message_of<TypeError>([&] { (void)t.host_data(); }),
            "[Tensor] A symbolic value has no elements; use ops::cond.");
  EXPECT_THROW((void)t.device(), TypeError);
  EXPECT_THROW((void)internal::host_cast(Tensor(t), DType::int32), Error);
  EXPECT_EQ(t.to_string(), "<Tensor shape=(batch, 3), dtype=float32, symbolic>");
}

// Conversion between every pair of dtypes, against the same conversion through the element's exact value.
TEST(Convert, CoversEveryPairOfDTypes) {
  const double values[] = {0, 1, 2, 100, 0.5, 3.75};
  for (int i = 0; i < static_cast<int>(DType::string); ++i) {
    const auto from = static_cast<DType>(i);
    const Tensor source = internal::host_cast(Tensor::from(std::vector<double>(values, values + 6)), from);
    const auto exact = source.to_vector<double>();
    for (int j = 0; j < static_cast<int>(DType::string); ++j) {
      const auto to = static_cast<DType>(j);
      const Tensor result = internal::host_cast(source, to);
      ASSERT_EQ(result.dtype(), to);
      for (size_t k = 0; k < exact.size(); ++k) {
        const double wanted = to == DType::bool_ ? (exact[k] != 0 ? 1.0 : 0.0)
                              : is_integer(to)   ? std::trunc(exact[k])
                                                 : exact[k];
        EXPECT_EQ(result.to_vector<double>()[k], wanted) << dtype_name(from) << " to " << dtype_name(to);
      }
    }
  }
}

TEST(Convert, DefinesWhatDoesNotFit) {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor reals = Tensor::from(std::vector<double>{300, -1, 1e30, -1e30, NAN, inf, 1.9, -1.9});
  EXPECT_EQ(reals.to_vector<int64_t>(),
            (std::vector<int64_t>{300, -1, INT64_MAX, INT64_MIN, 0, INT64_MAX, 1, -1}));
  EXPECT_EQ(reals.to_vector<uint8_t>()[0], 44);
  EXPECT_EQ(reals.to_vector<uint8_t>()[1], 255);
  EXPECT_EQ(reals.to_vector<uint64_t>()[2], UINT64_MAX);
  EXPECT_EQ(Tensor::from(std::vector<double>{0x1p63}).to_vector<uint64_t>()[0], uint64_t{1} << 63);
  EXPECT_EQ(Tensor::from(std::vector<int>{-1, 70000}).to_vector<uint16_t>(),
            (std::vector<uint16_t>{65535, 4464}));
  EXPECT_EQ(Tensor::from(std::vector<float>{1e6F}).to_vector<Half>()[0].bits, 0x7c00);
  const Tensor complex = Tensor::from(std::vector<std::complex<float>>{{2, 3}, {0, 1}});
  EXPECT_EQ(complex.to_vector<float>(), (std::vector<float>{2, 0}));
  EXPECT_EQ(complex.to_vector<bool>(), (std::vector<bool>{true, false}));
  EXPECT_EQ(internal::host_cast(complex, DType::bool_).to_vector<int>(), (std::vector<int>{1, 1}));
  EXPECT_THROW((void)internal::host_cast(Tensor::strings({"a"}, {1}), DType::int32), TypeError);
}

// Device memory that counts how often it is read.
struct CountingOwner : internal::MemoryOwner {
  mutable std::atomic<int> downloads{0}, releases{0};
  bool mappable = false;
  void release(void*) const override { ++releases; }
  void download(void* handle, DType, const Shape& shape, void* destination) const override {
    ++downloads;
    std::memcpy(destination, handle, static_cast<size_t>(shape.elements()) * 4);
  }
  const void* map(void* handle, DType, const Shape&) const override { return mappable ? handle : nullptr; }
  std::string device_name(void*) const override { return "gpu:0"; }
};

TEST(Tensor, DownloadsOnceForAllThreads) {
  std::vector<float> memory(1000, 3.0F);
  for (const bool mappable : {false, true}) {
    CountingOwner owner;
    owner.mappable = mappable;
    for (int round = 0; round < 50; ++round) {
      const Tensor t(new internal::TensorImpl);
      t.impl().shape = {1000};
      t.impl().device = internal::DeviceMemory(&owner, memory.data());
      EXPECT_EQ(t.device(), "gpu:0");
      std::atomic<int> right{0};
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] { right += t.data<float>()[999] == 3.0F ? 1 : 0; });
      }
      for (auto& thread : threads) thread.join();
      EXPECT_EQ(right, 4);
    }
    EXPECT_EQ(owner.downloads, mappable ? 0 : 50);
    EXPECT_EQ(owner.releases, 50);
  }
}

TEST(Tensor, UploadsOnceForAllThreads) {
  CountingOwner owner;
  float memory = 0;
  std::atomic<int> uploads{0};
  for (int round = 0; round < 50; ++round) {
    const Tensor t = Tensor::from(std::vector<float>{1, 2});
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const auto& device = t.impl().device_memory([&] {
          ++uploads;
          return internal::DeviceMemory(&owner, &memory);
        });
        EXPECT_EQ(device.handle(), &memory);
        EXPECT_EQ(t.data<float>()[1], 2.0F);
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(uploads, 50);
  EXPECT_EQ(owner.releases, 50);
}

TEST(Tensor, MayBeMadeAndDroppedOnDifferentThreads) {
  std::vector<Tensor> made(500);
  std::thread maker([&] {
    for (size_t i = 0; i < made.size(); ++i) made[i] = Tensor({static_cast<int>(i)});
  });
  maker.join();
  for (size_t i = 0; i < made.size(); ++i) EXPECT_EQ(made[i].item<size_t>(), i);
  std::thread dropper([tensors = std::move(made)]() mutable { tensors.clear(); });
  dropper.join();
}

}  // namespace
}  // namespace keras
