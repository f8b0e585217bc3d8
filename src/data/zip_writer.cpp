// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <algorithm>

#include "data/zip_archive.h"
#include "data/zip_format.h"
#include "keras/base/error.h"

namespace keras::internal {

using namespace zip;

namespace {

constexpr uint16_t kEpochDate = 0x21;      // 1980-01-01
constexpr uint16_t kMadeBy = 0x0300 | 45;  // on Unix, by version 4.5 of the format
constexpr uint64_t kRewritable = 4096;     // of a member that is streamed
constexpr size_t kWideExtra = 20;

std::vector<std::byte> deflate_all(std::span<const std::byte> in) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    fail<BackendError>({"zip", "zlib could not be started", "", ""});
  }
  std::vector<std::byte> out;
  std::vector<std::byte> block(size_t{1} << 16);
  uint64_t read = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    const uInt in_piece = static_cast<uInt>(std::min<uint64_t>(in.size() - read, uint64_t{1} << 30));
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data())) + read;
    stream.avail_in = in_piece;
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    status = deflate(&stream, read + in_piece == in.size() ? Z_FINISH : Z_NO_FLUSH);
    read += in_piece - stream.avail_in;
    const auto produced = std::span<const std::byte>(block).first(block.size() - stream.avail_out);
    out.insert(out.end(), produced.begin(), produced.end());
  }
  deflateEnd(&stream);
  if (status != Z_STREAM_END) fail<BackendError>({"zip", "zlib could not compress", "", ""});
  return out;
}

// The fields that a local header and a directory entry share, up to the name's size.
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

std::string local_header(const ZipMember& member, bool wide) {
  std::string out;
  append_number<uint32_t>(out, kLocalHeader);
  append_common(out, member, wide);
  append_number<uint16_t>(out, wide ? kWideExtra : 0);
  out += member.name;
  if (wide) {
    append_number<uint16_t>(out, kExtra64);
    append_number<uint16_t>(out, kWideExtra - 4);
    append_number<uint64_t>(out, member.size);
    append_number<uint64_t>(out, member.stored_size);
  }
  return out;
}

