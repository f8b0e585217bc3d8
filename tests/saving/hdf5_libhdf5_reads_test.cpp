// SPDX-License-Identifier: Apache-2.0
// What we write, libhdf5 reads.
#ifdef KERAS_HAVE_LIBHDF5
#include <gtest/gtest.h>

#include "base/temporary_file.h"
#include "hdf5_values.h"
#include "libhdf5.h"
#include "saving/hdf5/writer.h"

namespace keras::internal::hdf5 {
namespace {

class Libhdf5Reads : public testing::Test {
 protected:
  Id finish() {
    writer_.finish();
    file_.write(sink_.bytes());
    return {H5Fopen(file_.path().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose};
  }

  MemorySink sink_;
  Writer writer_{sink_};
  TemporaryFile file_{"ours.h5"};
};

template <class T>
std::vector<T> read(hid_t file, const std::string& path, hid_t type) {
  const Id dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose);
  const Id space(H5Dget_space(dataset), H5Sclose);
  std::vector<T> out(static_cast<size_t>(H5Sget_simple_extent_npoints(space)));
  EXPECT_GE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()), 0);
  return out;
}

TEST_F(Libhdf5Reads, DatasetsOfEveryType) {
  const std::pair<Element, hid_t> types[] = {
      {Element::kInt8, H5T_STD_I8LE},      {Element::kInt16, H5T_STD_I16LE},
      {Element::kInt32, H5T_STD_I32LE},    {Element::kInt64, H5T_STD_I64LE},
      {Element::kUint8, H5T_STD_U8LE},     {Element::kUint16, H5T_STD_U16LE},
      {Element::kUint32, H5T_STD_U32LE},   {Element::kUint64, H5T_STD_U64LE},
      {Element::kFloat32, H5T_IEEE_F32LE}, {Element::kFloat64, H5T_IEEE_F64LE},
  };
  for (const auto& [element, id] : types) {
    const Datatype type = Datatype::of(element);
    std::vector<std::byte> bytes(6 * type.size, std::byte{1});
    writer_.write_dataset(std::string("types/") + std::string(to_string(element)), type,
                          Dataspace::simple({2, 3}), bytes);
  }
  const std::vector<uint16_t> halves{0x3c00, 0xc000};
  writer_.write_dataset("half", Datatype::of(Element::kFloat16), Dataspace::simple({2}), bytes_of(halves));
  writer_.write_dataset("bfloat", Datatype::of(Element::kBFloat16), Dataspace::simple({2}), bytes_of(halves));
  const std::vector<int8_t> flags{1, 0, 1};
  writer_.write_dataset("flags", Datatype::of(Element::kBool), Dataspace::simple({3}), bytes_of(flags));
  writer_.write_dataset("scalar", Datatype::of(Element::kFloat64), {}, bytes_of(ramp<double>(1)));
  writer_.write_dataset("empty", Datatype::of(Element::kFloat32), Dataspace::simple({0, 3}), {});
  const Id file = finish();
  for (const auto& [element, id] : types) {
    const std::string path = "types/" + std::string(to_string(element));
    const Id dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose);
    const Id type(H5Dget_type(dataset), H5Tclose);
    EXPECT_GT(H5Tequal(type, id), 0) << path;
    std::vector<std::byte> bytes(6 * H5Tget_size(type));
    EXPECT_GE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), 0);
    EXPECT_EQ(bytes, std::vector<std::byte>(bytes.size(), std::byte{1}));
    const Id space(H5Dget_space(dataset), H5Sclose);
    hsize_t dims[2] = {};
    EXPECT_EQ(H5Sget_simple_extent_dims(space, dims, nullptr), 2);
    EXPECT_EQ(dims[0], 2u);
    EXPECT_EQ(dims[1], 3u);
  }
  EXPECT_EQ(read<float>(file, "half", H5T_NATIVE_FLOAT), (std::vector<float>{1.0f, -2.0f}));
  EXPECT_EQ(read<double>(file, "scalar", H5T_NATIVE_DOUBLE), std::vector<double>{-1});
  EXPECT_TRUE(read<float>(file, "empty", H5T_NATIVE_FLOAT).empty());
  const Id enumeration(H5Dopen2(file, "flags", H5P_DEFAULT), H5Dclose);
  const Id type(H5Dget_type(enumeration), H5Tclose);
  EXPECT_EQ(H5Tget_class(type), H5T_ENUM);
  EXPECT_EQ(read<int8_t>(file, "flags", type), flags);
  const Id opaque(H5Dopen2(file, "bfloat", H5P_DEFAULT), H5Dclose);
  const Id opaque_type(H5Dget_type(opaque), H5Tclose);
  EXPECT_EQ(H5Tget_class(opaque_type), H5T_OPAQUE);
  EXPECT_EQ(read<uint16_t>(file, "bfloat", opaque_type), halves);
}

