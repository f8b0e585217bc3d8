// SPDX-License-Identifier: Apache-2.0
#include "keras/data/npy.h"

#include <algorithm>
#include <bit>
#include <complex>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>

#include "data/zip_archive.h"
#include "keras/base/error.h"
#include "keras/tensor/host_buffer.h"
#include "schema/utf8.h"

namespace keras {
namespace {

using internal::fail;

static_assert(std::endian::native == std::endian::little,
              "array files are written in the machine's byte order");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxRank = 64;  // NumPy's own limit
constexpr int64_t kMaxEmptyStrings = int64_t{1} << 24;

/// What a header says.
struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

/// Reads the header's text: a Python dictionary of literals.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Header parse() {
    Header header;
    bool has_descr = false;
    bool has_order = false;
    bool has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        header.descr = descr();
        has_descr = true;
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
        has_order = true;
      } else if (key == "shape") {
        header.shape = tuple();
        has_shape = true;
      } else {
        fail_broken("unknown key '" + key + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!has_descr || !has_order || !has_shape) fail_broken("a missing key");
    return header;
  }

 private:
  [[noreturn]] void fail_broken(const std::string& what) const {
    fail<ValueError>({"npy", "The header must be a dictionary of descr, fortran_order and shape",
                      what + " in '" + std::string(where_) + "'", ""});
  }
  void skip_space() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) ++position_;
  }
  bool accept(char c) {
    skip_space();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail_broken(std::string("no '") + c + "' at position " + std::to_string(position_));
  }
  std::string quoted() {
    skip_space();
    if (position_ >= text_.size() || (text_[position_] != '\'' && text_[position_] != '"')) {
      fail_broken("no string at position " + std::to_string(position_));
    }
    const char quote = text_[position_++];
    const size_t end = text_.find(quote, position_);
    if (end == std::string_view::npos) fail_broken("an open string");
    std::string out(text_.substr(position_, end - position_));
    position_ = end + 1;
    return out;
  }
  std::string descr() {
    skip_space();
    if (position_ < text_.size() && (text_[position_] == '[' || text_[position_] == '(')) {
      fail<UnsupportedError>({"npy", "Structured dtypes cannot be read", "'" + std::string(where_) + "'",
                              "save each field by itself"});
    }
    return quoted();
  }
  bool boolean() {
    skip_space();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(position_, word.size()) == word) {
        position_ += word.size();
        return word == "True";
      }
    }
    fail_broken("no truth value at position " + std::to_string(position_));
  }
  int64_t integer() {
    skip_space();
    int64_t value = 0;
    const size_t start = position_;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      if (__builtin_mul_overflow(value, int64_t{10}, &value) ||
          __builtin_add_overflow(value, int64_t{text_[position_] - '0'}, &value)) {
        fail_broken("a dimension beyond 64 bits");
      }
      ++position_;
    }
    if (position_ == start) fail_broken("no number at position " + std::to_string(position_));
    if (position_ < text_.size() && text_[position_] == 'L') ++position_;  // Python 2 wrote long integers so
    return value;
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> out;
    expect('(');
    while (!accept(')')) {
      out.push_back(integer());
      if (out.size() > kMaxRank) fail_broken("too many dimensions");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }

  std::string_view text_;
  std::string_view where_;
  size_t position_ = 0;
};

/// How an element is stored.
struct ElementFormat {
  DType dtype = DType::float32;
  size_t size = 0;       // bytes in the file
  size_t swap_unit = 1;  // bytes that are turned around in the other byte order
  bool big_endian = false;
  bool complex128 = false;
  bool unicode = false;
};

struct NumberCode {
  std::string_view code;
  DType dtype;
  size_t swap_unit;
};

constexpr NumberCode kNumberCodes[] = {
    {"b1", DType::bool_, 1},   {"u1", DType::uint8, 1},    {"u2", DType::uint16, 2},
    {"u4", DType::uint32, 4},  {"u8", DType::uint64, 8},   {"i1", DType::int8, 1},
    {"i2", DType::int16, 2},   {"i4", DType::int32, 4},    {"i8", DType::int64, 8},
    {"f2", DType::float16, 2}, {"V2", DType::bfloat16, 2}, {"f4", DType::float32, 4},
    {"f8", DType::float64, 8}, {"c8", DType::complex64, 4}};

