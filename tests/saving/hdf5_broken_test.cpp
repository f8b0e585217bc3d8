// SPDX-License-Identifier: Apache-2.0
// Broken files give a ValueError that names the file and the structure; never a crash, never other numbers.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/temporary_file.h"
#include "checkout.h"
#include "hdf5_values.h"
#include "saving/hdf5/checksum.h"
#include "saving/hdf5/writer.h"

namespace keras::internal::hdf5 {
namespace {

using Bytes = std::vector<std::byte>;

/// Bytes of a literal that may hold zeros.
template <size_t N>
std::string raw(const char (&text)[N]) {
  return {text, N - 1};
}

std::string le(uint64_t value, size_t width = 8) {
  std::string out;
  for (size_t i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

/// One group with a 2 x 3 float dataset and attributes, in the old format.
Bytes own_file() {
  MemorySink sink;
  Writer writer(sink);
  writer.write_dataset("g/d", Datatype::of(Element::kFloat32), Dataspace::simple({2, 3}),
                       bytes_of(ramp<float>(6)));
  writer.write_attribute("g/d", Attribute::text("text", "value"));
  writer.write_attribute("g", Attribute::integer("number", 7));
  writer.finish();
  return sink.bytes();
}

Bytes data_file(const std::string& name) {
  return read_bytes(checkout::source_path("tests/saving/data/" + name));
}

/// Where the `nth` appearance of `anchor` begins.
size_t find(const Bytes& file, const std::string& anchor, int nth = 0) {
  const auto bytes = std::as_bytes(std::span(anchor));
  auto at = file.begin();
  for (int i = 0; i <= nth; ++i) {
    at = std::search(i == 0 ? at : at + 1, file.end(), bytes.begin(), bytes.end());
    if (at == file.end()) throw std::logic_error("the test's anchor '" + anchor + "' is not in the file");
  }
  return static_cast<size_t>(at - file.begin());
}

void put(Bytes& file, size_t at, const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  ASSERT_LE(at + bytes.size(), file.size());
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
}

void renew_checksum(Bytes& file, size_t start, size_t size) {
  put(file, start + size - 4, le(lookup3(std::span(file).subspan(start, size - 4)), 4));
}

/// An edit `delta` bytes behind an anchor; `checked` is the size of the anchor's structure where it ends with
/// a checksum that must fit again, so that the edit itself is what is found.
struct Edit {
  const char* name;
  std::string anchor;
  size_t delta;
  std::string bytes;
  size_t checked = 0;
  int nth = 0;
};

void expect_value_error(const Bytes& file, const std::string& name) {
  try {
    read_all(file);
    ADD_FAILURE() << name << " went unnoticed";
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("test.h5"), std::string::npos) << name << ": " << e.what();
  } catch (const std::exception& e) {
    ADD_FAILURE() << name << " gave another exception: " << e.what();
  }
}

void expect_all_refused(const Bytes& sound, const std::vector<Edit>& edits) {
  ASSERT_GT(read_all(sound), 0u);
  for (const Edit& edit : edits) {
    Bytes file = sound;
    const size_t at = find(file, edit.anchor, edit.nth);
    put(file, at + edit.delta, edit.bytes);
    if (edit.checked != 0) renew_checksum(file, at, edit.checked);
    expect_value_error(file, edit.name);
  }
}

const std::string kHuge = le(uint64_t{1} << 62);
const std::string kNowhere = le(kUndefined);
const std::string kSuperblock = raw("\x89HDF");
const std::string kSpace = le(2) + le(3) + le(2) + le(3);
const std::string kFloatType = raw("\x11\x20\x1f\x00\x04\x00\x00\x00");
const std::string kLayout = raw("\x08\x00\x18\x00\x00\x00\x00\x00\x03\x01");
const std::string kFill = raw("\x05\x00\x08\x00\x01\x00\x00\x00\x02\x02");

TEST(Hdf5Broken, Superblock) {
  expect_all_refused(own_file(), {{"signature", kSuperblock, 0, "X"},
                                  {"version", kSuperblock, 8, le(9, 1)},
                                  {"address width 3", kSuperblock, 13, le(3, 1)},
                                  {"length width 0", kSuperblock, 14, le(0, 1)},
                                  {"address width 255", kSuperblock, 13, le(255, 1)},
                                  {"end beyond the file", kSuperblock, 40, kHuge},
                                  {"base behind the end", kSuperblock, 24, kHuge},
                                  {"no end", kSuperblock, 40, kNowhere},
                                  {"root nowhere", kSuperblock, 64, kNowhere},
                                  {"root far away", kSuperblock, 64, kHuge},
                                  {"root is the superblock", kSuperblock, 64, le(0)}});
  expect_value_error({}, "empty file");
  expect_value_error(Bytes(7), "seven bytes");
  expect_value_error(Bytes(100000), "zeros");
}

TEST(Hdf5Broken, OldGroups) {
  const Bytes file = own_file();
  const auto header_of = [&](int nth) {
    return find(file, raw("\x11\x00\x10\x00\x00\x00\x00\x00"), nth) - 16;
  };
  const size_t tree = find(file, "TREE", 0);
  expect_all_refused(
      file, {{"heap signature", "HEAP", 0, "HEAD"},
             {"heap version", "HEAP", 4, le(1, 1)},
             {"heap size", "HEAP", 8, kHuge},
             {"heap shorter than its names", "HEAP", 8, le(8)},
             {"heap data", "HEAP", 24, kNowhere},
             {"name without end", "HEAP", 40, "dddddddd"},
             {"name empty", "HEAP", 40, le(0)},
             {"name with a slash", "HEAP", 40, "a/"},
             {"node signature", "SNOD", 0, "SNOW"},
             {"node version", "SNOD", 4, le(2, 1)},
             {"node count", "SNOD", 6, le(0xffff, 2)},
             {"a name twice", "SNOD", 6, le(2, 2) + le(8) + le(header_of(0)) + le(0) + le(0) + le(0) + le(8)},
             {"name outside the heap", "SNOD", 8, kHuge},
             {"object nowhere", "SNOD", 16, kNowhere},
             {"object is a name", "SNOD", 16, le(find(file, "HEAP"))},
             {"group holds itself", "SNOD", 16, le(header_of(0))},
             {"tree signature", "TREE", 0, "TRAE"},
             {"tree type", "TREE", 4, le(1, 1)},
             {"tree level 33", "TREE", 5, le(33, 1)},
             {"tree level 1 over symbols", "TREE", 5, le(1, 1)},
             {"tree count", "TREE", 6, le(0xffff, 2)},
             {"tree child nowhere", "TREE", 32, kNowhere},
             {"tree child is itself", "TREE", 32, le(tree)},
             {"tree below itself", "TREE", 5, le(1, 1) + le(1, 2) + kNowhere + kNowhere + le(0) + le(tree)},
             {"tree nowhere", raw("\x11\x00\x10\x00\x00\x00\x00\x00"), 8, kNowhere},
             {"heap nowhere", raw("\x11\x00\x10\x00\x00\x00\x00\x00"), 16, kHuge}});
}

TEST(Hdf5Broken, OldObjectHeaders) {
  const Bytes file = own_file();
  const size_t type_at = find(file, raw("\x03\x00\x18\x00\x01\x00\x00\x00") + kFloatType);
  const size_t header = find(file, raw("\x01\x00\x28\x00\x00\x00\x00\x00\x01\x02")) - 16;
  const std::string prefix(reinterpret_cast<const char*>(file.data() + header), 16);
  const std::string own_block = le(header + 16) + le(file.size() - header - 16);
  expect_all_refused(
      file,
      {{"header version", prefix, 0, le(7, 1)},
       {"header size", prefix, 8, le(0xffffffff, 4)},
       {"header size 0", prefix, 8, le(0, 4)},
       {"message size", prefix, 18, le(0xfff8, 2)},
       {"no datatype", prefix, type_at - header, le(0, 2)},
       {"continuation of itself", prefix, type_at - header, le(0x10, 2) + le(24, 2) + le(0, 4) + own_block},
       {"continuation nowhere", prefix, type_at - header,
        le(0x10, 2) + le(24, 2) + le(0, 4) + kNowhere + le(8)},
       {"continuation endless", prefix, type_at - header, le(0x10, 2) + le(24, 2) + le(0, 4) + le(8) + kHuge},
       {"continuation cut", prefix, type_at - header, le(0x10, 2) + le(8, 2)},
       {"shared with itself", prefix, type_at - header,
        le(3, 2) + le(24, 2) + le(2, 4) + le(2, 2) + le(header)},
       {"shared version", prefix, type_at - header,
        le(3, 2) + le(24, 2) + le(2, 4) + le(9, 2) + le(header)}});
}

TEST(Hdf5Broken, DatasetMessages) {
  expect_all_refused(
      own_file(),
      {{"dataspace version", raw("\x01\x02\x01\x00\x00\x00\x00\x00") + kSpace, 0, le(7, 1)},
       {"33 dimensions", raw("\x01\x02\x01\x00\x00\x00\x00\x00") + kSpace, 1, le(33, 1)},
       {"more dimensions than there are", raw("\x01\x02\x01\x00\x00\x00\x00\x00") + kSpace, 1, le(9, 1)},
       {"kind of dataspace", raw("\x01\x02\x01\x00\x00\x00\x00\x00") + kSpace, 0, raw("\x02\x02\x01\x09")},
       {"shape beyond the file", kSpace, 0, le(1000) + le(3) + le(1000) + le(3)},
       {"elements beyond 64 bits", kSpace, 0, kHuge + kHuge + kHuge + kHuge},
       {"bytes beyond 64 bits", kSpace, 0,
        le(uint64_t{1} << 31) + le(uint64_t{1} << 32) + kNowhere + kNowhere},
       {"maximum below the shape", kSpace, 16, le(1) + le(1)},
       {"datatype version", kFloatType, 0, le(0x01, 1)},
       {"datatype version 15", kFloatType, 0, le(0xf1, 1)},
       {"datatype class", kFloatType, 0, le(0x1f, 1)},
       {"element size 0", kFloatType, 4, le(0, 4)},
       {"string of padding 9", kFloatType, 0, raw("\x13\x09\x00\x00")},
       {"string of charset 9", kFloatType, 0, raw("\x13\x90\x00\x00")},
       {"enumeration of floats", kFloatType, 0, raw("\x18\x01\x00\x00\x04\x00\x00\x00\x11")},
       {"variable length of 4 bytes", kFloatType, 0, raw("\x19\x01\x00\x00")},
       {"layout version", kLayout, 8, le(9, 1)},
       {"layout kind", kLayout, 9, le(7, 1)},
       {"elements nowhere", kLayout, 10, kHuge},
       {"fewer elements than the shape", kLayout, 18, le(20)},
       {"compact elements outside", kLayout, 9, raw("\x00\xff\xff")},
       {"compact elements too few", kLayout, 9, raw("\x00\x04\x00")},
       {"chunks without a dimension", kLayout, 9, raw("\x02\x01") + kNowhere + le(4, 4)},
       {"fill value version", kFill, 8, le(9, 1)}});
}

TEST(Hdf5Broken, AttributesAndStrings) {
  const std::string attribute = raw("\x01\x00\x05\x00\x14\x00\x08\x00text");
  const std::string number = raw("\x01\x00\x07\x00\x0c\x00\x08\x00number");
  expect_all_refused(own_file(),
                     {{"version 0", attribute, 0, le(0, 1)},
                      {"version 9", attribute, 0, le(9, 1)},
                      {"name size", attribute, 2, le(0xffff, 2)},
                      {"type size", attribute, 4, le(0xffff, 2)},
                      {"space size", attribute, 6, le(0xffff, 2)},
                      {"type cut", number, 4, le(3, 2)},
                      {"space cut", number, 6, le(2, 2)},
                      {"more elements than there are", number, 33, raw("\x01\x01") + le(0, 5) + kHuge},
                      {"string in no heap", "GCOL", 0, "GONE"},
                      {"heap version", "GCOL", 4, le(9, 1)},
                      {"heap size", "GCOL", 8, kHuge},
                      {"heap size 0", "GCOL", 8, le(0)},
                      {"object of another number", "GCOL", 16, le(2, 2)},
                      {"object longer than the heap", "GCOL", 24, kHuge},
                      {"object shorter than the string", "GCOL", 24, le(2)}});
}

TEST(Hdf5Broken, OldChunks) {
  const Bytes file = data_file("chunked_earliest.h5");
  const std::string tree = raw("TREE\x01\x00");
  const size_t at = find(file, tree);
  const std::string first_key(reinterpret_cast<const char*>(file.data() + at + 24), 40);
  const std::string layout = raw("\x03\x02\x03");  // of "gzip": two dimensions and the element
  const std::string filters = raw("\x01\x01\x00\x00\x00\x00\x00\x00\x01\x00\x08\x00");  // deflate alone
  expect_all_refused(file, {{"tree type", tree, 4, le(0, 1)},
                            {"tree level", tree, 5, le(3, 1)},
                            {"tree count", tree, 6, le(0xffff, 2)},
                            {"chunk size", tree, 24, le(0xffffffff, 4)},
                            {"chunk size 0", tree, 24, le(0, 4)},
                            {"chunk without its filter", tree, 28, le(1, 4)},
                            {"chunk between chunks", tree, 32, le(1)},
                            {"chunk nowhere", tree, 56, kNowhere},
                            {"chunk far away", tree, 56, kHuge},
                            {"chunk twice", tree, 64, first_key},
                            {"chunk dimension 0", layout, 11, le(0, 4)},
                            {"chunk dimension huge", layout, 11, le(0xffffffff, 4) + le(0xffffffff, 4)},
                            {"chunk of another element", layout, 19, le(8, 4)},
                            {"chunk of another rank", layout, 2, le(2, 1)},
                            {"index nowhere", layout, 3, kHuge},
                            {"filter version", filters, 0, le(9, 1)},
                            {"40 filters", filters, 1, le(40, 1)},
                            {"filter's name", filters, 10, le(0xffff, 2)},
                            {"filter's values", filters, 14, le(0xffff, 2)}});
  // The deflate streams themselves, and the checksummed ones of "all".
  const Group root = Reader(file, "test.h5").root();
  for (int nth = 0; nth < 9; ++nth) {
    Bytes broken = file;
    const size_t stream = find(file, raw("\x78\x5e"), nth);
    put(broken, stream + 8, le(0xdeadbeefdeadbeef));
    expect_value_error(broken, "deflate stream " + std::to_string(nth));
  }
}

TEST(Hdf5Broken, NewestStructures) {
  const Bytes file = data_file("latest.h5");
  expect_all_refused(file, {{"superblock version", kSuperblock, 8, le(4, 1)},
                            {"superblock checksum", kSuperblock, 44, le(0, 4)},
                            {"superblock end", kSuperblock, 28, kHuge, 48},
                            {"superblock root", kSuperblock, 36, kHuge, 48},
                            {"header version", "OHDR", 4, le(1, 1)},
                            {"header checksum", "OHDR", 20, le(0x55, 1)},
                            {"header size", "OHDR", 5, le(3, 1)},
                            {"heap signature", "FRHP", 0, "FRAP"},
                            {"heap version", "FRHP", 4, le(1, 1), 146},
                            {"heap width 3", "FRHP", 110, le(3, 2), 146},
                            {"heap width 0", "FRHP", 110, le(0, 2), 146},
                            {"heap block 0", "FRHP", 112, le(0), 146},
                            {"heap block above the largest", "FRHP", 112, kHuge, 146},
                            {"heap bits", "FRHP", 128, le(200, 2), 146},
                            {"heap root nowhere", "FRHP", 132, kNowhere, 146},
                            {"heap rows", "FRHP", 140, le(0xffff, 2), 146},
                            {"heap rows without end", "FRHP", 140, le(60, 2), 146},
                            {"heap block signature", "FHDB", 0, "FHXX"},
                            {"tree version", "BTHD", 4, le(1, 1), 38},
                            {"tree type", "BTHD", 5, le(1, 1), 38},
                            {"tree node size 0", "BTHD", 6, le(0, 4), 38},
                            {"tree node size huge", "BTHD", 6, le(0xffffffff, 4), 38},
                            {"tree record size 0", "BTHD", 10, le(0, 2), 38},
                            {"tree record size", "BTHD", 10, le(400, 2), 38},
                            {"tree depth", "BTHD", 12, le(40, 2), 38},
                            {"tree depth 1 over leaves", "BTHD", 12, le(1, 2), 38},
                            {"tree root nowhere", "BTHD", 16, kHuge, 38},
                            {"tree records", "BTHD", 24, le(0xffff, 2), 38},
                            {"tree leaf signature", "BTLF", 0, "BTXX"},
                            {"tree leaf type", "BTLF", 5, le(99, 1)},
                            {"fixed array version", "FAHD", 4, le(1, 1), 28},
                            {"fixed array kind", "FAHD", 5, le(9, 1), 28},
                            {"fixed array element", "FAHD", 6, le(99, 1), 28},
                            {"fixed array page", "FAHD", 7, le(60, 1), 28},
                            {"fixed array count", "FAHD", 8, kHuge, 28},
                            {"fixed array block nowhere", "FAHD", 16, kHuge, 28},
                            {"fixed array block signature", "FADB", 0, "FAXX"},
                            {"fixed array block checksum", "FADB", 20, le(0x77, 1)},
                            {"extensible array kind", "EAHD", 5, le(9, 1), 72},
                            {"extensible array element", "EAHD", 6, le(99, 1), 72},
                            {"extensible array bits", "EAHD", 7, le(200, 1), 72},
                            {"extensible array block elements", "EAHD", 9, le(3, 1), 72},
                            {"extensible array pointers", "EAHD", 10, le(0, 1), 72},
                            {"extensible array page", "EAHD", 11, le(99, 1), 72},
                            {"extensible array block nowhere", "EAHD", 60, kHuge, 72},
                            {"extensible array index signature", "EAIB", 0, "EAXX"},
                            {"extensible array index checksum", "EAIB", 14, le(0x77, 1)},
                            {"extensible array data signature", "EADB", 0, "EAXX"}});
}

// Both as cut (the superblock tells) and with an end that fits, so that the cut structures themselves are
// met.
TEST(Hdf5Broken, TruncatedFiles) {
  for (const char* name : {"weights.h5", "chunked_earliest.h5", "latest.h5"}) {
    const Bytes file = data_file(name);
    for (size_t i = 0; i < 16; ++i) {
      Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(file.size() * i / 16));
      const std::string what = std::string(name) + " cut at " + std::to_string(cut.size());
      expect_value_error(cut, what);
      if (cut.size() < 96) continue;
      const bool old = cut[8] == std::byte{0};
      put(cut, old ? 40 : 28, le(cut.size()));
      if (!old) renew_checksum(cut, 0, 48);
      expect_value_error(cut, what + " with an end that fits");
    }
  }
}

// Single bytes may change a number that nothing guards; what they must not do is crash, hang or throw
// anything but our errors.
TEST(Hdf5Broken, FlippedBytes) {
  for (Bytes file : {own_file(), data_file("chunked_earliest.h5"), data_file("latest.h5")}) {
    for (size_t i = 0; i < file.size(); i += 3) {
      for (const auto mask : {std::byte{0xff}, std::byte{0x01}}) {
        file[i] ^= mask;
        try {
          read_all(file);
        } catch (const Error&) {
        }
        file[i] ^= mask;
      }
    }
  }
}

TEST(Hdf5Broken, LargeShapesNeedLargeFiles) {
  // Compressed data can be larger than the file, but not by more than deflate can do.
  Bytes file = data_file("chunked_earliest.h5");
  const size_t fill =
      find(file, le(6) + le(6) + raw("\x03"));  // the shape of "fill", whose chunks may be missing
  put(file, fill, le(uint64_t{1} << 40) + le(uint64_t{1} << 40));
  expect_value_error(file, "a shape of 2 TB");
}

}  // namespace
}  // namespace keras::internal::hdf5
