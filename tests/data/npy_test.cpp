// SPDX-License-Identifier: Apache-2.0
#include "keras/data/npy.h"
#include "checkout.h"

#include <gtest/gtest.h>

#include <complex>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>

#include "keras/base/error.h"
#include "keras/tensor/host_buffer.h"

namespace keras {
namespace {

std::string scratch(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("keras_npy_" + name);
}

template <class E, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::byte> bytes_of(const std::string& text) {
  std::vector<std::byte> out(text.size());
  if (!text.empty()) std::memcpy(out.data(), text.data(), text.size());
  return out;
}

// A version 1 file with this header text and data.
std::vector<std::byte> npy(const std::string& header, const std::string& data) {
  std::string text = "\x93NUMPY";
  text += '\x01';
  text += '\0';
  text += static_cast<char>(header.size() & 0xff);
  text += static_cast<char>(header.size() >> 8);
  return bytes_of(text + header + data);
}

// tests/golden/make_printing.py wrote these with NumPy.
TEST(Npy, ReadsEveryTypeOrderAndVersion) {
  const auto members = load_npz(checkout::source_path("tests/golden/files/npy_variants.npz"));
  int numbers = 0;
  for (const auto& [name, tensor] : members) {
    if (name[0] != '<' && name[0] != '>' && name.find("version") != 0) continue;
    ++numbers;
    ASSERT_EQ(tensor.shape(), Shape({2, 3, 4})) << name;
    for (int64_t n = 0; n < 24; ++n) {
      const std::initializer_list<int64_t> place = {n / 12, n / 4 % 3, n % 4};
      if (tensor.dtype() == DType::complex64) {
        const auto value = static_cast<float>(n);
        EXPECT_EQ(tensor.at<std::complex<float>>(place), std::complex<float>(value, -value)) << name;
      } else {
        EXPECT_EQ(tensor.at<double>(place), static_cast<double>(n)) << name;
      }
    }
  }
  EXPECT_EQ(numbers, 13 * 4 + 2);
}

TEST(Npy, ReadsBoolsStringsScalarsAndNothing) {
  std::map<std::string, Tensor> members;
  for (auto& [name, tensor] : load_npz(checkout::source_path("tests/golden/files/npy_variants.npz")))
    members[name] = tensor;
  EXPECT_EQ(members["bool"].dtype(), DType::bool_);
  for (int64_t n = 0; n < 24; ++n)
    EXPECT_EQ(members["bool"].at<bool>({n / 12, n / 4 % 3, n % 4}), n % 2 == 1);
  const std::vector<std::string> words = {"a", "b\xc3\xa9\xe2\x82\xac", "", "xxxxxxxxx"};
  EXPECT_EQ(members["strings U"].to_strings(), words);
  EXPECT_EQ(members["strings >U F"].to_strings(), words);
  EXPECT_EQ(members["strings S"].to_strings(), (std::vector<std::string>{"a", "bc", "", "xxxxxxxxx"}));
  EXPECT_EQ(members["strings U"].shape(), Shape({2, 2}));
  EXPECT_EQ(members["scalar"].shape(), Shape({}));
  EXPECT_EQ(members["scalar"].item<double>(), 2.5);
  EXPECT_EQ(members["empty"].shape(), Shape({0, 3}));
  EXPECT_EQ(members["empty F"].shape(), Shape({2, 0, 3}));
}

TEST(Npy, KnowsTheDTypes) {
  std::map<std::string, Tensor> members;
  for (auto& [name, tensor] : load_npz(checkout::source_path("tests/golden/files/npy_variants.npz")))
    members[name] = tensor;
  EXPECT_EQ(members[">u2 C"].dtype(), DType::uint16);
  EXPECT_EQ(members["<f2 F"].dtype(), DType::float16);
  EXPECT_EQ(members["<i8 C"].dtype(), DType::int64);
  EXPECT_EQ(members["<f8 C"].dtype(), DType::float64);
  EXPECT_EQ(members[">c16 F"].dtype(), DType::complex64);
}

TEST(Npy, ReadsWhatItWrites) {
  const std::string path = scratch("round.npy");
  for (int i = 0; i < static_cast<int>(DType::string); ++i) {
    const auto dtype = static_cast<DType>(i);
    const Tensor tensor = internal::host_cast(Tensor({{1, 0, 3}, {4, 5, 6}}), dtype);
    save_npy(path, tensor);
    const Tensor back = load_npy(path);
    EXPECT_EQ(back.dtype(), dtype);
    EXPECT_EQ(back.shape(), tensor.shape());
    EXPECT_EQ(std::memcmp(back.host_data(), tensor.host_data(), tensor.bytes()), 0);
  }
  const Tensor words = Tensor::strings({"", "\xf0\x9f\x98\x80!", "abc"}, {3, 1});
  save_npy(path, words);
  EXPECT_EQ(load_npy(path).to_strings(), words.to_strings());
  save_npy(path, Tensor(2.5));
  EXPECT_EQ(load_npy(path).item<float>(), 2.5F);
  std::filesystem::remove(path);
  EXPECT_THROW((void)npy_to_bytes(Tensor::strings({"\xff"}, {1})), ValueError);
}

TEST(Npy, WritesTheHeaderAsNumPyDoes) {
  const auto bytes = npy_to_bytes(Tensor({{1, 2, 3}}));
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  // numpy.save(file, numpy.array([[1, 2, 3]], "int32"))
  EXPECT_EQ(text.substr(10, 62), "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 3), }   ");
  EXPECT_EQ(text.size(), 128U + 12U);
  EXPECT_EQ(text[127], '\n');
}

TEST(Npy, ReportsBrokenFiles) {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  EXPECT_NO_THROW(npy_from_bytes(npy(good, "12345678"), "x.npy"));
  const auto broken = [](const std::vector<std::byte>& bytes) {
    return message_of<ValueError>([&] { npy_from_bytes(bytes, "x.npy"); });
  };
  EXPECT_NE(broken({}).find("must begin with NumPy's mark, Received"), 0U);
  for (const auto& bytes :
       {bytes_of(""), bytes_of("not an array at all"), npy(good, "1234567"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", "12345678"),
        npy("{'descr': '<f4', 'fortran_order': False}", "12345678"),
        npy("{'descr': '<f4', 'fortran_order': 3, 'shape': (2,)}", "12345678"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "12345678"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", ""),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", ""),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", "12345678"),
        npy("{'descr': '<q5', 'fortran_order': False, 'shape': (2,)}", "12345678"),
        npy("{'descr': '', 'fortran_order': False, 'shape': (2,)}", "12345678"),
        npy("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,)}", ""),
        npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", "\xff\xff\xff\xff")}) {
    EXPECT_NE(broken(bytes).find("x.npy"), std::string::npos) << broken(bytes);
  }
  for (const char* descr : {"'|O'", "'<M8'", "[('a', '<f4')]", "'|V16'", "'<f16'"}) {
    const std::string header = std::string("{'descr': ") + descr + ", 'fortran_order': False, 'shape': (1,)}";
    EXPECT_NE(message_of<UnsupportedError>([&] {
                npy_from_bytes(npy(header, std::string(16, 'x')), "x.npy");
              }).find("x.npy"),
              std::string::npos)
        << descr;
  }
  EXPECT_NE(message_of<ValueError>([] { load_npy("/no/such/file.npy"); }).find("/no/such/file.npy"),
            std::string::npos);
  EXPECT_NE(message_of<ValueError>([] { save_npy("/no/such/dir/file.npy", Tensor(1)); }).find("/no/such/dir"),
            std::string::npos);
}

TEST(Npz, ReadsWhatItWrites) {
  const std::string path = scratch("round.npz");
  const NamedTensors tensors = {
      {"b/x", Tensor({1.5, 2.5})}, {"a", Tensor::from(std::vector<float>(5000, 1.0F))}, {"", Tensor({true})}};
  for (const bool compressed : {false, true}) {
    save_npz(path, tensors, compressed);
    const auto back = load_npz(path);
    ASSERT_EQ(back.size(), 3U);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(back[i].first, tensors[i].first);
      EXPECT_EQ(back[i].second.to_vector<double>(), tensors[i].second.to_vector<double>());
    }
    EXPECT_EQ(std::filesystem::file_size(path) < 2000, compressed);
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace keras
