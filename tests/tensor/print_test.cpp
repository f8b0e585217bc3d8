// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sstream>

#include "golden/golden_file.h"
#include "keras/tensor/tensor.h"

namespace keras {
namespace {

Shape shape_of(const Json& dims) {
  Shape shape;
  for (const auto& d : dims.as_list()) shape.push_back(d.as_int());
  return shape;
}

TEST(Print, MatchesNumPyForEveryDtype) {
  const GoldenFile golden("printing");
  const Json& pools = golden.cases().back()["pools"];
  int compared = 0;
  for (const auto& c : golden.cases()) {
    if (!c.contains("dtype")) continue;
    const DType dtype = parse_dtype(c["dtype"].as_string());
    const Tensor pool = golden.array(pools[c["dtype"].as_string()]);
    const auto* bytes = static_cast<const char*>(pool.host_data());
    const auto offset = static_cast<size_t>(c["offset"].as_int()) * dtype_size(dtype);
    const Tensor tensor = Tensor::copy(bytes + offset, shape_of(c["shape"]), dtype);
    EXPECT_EQ(tensor.to_string(), c["text"].as_string())
        << c["dtype"].as_string() << " at " << c["offset"].as_int();
    ++compared;
  }
  EXPECT_GT(compared, 500);
}

TEST(Print, MatchesNumPyForStrings) {
  const GoldenFile golden("printing");
  int compared = 0;
  for (const auto& c : golden.cases()) {
    if (!c.contains("strings")) continue;
    std::vector<std::string> words;
    for (const auto& word : c["strings"].as_list()) words.push_back(word.as_string());
    EXPECT_EQ(Tensor::strings(words, shape_of(c["shape"])).to_string(), c["text"].as_string());
    ++compared;
  }
  EXPECT_GE(compared, 7);
}

TEST(Print, ShowsBFloat16AsFloat32) {
  const std::vector<BFloat16> values = {BFloat16(0.1F), BFloat16(1.0F)};
  EXPECT_EQ(Tensor::from(values).to_string(), "[0.10009766 1.        ]");
  EXPECT_EQ(Tensor::from(values, {2}).to_string(), "[0.10009766 1.        ]");
}

TEST(Print, GoesToStreams) {
  std::ostringstream stream;
  stream << Tensor({1, 2}) << " " << Tensor(2.5);
  EXPECT_EQ(stream.str(), "[1 2] 2.5");
  EXPECT_EQ(Tensor().to_string(), "<undefined tensor>");
}

}  // namespace
}  // namespace keras