ElementFormat parse_descr(const std::string& descr, std::string_view where) {
  ElementFormat format;
  std::string_view code = descr;
  if (!code.empty() && std::string_view("<>|=").find(code[0]) != std::string_view::npos) {
    format.big_endian = code[0] == '>';
    code.remove_prefix(1);
  }
  for (const auto& known : kNumberCodes) {
    if (known.code != code) continue;
    format.dtype = known.dtype;
    format.size = dtype_size(known.dtype);
    format.swap_unit = known.swap_unit;
    return format;
  }
  if (code == "c16") {
    format = {DType::complex64, 16, 8, format.big_endian, true, false};
    return format;
  }
  const bool digits = code.size() > 1 && code.size() < 11 &&
                      std::all_of(code.begin() + 1, code.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits && (code[0] == 'U' || code[0] == 'S')) {
    const bool unicode = code[0] == 'U';
    const size_t length = std::stoull(std::string(code.substr(1)));
    return {DType::string, length * (unicode ? 4 : 1), size_t{unicode ? 4U : 1U}, format.big_endian, false,
            unicode};
  }
  if (!code.empty() && (digits || code == "O") &&
      std::string_view("OMmVftcgG").find(code[0]) != std::string_view::npos) {
    fail<UnsupportedError>({"npy", "Elements of this type cannot be read",
                            "descr='" + descr + "' in '" + std::string(where) + "'",
                            "numbers, bools and strings can"});
  }
  fail<ValueError>({"npy", "The element type must be one of NumPy's",
                    "descr='" + descr + "' in '" + std::string(where) + "'", ""});
}

// The code points of UTF-8 text. Throws ValueError where it is none.
std::vector<uint32_t> code_points(const std::string& text) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < text.size();) {
    const auto c = internal::next_code_point(text, i);
    if (!c) {
      fail<ValueError>({"npy", "Strings must be UTF-8 to be saved", "a string with other bytes", ""});
    }
    out.push_back(*c);
  }
  return out;
}

std::string read_string(const char* element, const ElementFormat& format, std::string_view where) {
  std::string out;
  if (!format.unicode) {
    out.assign(element, format.size);
  } else {
    for (size_t i = 0; i < format.size; i += 4) {
      uint32_t c = 0;
      std::memcpy(&c, element + i, 4);
      if (format.big_endian) c = __builtin_bswap32(c);
      if (c > 0x10ffff) {
        fail<ValueError>(
            {"npy", "Strings must be unicode", "a wrong character in '" + std::string(where) + "'", ""});
      }
      internal::append_utf8(out, c);
    }
  }
  while (!out.empty() && out.back() == '\0') out.pop_back();
  return out;
}

// Calls visit(k) with the C-order position of each element in the order of the file.
template <class Visit>
void visit_in_file_order(const Header& header, int64_t count, const Visit& visit) {
  if (!header.fortran_order || header.shape.size() < 2) {
    for (int64_t i = 0; i < count; ++i) visit(i);
    return;
  }
  const size_t rank = header.shape.size();
  std::vector<int64_t> strides(rank, 1);
  for (size_t axis = rank - 1; axis-- > 0;) strides[axis] = strides[axis + 1] * header.shape[axis + 1];
  std::vector<int64_t> index(rank, 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    visit(offset);
    for (size_t axis = 0; axis < rank; ++axis) {  // the first axis runs fastest
      offset += strides[axis];
      if (++index[axis] < header.shape[axis]) break;
      offset -= strides[axis] * header.shape[axis];
      index[axis] = 0;
    }
  }
}

