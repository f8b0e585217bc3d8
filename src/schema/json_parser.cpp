// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <limits>
#include <unordered_map>

#include "keras/base/error.h"
#include "keras/schema/json.h"
#include "schema/utf8.h"

namespace keras {
namespace {

constexpr int kMaxDepth = 512;

class Parser {
 public:
  Parser(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Json parse() {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") position_ = 3;  // the byte-order mark of some editors
    Json value = parse_value(0);
    skip_space();
    if (position_ != text_.size()) fail_here("more text after the value");
    return value;
  }

 private:
  [[noreturn]] void fail_here(const std::string& what) const {
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < position_ && i < text_.size(); ++i) {
      column = text_[i] == '\n' ? 1 : column + 1;
      line += text_[i] == '\n' ? 1 : 0;
    }
    internal::fail<ValueError>(
        {where_, "The text must be JSON",
         what + " at line " + std::to_string(line) + ", column " + std::to_string(column), ""});
  }

  void skip_space() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n' ||
                                        text_[position_] == '\t' || text_[position_] == '\r')) {
      ++position_;
    }
  }

  bool accept(std::string_view token) {
    if (text_.substr(position_, token.size()) != token) return false;
    position_ += token.size();
    return true;
  }

  Json parse_value(int depth) {
    if (depth > kMaxDepth) fail_here("more than " + std::to_string(kMaxDepth) + " levels");
    skip_space();
    if (position_ >= text_.size()) fail_here("the end instead of a value");
    switch (text_[position_]) {
      case '{':
        return parse_dict(depth);
      case '[':
        return parse_list(depth);
      case '"':
        return parse_string();
      default:
        break;
    }
    if (accept("null")) return nullptr;
    if (accept("true")) return true;
    if (accept("false")) return false;
    if (accept("NaN")) return std::numeric_limits<double>::quiet_NaN();
    if (accept("Infinity")) return std::numeric_limits<double>::infinity();
    if (accept("-Infinity")) return -std::numeric_limits<double>::infinity();
    return parse_number();
  }

  Json parse_list(int depth) {
    ++position_;
    Json::List items;
    skip_space();
    if (accept("]")) return items;
    while (true) {
      items.push_back(parse_value(depth + 1));
      skip_space();
      if (accept("]")) return items;
      if (!accept(",")) fail_here("no ',' or ']' in a list");
    }
  }

  Json parse_dict(int depth) {
    ++position_;
    Json::Dict items;
    std::unordered_map<std::string, size_t> places;
    skip_space();
    if (!accept("}")) {
      while (true) {
        skip_space();
        if (position_ >= text_.size() || text_[position_] != '"') fail_here("no key in a dictionary");
        std::string key = parse_string();
        skip_space();
        if (!accept(":")) fail_here("no ':' after a key");
        Json value = parse_value(depth + 1);
        const auto [place, fresh] = places.try_emplace(key, items.size());
        if (fresh) {
          items.emplace_back(std::move(key), std::move(value));
        } else {
          items[place->second].second = std::move(value);
        }
        skip_space();
        if (accept("}")) break;
        if (!accept(",")) fail_here("no ',' or '}' in a dictionary");
      }
    }
    return Json::dict(std::move(items));
  }

  bool digit_at(size_t place) const {
    return place < text_.size() && text_[place] >= '0' && text_[place] <= '9';
  }

  size_t skip_digits(size_t place) const {
    while (digit_at(place)) ++place;
    return place;
  }

  Json parse_number() {
    size_t end = position_;
    if (end < text_.size() && text_[end] == '-') ++end;
    if (!digit_at(end)) fail_here("no value");
    const bool leading_zero = text_[end] == '0';
    end = leading_zero ? end + 1 : skip_digits(end);
    if (leading_zero && digit_at(end)) fail_here("a number with a leading zero");
    bool real = false;
    if (end < text_.size() && text_[end] == '.' && digit_at(end + 1)) {
      real = true;
      end = skip_digits(end + 1);
    }
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      size_t exponent = end + 1;
      if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-')) ++exponent;
      if (digit_at(exponent)) {
        real = true;
        end = skip_digits(exponent);
      }
    }
    const char* first = text_.data() + position_;
    const char* last = text_.data() + end;
    int64_t integer = 0;
    if (!real && std::from_chars(first, last, integer).ec == std::errc()) {
      position_ = end;
      return integer;
    }
    double value = 0;
    if (std::from_chars(first, last, value).ec == std::errc::result_out_of_range)
      value = beyond_range(first, last);
    position_ = end;
    return value;
  }

  // A number whose exponent is out of a double's range: 0 or infinity, as Python reads it.
  static double beyond_range(const char* first, const char* last) {
    const std::string text(first, last);
    return std::strtod(text.c_str(), nullptr);
  }

  uint32_t parse_hex() {
    if (text_.size() - position_ < 4) fail_here("a cut escape");
    uint32_t value = 0;
    const char* first = text_.data() + position_;
    if (std::from_chars(first, first + 4, value, 16).ptr != first + 4) fail_here("a wrong \\u escape");
    position_ += 4;
    return value;
  }

  void parse_escape(std::string& out) {
    if (position_ >= text_.size()) fail_here("a cut escape");
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char letter = text_[position_++];
    if (const size_t known = kLetters.find(letter); known != std::string_view::npos) {
      out += kMeanings[known];
      return;
    }
    if (letter != 'u') fail_here("an unknown escape");
    uint32_t c = parse_hex();
    if (c >= 0xd800 && c < 0xdc00 && text_.substr(position_, 2) == "\\u") {
      const size_t before = position_;
      position_ += 2;
      const uint32_t low = parse_hex();
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      } else {
        position_ = before;  // a lone half of a pair, which Python keeps too
      }
    }
    internal::append_utf8(out, c);
  }

  std::string parse_string() {
    ++position_;
    std::string out;
    while (true) {
      if (position_ >= text_.size()) fail_here("an open string");
      const auto byte = static_cast<unsigned char>(text_[position_]);
      if (byte == '"') {
        ++position_;
        return out;
      }
      if (byte < 0x20) fail_here("a control character in a string");
      if (byte == '\\') {
        ++position_;
        parse_escape(out);
      } else if (byte < 0x80) {
        out += text_[position_++];
      } else {
        const size_t start = position_;
        if (!internal::next_code_point(text_, position_)) fail_here("a string that is not UTF-8");
        out.append(text_.substr(start, position_ - start));
      }
    }
  }

  std::string_view text_;
  std::string_view where_;
  size_t position_ = 0;
};

}  // namespace

Json Json::parse(std::string_view text, std::string_view where) { return Parser(text, where).parse(); }

}  // namespace keras
