// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/temporary_file.h"
#include "keras/base/error.h"

namespace keras::internal {
namespace {

std::vector<std::byte> bytes(const std::string& text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

/// A folder of its own, to see what is left in it.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("keras_folder_" + std::to_string(::getpid()))) {
    std::filesystem::create_directory(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  size_t entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

TEST(AtomicFile, AppearsWholeOnCommit) {
  const Folder folder;
  const std::string path = folder.file("x");
  TemporaryFile::write(path, bytes("old"));
  ::chmod(path.c_str(), 0640);
  {
    AtomicFile file(path);
    file.write(bytes("0123"));
    file.write(bytes(std::string(1000000, 'x')));
    file.write(bytes("end"));
    file.rewrite(1, bytes("AB"));
    file.rewrite(1000004, bytes("END"));
    EXPECT_EQ(read_bytes(path), bytes("old"));
    EXPECT_EQ(folder.entries(), 2u);
    file.commit();
    EXPECT_THROW(file.write(bytes(std::string(1000000, 'y'))), ValueError);
  }
  EXPECT_EQ(read_bytes(path), bytes("0AB3" + std::string(1000000, 'x') + "END"));
  EXPECT_EQ(folder.entries(), 1u);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const Folder folder;
  const std::string path = folder.file("x");
  {
    AtomicFile file(path);
    file.write(bytes("half"));
  }
  EXPECT_EQ(folder.entries(), 0u);
  TemporaryFile::write(path, bytes("old"));
  { AtomicFile(path).write(bytes("half")); }
  EXPECT_EQ(read_bytes(path), bytes("old"));
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, FollowsSymbolicLinks) {
  const Folder folder;
  TemporaryFile::write(folder.file("real"), bytes("old"));
  std::filesystem::create_symlink(folder.file("real"), folder.file("link"));
  AtomicFile file(folder.file("link"));
  file.write(bytes("new"));
  file.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
  EXPECT_EQ(read_bytes(folder.file("real")), bytes("new"));
}

TEST(AtomicFile, ErrorsNameThePath) {
  for (const std::string path : {"/nowhere/at/all/x", "/dev/null/x", "/tmp", ""}) {
    try {
      AtomicFile file(path);
      FAIL() << path;
    } catch (const ValueError& e) {
      EXPECT_NE(std::string(e.what()).find("'" + path + "'"), std::string::npos) << e.what();
    }
  }
  const Folder folder;
  AtomicFile file(folder.file("x"));
  file.write(bytes("abc"));
  EXPECT_THROW(file.rewrite(2, bytes("xy")), ValueError);
  EXPECT_THROW(file.rewrite(~uint64_t{0}, bytes("xy")), ValueError);
}

TEST(MemorySink, RewritesWhatWasWritten) {
  MemorySink sink;
  sink.write(bytes("abc"));
  sink.rewrite(1, bytes("XY"));
  EXPECT_EQ(sink.bytes(), bytes("aXY"));
  EXPECT_THROW(sink.rewrite(2, bytes("ZZ")), ValueError);
}

}  // namespace
}  // namespace keras::internal