Tensor read_strings(const Header& header, const ElementFormat& format, const Shape& shape, int64_t count,
                    const char* data, std::string_view where) {
  if (format.size == 0 && count > kMaxEmptyStrings) {
    fail<ValueError>({"npy", "There are too many empty strings", "'" + std::string(where) + "'", ""});
  }
  std::vector<std::string> values(static_cast<size_t>(count));
  visit_in_file_order(header, count, [&](int64_t place) {
    values[static_cast<size_t>(place)] = read_string(data, format, where);
    data += format.size;
  });
  return Tensor::strings(std::move(values), shape);
}

// Turns around the bytes of every unit, while copying.
void copy_element(char* to, const char* from, const ElementFormat& format) {
  if (!format.big_endian || format.swap_unit == 1) {
    std::memcpy(to, from, format.size);
    return;
  }
  for (size_t unit = 0; unit < format.size; unit += format.swap_unit) {
    std::reverse_copy(from + unit, from + unit + format.swap_unit, to + unit);
  }
}

Tensor read_numbers(const Header& header, const ElementFormat& format, const Shape& shape, int64_t count,
                    const char* data) {
  const size_t bytes = static_cast<size_t>(count) * format.size;
  auto memory = internal::allocate_host(bytes);
  auto* out = static_cast<char*>(memory.get());
  const bool plain =
      (!format.big_endian || format.swap_unit == 1) && (!header.fortran_order || shape.rank() < 2);
  if (plain) {
    if (bytes > 0) std::memcpy(out, data, bytes);
  } else {
    visit_in_file_order(header, count, [&](int64_t place) {
      copy_element(out + static_cast<size_t>(place) * format.size, data, format);
      data += format.size;
    });
  }
  if (format.dtype == DType::bool_) {
    for (size_t i = 0; i < bytes; ++i) out[i] = out[i] != 0 ? 1 : 0;
  }
  if (format.complex128) {
    auto narrow = internal::allocate_host(bytes / 2);
    internal::convert_elements(out, DType::float64, narrow.get(), DType::float32, count * 2);
    memory = std::move(narrow);
  }
  return internal::host_tensor(std::move(memory), shape, format.dtype);
}

std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = file ? static_cast<std::streamoff>(file.tellg()) : std::streamoff{-1};
  if (size < 0) fail<ValueError>({"npy", "The file could not be opened", "path='" + path + "'", ""});
  std::vector<std::byte> bytes(static_cast<size_t>(size));
  file.seekg(0);
  if (size > 0) file.read(reinterpret_cast<char*>(bytes.data()), size);
  if (!file) fail<ValueError>({"npy", "The file could not be read", "path='" + path + "'", ""});
  return bytes;
}

std::string descr_of(const Tensor& tensor, size_t string_length) {
  if (tensor.dtype() == DType::string) return "<U" + std::to_string(string_length);
  for (const auto& known : kNumberCodes) {
    if (known.dtype == tensor.dtype()) {
      return (dtype_size(known.dtype) == 1 ? "|" : "<") + std::string(known.code);
    }
  }
  fail<TypeError>(
      {"npy", "There is no NumPy type for this dtype", std::string(dtype_name(tensor.dtype())), ""});
}

void append(std::vector<std::byte>& out, const void* data, size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
}

void append_header(std::vector<std::byte>& out, const std::string& descr, const Shape& shape) {
  std::string text =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape.to_string() + ", }";
  const size_t start = kMagic.size() + 4;
  text.append(63 - (start + text.size()) % 64, ' ');
  text += '\n';
  append(out, kMagic.data(), kMagic.size());
  const unsigned char version_and_length[] = {1, 0, static_cast<unsigned char>(text.size() & 0xff),
                                              static_cast<unsigned char>(text.size() >> 8)};
  append(out, version_and_length, sizeof(version_and_length));
  append(out, text.data(), text.size());
}

NamedTensors read_archive(internal::ZipReader& archive) {
  NamedTensors out;
  for (const auto& member : archive.members()) {
    constexpr std::string_view kSuffix = ".npy";
    if (!member.name.ends_with(kSuffix)) {
      fail<ValueError>({"npz", "Every member must be a .npy file",
                        "member '" + member.name + "' in '" + archive.path() + "'", ""});
    }
    const auto bytes = archive.read(member);
    out.emplace_back(member.name.substr(0, member.name.size() - kSuffix.size()),
                     npy_from_bytes(bytes, archive.path() + ":" + member.name));
  }
  return out;
}

