// SPDX-License-Identifier: Apache-2.0
#include "keras/schema/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "keras/base/error.h"

namespace keras {
namespace {

std::string message_of(const std::string& text) {
  try {
    Json::parse(text, "test");
  } catch (const ValueError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Json, DumpsAsPythonDoes) {
  // The texts are those of Python's json.dumps.
  const Json value = Json::dict({{"a", Json::list({1, 2.0, nullptr, true, false})},
                                 {"b", Json::dict({{"c", "d\"\\\n\t\x01/"}})},
                                 {"e", Json::list()},
                                 {"f", Json::dict()}});
  EXPECT_EQ(value.dump(),
            "{\"a\": [1, 2.0, null, true, false], \"b\": {\"c\": \"d\\\"\\\\\\n\\t\\u0001/\"}, \"e\": [], "
            "\"f\": {}}");
  EXPECT_EQ(Json::dict({{"a", Json::list({1, Json::list()})}, {"b", Json::dict({{"c", 2}})}}).dump(2),
            "{\n  \"a\": [\n    1,\n    []\n  ],\n  \"b\": {\n    \"c\": 2\n  }\n}");
  EXPECT_EQ(Json("h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f").dump(),
            "\"h\\u00e9\\u20ac\\ud83d\\ude00\\u007f\"");
}

TEST(Json, WritesRealNumbersAsPythonsRepr) {
  EXPECT_EQ(Json(1.0).dump(), "1.0");
  EXPECT_EQ(Json(1e-7).dump(), "1e-07");
  EXPECT_EQ(Json(0.0001).dump(), "0.0001");
  EXPECT_EQ(Json(0.00001).dump(), "1e-05");
  EXPECT_EQ(Json(1e15).dump(), "1000000000000000.0");
  EXPECT_EQ(Json(1e16).dump(), "1e+16");
  EXPECT_EQ(Json(1.5e300).dump(), "1.5e+300");
  EXPECT_EQ(Json(-0.0).dump(), "-0.0");
  EXPECT_EQ(Json(static_cast<double>(0.001F)).dump(), "0.0010000000474974513");
  EXPECT_EQ(Json(123456789012345680.0).dump(), "1.2345678901234568e+17");
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).dump(), "NaN");
  EXPECT_EQ(Json(-std::numeric_limits<double>::infinity()).dump(), "-Infinity");
}

TEST(Json, ReadsWhatItWrites) {
  const std::string text =
      R"({"x": [1, -2, 3.5, 1e-07, true, null, "a\u00e9\ud83d\ude00\ud800"], "y": {"z": {}}})";
  const Json value = Json::parse(text);
  EXPECT_EQ(value.dump(), text);
  EXPECT_EQ(Json::parse(value.dump(4)), value);
  EXPECT_EQ(value["x"][1].as_int(), -2);
  EXPECT_EQ(value["x"][6].as_string().substr(0, 7), "a\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_TRUE(value["y"]["z"].is_dict());
}

TEST(Json, ReadsNumbersOfAllKinds) {
  EXPECT_TRUE(Json::parse("12").is_int());
  EXPECT_TRUE(Json::parse("12.0").is_real());
  EXPECT_EQ(Json::parse("9223372036854775807").as_int(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Json::parse("18446744073709551616").as_real(), 0x1p64);
  EXPECT_EQ(Json::parse("1e5").as_real(), 1e5);
  EXPECT_EQ(Json::parse("1E+400").as_real(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(Json::parse("1e-400").as_real(), 0.0);
  EXPECT_TRUE(std::isnan(Json::parse("NaN").as_real()));
  EXPECT_EQ(Json::parse("[Infinity, -Infinity]")[1].as_real(), -std::numeric_limits<double>::infinity());
}

TEST(Json, SaysWhereATextIsWrong) {
  EXPECT_NE(message_of("{\"a\": 1,\n \"b\" 2}").find("no ':' after a key at line 2, column 6"),
            std::string::npos)
      << message_of("{\"a\": 1,\n \"b\" 2}");
  EXPECT_NE(message_of("").find("the end instead of a value"), std::string::npos);
  EXPECT_NE(message_of("[1,]").find("no value"), std::string::npos);
  EXPECT_NE(message_of("[1 2]").find("no ',' or ']'"), std::string::npos);
  EXPECT_NE(message_of("01").find("leading zero"), std::string::npos);
  EXPECT_NE(message_of("1.").find("more text"), std::string::npos);
  EXPECT_NE(message_of("\"abc").find("open string"), std::string::npos);
  EXPECT_NE(message_of("\"\\x\"").find("unknown escape"), std::string::npos);
  EXPECT_NE(message_of("\"\\u12g4\"").find("wrong \\u escape"), std::string::npos);
  EXPECT_NE(message_of("\"\xff\"").find("not UTF-8"), std::string::npos);
  EXPECT_NE(message_of("\"\xc0\x80\"").find("not UTF-8"), std::string::npos);
  EXPECT_NE(message_of("\"\n\"").find("control character"), std::string::npos);
  EXPECT_NE(message_of("{} {}").find("more text after the value"), std::string::npos);
  EXPECT_NE(message_of("{1: 2}").find("no key"), std::string::npos);
  EXPECT_NE(message_of("nul").find("no value"), std::string::npos);
}

TEST(Json, LimitsTheDepthOfNesting) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(Json::parse(nested(512)));
  EXPECT_NE(message_of(nested(100000)).find("more than 512 levels"), std::string::npos);
}

TEST(Json, KeepsOrderAndTheLastOfEqualKeys) {
  const Json value = Json::parse(R"({"b": 1, "a": 2, "b": 3})");
  EXPECT_EQ(value.dump(), R"({"b": 3, "a": 2})");
  EXPECT_THROW(Json::dict({{"a", 1}, {"a", 2}}), ValueError);
}

TEST(Json, ComparesByValue) {
  EXPECT_EQ(Json(1), Json(1.0));
  EXPECT_FALSE(Json(1) == Json(true));
  EXPECT_FALSE(Json(1) == Json("1"));
  EXPECT_EQ(Json::parse(R"({"a": 1, "b": [2]})"), Json::parse(R"({"b": [2.0], "a": 1})"));
  EXPECT_FALSE(Json::parse(R"({"a": 1})") == Json::parse(R"({"a": 1, "b": 2})"));
  EXPECT_FALSE(Json::list({1, 2}) == Json::list({2, 1}));
}

TEST(Json, NamesWhatItGotInstead) {
  const Json value = Json::parse(R"({"units": "many", "activation": "relu"})");
  try {
    value["units"].as_int("Dense.units");
    FAIL();
  } catch (const TypeError& error) {
    EXPECT_STREQ(error.what(), "[Dense.units] The value must be an integer. Received: a string, \"many\".");
  }
  try {
    (void)value["unit"];
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'units'?"), std::string::npos);
  }
  EXPECT_THROW((void)value[0], TypeError);
  EXPECT_THROW((void)Json::list({1})[1], ValueError);
  EXPECT_THROW((void)Json(true).as_int(), TypeError);
  EXPECT_THROW((void)Json(1.0).as_int(), TypeError);
  EXPECT_EQ(Json(1).as_real(), 1.0);
}

TEST(Json, ChangesInPlace) {
  Json value;
  value.set("a", 1).set("b", Json::list());
  value.find("b")->push_back(2);
  value.set("a", "one");
  EXPECT_EQ(value.dump(), R"({"a": "one", "b": [2]})");
  value.erase("a");
  EXPECT_EQ(value.dump(), R"({"b": [2]})");
  EXPECT_EQ(value.get("a", 7), Json(7));
  EXPECT_THROW(Json(1).set("a", 1), TypeError);
  EXPECT_THROW(Json("\xff").dump(), ValueError);
}

}  // namespace
}  // namespace keras