TEST_F(Libhdf5Reads, GroupsWithManyNames) {
  constexpr int kCount = 3000;
  for (int i = 0; i < kCount; ++i) {
    const std::vector<int32_t> value{i};
    writer_.write_dataset("many/" + std::to_string(i), Datatype::of(Element::kInt32), {}, bytes_of(value));
  }
  writer_.create_group("nested/a/b/c");
  const Id file = finish();
  const Id group(H5Gopen2(file, "many", H5P_DEFAULT), H5Gclose);
  H5G_info_t info;
  EXPECT_GE(H5Gget_info(group, &info), 0);
  EXPECT_EQ(info.nlinks, static_cast<hsize_t>(kCount));
  for (int i = 0; i < kCount; ++i) {
    EXPECT_EQ(read<int32_t>(group, std::to_string(i), H5T_NATIVE_INT32), std::vector<int32_t>{i});
  }
  EXPECT_GT(H5Lexists(file, "nested/a/b", H5P_DEFAULT), 0);
  EXPECT_EQ(H5Lexists(file, "nested/a/x", H5P_DEFAULT), 0);
}

TEST_F(Libhdf5Reads, Attributes) {
  writer_.write_attribute("/", Attribute::text("text", "naïve"));
  writer_.write_attribute("/", Attribute::text("naïve", std::string(70000, 'x')));
  writer_.write_attribute("/", Attribute::texts("texts", {"one", "", std::string(5000, 'y')}));
  writer_.write_attribute("/", Attribute::fixed_texts("fixed", {"ab", "cdef"}));
  writer_.write_attribute("/", Attribute::integer("integer", -5));
  writer_.write_attribute("/", Attribute::number("number", 0.25));
  writer_.write_attribute("/", {"null", Datatype::of(Element::kFloat32), Dataspace::null(), {}});
  for (int i = 0; i < 500; ++i) {
    writer_.create_group("g" + std::to_string(i));
    writer_.write_attribute("g" + std::to_string(i), Attribute::text("name", "layer " + std::to_string(i)));
  }
  const Id file = finish();
  const auto open = [&](const std::string& object, const char* name) {
    return Id(H5Aopen_by_name(file, object.c_str(), name, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  };
  const auto texts = [&](const std::string& object, const char* name) {
    const Id attribute = open(object, name);
    const Id type(H5Aget_type(attribute), H5Tclose);
    EXPECT_GT(H5Tis_variable_str(type), 0);
    EXPECT_EQ(H5Tget_cset(type), H5T_CSET_UTF8);
    const Id space(H5Aget_space(attribute), H5Sclose);
    std::vector<char*> pointers(static_cast<size_t>(H5Sget_simple_extent_npoints(space)));
    EXPECT_GE(H5Aread(attribute, type, pointers.data()), 0);
    std::vector<std::string> out;
    for (char* pointer : pointers) {
      out.emplace_back(pointer == nullptr ? "" : pointer);
      H5free_memory(pointer);
    }
    return out;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(texts("/", "text"), Names{"naïve"});
  EXPECT_EQ(texts("/", "naïve"), Names{std::string(70000, 'x')});
  EXPECT_EQ(texts("/", "texts"), (Names{"one", "", std::string(5000, 'y')}));
  for (int i = 0; i < 500; ++i)
    EXPECT_EQ(texts("g" + std::to_string(i), "name"), Names{"layer " + std::to_string(i)});
  int64_t integer = 0;
  EXPECT_GE(H5Aread(open("/", "integer"), H5T_NATIVE_INT64, &integer), 0);
  EXPECT_EQ(integer, -5);
  double number = 0;
  EXPECT_GE(H5Aread(open("/", "number"), H5T_NATIVE_DOUBLE, &number), 0);
  EXPECT_EQ(number, 0.25);
  const Id fixed = open("/", "fixed");
  const Id fixed_type(H5Aget_type(fixed), H5Tclose);
  ASSERT_EQ(H5Tget_size(fixed_type), 4u);
  char characters[8];
  EXPECT_GE(H5Aread(fixed, fixed_type, characters), 0);
  EXPECT_EQ(std::string(characters, 8), std::string("ab\0\0cdef", 8));
  const Id null_space(H5Aget_space(open("/", "null")), H5Sclose);
  EXPECT_EQ(H5Sget_simple_extent_type(null_space), H5S_NULL);
}

}  // namespace
}  // namespace keras::internal::hdf5
#endif