int64_t count_elements(const Header& header, std::string_view where) {
  int64_t count = 1;
  bool overflow = false;
  for (const int64_t size : header.shape) overflow = __builtin_mul_overflow(count, size, &count) || overflow;
  if (std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end()) return 0;
  if (overflow) {
    fail<ValueError>(
        {"npy", "The number of elements must fit in 64 bits", "'" + std::string(where) + "'", ""});
  }
  return count;
}

}  // namespace

Tensor npy_from_bytes(std::span<const std::byte> bytes, std::string_view where) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < 10 || text.substr(0, kMagic.size()) != kMagic) {
    fail<ValueError>({"npy", "The file must begin with NumPy's mark", "'" + std::string(where) + "'", ""});
  }
  auto byte = [&](size_t i) { return size_t{std::to_integer<uint8_t>(bytes[i])}; };
  const size_t version = byte(6);
  if (version < 1 || version > 3) {
    fail<ValueError>({"npy", "The format version must be 1, 2 or 3",
                      "version " + std::to_string(version) + " in '" + std::string(where) + "'", ""});
  }
  const size_t start = version == 1 ? 10 : 12;
  size_t header_size = byte(8) | byte(9) << 8;
  if (version > 1 && text.size() >= start) header_size |= byte(10) << 16 | byte(11) << 24;
  if (text.size() < start || text.size() - start < header_size) {
    fail<ValueError>({"npy", "The file ends within its header", "'" + std::string(where) + "'", ""});
  }
  const Header header = HeaderParser(text.substr(start, header_size), where).parse();
  const ElementFormat format = parse_descr(header.descr, where);
  const Shape shape(header.shape.begin(), header.shape.end());
  const int64_t count = count_elements(header, where);
  const std::string_view data = text.substr(start + header_size);
  if (format.size > 0 && static_cast<uint64_t>(count) > data.size() / format.size) {
    fail<ValueError>({"npy", "The file must hold all elements of its shape",
                      std::to_string(data.size()) + " bytes for shape " + shape.to_string() + " of '" +
                          header.descr + "' in '" + std::string(where) + "'",
                      ""});
  }
  if (format.dtype == DType::string) return read_strings(header, format, shape, count, data.data(), where);
  return read_numbers(header, format, shape, count, data.data());
}

std::vector<std::byte> npy_to_bytes(const Tensor& tensor) {
  std::vector<std::byte> out;
  if (tensor.dtype() == DType::string) {
    std::vector<std::vector<uint32_t>> texts;
    size_t longest = 1;
    for (const auto& value : tensor.to_strings()) {
      texts.push_back(code_points(value));
      longest = std::max(longest, texts.back().size());
    }
    append_header(out, descr_of(tensor, longest), tensor.shape());
    for (auto& text : texts) {
      text.resize(longest, 0);
      append(out, text.data(), longest * 4);
    }
    return out;
  }
  const void* elements = tensor.host_data();
  append_header(out, descr_of(tensor, 0), tensor.shape());
  if (tensor.bytes() > 0) append(out, elements, tensor.bytes());
  return out;
}

Tensor load_npy(const std::string& path) { return npy_from_bytes(read_file(path), path); }

void save_npy(const std::string& path, const Tensor& tensor) {
  const auto bytes = npy_to_bytes(tensor);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) fail<ValueError>({"npy", "The file could not be written", "path='" + path + "'", ""});
}

NamedTensors load_npz(const std::string& path) {
  internal::ZipReader archive(path);
  return read_archive(archive);
}

NamedTensors npz_from_bytes(std::span<const std::byte> bytes, std::string_view where) {
  internal::ZipReader archive(bytes, where);
  return read_archive(archive);
}

void save_npz(const std::string& path, const NamedTensors& tensors, bool compressed) {
  internal::ZipWriter archive(path);
  for (const auto& [name, tensor] : tensors) archive.add(name + ".npy", npy_to_bytes(tensor), compressed);
  archive.close();
}

}  // namespace keras
