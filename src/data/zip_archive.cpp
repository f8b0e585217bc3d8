// SPDX-License-Identifier: Apache-2.0
#include "data/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "keras/base/error.h"

namespace keras::internal {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr size_t kLocalSize = 30;
constexpr size_t kCentralSize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kLocatorSize = 20;
constexpr size_t kEnd64Size = 56;
constexpr uint16_t kExtra64 = 1;
constexpr uint32_t kIn64 = 0xffffffff;  // the real number stands in the 64-bit extra field
constexpr uint16_t kUtf8 = 0x0800;
constexpr uint16_t kEncrypted = 0x0001;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;
constexpr uint64_t kDeflateRatio = 1032;  // deflate cannot do better

template <class T>
T number_at(std::span<const std::byte> bytes, size_t position) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(
        value | static_cast<T>(static_cast<T>(std::to_integer<uint8_t>(bytes[position + i])) << (8 * i)));
  }
  return value;
}

template <class T>
void append_number(std::string& out, std::type_identity_t<T> value) {
  for (size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
}

std::span<const Bytef> zlib_bytes(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()};
}

// zlib counts in 32 bits, so long buffers go through in pieces.
uInt piece(uint64_t left) { return static_cast<uInt>(std::min<uint64_t>(left, uint64_t{1} << 30)); }

uint32_t checksum(std::span<const std::byte> bytes) {
  uLong crc = crc32(0, nullptr, 0);
  for (auto rest = zlib_bytes(bytes); !rest.empty();) {
    const uInt count = piece(rest.size());
    crc = crc32(crc, rest.data(), count);
    rest = rest.subspan(count);
  }
  return static_cast<uint32_t>(crc);
}

// Inflates raw deflate data into exactly `out`; false when the data are broken or of another length.
bool inflate_all(std::span<const std::byte> in, std::span<std::byte> out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  const auto source = zlib_bytes(in);
  uint64_t read = 0;
  uint64_t written = 0;
  std::array<Bytef, 1> beyond{};  // a byte more than expected would go here
  int status = Z_OK;
  while (status == Z_OK) {
    const uInt in_piece = piece(source.size() - read);
    const bool full = written == out.size();
    const uInt out_piece = full ? 1 : piece(out.size() - written);
    stream.next_in = const_cast<Bytef*>(source.data() + read);
    stream.avail_in = in_piece;
    stream.next_out = full ? beyond.data() : reinterpret_cast<Bytef*>(out.data() + written);
    stream.avail_out = out_piece;
    status = inflate(&stream, Z_NO_FLUSH);
    read += in_piece - stream.avail_in;
    const uInt produced = out_piece - stream.avail_out;
    if (full && produced > 0) status = Z_DATA_ERROR;
    if (!full) written += produced;
    if (status == Z_OK && produced == 0 && in_piece == stream.avail_in) status = Z_DATA_ERROR;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && written == out.size();
}

std::vector<std::byte> deflate_all(std::span<const std::byte> in) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    fail<BackendError>({"zip", "zlib could not be started", "", ""});
  }
  const auto source = zlib_bytes(in);
  std::vector<std::byte> out;
  uint64_t read = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    const uInt in_piece = piece(source.size() - read);
    const size_t old_size = out.size();
    out.resize(old_size + (size_t{1} << 16));
    stream.next_in = const_cast<Bytef*>(source.data() + read);
    stream.avail_in = in_piece;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + old_size);
    stream.avail_out = 1U << 16;
    status = deflate(&stream, read + in_piece == source.size() ? Z_FINISH : Z_NO_FLUSH);
    read += in_piece - stream.avail_in;
    out.resize(out.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  if (status != Z_STREAM_END) fail<BackendError>({"zip", "zlib could not compress", "", ""});
  return out;
}

}  // namespace

