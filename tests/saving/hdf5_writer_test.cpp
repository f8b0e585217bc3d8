// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/writer.h"

#include <gtest/gtest.h>

#include "base/temporary_file.h"
#include "hdf5_values.h"

namespace keras::internal::hdf5 {
namespace {

using Names = std::vector<std::string>;

TEST(Hdf5Writer, ReadsBackWhatItWrote) {
  MemorySink sink;
  Writer writer(sink);
  const auto floats = ramp<float>(6);
  writer.write_dataset("layers/dense/vars/0", Datatype::of(Element::kFloat32), Dataspace::simple({2, 3}),
                       bytes_of(floats));
  writer.create_group("layers/dropout/vars");
  writer.write_attribute("/layers/dropout/vars", Attribute::text("name", "drop"));
  const std::vector<uint16_t> halves{0xbf80, 0x3f80};
  writer.write_dataset("b", Datatype::of(Element::kBFloat16), Dataspace::simple({2}), bytes_of(halves));
  writer.write_dataset("empty", Datatype::of(Element::kFloat64), Dataspace::simple({0, 4}), {});
  writer.write_dataset("null", Datatype::of(Element::kInt8), Dataspace::null(), {});
  writer.write_attribute("/", Attribute::texts("texts", {"one", "", "three"}));
  writer.write_attribute("/", Attribute::fixed_texts("fixed", {"a", "bcd", ""}));
  writer.write_attribute("/", Attribute::integer("integer", -5));
  writer.write_attribute("/", Attribute::number("number", 1.0));
  writer.write_attribute("/", Attribute::number("number", 0.5));
  writer.write_attribute("/", Attribute::text("naïve", std::string(100000, 'x')));
  writer.finish();
  const Group root = Reader(sink.bytes(), "memory").root();
  EXPECT_EQ(root.names(), (Names{"b", "empty", "layers", "null"}));
  EXPECT_EQ(values<float>(root.dataset("layers/dense/vars/0")), floats);
  EXPECT_EQ(root.dataset("layers/dense/vars/0").shape(), (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(root.group("layers/dropout/vars").attribute("name").as_text(), "drop");
  EXPECT_EQ(root.dataset("b").type().element, Element::kBFloat16);
  EXPECT_EQ(values<uint16_t>(root.dataset("b")), halves);
  EXPECT_EQ(root.dataset("empty").shape(), (std::vector<uint64_t>{0, 4}));
  EXPECT_EQ(root.dataset("null").space().kind, Dataspace::Kind::kNull);
  EXPECT_EQ(root.attribute("texts").as_texts(), (Names{"one", "", "three"}));
  EXPECT_EQ(root.attribute("fixed").as_texts(), (Names{"a", "bcd", ""}));
  EXPECT_EQ(root.attribute("integer").as_integer(), -5);
  EXPECT_EQ(root.attribute("number").as_number(), 0.5);
  EXPECT_EQ(root.attribute("naïve").as_text().size(), 100000u);
}

TEST(Hdf5Writer, ManyNamesSplitTheTree) {
  MemorySink sink;
  Writer writer(sink);
  constexpr int kCount = 3000;  // 375 symbol nodes, 12 tree nodes, 2 levels
  for (int i = 0; i < kCount; ++i) {
    const std::vector<int32_t> value{i};
    writer.write_dataset("vars/" + std::to_string(i), Datatype::of(Element::kInt32), {}, bytes_of(value));
  }
  writer.finish();
  const Group vars = Reader(sink.bytes(), "memory").root().group("vars");
  EXPECT_EQ(vars.names().size(), static_cast<size_t>(kCount));
  for (int i = 0; i < kCount; ++i) {
    EXPECT_EQ(values<int32_t>(vars.dataset(std::to_string(i))), std::vector<int32_t>{i});
  }
}

TEST(Hdf5Writer, RefusesWhatTheFormatCannotHold) {
  MemorySink sink;
  Writer writer(sink);
  const auto floats = ramp<float>(6);
  const Datatype type = Datatype::of(Element::kFloat32);
  EXPECT_THROW(writer.write_dataset("x", type, Dataspace::simple({2, 2}), bytes_of(floats)), ValueError);
  EXPECT_THROW(writer.write_dataset("x", type, Dataspace::simple({1ull << 62, 4}), {}), ValueError);
  EXPECT_THROW(writer.write_dataset("/", type, Dataspace::simple({6}), bytes_of(floats)), ValueError);
  EXPECT_THROW(writer.write_dataset("x", Datatype::of(Element::kVariableString), {}, {}), ValueError);
  writer.write_dataset("x", type, Dataspace::simple({6}), bytes_of(floats));
  EXPECT_THROW(writer.write_dataset("x", type, Dataspace::simple({6}), bytes_of(floats)), ValueError);
  EXPECT_THROW(writer.write_dataset("x/y", type, Dataspace::simple({6}), bytes_of(floats)), ValueError);
  EXPECT_THROW(writer.create_group("x"), ValueError);
  EXPECT_THROW(writer.create_group("a/./b"), ValueError);
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "g/";
  EXPECT_THROW(writer.create_group(deep), ValueError);
  EXPECT_THROW(writer.write_attribute("nothing", Attribute::integer("i", 1)), ValueError);
  EXPECT_THROW(writer.write_attribute("x", Attribute::integer("", 1)), ValueError);
  EXPECT_THROW(writer.write_attribute("x", Attribute::fixed_texts("long", {std::string(70000, 'x')})),
               ValueError);
  EXPECT_THROW(writer.write_attribute("x", Attribute::texts("many", Names(5000, "x"))), ValueError);
  Attribute wrong = Attribute::integer("wrong", 1);
  wrong.type = Datatype::of(Element::kFloat32);
  EXPECT_THROW(writer.write_attribute("x", wrong), ValueError);
  writer.finish();
  EXPECT_THROW(writer.create_group("late"), ValueError);
  EXPECT_EQ(values<float>(Reader(sink.bytes(), "memory").root().dataset("x")), floats);
}

}  // namespace
}  // namespace keras::internal::hdf5
