// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "keras/base/error.h"

namespace keras::internal {
namespace {

constexpr size_t kBufferSize = size_t{1} << 18;

// Symbolic links stay: the file that they lead to is replaced.
std::string follow_links(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_symlink(path, ignored)) return path;
  const auto target = std::filesystem::weakly_canonical(path, ignored);
  return ignored ? path : target.string();
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path), target_(follow_links(path)) {
  std::error_code ignored;
  if (path.empty() || std::filesystem::is_directory(target_, ignored)) {
    fail<ValueError>({"file", "The path must name a file", "'" + path + "'", ""});
  }
  static std::atomic<uint64_t> counter{0};
  for (int attempt = 0; file_ < 0; ++attempt) {
    temporary_ = target_ + ".part" + std::to_string(::getpid()) + "_" + std::to_string(counter++);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0 && (errno != EEXIST || attempt == 100)) refuse("The file must be writable");
  }
  struct stat before {};
  if (::stat(target_.c_str(), &before) == 0) ::fchmod(file_, before.st_mode & 07777);
  buffer_.reserve(kBufferSize);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::refuse(std::string_view requirement) const {
  const std::string reason = std::generic_category().message(errno);
  fail<ValueError>({"file", requirement, "'" + path_ + "': " + reason, ""});
}

void AtomicFile::write_at(uint64_t position, std::span<const std::byte> bytes) {
  if (file_ < 0) fail<ValueError>({"file", "Nothing can be written after commit()", "'" + path_ + "'", ""});
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) refuse("The file must be writable to its end");
    position += static_cast<uint64_t>(count);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void AtomicFile::flush() {
  write_at(flushed_, buffer_);
  flushed_ += buffer_.size();
  buffer_.clear();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBufferSize) flush();
  if (bytes.size() > kBufferSize) {
    write_at(flushed_, bytes);
    flushed_ += bytes.size();
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::rewrite(uint64_t position, std::span<const std::byte> bytes) {
  flush();
  check_rewrite(position, bytes.size(), flushed_);
  write_at(position, bytes);
}

void AtomicFile::commit() {
  flush();
  if (::fsync(file_) != 0) refuse("The file must reach the disk");
  const int file = std::exchange(file_, -1);
  if (::close(file) != 0 || ::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    errno = error;
    refuse("The file must take its place");
  }
  // The new name is durable once its folder is; some file systems cannot do that, which loses nothing.
  const auto folder = std::filesystem::path(target_).parent_path();
  const int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

}  // namespace keras::internal
