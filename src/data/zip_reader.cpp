// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <algorithm>
#include <array>
#include <utility>

#include "data/zip_archive.h"
#include "data/zip_format.h"
#include "keras/base/error.h"

namespace keras::internal {

using namespace zip;

namespace {

constexpr uint64_t kDeflateRatio = 1032;  // deflate cannot do better
// All members together may unpack to this, or to so many times the archive's size.
constexpr uint64_t kFreeTotal = uint64_t{4} << 30;
constexpr uint64_t kTotalRatio = 200;

// zlib counts in 32 bits, so long buffers go through in pieces.
uInt piece(uint64_t left) { return static_cast<uInt>(std::min<uint64_t>(left, uint64_t{1} << 30)); }

const Bytef* zlib_bytes(std::span<const std::byte> bytes) {
  return reinterpret_cast<const Bytef*>(bytes.data());
}

// Inflates raw deflate data into exactly `out`; false when the data are broken or of another length.
bool inflate_all(std::span<const std::byte> in, std::span<std::byte> out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  uint64_t read = 0;
  uint64_t written = 0;
  std::array<Bytef, 1> beyond{};  // a byte more than expected would go here
  int status = Z_OK;
  while (status == Z_OK) {
    const uInt in_piece = piece(in.size() - read);
    const bool full = written == out.size();
    const uInt out_piece = full ? 1 : piece(out.size() - written);
    stream.next_in = const_cast<Bytef*>(zlib_bytes(in)) + read;
    stream.avail_in = in_piece;
    stream.next_out = full ? beyond.data() : reinterpret_cast<Bytef*>(out.data()) + written;
    stream.avail_out = out_piece;
    status = inflate(&stream, Z_NO_FLUSH);
    read += in_piece - stream.avail_in;
    const uInt produced = out_piece - stream.avail_out;
    if (full && produced > 0) status = Z_DATA_ERROR;
    if (!full) written += produced;
    if (status == Z_OK && produced == 0 && in_piece == stream.avail_in) status = Z_DATA_ERROR;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && written == out.size() && read == in.size();
}

}  // namespace

namespace zip {

uint32_t checksum(std::span<const std::byte> bytes, uint32_t before) {
  uLong crc = before;
  while (!bytes.empty()) {
    const uInt count = piece(bytes.size());
    crc = crc32(crc, zlib_bytes(bytes), count);
    bytes = bytes.subspan(count);
  }
  return static_cast<uint32_t>(crc);
}

std::string_view name_fault(std::string_view name) {
  if (name.empty() || name.size() > 0xffff) return "a name of 1 to 65535 bytes is needed";
  if (name.find('\0') != std::string_view::npos) return "a name holds a zero byte";
  if (name.find('\\') != std::string_view::npos) return "a name holds a backslash";
  if (name.front() == '/' || (name.size() > 1 && name[1] == ':')) return "a name is an absolute path";
  for (std::string_view rest = name; !rest.empty();) {
    const auto part = rest.substr(0, rest.find('/'));
    if (part == "..") return "a name leads out of its folder";
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  }
  return {};
}

}  // namespace zip

ZipReader::ZipReader(const std::string& path)
    : path_(path), file_(std::make_unique<MappedFile>(path)), archive_(file_->bytes()) {
  read_directory();
}

ZipReader::ZipReader(std::span<const std::byte> bytes, std::string_view name) : path_(name), archive_(bytes) {
  read_directory();
}

void ZipReader::fail_broken(const std::string& what) const {
  fail<ValueError>({"zip", "The archive must be whole", what + " in '" + path_ + "'", ""});
}

std::span<const std::byte> ZipReader::at(uint64_t offset, uint64_t count, std::string_view what) const {
  if (offset > archive_.size() || count > archive_.size() - offset) {
    fail_broken(std::string(what) + " beyond the end");
  }
  return archive_.subspan(offset, count);
}

// The end record is followed by a comment of the length that it declares, at most 64 KiB.
size_t ZipReader::find_end() const {
  const size_t size = archive_.size();
  for (size_t comment = 0; comment <= 0xffff && comment + kEndSize <= size; ++comment) {
    const size_t end = size - kEndSize - comment;
    if (number_at<uint32_t>(archive_, end) == kEnd && number_at<uint16_t>(archive_, end + 20) == comment)
      return end;
  }
  fail_broken("no end of a zip directory");
}

void ZipReader::read_directory() {
  const size_t end = find_end();
  uint64_t count = number_at<uint16_t>(archive_, end + 10);
  uint64_t size = number_at<uint32_t>(archive_, end + 12);
  uint64_t offset = number_at<uint32_t>(archive_, end + 16);
  const bool in_64 = count == 0xffff || size == kIn64 || offset == kIn64;
  if (in_64 && end >= kLocatorSize && number_at<uint32_t>(archive_, end - kLocatorSize) == kLocator64) {
    const auto record =
        at(number_at<uint64_t>(archive_, end - kLocatorSize + 8), kEnd64Size, "the 64-bit end record");
    if (number_at<uint32_t>(record, 0) != kEnd64) fail_broken("a wrong 64-bit end record");
    count = number_at<uint64_t>(record, 32);
    size = number_at<uint64_t>(record, 40);
    offset = number_at<uint64_t>(record, 48);
  }
  const auto directory = at(offset, size, "the directory");
  size_t position = 0;
  for (uint64_t i = 0; i < count; ++i) {
    ZipMember member = read_entry(directory, position);
    locate(member);
    if (member.name.back() == '/' && member.size == 0) continue;
    if (!by_name_.emplace(member.name, members_.size()).second) {
      fail_broken("member '" + member.name + "' twice");
    }
    members_.push_back(std::move(member));
  }
  if (position != directory.size()) fail_broken("more in the directory than its members");
  check_whole();
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
  if (const auto fault = name_fault(member.name); !fault.empty()) {
    fail<ValueError>({"zip", "Members must have names that stay in their folder",
                      std::string(fault) + ": '" + member.name.c_str() + "' in '" + path_ + "'",
                      "the archive was damaged or made to harm"});
  }
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
  for (size_t begin = 0; begin + 4 <= extra.size();) {
    const size_t field_size = number_at<uint16_t>(extra, begin + 2);
    const size_t field_end = begin + 4 + field_size;
    if (field_end > extra.size()) break;
    if (number_at<uint16_t>(extra, begin) == kExtra64) {
      size_t next = begin + 4;
      for (uint64_t* number : {&member.size, &member.stored_size, &member.header_offset}) {
        if (*number != kIn64 || next + 8 > field_end) continue;
        *number = number_at<uint64_t>(extra, next);
        next += 8;
      }
    }
    begin = field_end;
  }
  return member;
}

// Finds the member's bytes behind its own header, which must agree with the directory.
void ZipReader::locate(ZipMember& member) const {
  const std::string what = "member '" + member.name + "'";
  const auto header = at(member.header_offset, kLocalSize, what);
  if (number_at<uint32_t>(header, 0) != kLocalHeader) fail_broken("a wrong header of " + what);
  const uint64_t name_size = number_at<uint16_t>(header, 26);
  const uint64_t extra_size = number_at<uint16_t>(header, 28);
  const auto name = at(member.header_offset + kLocalSize, name_size, what);
  const auto method = number_at<uint16_t>(header, 8);
  if (!std::ranges::equal(name, std::as_bytes(std::span(member.name))) ||
      method != (member.deflated ? kDeflated : kStored)) {
    fail_broken("a header of " + what + " that differs from the directory");
  }
  member.stored = at(member.header_offset + kLocalSize + name_size + extra_size, member.stored_size, what);
  const bool believable = member.deflated ? member.size / kDeflateRatio <= member.stored_size + 1
                                          : member.size == member.stored_size;
  if (!believable) fail_broken("a wrong size of " + what);
}

// Bombs reuse the same bytes for many members, or unpack to far more than any weights would.
void ZipReader::check_whole() const {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  uint64_t total = 0;
  const uint64_t most = std::max(kFreeTotal, archive_.size() * kTotalRatio);
  for (const ZipMember& member : members_) {
    const uint64_t begin = member.header_offset;
    const uint64_t header =
        kLocalSize + number_at<uint16_t>(archive_, begin + 26) + number_at<uint16_t>(archive_, begin + 28);
    ranges.emplace_back(begin, begin + header + member.stored_size);
    if (member.size > most - total) {
      fail<ValueError>({"zip", "An archive must not unpack to far more than its own size",
                        "over " + std::to_string(most) + " bytes from " + std::to_string(archive_.size()) +
                            " in '" + path_ + "'",
                        "the archive was made to fill the memory"});
    }
    total += member.size;
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) fail_broken("members that overlap");
  }
}

const ZipMember* ZipReader::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &members_[found->second];
}

void ZipReader::verify(const ZipMember& member, std::span<const std::byte> contents) const {
  if (checksum(contents) != member.crc) fail_broken("a wrong checksum of member '" + member.name + "'");
}

std::optional<std::span<const std::byte>> ZipReader::view(const ZipMember& member) const {
  if (member.deflated) return std::nullopt;
  verify(member, member.stored);
  return member.stored;
}

std::vector<std::byte> ZipReader::read(const ZipMember& member) const {
  std::vector<std::byte> contents;
  if (member.deflated) {
    contents.resize(member.size);
    if (!inflate_all(member.stored, contents)) fail_broken("broken data of member '" + member.name + "'");
  } else {
    contents.assign(member.stored.begin(), member.stored.end());
  }
  verify(member, contents);
  return contents;
}

std::vector<std::byte> ZipReader::read(std::string_view name) const {
  if (const ZipMember* member = find(name)) return read(*member);
  std::vector<std::string> names;
  for (const auto& member : members_) names.push_back(member.name);
  fail_unknown_name("zip", "member of '" + path_ + "'", name, names);
}

}  // namespace keras::internal
