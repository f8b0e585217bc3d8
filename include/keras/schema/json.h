// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace keras {

/// A JSON value: null, bool, integer, real, string, list or dictionary. Dictionaries keep insertion order.
/// Integers and reals are kept apart, as in Python: `1` and `1.0` are written differently but compare equal.
///
///     Json config = Json::dict({{"units", 32}, {"activation", "relu"}});
///     config["units"].as_int();
class Json {
 public:
  /// The kinds of values; JSON's numbers are integers or reals by how they are written.
  enum class Kind : uint8_t { null, boolean, integer, real, string, list, dict };
  using List = std::vector<Json>;             ///< the items of a list
  using Item = std::pair<std::string, Json>;  ///< a key and its value
  using Dict = std::vector<Item>;             ///< a dictionary in its order

  Json() noexcept;  ///< null
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();
  Json(std::nullptr_t) {}  // NOLINT: literals convert by design
  template <class T>
  requires std::same_as<T, bool> Json(T value) : value_(value) {}  // NOLINT
  template <class T>
  requires(std::integral<T> && !std::same_as<T, bool>) Json(T value)
      : value_(static_cast<int64_t>(value)) {}  // NOLINT
  template <class T>
  requires std::floating_point<T> Json(T value) : value_(static_cast<double>(value)) {}  // NOLINT
  Json(const char* text) : value_(std::string(text)) {}                                  // NOLINT
  Json(std::string_view text) : value_(std::string(text)) {}                             // NOLINT
  Json(std::string text) : value_(std::move(text)) {}                                    // NOLINT
  Json(List items) : value_(std::move(items)) {}                                         // NOLINT
  /// A list of the items: `Json::list({1, "two", nullptr})`.
  static Json list(List items = {}) { return Json(std::move(items)); }
  /// A dictionary of the items. Throws ValueError for a key that comes twice.
  static Json dict(Dict items = {});

  /// What it is.
  Kind kind() const { return static_cast<Kind>(value_.index()); }
  /// "an integer", "a list", ...: for messages.
  std::string_view kind_name() const;
  bool is_null() const { return kind() == Kind::null; }
  bool is_bool() const { return kind() == Kind::boolean; }
  bool is_int() const { return kind() == Kind::integer; }
  bool is_real() const { return kind() == Kind::real; }
  bool is_number() const { return is_int() || is_real(); }
  bool is_string() const { return kind() == Kind::string; }
  bool is_list() const { return kind() == Kind::list; }
  bool is_dict() const { return kind() == Kind::dict; }

  /// The value of that kind; `where` names it in the TypeError that another kind raises.
  bool as_bool(std::string_view where = "JSON") const;
  int64_t as_int(std::string_view where = "JSON") const;
  /// The value of a real or an integer.
  double as_real(std::string_view where = "JSON") const;
  const std::string& as_string(std::string_view where = "JSON") const;
  const List& as_list(std::string_view where = "JSON") const;
  const Dict& as_dict(std::string_view where = "JSON") const;

  /// Number of items of a list or dictionary, 0 for all else.
  size_t size() const;
  /// An item of a list. Throws TypeError for another kind, ValueError beyond the end.
  const Json& operator[](size_t index) const;
  const Json& operator[](int index) const { return (*this)[static_cast<size_t>(index)]; }
  /// The value of a key. Throws TypeError when this is no dictionary, ValueError with the keys when there is
  /// none.
  const Json& operator[](std::string_view key) const;
  const Json& operator[](const char* key) const { return (*this)[std::string_view(key)]; }
  /// The value of a key, or nullptr when there is none or this is no dictionary.
  const Json* find(std::string_view key) const;
  Json* find(std::string_view key);
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// The value of a key, or `otherwise`.
  Json get(std::string_view key, Json otherwise = nullptr) const;

  /// Adds a key at the end or changes its value; null becomes a dictionary. Gives this.
  Json& set(std::string_view key, Json value);
  /// Removes a key if it is there.
  void erase(std::string_view key);
  /// Adds an item to a list; null becomes a list.
  void push_back(Json item);

  /// The text as Python's json.dumps writes it: `{"a": [1, 2.0, null]}`, and on several lines when `indent`
  /// >= 0. Real numbers have the fewest digits that read back equal (`1e-07`), NaN and Infinity their Python
  /// tokens, and characters beyond ASCII become escapes. Throws ValueError for strings that are not UTF-8.
  std::string dump(int indent = -1) const;
  /// Reads a text; NaN, Infinity and -Infinity are numbers, integers beyond 64 bits become real, the last of
  /// equal keys counts. Throws ValueError with line and column, also for nesting deeper than 512; `where`
  /// names the text.
  static Json parse(std::string_view text, std::string_view where = "JSON");

  /// Numbers compare by value, dictionaries without regard to order.
  friend bool operator==(const Json& a, const Json& b);

 private:
  [[noreturn]] void fail_kind(std::string_view where, std::string_view wanted) const;

  std::variant<std::nullptr_t, bool, int64_t, double, std::string, List, Dict> value_ = nullptr;
};

}  // namespace keras
