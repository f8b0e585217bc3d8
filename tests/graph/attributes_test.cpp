// SPDX-License-Identifier: Apache-2.0
#include "keras/graph/attributes.h"

#include <gtest/gtest.h>

#include "keras/base/error.h"

namespace keras::internal {
namespace {

TEST(Attributes, HaveTablesInTheOrderOfTheirFields) {
  const AttributeTable table = attribute_table<SliceAttributes>();
  EXPECT_STREQ(table.name, "SliceAttributes");
  EXPECT_EQ(table.size, sizeof(SliceAttributes));
  ASSERT_EQ(table.fields.size(), 3U);
  EXPECT_STREQ(table.fields[0].name, "start");
  EXPECT_EQ(table.fields[0].kind, 'S');
  EXPECT_EQ(table.fields[0].offset, offsetof(SliceAttributes, start));
  EXPECT_EQ(table.fields[2].kind, 'L');
  EXPECT_TRUE(attribute_table<NoAttributes>().fields.empty());
}

TEST(Attributes, PrintEveryKind) {
  auto reduce = make_attributes<ReduceAttributes>();
  reduce.axes = to_list({0, 1});
  reduce.keepdims = 1;
  EXPECT_EQ(attributes_to_string(attribute_table<ReduceAttributes>(), &reduce),
            "{axes: (0, 1), keepdims: true}");
  auto constant = make_attributes<ConstantAttributes>();
  constant.dtype = static_cast<int64_t>(DType::float32);
  constant.shape = to_list(Shape{Dim::symbol("batch") * 2, 3});
  constant.real = 1e-7;
  EXPECT_EQ(attributes_to_string(attribute_table<ConstantAttributes>(), &constant),
            "{dtype: float32, shape: (2*batch, 3), real: 1e-07, imag: 0.0, integer: 0}");
  auto compare = make_attributes<CompareAttributes>();
  compare.direction = KERAS_GT;
  EXPECT_EQ(attributes_to_string(attribute_table<CompareAttributes>(), &compare), "{direction: 4}");
  const auto none = make_attributes<NoAttributes>();
  EXPECT_EQ(attributes_to_string(attribute_table<NoAttributes>(), &none), "{}");
}

TEST(Attributes, KeepShapes) {
  const Shape shape = {Dim::symbol("batch"), 28, 0};
  EXPECT_EQ(to_shape(to_list(shape)), shape);
  EXPECT_EQ(items(to_list({-1, 2})).size(), 2U);
  EXPECT_EQ(to_list({-1}).v[0], -1);
  EXPECT_THROW((void)to_list(Shape(size_t{11}, Dim(1))), ValueError);
}

TEST(TensorType, IsPrintedWithItsShape) {
  EXPECT_EQ((TensorType{DType::float32, {Dim::unknown(), 28, 28}}).to_string(), "float32(None, 28, 28)");
  EXPECT_EQ((TensorType{DType::bool_, {}}).to_string(), "bool()");
}

}  // namespace
}  // namespace keras::internal
