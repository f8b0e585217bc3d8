// SPDX-License-Identifier: Apache-2.0
#include "data/zip_archive.h"
#include "checkout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/temporary_file.h"
#include "data/zip_format.h"
#include "keras/base/error.h"

namespace keras::internal {
namespace {

using Bytes = std::vector<std::byte>;
using zip::append_number;

Bytes bytes(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

bool has_python() {
  static const bool found = std::system("python3 -c 'import zipfile' >/dev/null 2>&1") == 0;
  return found;
}

int python(const std::string& code) { return std::system(("python3 -c '" + code + "'").c_str()); }

/// An archive built by hand, every number of which can be made wrong.
struct Entry {
  std::string name;
  std::string data;
  uint16_t method = 0;
  uint16_t flags = 0;
  std::optional<uint32_t> crc = {};
  std::optional<uint32_t> size = {};
  std::optional<uint32_t> stored_size = {};
  std::optional<uint32_t> offset = {};
  std::optional<std::string> local_name = {};
  std::string extra = {};
};

Bytes build(const std::vector<Entry>& entries, int count_error = 0, uint32_t directory_shift = 0) {
  std::string out;
  std::string directory;
  for (const Entry& entry : entries) {
    const auto offset = static_cast<uint32_t>(out.size());
    std::string common;
    append_number<uint16_t>(common, 20);
    append_number<uint16_t>(common, entry.flags);
    append_number<uint16_t>(common, entry.method);
    append_number<uint32_t>(common, 0x210000);
    append_number<uint32_t>(common, entry.crc.value_or(zip::checksum(bytes(entry.data))));
    append_number<uint32_t>(common, entry.stored_size.value_or(static_cast<uint32_t>(entry.data.size())));
    append_number<uint32_t>(common, entry.size.value_or(static_cast<uint32_t>(entry.data.size())));
    append_number<uint32_t>(out, zip::kLocalHeader);
    out += common;
    const std::string local_name = entry.local_name.value_or(entry.name);
    append_number<uint16_t>(out, local_name.size());
    append_number<uint16_t>(out, 0);
    out += local_name + entry.data;
    append_number<uint32_t>(directory, zip::kCentralHeader);
    append_number<uint16_t>(directory, 20);
    directory += common;
    append_number<uint16_t>(directory, entry.name.size());
    append_number<uint16_t>(directory, entry.extra.size());
    directory += std::string(10, '\0');
    append_number<uint32_t>(directory, entry.offset.value_or(offset));
    directory += entry.name + entry.extra;
  }
  const auto start = static_cast<uint32_t>(out.size()) + directory_shift;
  out += directory;
  append_number<uint32_t>(out, zip::kEnd);
  append_number<uint32_t>(out, 0);
  const auto count = static_cast<uint16_t>(static_cast<int>(entries.size()) + count_error);
  append_number<uint16_t>(out, count);
  append_number<uint16_t>(out, count);
  append_number<uint32_t>(out, directory.size());
  append_number<uint32_t>(out, start);
  append_number<uint16_t>(out, 0);
  return bytes(out);
}

/// Opens and reads everything.
size_t read_all(std::span<const std::byte> archive) {
  const ZipReader reader(archive, "test.zip");
  size_t total = 0;
  for (const ZipMember& member : reader.members()) {
    total += reader.read(member).size();
    if (const auto view = reader.view(member)) total += view->size();
  }
  return total;
}

void expect_value_error(std::span<const std::byte> archive, const std::string& what) {
  try {
    read_all(archive);
    ADD_FAILURE() << what << " went unnoticed";
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("test.zip"), std::string::npos) << e.what();
  } catch (const std::exception& e) {
    ADD_FAILURE() << what << " gave another exception: " << e.what();
  }
}

TEST(ZipArchive, ReadsWhatItWrote) {
  for (const bool in_memory : {false, true}) {
    const TemporaryFile file("written.zip");
    MemorySink sink;
    {
      auto writer = in_memory ? std::make_unique<ZipWriter>(sink) : std::make_unique<ZipWriter>(file.path());
      writer->add("stored", bytes("some contents"));
      writer->add("folder/deflated", bytes(std::string(100000, 'x')), true);
      writer->add("incompressible", bytes("abc"), true);
      writer->add("empty", {});
      ByteSink& member = writer->begin_member("streamed");
      member.write(bytes("????"));
      member.write(bytes(std::string(10000, 'y')));
      member.rewrite(0, bytes("head"));
      writer->end_member();
      writer->close();
    }
    const Bytes contents = in_memory ? sink.bytes() : Bytes{};
    const ZipReader reader = in_memory ? ZipReader(contents, "memory") : ZipReader(file.path());
    ASSERT_EQ(reader.members().size(), 5u);
    EXPECT_EQ(reader.read("stored"), bytes("some contents"));
    EXPECT_EQ(reader.read("folder/deflated"), bytes(std::string(100000, 'x')));
    EXPECT_LT(reader.find("folder/deflated")->stored_size, 1000u);
    EXPECT_EQ(reader.view(*reader.find("folder/deflated")), std::nullopt);
    EXPECT_FALSE(reader.find("incompressible")->deflated);
    EXPECT_TRUE(reader.read("empty").empty());
    EXPECT_EQ(reader.read("streamed"), bytes("head" + std::string(10000, 'y')));
    const auto view = reader.view(*reader.find("streamed"));
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->size(), 10004u);
    EXPECT_EQ(reader.find("nothing"), nullptr);
    EXPECT_THROW(reader.read("nothing"), ValueError);
  }
}

TEST(ZipArchive, ReadsPythonsArchive) {
  const ZipReader reader(checkout::source_path("tests/data/archives/python.zip"));
  ASSERT_EQ(reader.members().size(), 4u);  // the folder is left out
  EXPECT_EQ(reader.read("metadata.json"), bytes("{\"keras_version\": \"3.15.1\"}"));
  std::string words;
  for (int i = 0; i < 1000; ++i) words += "word\n";
  EXPECT_EQ(reader.read("assets/vocabulary.txt"), bytes(words));
  EXPECT_TRUE(reader.find("assets/vocabulary.txt")->deflated);
  EXPECT_TRUE(reader.read("empty").empty());
  Bytes all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(reader.read("wide é.bin"), all);
}

TEST(ZipArchive, PythonReadsOurs) {
  if (!has_python()) GTEST_SKIP() << "python3 is not installed";
  const TemporaryFile file("ours.zip");
  ZipWriter writer(file.path());
  writer.add("a", bytes("first"));
  writer.add("é/b", bytes(std::string(5000, 'b')), true);
  ByteSink& member = writer.begin_member("streamed");
  for (int i = 0; i < 100; ++i) member.write(bytes(std::string(1000, static_cast<char>('a' + i % 26))));
  member.rewrite(10, bytes("rewritten"));
  writer.end_member();
  writer.close();
  EXPECT_EQ(python("import zipfile; z = zipfile.ZipFile(\"" + file.path() +
                   "\"); assert z.testzip() is None; assert z.read(\"a\") == b\"first\"; "
                   "assert z.read(chr(233) + \"/b\") == b\"b\" * 5000; s = z.read(\"streamed\"); "
                   "assert len(s) == 100000 and s[10:19] == b\"rewritten\" and s[99999:] == b\"v\""),
            0);
}

TEST(ZipArchive, SizesBeyond32Bits) {
  // A member whose numbers stand in the 64-bit field, with a 64-bit end record.
  const std::string data = "wide";
  std::string extra;
  append_number<uint16_t>(extra, zip::kExtra64);
  append_number<uint16_t>(extra, 24);
  append_number<uint64_t>(extra, 4);
  append_number<uint64_t>(extra, 4);
  append_number<uint64_t>(extra, 0);
  Entry entry{"x", data};
  entry.size = entry.stored_size = entry.offset = zip::kIn64;
  entry.extra = extra;
  const Bytes narrow_end = build({entry});
  EXPECT_EQ(read_all(narrow_end), 8u);
  const size_t directory = 30 + 1 + 4;
  const size_t directory_size = narrow_end.size() - directory - zip::kEndSize;
  std::string end;
  append_number<uint32_t>(end, zip::kEnd64);
  append_number<uint64_t>(end, zip::kEnd64Size - 12);
  append_number<uint32_t>(end, 0x2d002d);
  append_number<uint64_t>(end, 0);
  for (int i = 0; i < 2; ++i) append_number<uint64_t>(end, 1);
  append_number<uint64_t>(end, directory_size);
  append_number<uint64_t>(end, directory);
  append_number<uint32_t>(end, zip::kLocator64);
  append_number<uint32_t>(end, 0);
  append_number<uint64_t>(end, directory + directory_size);
  append_number<uint32_t>(end, 1);
  append_number<uint32_t>(end, zip::kEnd);
  append_number<uint32_t>(end, 0);
  append_number<uint32_t>(end, 0xffffffff);
  append_number<uint64_t>(end, ~uint64_t{0});
  append_number<uint16_t>(end, 0);
  Bytes wide(narrow_end.begin(), narrow_end.end() - zip::kEndSize);
  const Bytes tail = bytes(end);
  wide.insert(wide.end(), tail.begin(), tail.end());
  EXPECT_EQ(read_all(wide), 8u);
}

TEST(ZipArchive, RefusesHarmfulAndBrokenArchives) {
  ASSERT_EQ(read_all(build({{"a", "data"}, {"b", "more"}})), 16u);
  for (const std::string name : {"../x", "a/../../x", "..", "/etc/passwd", "C:/x", "a\\..\\x", "", "a/.."}) {
    expect_value_error(build({{name, "data"}}), "the name '" + name + "'");
  }
  expect_value_error(build({{std::string("a\0b", 3), "data"}}), "a name with a zero byte");
  EXPECT_NO_THROW(read_all(build({{"a..b/...", "data"}})));
  expect_value_error(build({{"a", "data"}, {"a", "data"}}), "a name that stands twice");
  Entry wrong{"a", "data"};
  wrong.crc = 1;
  expect_value_error(build({wrong}), "a checksum");
  wrong = {"a", "data"};
  wrong.size = 5;
  expect_value_error(build({wrong}), "a size that is not the stored one");
  wrong = {"a", "data"};
  wrong.size = wrong.stored_size = 4000000;
  expect_value_error(build({wrong}), "a size beyond the end");
  wrong = {"a", "data"};
  wrong.local_name = "b";
  expect_value_error(build({wrong}), "two names of one member");
  wrong = {"a", "data"};
  wrong.offset = 1000000;
  expect_value_error(build({wrong}), "a header beyond the end");
  wrong = {"a", "data"};
  wrong.offset = 4;
  expect_value_error(build({wrong}), "a header that is none");
  wrong = {"a", "data", 8};
  expect_value_error(build({wrong}), "deflated data that are none");
  expect_value_error(build({{"a", "data"}}, 1), "a member too many");
  expect_value_error(build({{"a", "data"}, {"b", "data"}}, -1), "a member too few");
  expect_value_error(build({{"a", "data"}}, 0, 1000000), "a directory beyond the end");
  expect_value_error(build({{"a", "data"}}, 0, 1), "a directory beside its place");
  expect_value_error({}, "an empty file");
  expect_value_error(Bytes(22), "zeros");
  expect_value_error(Bytes(100000), "many zeros");
  EXPECT_THROW(read_all(build({{"a", "data", 9}})), UnsupportedError);
  EXPECT_THROW(read_all(build({{"a", "data", 0, 1}})), UnsupportedError);
  EXPECT_THROW(ZipReader("/nowhere/at/all.zip"), ValueError);
}

TEST(ZipArchive, RefusesBombs) {
  // Members that share their bytes.
  Entry second{"b", ""};
  second.local_name = "b";
  const std::string inner(4000, 'x');
  std::string nested = inner;
  std::string header;
  append_number<uint32_t>(header, zip::kLocalHeader);
  header += std::string(22, '\0');
  append_number<uint16_t>(header, 1);
  append_number<uint16_t>(header, 0);
  header += "b";
  nested.replace(100, header.size(), header);
  second.offset = 31 + 100;
  second.size = second.stored_size = 3000;
  second.crc = zip::checksum(bytes(nested.substr(131, 3000)));
  Bytes overlapping = build({{"a", nested}, second});
  try {
    read_all(overlapping);
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("overlap"), std::string::npos) << e.what();
  }
  // A size that deflate cannot reach, and many members that together fill the memory.
  MemorySink sink;
  ZipWriter writer(sink);
  writer.add("zeros", Bytes(1000000), true);
  writer.close();
  ASSERT_EQ(read_all(sink.bytes()), 1000000u);
  const ZipReader sound(sink.bytes(), "test.zip");
  const std::string packed(reinterpret_cast<const char*>(sound.members()[0].stored.data()),
                           sound.members()[0].stored.size());
  Entry bomb{"zeros", packed, 8};
  bomb.crc = sound.members()[0].crc;
  bomb.size = 1000000;
  EXPECT_EQ(read_all(build({bomb})), 1000000u);
  bomb.size = 0xfffffff0;
  expect_value_error(build({bomb}), "4 GiB from a kilobyte");
  bomb.size = 999999;
  expect_value_error(build({bomb}), "more than was declared");
  bomb.size = 1000001;
  expect_value_error(build({bomb}), "less than was declared");
  std::vector<Entry> many;
  for (int i = 0; i < 5000; ++i) {
    many.push_back({"z" + std::to_string(i), packed, 8});
    many.back().crc = bomb.crc;
    many.back().size = 1000000;
  }
  try {
    ZipReader(build(many), "test.zip");
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("unpack"), std::string::npos) << e.what();
  }
}

