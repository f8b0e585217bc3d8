// SPDX-License-Identifier: Apache-2.0
#include "keras/schema/object_registry.h"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <typeindex>

#include "keras/base/error.h"

namespace keras {
namespace {

using internal::fail;

struct Registered {
  std::shared_ptr<const ObjectEntry> entry;
  internal::ErasedFactory factory;
};

/// Every class by category and name. Filled by static initialisers, later also by users' programs.
class Registry {
 public:
  void add(ObjectEntry entry, const std::type_info& base, internal::ErasedFactory factory) {
    const std::unique_lock lock(mutex_);
    const auto [known, first] = bases_.try_emplace(entry.category, base);
    if (!first && known->second != std::type_index(base)) {
      fail<TypeError>({"register_object", "All classes of a category must be registered with one base",
                       std::string(category_name(entry.category)) + " '" + entry.class_name + "'", ""});
    }
    std::vector<std::string> names = entry.aliases;
    const std::string registered = entry.registered_name();
    names.push_back(registered.empty() ? entry.class_name : registered);
    const auto item = std::make_shared<const Registered>(
        Registered{std::make_shared<const ObjectEntry>(std::move(entry)), std::move(factory)});
    auto& table = tables_[item->entry->category];
    for (const auto& name : names) {
      const auto old = table.find(name);
      if (old != table.end() && old->second->entry->package.empty()) {
        fail<ValueError>({"register_object", "A name of Keras' own may be registered only once",
                          std::string(category_name(item->entry->category)) + " '" + name + "'", ""});
      }
    }
    for (const auto& name : names) table[name] = item;
  }

  std::shared_ptr<const Registered> find(ObjectCategory category, std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto table = tables_.find(category);
    if (table == tables_.end()) return nullptr;
    const auto item = table->second.find(name);
    return item == table->second.end() ? nullptr : item->second;
  }

  void check_base(ObjectCategory category, const std::type_info& base) const {
    const std::shared_lock lock(mutex_);
    const auto known = bases_.find(category);
    if (known != bases_.end() && known->second != std::type_index(base)) {
      fail<TypeError>({"make_object", "The object must be asked for as the base of its category",
                       std::string(category_name(category)), ""});
    }
  }

  std::vector<std::string> names(ObjectCategory category) const {
    const std::shared_lock lock(mutex_);
    std::vector<std::string> out;
    const auto table = tables_.find(category);
    if (table == tables_.end()) return out;
    for (const auto& [name, item] : table->second) out.push_back(name);
    return out;
  }

  std::vector<std::shared_ptr<const ObjectEntry>> entries(ObjectCategory category) const {
    const std::shared_lock lock(mutex_);
    std::map<std::string, std::shared_ptr<const ObjectEntry>> sorted;
    const auto table = tables_.find(category);
    if (table != tables_.end()) {
      for (const auto& [name, item] : table->second) {
        const auto& entry = item->entry;
        sorted.emplace(entry->class_name + ">" + entry->package, entry);
      }
    }
    std::vector<std::shared_ptr<const ObjectEntry>> out;
    for (auto& [name, entry] : sorted) out.push_back(std::move(entry));
    return out;
  }

 private:
  using Table = std::map<std::string, std::shared_ptr<const Registered>, std::less<>>;

  mutable std::shared_mutex mutex_;
  std::map<ObjectCategory, Table> tables_;
  std::map<ObjectCategory, std::type_index> bases_;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

constexpr std::string_view kCategoryNames[] = {
    "layer",       "model",      "loss",       "metric",       "optimizer", "schedule", "initializer",
    "regularizer", "constraint", "activation", "dtype policy", "operation", "callback"};

}  // namespace

std::string_view category_name(ObjectCategory category) {
  return kCategoryNames[static_cast<size_t>(category)];
}

namespace internal {

bool register_erased(ObjectEntry entry, const std::type_info& base, ErasedFactory factory) {
  registry().add(std::move(entry), base, std::move(factory));
  return true;
}

std::shared_ptr<void> make_erased(ObjectCategory category, std::string_view name, const Json& config,
                                  const std::type_info& base, std::string_view where) {
  registry().check_base(category, base);
  const auto item = registry().find(category, name);
  if (item == nullptr) fail_unknown_name(where, category_name(category), name, registry().names(category));
  return item->factory(config);
}

}  // namespace internal

std::shared_ptr<const ObjectEntry> find_object(ObjectCategory category, std::string_view name) {
  const auto item = registry().find(category, name);
  return item == nullptr ? nullptr : item->entry;
}

std::vector<std::shared_ptr<const ObjectEntry>> registered_objects(ObjectCategory category) {
  return registry().entries(category);
}

namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

std::string text_of(const Json& json, std::string_view key, std::string_view where) {
  const Json* value = json.find(key);
  return value == nullptr || value->is_null() ? ""
                                              : value->as_string(std::string(where) + "." + std::string(key));
}

}  // namespace

Json ObjectEnvelope::to_json() const {
  Json out = Json::dict({{"module", text_or_null(module)},
                         {"class_name", class_name},
                         {"config", config},
                         {"registered_name", text_or_null(registered_name)}});
  if (!build_config.is_null()) out.set("build_config", build_config);
  return out;
}

ObjectEnvelope ObjectEnvelope::from_json(const Json& json, std::string_view where) {
  json.as_dict(where);
  if (!is_envelope(json)) {
    fail<ValueError>(
        {where, "An object must have the keys class_name and config", json.dump().substr(0, 200), ""});
  }
  ObjectEnvelope out;
  out.module = text_of(json, "module", where);
  out.class_name = json["class_name"].as_string(std::string(where) + ".class_name");
  out.config = json["config"];
  out.registered_name = text_of(json, "registered_name", where);
  out.build_config = json.get("build_config");
  return out;
}

bool ObjectEnvelope::is_envelope(const Json& json) {
  return json.contains("class_name") && json.contains("config");
}

}  // namespace keras