ZipReader::ZipReader(const std::string& path) : path_(path), file_(path, std::ios::binary | std::ios::ate) {
  const auto end = file_ ? static_cast<std::streamoff>(file_.tellg()) : std::streamoff{-1};
  if (end < 0) fail<ValueError>({"zip", "The file could not be opened", "path='" + path + "'", ""});
  size_ = static_cast<uint64_t>(end);
  read_directory();
}

ZipReader::ZipReader(std::span<const std::byte> bytes, std::string_view name)
    : path_(name), memory_(bytes), size_(bytes.size()) {
  read_directory();
}

void ZipReader::fail_broken(const std::string& what) const {
  fail<ValueError>({"zip", "The archive must be whole", what + " in '" + path_ + "'", ""});
}

std::vector<std::byte> ZipReader::bytes_at(uint64_t offset, uint64_t count) {
  if (offset > size_ || count > size_ - offset) fail_broken("a position beyond the end");
  std::vector<std::byte> out(count);
  if (count == 0) return out;
  if (!memory_.empty()) {
    std::memcpy(out.data(), memory_.data() + offset, count);
  } else {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    file_.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(count));
    if (!file_) fail_broken("an unreadable place");
  }
  return out;
}

void ZipReader::read_directory() {
  // The end record stands within the last 64 KiB: only a comment may follow it.
  const uint64_t tail_size = std::min<uint64_t>(size_, kEndSize + 0xffff);
  const auto tail = bytes_at(size_ - tail_size, tail_size);
  size_t end = tail.size();
  for (size_t i = tail.size() < kEndSize ? 0 : tail.size() - kEndSize + 1; i-- > 0;) {
    if (number_at<uint32_t>(tail, i) == kEnd) {
      end = i;
      break;
    }
  }
  if (end == tail.size()) fail_broken("no end of a zip directory");
  uint64_t count = number_at<uint16_t>(tail, end + 10);
  uint64_t directory_size = number_at<uint32_t>(tail, end + 12);
  uint64_t directory_offset = number_at<uint32_t>(tail, end + 16);
  const bool in_64 = count == 0xffff || directory_size == kIn64 || directory_offset == kIn64;
  if (in_64 && end >= kLocatorSize && number_at<uint32_t>(tail, end - kLocatorSize) == kLocator64) {
    const auto record = bytes_at(number_at<uint64_t>(tail, end - kLocatorSize + 8), kEnd64Size);
    if (number_at<uint32_t>(record, 0) != kEnd64) fail_broken("a wrong 64-bit end record");
    count = number_at<uint64_t>(record, 32);
    directory_size = number_at<uint64_t>(record, 40);
    directory_offset = number_at<uint64_t>(record, 48);
  }
  const auto directory = bytes_at(directory_offset, directory_size);
  size_t position = 0;
  for (uint64_t i = 0; i < count; ++i) members_.push_back(read_entry(directory, position));
}

