// SPDX-License-Identifier: Apache-2.0
#include "keras/tensor/nest.h"

#include <gtest/gtest.h>

#include "keras/base/error.h"

namespace keras {
namespace {

const Tensor a = {1};
const Tensor b = {2};
const Tensor c = {3};

Nest sample() { return Nest::dict({{"z", a}, {"list", Nest({b, Nest()})}, {"m", c}}); }

TEST(Nest, FlattensDictionariesBySortedKey) {
  const auto leaves = sample().flatten();
  ASSERT_EQ(leaves.size(), 3U);
  EXPECT_TRUE(leaves[0].same(b));
  EXPECT_TRUE(leaves[1].same(c));
  EXPECT_TRUE(leaves[2].same(a));
  EXPECT_TRUE(Nest().flatten().empty());
}

TEST(Nest, PacksLeavesWhereTheyWere) {
  const Nest nest = sample();
  const Nest packed = nest.pack({a, b, c});
  EXPECT_TRUE(packed["list"][0].tensor().same(a));
  EXPECT_TRUE(packed["m"].tensor().same(b));
  EXPECT_TRUE(packed["z"].tensor().same(c));
  EXPECT_EQ(packed.items()[0].first, "z");
  EXPECT_TRUE(packed["list"][1].is_none());
  EXPECT_THROW((void)nest.pack({a}), ValueError);
}

TEST(Nest, MapsEveryLeaf) {
  const Nest mapped = sample().map([](const Tensor& t) { return Tensor({t.item<int>() * 10}); });
  EXPECT_EQ(mapped["z"].tensor().item<int>(), 10);
  EXPECT_EQ(mapped["list"][0].tensor().item<int>(), 20);
  EXPECT_EQ(mapped["m"].tensor().item<int>(), 30);
}

TEST(Nest, ComparesStructures) {
  EXPECT_TRUE(sample().same_structure(Nest::dict({{"m", a}, {"list", Nest({a, Nest()})}, {"z", b}})));
  EXPECT_FALSE(sample().same_structure(Nest::dict({{"m", a}, {"list", Nest({a, b})}, {"z", b}})));
  EXPECT_FALSE(sample().same_structure(Nest::dict({{"n", a}, {"list", Nest({a, Nest()})}, {"z", b}})));
  EXPECT_FALSE(Nest(a).same_structure(Nest{a}));
}

TEST(Nest, NamesWhatIsMissing) {
  const Nest nest = sample();
  EXPECT_THROW((void)nest.tensor(), ValueError);
  EXPECT_THROW((void)nest[0], ValueError);
  EXPECT_THROW((void)nest["list"][2], ValueError);
  EXPECT_THROW((void)Nest(a)["x"], ValueError);
  try {
    (void)nest["lost"];
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'list'"), std::string::npos);
  }
  EXPECT_THROW((void)Nest::dict({{"a", a}, {"a", b}}), ValueError);
  EXPECT_TRUE(nest.contains("m"));
  EXPECT_FALSE(nest.contains("n"));
}

TEST(Nest, ListsTensors) {
  const Nest nest(std::vector<Tensor>{a, b});
  EXPECT_TRUE(nest.is_list());
  EXPECT_EQ(nest.size(), 2U);
  const Tensor& second = nest[1];
  EXPECT_TRUE(second.same(b));
}

}  // namespace
}  // namespace keras