std::string directory_entry(const ZipMember& member) {
  const bool wide = member.size >= kIn64 || member.stored_size >= kIn64;
  const bool far = member.header_offset >= kIn64;
  const size_t extra = (wide ? 16 : 0) + (far ? 8 : 0);
  std::string out;
  append_number<uint32_t>(out, kCentralHeader);
  append_number<uint16_t>(out, kMadeBy);
  append_common(out, member, wide);
  append_number<uint16_t>(out, extra == 0 ? 0 : extra + 4);
  append_number<uint16_t>(out, 0);  // comment
  append_number<uint16_t>(out, 0);  // disk
  append_number<uint16_t>(out, 0);  // internal attributes
  append_number<uint32_t>(out, 0100644U << 16);
  append_number<uint32_t>(out, far ? kIn64 : member.header_offset);
  out += member.name;
  if (extra > 0) {
    append_number<uint16_t>(out, kExtra64);
    append_number<uint16_t>(out, extra);
    if (wide) append_number<uint64_t>(out, member.size);
    if (wide) append_number<uint64_t>(out, member.stored_size);
    if (far) append_number<uint64_t>(out, member.header_offset);
  }
  return out;
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

/// A stored member while its bytes come. The first ones are kept, so that rewriting them does not cost a
/// second pass for the checksum: that of the whole is combined from theirs and that of the rest.
class ZipWriter::MemberSink : public ByteSink {
 public:
  MemberSink(ZipWriter& writer, ZipMember member) : writer_(writer), member_(std::move(member)) {
    writer_.write(local_header(member_, true));
    data_ = writer_.position_;
  }

  void write(std::span<const std::byte> bytes) override {
    writer_.sink_.write(bytes);
    writer_.position_ += bytes.size();
    const auto head = bytes.first(std::min<uint64_t>(bytes.size(), kRewritable - head_.size()));
    head_.insert(head_.end(), head.begin(), head.end());
    rest_crc_ = checksum(bytes.subspan(head.size()), rest_crc_);
  }

  void rewrite(uint64_t position, std::span<const std::byte> bytes) override {
    check_rewrite(position, bytes.size(), head_.size());
    std::copy(bytes.begin(), bytes.end(), head_.begin() + static_cast<std::ptrdiff_t>(position));
    writer_.sink_.rewrite(data_ + position, bytes);
  }

  ZipMember finish() {
    member_.size = writer_.position_ - data_;
    member_.stored_size = member_.size;
    const uint64_t rest = member_.size - head_.size();
    member_.crc =
        static_cast<uint32_t>(crc32_combine(checksum(head_), rest_crc_, static_cast<z_off_t>(rest)));
    writer_.sink_.rewrite(member_.header_offset, bytes_of(local_header(member_, true)));
    return std::move(member_);
  }

 private:
  ZipWriter& writer_;
  ZipMember member_;
  uint64_t data_ = 0;
  std::vector<std::byte> head_;
  uint32_t rest_crc_ = 0;
};

ZipWriter::ZipWriter(const std::string& path)
    : file_(std::make_unique<AtomicFile>(path)), sink_(*file_), path_(path) {}

ZipWriter::ZipWriter(ByteSink& sink) : sink_(sink), path_("memory") {}

ZipWriter::~ZipWriter() = default;

void ZipWriter::write(std::string_view bytes) {
  sink_.write(bytes_of(bytes));
  position_ += bytes.size();
}

void ZipWriter::check_name(const std::string& name) const {
  const auto reject = [&](std::string_view requirement, std::string_view received) {
    fail<ValueError>(
        {"zip", requirement, std::string(received) + ": '" + name.c_str() + "' in '" + path_ + "'", ""});
  };
  if (closed_ || open_)
    reject("Members follow one after the other, before close()", "another one is open or closed");
  if (const auto fault = name_fault(name); !fault.empty())
    reject("Members must have names that stay in their folder", fault);
  for (const ZipMember& member : members_) {
    if (member.name == name) reject("Members must have different names", "a name that stands already");
  }
}

void ZipWriter::add(const std::string& name, std::span<const std::byte> contents, bool deflate) {
  check_name(name);
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
  write(local_header(member, member.size >= kIn64));
  sink_.write(stored);
  position_ += stored.size();
  members_.push_back(std::move(member));
}

ByteSink& ZipWriter::begin_member(const std::string& name) {
  check_name(name);
  ZipMember member;
  member.name = name;
  member.header_offset = position_;
  open_ = std::make_unique<MemberSink>(*this, std::move(member));
  return *open_;
}

void ZipWriter::end_member() {
  if (!open_)
    fail<ValueError>({"zip", "A member must be open", "none in '" + path_ + "'", "call begin_member first"});
  members_.push_back(open_->finish());
  open_.reset();
}

void ZipWriter::close() {
  if (closed_) return;
  if (open_) end_member();
  const uint64_t directory_offset = position_;
  for (const auto& member : members_) write(directory_entry(member));
  const uint64_t directory_size = position_ - directory_offset;
  const bool wide = members_.size() >= 0xffff || directory_offset >= kIn64 || directory_size >= kIn64;
  std::string end;
  if (wide) {
    append_number<uint32_t>(end, kEnd64);
    append_number<uint64_t>(end, kEnd64Size - 12);
    append_number<uint16_t>(end, kMadeBy);
    append_number<uint16_t>(end, 45);
    append_number<uint32_t>(end, 0);
    append_number<uint32_t>(end, 0);
    append_number<uint64_t>(end, members_.size());
    append_number<uint64_t>(end, members_.size());
    append_number<uint64_t>(end, directory_size);
    append_number<uint64_t>(end, directory_offset);
    append_number<uint32_t>(end, kLocator64);
    append_number<uint32_t>(end, 0);
    append_number<uint64_t>(end, position_);
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
  closed_ = true;
  if (file_) file_->commit();
}

}  // namespace keras::internal