ZipMember ZipReader::read_entry(std::span<const std::byte> directory, size_t& position) const {
  if (directory.size() - position < kCentralSize ||
      number_at<uint32_t>(directory, position) != kCentralHeader) {
    fail_broken("a wrong directory entry");
  }
  const auto entry = directory.subspan(position);
  const size_t name_size = number_at<uint16_t>(entry, 28);
  const size_t extra_size = number_at<uint16_t>(entry, 30);
  const size_t whole = kCentralSize + name_size + extra_size + number_at<uint16_t>(entry, 32);
  if (entry.size() < whole) fail_broken("a cut directory entry");
  position += whole;
  ZipMember member;
  member.name.assign(reinterpret_cast<const char*>(entry.data()) + kCentralSize, name_size);
  const auto flags = number_at<uint16_t>(entry, 8);
  const auto method = number_at<uint16_t>(entry, 10);
  if ((flags & kEncrypted) != 0 || (method != kStored && method != kDeflated)) {
    fail<UnsupportedError>({"zip", "Members must be stored or deflated, and not encrypted",
                            "member '" + member.name + "' in '" + path_ + "'", ""});
  }
  member.deflated = method == kDeflated;
  member.crc = number_at<uint32_t>(entry, 16);
  member.stored_size = number_at<uint32_t>(entry, 20);
  member.size = number_at<uint32_t>(entry, 24);
  member.header_offset = number_at<uint32_t>(entry, 42);
  // The 64-bit extra field holds the numbers that did not fit, in this order.
  const auto extra = entry.subspan(kCentralSize + name_size, extra_size);
  for (size_t at = 0; at + 4 <= extra.size();) {
    const size_t field_size = number_at<uint16_t>(extra, at + 2);
    if (at + 4 + field_size > extra.size()) break;
    if (number_at<uint16_t>(extra, at) == kExtra64) {
      size_t next = at + 4;
      for (uint64_t* number : {&member.size, &member.stored_size, &member.header_offset}) {
        if (*number != kIn64 || next + 8 > at + 4 + field_size) continue;
        *number = number_at<uint64_t>(extra, next);
        next += 8;
      }
    }
    at += 4 + field_size;
  }
  const bool believable = member.deflated ? member.size / kDeflateRatio <= member.stored_size + 1
                                          : member.size == member.stored_size;
  if (!believable || member.stored_size > size_) fail_broken("a wrong size of member '" + member.name + "'");
  return member;
}

