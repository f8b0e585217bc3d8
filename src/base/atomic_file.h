// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/byte_sink.h"

namespace keras::internal {

/// A file that appears under its name only when it is whole: bytes go to a temporary file beside it, which
/// commit() makes durable and renames. Whatever stood there before stays until then, also if the program
/// dies. A new file has the usual permissions, one that replaces another has that one's. Throws ValueError
/// with the path for whatever the system refuses.
class AtomicFile : public ByteSink {
 public:
  explicit AtomicFile(const std::string& path);
  /// Without commit() the temporary file is removed.
  ~AtomicFile() override;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes) override;
  void rewrite(uint64_t position, std::span<const std::byte> bytes) override;

  /// Puts the file in its place. Nothing can be written after it.
  void commit();

 private:
  void flush();
  void write_at(uint64_t position, std::span<const std::byte> bytes);
  [[noreturn]] void refuse(std::string_view requirement) const;

  std::string path_;    ///< as given, for errors
  std::string target_;  ///< behind symbolic links
  std::string temporary_;
  int file_ = -1;
  uint64_t flushed_ = 0;  ///< bytes in the file; those behind it wait in the buffer
  std::vector<std::byte> buffer_;
};

}  // namespace keras::internal
