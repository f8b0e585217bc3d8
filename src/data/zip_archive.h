// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"

/// Zip archives (PKWARE's application note), as far as `.npz` and `.keras` files need them: stored and
/// deflated members, sizes beyond 4 GiB, no encryption, one disk.
namespace keras::internal {

/// One member, from the archive's central directory.
struct ZipMember {
  std::string name;
  uint64_t size = 0;
  uint64_t stored_size = 0;  ///< bytes in the archive
  uint64_t header_offset = 0;
  uint32_t crc = 0;
  bool deflated = false;
  std::span<const std::byte> stored;  ///< the bytes in the archive, of an archive that is read
};

/// Reads members of an archive in a file or in memory. Throws ValueError, naming the archive, for whatever is
/// missing, broken or made to harm: names that lead out of a folder ("../x", "/x"), a name that stands twice,
/// members that overlap or differ from their own headers, and sizes that the stored bytes cannot or should
/// not unpack to.
class ZipReader {
 public:
  explicit ZipReader(const std::string& path);
  /// The bytes must live as long as the reader; `name` stands for the path in errors.
  ZipReader(std::span<const std::byte> bytes, std::string_view name);

  /// In the order of the central directory; folders are left out.
  const std::vector<ZipMember>& members() const { return members_; }
  const ZipMember* find(std::string_view name) const;
  /// The member's contents, checked against its checksum.
  std::vector<std::byte> read(const ZipMember& member) const;
  /// The same by name. Throws ValueError when there is none, with the names that there are.
  std::vector<std::byte> read(std::string_view name) const;
  /// A stored member's contents where they stand, checked too; nullopt for a deflated one. They live as long
  /// as the reader.
  std::optional<std::span<const std::byte>> view(const ZipMember& member) const;
  const std::string& path() const { return path_; }

 private:
  std::span<const std::byte> at(uint64_t offset, uint64_t count, std::string_view what) const;
  size_t find_end() const;
  void read_directory();
  ZipMember read_entry(std::span<const std::byte> directory, size_t& position) const;
  void locate(ZipMember& member) const;
  void check_whole() const;
  void verify(const ZipMember& member, std::span<const std::byte> contents) const;
  [[noreturn]] void fail_broken(const std::string& what) const;

  std::string path_;
  std::unique_ptr<MappedFile> file_;
  std::span<const std::byte> archive_;
  std::vector<ZipMember> members_;
  std::map<std::string, size_t, std::less<>> by_name_;
};

/// Writes an archive member by member. Times are the zip epoch, so equal contents give equal files.
class ZipWriter {
 public:
  /// Writes a file, which appears under its name in close(); see AtomicFile.
  explicit ZipWriter(const std::string& path);
  /// Writes into an empty sink, which must outlive the writer.
  explicit ZipWriter(ByteSink& sink);
  ~ZipWriter();
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  /// Adds a member; deflated only where that is smaller. ValueError for a name that stands already or that
  /// ZipReader would refuse.
  void add(const std::string& name, std::span<const std::byte> contents, bool deflate = false);

  /// Begins a stored member of unknown size, whose bytes go to the sink that is returned, until end_member().
  /// Its first 4 KiB can be rewritten.
  ByteSink& begin_member(const std::string& name);
  void end_member();

  /// Writes the directory. Throws ValueError when anything could not be written; without it there is no
  /// archive.
  void close();

 private:
  class MemberSink;

  void check_name(const std::string& name) const;
  void write(std::string_view bytes);

  std::unique_ptr<AtomicFile> file_;
  ByteSink& sink_;
  std::string path_;
  uint64_t position_ = 0;
  std::vector<ZipMember> members_;
  std::unique_ptr<MemberSink> open_;
  bool closed_ = false;
};

}  // namespace keras::internal
