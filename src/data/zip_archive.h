// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
};

/// Reads members of an archive in a file or in memory. Throws ValueError, naming the archive, for whatever
/// is missing or broken; sizes are checked before memory is taken.
class ZipReader {
 public:
  explicit ZipReader(const std::string& path);
  /// The bytes must live as long as the reader; `name` stands for the path in errors.
  ZipReader(std::span<const std::byte> bytes, std::string_view name);

  /// In the order of the central directory.
  const std::vector<ZipMember>& members() const { return members_; }
  const ZipMember* find(std::string_view name) const;
  /// The member's contents, checked against its checksum.
  std::vector<std::byte> read(const ZipMember& member);
  /// The same by name. Throws ValueError when there is none, with the names that there are.
  std::vector<std::byte> read(std::string_view name);
  /// Where the member's bytes begin in the archive: a stored member may be read in place.
  uint64_t data_offset(const ZipMember& member);
  const std::string& path() const { return path_; }

 private:
  std::vector<std::byte> bytes_at(uint64_t offset, uint64_t count);
  void read_directory();
  ZipMember read_entry(std::span<const std::byte> directory, size_t& position) const;
  [[noreturn]] void fail_broken(const std::string& what) const;

  std::string path_;
  std::ifstream file_;
  std::span<const std::byte> memory_;
  uint64_t size_ = 0;
  std::vector<ZipMember> members_;
};

/// Writes an archive member by member. Times are the zip epoch, so equal contents give equal files.
class ZipWriter {
 public:
  explicit ZipWriter(const std::string& path);
  /// Adds a member; deflated only where that is smaller.
  void add(const std::string& name, std::span<const std::byte> contents, bool deflate = false);
  /// Writes the directory. Throws ValueError when anything could not be written; without it the file is no
  /// archive.
  void close();

 private:
  void write(std::string_view bytes);

  std::string path_;
  std::ofstream file_;
  uint64_t position_ = 0;
  std::vector<ZipMember> members_;
};

}  // namespace keras::internal
