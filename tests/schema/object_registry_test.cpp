// SPDX-License-Identifier: Apache-2.0
#include "keras/schema/object_registry.h"

#include <gtest/gtest.h>

#include "keras/base/error.h"

namespace keras {
namespace {

struct Shapeless {
  virtual ~Shapeless() = default;
  virtual int64_t value() const = 0;
};

struct Number : Shapeless {
  int64_t number = 0;
  int64_t value() const override { return number; }
};

std::shared_ptr<Shapeless> make_number(const Json& config) {
  auto object = std::make_shared<Number>();
  object->number = config.get("value", 0).as_int();
  return object;
}

// The category of callbacks stands for all: no other test registers in it.
constexpr auto kCategory = ObjectCategory::callback;

ObjectEntry entry(const std::string& name, const std::string& package,
                  std::vector<std::string> aliases = {}) {
  ObjectEntry out;
  out.category = kCategory;
  out.module = package.empty() ? "keras.callbacks" : "";
  out.class_name = name;
  out.package = package;
  out.aliases = std::move(aliases);
  return out;
}

TEST(ObjectRegistry, MakesObjectsByEveryName) {
  register_object<Shapeless>(entry("One", "", {"one", "uno"}), make_number);
  for (const char* name : {"One", "one", "uno"}) {
    EXPECT_EQ(make_object<Shapeless>(kCategory, name, Json::dict({{"value", 3}}), "test")->value(), 3);
  }
  EXPECT_EQ(find_object(kCategory, "uno")->class_name, "One");
  EXPECT_EQ(find_object(kCategory, "tres"), nullptr);
  EXPECT_THROW(register_object<Shapeless>(entry("Uno", "", {"uno"}), make_number), ValueError);
  EXPECT_EQ(find_object(kCategory, "Uno"), nullptr);
}

TEST(ObjectRegistry, KeepsUsersClassesUnderTheirPackage) {
  register_object<Shapeless>(entry("Mine", "my_package"), make_number);
  EXPECT_EQ(make_object<Shapeless>(kCategory, "my_package>Mine", Json::dict(), "test")->value(), 0);
  EXPECT_EQ(find_object(kCategory, "Mine"), nullptr);
  register_object<Shapeless>(entry("Mine", "my_package"), [](const Json&) {
    auto object = std::make_shared<Number>();
    object->number = 9;
    return std::shared_ptr<Shapeless>(object);
  });
  EXPECT_EQ(make_object<Shapeless>(kCategory, "my_package>Mine", Json::dict(), "test")->value(), 9);
}

TEST(ObjectRegistry, NamesTheNearest) {
  register_object<Shapeless>(entry("EarlyStopping", ""), make_number);
  try {
    make_object<Shapeless>(kCategory, "EarlyStoping", Json::dict(), "compile");
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("[compile] Unknown callback"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("did you mean 'EarlyStopping'"), std::string::npos);
  }
}

TEST(ObjectRegistry, ChecksTheBase) {
  register_object<Shapeless>(entry("Based", ""), make_number);
  EXPECT_THROW(make_object<Json>(kCategory, "Based", Json::dict(), "test"), TypeError);
  EXPECT_THROW(
      register_object<Json>(entry("Other", "p"), [](const Json&) { return std::make_shared<Json>(); }),
      TypeError);
}

TEST(ObjectEnvelope, IsWrittenAsKerasWritesIt) {
  ObjectEnvelope envelope;
  envelope.module = "keras.layers";
  envelope.class_name = "Dense";
  envelope.config = Json::dict({{"units", 3}});
  EXPECT_EQ(
      envelope.to_json().dump(),
      R"({"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": null})");
  envelope.module = "";
  envelope.registered_name = "my_package>Dense";
  envelope.build_config = Json::dict({{"input_shape", Json::list({nullptr, 4})}});
  const Json json = envelope.to_json();
  EXPECT_EQ(
      json.dump(),
      R"({"module": null, "class_name": "Dense", "config": {"units": 3}, "registered_name": "my_package>Dense", )"
      R"("build_config": {"input_shape": [null, 4]}})");
  const auto back = ObjectEnvelope::from_json(json, "test");
  EXPECT_EQ(back.to_json(), json);
  EXPECT_EQ(back.lookup_name(), "my_package>Dense");
  EXPECT_TRUE(ObjectEnvelope::is_envelope(json));
  EXPECT_THROW(ObjectEnvelope::from_json(Json::parse(R"({"class_name": "Dense"})"), "test"), ValueError);
  EXPECT_THROW(ObjectEnvelope::from_json(Json::parse(R"({"class_name": 3, "config": {}})"), "test"),
               TypeError);
  EXPECT_THROW(ObjectEnvelope::from_json(Json("Dense"), "test"), TypeError);
}

}  // namespace
}  // namespace keras
