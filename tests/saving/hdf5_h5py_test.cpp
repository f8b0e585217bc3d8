// SPDX-License-Identifier: Apache-2.0
// Files that h5py wrote; tests/saving/data/make_hdf5.py made them.
#include <gtest/gtest.h>

#include "base/temporary_file.h"
#include "checkout.h"
#include "hdf5_values.h"

namespace keras::internal::hdf5 {
namespace {

using Names = std::vector<std::string>;
using Dims = std::vector<uint64_t>;

std::string data(const std::string& name) { return checkout::source_path("tests/saving/data/" + name); }

TEST(Hdf5FromH5py, WeightsFile) {
  const Group root = Reader(data("weights.h5")).root();
  EXPECT_EQ(root.groups(), (Names{"half", "layers", "optimizer"}));
  EXPECT_EQ(root.group("layers").names(), (Names{"dense", "dense_1", "dropout"}));
  EXPECT_EQ(root.group("layers").names_by_creation(), std::nullopt);
  EXPECT_EQ(root.dataset_paths().size(), 11u);
  const Group vars = root.group("layers/dense/vars");
  EXPECT_EQ(vars.path(), "/layers/dense/vars");
  EXPECT_EQ(vars.datasets(), (Names{"0", "1"}));
  EXPECT_EQ(vars.attribute("name").as_text(), "dense");
  EXPECT_EQ(vars.dataset("0").shape(), (Dims{3, 4}));
  EXPECT_EQ(vars.dataset("0").type().element, Element::kFloat32);
  EXPECT_EQ(values<float>(vars.dataset("0")), ramp<float>(12));
  ASSERT_TRUE(vars.dataset("0").view().has_value());
  EXPECT_EQ(vars.dataset("0").view()->size(), 48u);
  EXPECT_EQ(root.group("/layers/dropout/vars").attribute("name").as_text(), "drop é");
  EXPECT_TRUE(root.group("layers/dropout/vars").names().empty());
  EXPECT_TRUE(root.contains("layers/dense_1/vars/1"));
  EXPECT_FALSE(root.contains("layers/dense_2"));
}

TEST(Hdf5FromH5py, Types) {
  const Group root = Reader(data("weights.h5")).root();
  const Dataset bfloat = root.dataset("half/vars/0");
  EXPECT_EQ(bfloat.type().element, Element::kBFloat16);
  EXPECT_EQ(values<uint16_t>(bfloat), (std::vector<uint16_t>{0xbf80, 0xbf00, 0, 0x3f00, 0x3f80, 0x3fc0}));
  const Dataset half = root.dataset("half/vars/1");
  EXPECT_EQ(half.type().element, Element::kFloat16);
  EXPECT_EQ(values<uint16_t>(half), (std::vector<uint16_t>{0xbc00, 0xb800, 0, 0x3800, 0x3c00}));
  const Group vars = root.group("optimizer/vars");
  EXPECT_EQ(values<int64_t>(vars.dataset("0")), (std::vector<int64_t>{123456789012}));
  EXPECT_EQ(vars.dataset("0").space().kind, Dataspace::Kind::kScalar);
  EXPECT_EQ(values<float>(vars.dataset("1")), (std::vector<float>{0.001f}));
  EXPECT_EQ(vars.dataset("2").type().element, Element::kBool);
  EXPECT_EQ(values<int8_t>(vars.dataset("2")), (std::vector<int8_t>{1, 0, 1}));
  EXPECT_EQ(vars.dataset("3").shape(), (Dims{0, 3}));
  EXPECT_TRUE(vars.dataset("3").read().empty());
  EXPECT_EQ(vars.dataset("4").space().kind, Dataspace::Kind::kNull);
}

TEST(Hdf5FromH5py, Attributes) {
  const Group root = Reader(data("weights.h5")).root();
  EXPECT_EQ(root.attribute_names(),
            (Names{"backend", "complex", "count", "empty", "layer_names", "no_names", "pair", "texts"}));
  EXPECT_EQ(root.attribute("backend").as_text(), "tensorflow");
  EXPECT_EQ(root.attribute("layer_names").as_texts(), (Names{"dense", "dense_1", "dropout"}));
  EXPECT_EQ(root.attribute("layer_names").type.element, Element::kString);
  EXPECT_EQ(root.attribute("no_names").as_texts(), Names{});
  EXPECT_EQ(root.attribute("texts").as_texts(), (Names{"one", "", "three"}));
  EXPECT_EQ(root.attribute("count").as_integer(), 200);
  EXPECT_EQ(root.attribute("count").as_number(), 200.0);
  EXPECT_EQ(std::get<std::vector<double>>(root.attribute("pair").data), (std::vector<double>{-1.5, 2.5}));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(root.attribute("empty").data));
  EXPECT_THROW(root.attribute("complex"), UnsupportedError);
  EXPECT_THROW(root.attribute("nothing"), ValueError);
  EXPECT_THROW(root.attribute("count").as_text(), TypeError);
  EXPECT_THROW(root.attribute("texts").as_number(), TypeError);
}

TEST(Hdf5FromH5py, OldChunks) {
  const Group root = Reader(data("chunked_earliest.h5")).root();
  EXPECT_EQ(values<float>(root.dataset("gzip")), ramp<float>(63));
  EXPECT_EQ(values<int32_t>(root.dataset("all")), ramp<int32_t>(10));
  EXPECT_EQ(values<double>(root.dataset("plain")), ramp<double>(16));
  EXPECT_EQ(values<int16_t>(root.dataset("fill")), (std::vector<int16_t>{-7, -7, 1, 2, -7, -7}));
  EXPECT_TRUE(root.dataset("big_endian").type().big_endian);
  EXPECT_EQ(root.dataset("big_endian").view(), std::nullopt);
  EXPECT_EQ(values<double>(root.dataset("big_endian")), ramp<double>(4));
  EXPECT_EQ(root.group("many").datasets().size(), 20u);
  EXPECT_EQ(root.group("many").names()[2], "g10");
}

TEST(Hdf5FromH5py, NewestFormat) {
  const auto bytes = read_bytes(data("latest.h5"));
  const Group root = Reader(bytes, "latest.h5").root();
  EXPECT_EQ(values<float>(root.dataset("single")), ramp<float>(9));
  EXPECT_EQ(values<float>(root.dataset("fixed")), ramp<float>(20));
  EXPECT_EQ(values<float>(root.dataset("extensible")), ramp<float>(20));
  EXPECT_EQ(values<float>(root.dataset("btree")), ramp<float>(16));
  EXPECT_EQ(root.groups(), (Names{"q", "r", "s", "t", "u", "v", "w", "x", "y", "z"}));
  EXPECT_EQ(root.names_by_creation(), (Names{"single", "fixed", "extensible", "btree", "z", "y", "x", "w",
                                             "v", "u", "t", "s", "r", "q"}));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(root.attribute("a" + std::to_string(9 - i)).as_integer(), i);
}

TEST(Hdf5FromH5py, ErrorsNameTheFileAndThePath) {
  const Group root = Reader(data("weights.h5")).root();
  try {
    root.dataset("layers/dense/vars/7");
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("weights.h5"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("layers/dense/vars/7"), std::string::npos) << e.what();
  }
  EXPECT_THROW(root.dataset("layers"), ValueError);
  EXPECT_THROW(root.group("layers/dense/vars/0"), ValueError);
  EXPECT_THROW(root.group("layers/dense/vars/0/below"), ValueError);
  EXPECT_THROW(root.dataset("half/vars/1").strings(), TypeError);
  EXPECT_THROW(Reader("/nowhere/at/all.h5"), ValueError);
  EXPECT_THROW(Reader("/tmp"), ValueError);
}

}  // namespace
}  // namespace keras::internal::hdf5