const ZipMember* ZipReader::find(std::string_view name) const {
  for (const auto& member : members_) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

uint64_t ZipReader::data_offset(const ZipMember& member) {
  const auto header = bytes_at(member.header_offset, kLocalSize);
  if (number_at<uint32_t>(header, 0) != kLocalHeader)
    fail_broken("a wrong header of member '" + member.name + "'");
  return member.header_offset + kLocalSize + number_at<uint16_t>(header, 26) +
         number_at<uint16_t>(header, 28);
}

std::vector<std::byte> ZipReader::read(const ZipMember& member) {
  auto contents = bytes_at(data_offset(member), member.stored_size);
  if (member.deflated) {
    std::vector<std::byte> inflated(member.size);
    if (!inflate_all(contents, inflated)) fail_broken("broken data of member '" + member.name + "'");
    contents = std::move(inflated);
  }
  if (checksum(contents) != member.crc) fail_broken("a wrong checksum of member '" + member.name + "'");
  return contents;
}

std::vector<std::byte> ZipReader::read(std::string_view name) {
  if (const ZipMember* member = find(name)) return read(*member);
  std::vector<std::string> names;
  for (const auto& member : members_) names.push_back(member.name);
  fail_unknown_name("zip", "member of '" + path_ + "'", name, names);
}

ZipWriter::ZipWriter(const std::string& path) : path_(path), file_(path, std::ios::binary | std::ios::trunc) {
  if (!file_) fail<ValueError>({"zip", "The file could not be written", "path='" + path + "'", ""});
}

void ZipWriter::write(std::string_view bytes) {
  file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  position_ += bytes.size();
}

namespace {

constexpr uint16_t kEpochDate = 0x21;  // 1980-01-01

// The fields that a local header and a directory entry share, up to the sizes.
void append_common(std::string& out, const ZipMember& member, bool wide) {
  append_number<uint16_t>(out, wide ? 45 : 20);
  append_number<uint16_t>(out, kUtf8);
  append_number<uint16_t>(out, member.deflated ? kDeflated : kStored);
  append_number<uint16_t>(out, 0);
  append_number<uint16_t>(out, kEpochDate);
  append_number<uint32_t>(out, member.crc);
  append_number<uint32_t>(out, wide ? kIn64 : member.stored_size);
  append_number<uint32_t>(out, wide ? kIn64 : member.size);
  append_number<uint16_t>(out, member.name.size());
}

}  // namespace

void ZipWriter::add(const std::string& name, std::span<const std::byte> contents, bool deflate) {
  if (name.size() > 0xffff) fail<ValueError>({"zip", "A member's name is too long", path_, ""});
  ZipMember member;
  member.name = name;
  member.size = contents.size();
  member.crc = checksum(contents);
  member.header_offset = position_;
  std::vector<std::byte> packed;
  if (deflate) packed = deflate_all(contents);
  member.deflated = deflate && packed.size() < contents.size();
  const std::span<const std::byte> stored = member.deflated ? std::span<const std::byte>(packed) : contents;
  member.stored_size = stored.size();
  const bool wide = member.size >= kIn64;
  std::string header;
  append_number<uint32_t>(header, kLocalHeader);
  append_common(header, member, wide);
  append_number<uint16_t>(header, wide ? 20 : 0);
  header += member.name;
  if (wide) {
    append_number<uint16_t>(header, kExtra64);
    append_number<uint16_t>(header, 16);
    append_number<uint64_t>(header, member.size);
    append_number<uint64_t>(header, member.stored_size);
  }
  write(header);
  write({reinterpret_cast<const char*>(stored.data()), stored.size()});
  members_.push_back(std::move(member));
}

void ZipWriter::close() {
  const uint64_t directory_offset = position_;
  for (const auto& member : members_) {
    const bool wide = member.size >= kIn64;
    const bool far = member.header_offset >= kIn64;
    std::string entry;
    append_number<uint32_t>(entry, kCentralHeader);
    append_number<uint16_t>(entry, 0x0300 | 45);  // made on Unix, by version 4.5 of the format
    append_common(entry, member, wide);
    const size_t extra = (wide ? 16 : 0) + (far ? 8 : 0);
    append_number<uint16_t>(entry, extra == 0 ? 0 : extra + 4);
    append_number<uint16_t>(entry, 0);
    append_number<uint16_t>(entry, 0);
    append_number<uint16_t>(entry, 0);
    append_number<uint32_t>(entry, 0100644U << 16);
    append_number<uint32_t>(entry, far ? kIn64 : member.header_offset);
    entry += member.name;
    if (extra > 0) {
      append_number<uint16_t>(entry, kExtra64);
      append_number<uint16_t>(entry, extra);
      if (wide) append_number<uint64_t>(entry, member.size);
      if (wide) append_number<uint64_t>(entry, member.stored_size);
      if (far) append_number<uint64_t>(entry, member.header_offset);
    }
    write(entry);
  }
  const uint64_t directory_size = position_ - directory_offset;
  const bool wide = members_.size() >= 0xffff || directory_offset >= kIn64 || directory_size >= kIn64;
  std::string end;
  if (wide) {
    const uint64_t record = position_;
    append_number<uint32_t>(end, kEnd64);
    append_number<uint64_t>(end, kEnd64Size - 12);
    append_number<uint16_t>(end, 0x0300 | 45);
    append_number<uint16_t>(end, 45);
    append_number<uint32_t>(end, 0);
    append_number<uint32_t>(end, 0);
    append_number<uint64_t>(end, members_.size());
    append_number<uint64_t>(end, members_.size());
    append_number<uint64_t>(end, directory_size);
    append_number<uint64_t>(end, directory_offset);
    append_number<uint32_t>(end, kLocator64);
    append_number<uint32_t>(end, 0);
    append_number<uint64_t>(end, record);
    append_number<uint32_t>(end, 1);
  }
  append_number<uint32_t>(end, kEnd);
  append_number<uint32_t>(end, 0);
  append_number<uint16_t>(end, wide ? 0xffff : members_.size());
  append_number<uint16_t>(end, wide ? 0xffff : members_.size());
  append_number<uint32_t>(end, wide ? kIn64 : directory_size);
  append_number<uint32_t>(end, wide ? kIn64 : directory_offset);
  append_number<uint16_t>(end, 0);
  write(end);
  file_.close();
  if (!file_) fail<ValueError>({"zip", "The file could not be written whole", "path='" + path_ + "'", ""});
}

}  // namespace keras::internal