TEST(ZipArchive, TruncatedAndFlipped) {
  const Bytes archive = read_bytes(checkout::source_path("tests/data/archives/python.zip"));
  for (size_t size = 0; size < archive.size(); ++size) {
    expect_value_error(std::span(archive).first(size), "an archive cut at " + std::to_string(size));
  }
  Bytes flipped = archive;
  for (size_t i = 0; i < archive.size(); ++i) {
    for (const auto mask : {std::byte{0xff}, std::byte{0x01}, std::byte{0x80}}) {
      flipped[i] ^= mask;
      try {
        read_all(flipped);
      } catch (const Error&) {
      }
      flipped[i] ^= mask;
    }
  }
}

TEST(ZipArchive, WriterRefusesWhatNobodyCouldRead) {
  const TemporaryFile file("refused.zip");
  {
    ZipWriter writer(file.path());
    writer.add("a", bytes("x"));
    EXPECT_THROW(writer.add("a", bytes("y")), ValueError);
    EXPECT_THROW(writer.add("../a", bytes("y")), ValueError);
    EXPECT_THROW(writer.end_member(), ValueError);
    ByteSink& member = writer.begin_member("b");
    EXPECT_THROW(writer.add("c", bytes("y")), ValueError);
    member.write(Bytes(10000));
    EXPECT_THROW(member.rewrite(5000, bytes("late")), ValueError);
    writer.end_member();
  }
  EXPECT_FALSE(std::filesystem::exists(file.path()));  // never closed
  EXPECT_THROW(ZipWriter("/nowhere/at/all.zip"), ValueError);
}

}  // namespace
}  // namespace keras::internal
