// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>

#include "keras/base/error.h"
#include "keras/schema/json.h"
#include "schema/utf8.h"
#include "tensor/number_text.h"

namespace keras {
namespace {

void append_escape(std::string& out, uint32_t unit) {
  char text[16];
  std::snprintf(text, sizeof(text), "\\u%04x", unit);
  out += text;
}

class JsonWriter {
 public:
  explicit JsonWriter(int indent) : indent_(indent) {}

  void write(const Json& value, int depth) {
    switch (value.kind()) {
      case Json::Kind::null:
        out_ += "null";
        break;
      case Json::Kind::boolean:
        out_ += value.as_bool() ? "true" : "false";
        break;
      case Json::Kind::integer:
        out_ += std::to_string(value.as_int());
        break;
      case Json::Kind::real:
        write_real(value.as_real());
        break;
      case Json::Kind::string:
        write_string(value.as_string());
        break;
      case Json::Kind::list:
        write_items(value.as_list(), "[", "]", depth, [&](const Json& item) { write(item, depth + 1); });
        break;
      case Json::Kind::dict:
        write_items(value.as_dict(), "{", "}", depth, [&](const Json::Item& item) {
          write_string(item.first);
          out_ += ": ";
          write(item.second, depth + 1);
        });
        break;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  template <class Items, class Write>
  void write_items(const Items& items, const char* open, const char* close, int depth,
                   const Write& write_item) {
    out_ += open;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += indent_ < 0 ? ", " : ",";
      first = false;
      new_line(depth + 1);
      write_item(item);
    }
    if (!first) new_line(depth);
    out_ += close;
  }

  void new_line(int depth) {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<size_t>(indent_) * static_cast<size_t>(depth), ' ');
  }

  void write_real(double value) {
    if (std::isnan(value)) {
      out_ += "NaN";
    } else if (std::isinf(value)) {
      out_ += value < 0 ? "-Infinity" : "Infinity";
    } else {
      out_ += internal::scalar_text(&value, DType::float64);
    }
  }

  void write_string(const std::string& text) {
    out_ += '"';
    for (size_t i = 0; i < text.size();) {
      const auto c = internal::next_code_point(text, i);
      if (!c) {
        internal::fail<ValueError>({"JSON", "Strings must be UTF-8", "a string with other bytes", ""});
      }
      write_character(*c);
    }
    out_ += '"';
  }

  void write_character(uint32_t c) {
    constexpr std::string_view kCharacters = "\"\\\b\f\n\r\t";
    constexpr std::string_view kLetters = "\"\\bfnrt";
    const size_t known = c < 0x80 ? kCharacters.find(static_cast<char>(c)) : std::string_view::npos;
    if (known != std::string_view::npos) {
      out_ += '\\';
      out_ += kLetters[known];
    } else if (c >= 0x20 && c < 0x7f) {
      out_ += static_cast<char>(c);
    } else if (c < 0x10000) {
      append_escape(out_, c);
    } else {
      append_escape(out_, 0xd800 + ((c - 0x10000) >> 10));
      append_escape(out_, 0xdc00 + ((c - 0x10000) & 0x3ff));
    }
  }

  int indent_;
  std::string out_;
};

}  // namespace

std::string Json::dump(int indent) const {
  JsonWriter writer(indent);
  writer.write(*this, 0);
  return writer.take();
}

}  // namespace keras
