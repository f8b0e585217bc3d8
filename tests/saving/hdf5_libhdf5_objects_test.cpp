// SPDX-License-Identifier: Apache-2.0
// What libhdf5 writes, we read: groups, links, strings, attributes and unusual files.
#ifdef KERAS_HAVE_LIBHDF5
#include <gtest/gtest.h>

#include "base/temporary_file.h"
#include "hdf5_values.h"
#include "libhdf5.h"

namespace keras::internal::hdf5 {
namespace {

using Names = std::vector<std::string>;

class Libhdf5Objects : public testing::TestWithParam<bool> {
 protected:
  TemporaryFile file_{"oracle.h5"};

  Id create() const { return create_file(file_.path(), GetParam()); }
  Group open() const { return Reader(file_.path()).root(); }
};

INSTANTIATE_TEST_SUITE_P(Formats, Libhdf5Objects, testing::Bool(),
                         [](const auto& format) { return format.param ? "latest" : "earliest"; });

Id make_group(hid_t parent, const std::string& name) {
  return {H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose};
}

Id string_type(size_t size, H5T_str_t padding, H5T_cset_t charset) {
  Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, size);
  H5Tset_strpad(type, padding);
  H5Tset_cset(type, charset);
  return type;
}

void write_attribute(hid_t object, const std::string& name, hid_t type, hid_t space, const void* data) {
  const Id attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  EXPECT_GE(H5Awrite(attribute, type, data), 0);
}

TEST_P(Libhdf5Objects, ManyAndLongNames) {
  {
    const Id file = create();
    const Id many = make_group(file, "many");
    for (int i = 0; i < 3000; ++i) make_group(many, "group_" + std::to_string(i) + std::string(i % 50, 'x'));
    make_group(many, std::string(5000, 'n'));  // a huge object of the fractal heap
  }
  const Group many = open().group("many");
  EXPECT_EQ(many.groups().size(), 3001u);
  for (int i = 0; i < 3000; ++i) {
    EXPECT_TRUE(many.contains("group_" + std::to_string(i) + std::string(i % 50, 'x')));
  }
  EXPECT_TRUE(many.contains(std::string(5000, 'n')));
}

TEST_P(Libhdf5Objects, NestedGroups) {
  std::string path;
  {
    const Id file = create();
    for (int i = 0; i < 60; ++i) {
      path += (i == 0 ? "" : "/") + std::string("level") + std::to_string(i);
      make_group(file, path);
    }
  }
  EXPECT_EQ(open().group(path).path(), "/" + path);
  EXPECT_TRUE(open().dataset_paths().empty());
}

TEST_P(Libhdf5Objects, AttributesManyAndLong) {
  const Id scalar(H5Screate(H5S_SCALAR), H5Sclose);
  const auto longest = ramp<double>(8000);
  {
    const Id file = create();
    for (int64_t i = 0; i < 200; ++i)
      write_attribute(file, "a" + std::to_string(i), H5T_NATIVE_INT64, scalar, &i);
    write_attribute(file, "long", H5T_NATIVE_DOUBLE, simple_space({8000}), longest.data());
    const Id variable = string_type(H5T_VARIABLE, H5T_STR_NULLTERM, H5T_CSET_UTF8);
    const std::string text(100000, 'q');
    const char* pointers[] = {text.c_str(), "", "é"};
    write_attribute(file, "texts", variable, simple_space({3}), pointers);
    write_attribute(file, "null", H5T_NATIVE_FLOAT, Id(H5Screate(H5S_NULL), H5Sclose), longest.data());
    if (GetParam()) {
      const auto huge = ramp<double>(20000);
      write_attribute(file, "huge", H5T_NATIVE_DOUBLE, simple_space({20000}), huge.data());
    }
  }
  const Group root = open();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(root.attribute("a" + std::to_string(i)).as_integer(), i);
  EXPECT_EQ(std::get<std::vector<double>>(root.attribute("long").data), longest);
  EXPECT_EQ(root.attribute("texts").as_texts(), (Names{std::string(100000, 'q'), "", "é"}));
  EXPECT_EQ(root.attribute("null").space.kind, Dataspace::Kind::kNull);
  if (GetParam()) {
    EXPECT_EQ(std::get<std::vector<double>>(root.attribute("huge").data), ramp<double>(20000));
  }
}

TEST_P(Libhdf5Objects, Strings) {
  const Id space = simple_space({2});
  {
    const Id file = create();
    write_attribute(file, "terminated", string_type(4, H5T_STR_NULLTERM, H5T_CSET_ASCII), space,
                    "ab\0xcd\0y");
    write_attribute(file, "zeros", string_type(4, H5T_STR_NULLPAD, H5T_CSET_ASCII), space, "ab\0\0cdef");
    write_attribute(file, "spaces", string_type(4, H5T_STR_SPACEPAD, H5T_CSET_UTF8), space, "ab  cdef");
    for (const bool chunked : {false, true}) {
      const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
      const hsize_t chunk = 1;
      if (chunked) H5Pset_chunk(properties, 1, &chunk);
      const Id type = string_type(H5T_VARIABLE, H5T_STR_NULLTERM, H5T_CSET_UTF8);
      const Id dataset(
          H5Dcreate2(file, chunked ? "chunked" : "plain", type, space, H5P_DEFAULT, properties, H5P_DEFAULT),
          H5Dclose);
      const char* pointers[] = {"hello", "world!"};
      H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers);
    }
  }
  const Group root = open();
  EXPECT_EQ(root.attribute("terminated").as_texts(), (Names{"ab", "cd"}));
  EXPECT_EQ(root.attribute("zeros").as_texts(), (Names{"ab", "cdef"}));
  EXPECT_EQ(root.attribute("spaces").as_texts(), (Names{"ab", "cdef"}));
  EXPECT_TRUE(root.attribute("spaces").type.utf8);
  EXPECT_EQ(root.dataset("plain").strings(), (Names{"hello", "world!"}));
  EXPECT_EQ(root.dataset("chunked").strings(), (Names{"hello", "world!"}));
  EXPECT_THROW(root.dataset("plain").read(), TypeError);
}

TEST_P(Libhdf5Objects, LinksThatAreNotFollowed) {
  {
    const Id file = create();
    make_group(file, "real");
    H5Lcreate_soft("/real", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/x", file, "external", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "real", file, "hard", H5P_DEFAULT, H5P_DEFAULT);
  }
  const Group root = open();
  EXPECT_EQ(root.names(), (Names{"external", "hard", "real", "soft"}));
  EXPECT_EQ(root.groups(), (Names{"hard", "real"}));
  EXPECT_NO_THROW(root.group("hard"));
  EXPECT_THROW(root.group("soft"), ValueError);
  EXPECT_THROW(root.group("external"), ValueError);
  EXPECT_THROW(root.dataset_paths(), ValueError);  // "real" stands twice
}

TEST_P(Libhdf5Objects, CyclesOfGroups) {
  {
    const Id file = create();
    const Id group = make_group(file, "a");
    H5Lcreate_hard(file, "/", group, "up", H5P_DEFAULT, H5P_DEFAULT);
  }
  EXPECT_NO_THROW(open().group("a/up/a/up"));
  EXPECT_THROW(open().dataset_paths(), ValueError);
}

TEST_P(Libhdf5Objects, CommittedDatatype) {
  {
    const Id file = create();
    const Id type(H5Tcopy(H5T_STD_I32LE), H5Tclose);
    H5Tcommit2(file, "type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const Id dataset(H5Dcreate2(file, "x", type, simple_space({4}), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                     H5Dclose);
    const auto data = ramp<int32_t>(4);
    H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data());
    write_attribute(file, "a", type, simple_space({4}), data.data());
  }
  EXPECT_EQ(values<int32_t>(open().dataset("x")), ramp<int32_t>(4));
  EXPECT_EQ(std::get<std::vector<int64_t>>(open().attribute("a").data), (std::vector<int64_t>{-1, 0, 0, 0}));
}

TEST_P(Libhdf5Objects, UserBlockAndNarrowAddresses) {
  for (const size_t width : {2, 4, 8}) {
    const Id creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    H5Pset_userblock(creation, width == 4 ? 1024 : 0);
    H5Pset_sizes(creation, width, width);
    {
      const Id file = create_file(file_.path(), GetParam(), creation);
      const Id dataset(
          H5Dcreate2(file, "x", H5T_STD_I32LE, simple_space({4}), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
          H5Dclose);
      const auto data = ramp<int32_t>(4);
      H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data());
      const Id unlimited = simple_space({4}, {H5S_UNLIMITED});
      const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
      const hsize_t chunk = 2;
      H5Pset_chunk(properties, 1, &chunk);
      const Id grows(H5Dcreate2(file, "y", H5T_STD_I32LE, unlimited, H5P_DEFAULT, properties, H5P_DEFAULT),
                     H5Dclose);
      H5Dwrite(grows, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data());
    }
    EXPECT_EQ(values<int32_t>(open().dataset("x")), ramp<int32_t>(4)) << width;
    EXPECT_EQ(values<int32_t>(open().dataset("y")), ramp<int32_t>(4)) << width;
  }
}

TEST_P(Libhdf5Objects, CreationOrder) {
  {
    const Id creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    const Id file = create_file(file_.path(), GetParam(), creation);
    for (int i = 0; i < 20; ++i) make_group(file, std::string(1, static_cast<char>('t' - i)));
  }
  const auto order = open().names_by_creation();
  ASSERT_TRUE(order.has_value());
  EXPECT_EQ(order->front(), "t");
  EXPECT_EQ(order->back(), "a");
  EXPECT_EQ(open().names().front(), "a");
}

TEST_P(Libhdf5Objects, TypesOutsideTheSubset) {
  {
    const Id file = create();
    const Id compound(H5Tcreate(H5T_COMPOUND, 8), H5Tclose);
    H5Tinsert(compound, "a", 0, H5T_NATIVE_INT32);
    H5Tinsert(compound, "b", 4, H5T_NATIVE_INT32);
    const Id odd(H5Tcopy(H5T_STD_I32LE), H5Tclose);
    H5Tset_precision(odd, 20);
    const hid_t types[] = {compound, odd, H5T_STD_REF_OBJ, H5T_STD_B8LE};
    for (int i = 0; i < 4; ++i) {
      Id(H5Dcreate2(file, std::to_string(i).c_str(), types[i], simple_space({4}), H5P_DEFAULT, H5P_DEFAULT,
                    H5P_DEFAULT),
         H5Dclose);
    }
    const Id external(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_external(external, "/etc/passwd", 0, 16);
    Id(H5Dcreate2(file, "external", H5T_STD_I32LE, simple_space({4}), H5P_DEFAULT, external, H5P_DEFAULT),
       H5Dclose);
    const Id scaled(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    const hsize_t chunk = 2;
    H5Pset_chunk(scaled, 1, &chunk);
    H5Pset_scaleoffset(scaled, H5Z_SO_INT, 0);
    Id(H5Dcreate2(file, "scaled", H5T_STD_I32LE, simple_space({4}), H5P_DEFAULT, scaled, H5P_DEFAULT),
       H5Dclose);
  }
  const Group root = open();
  EXPECT_EQ(root.datasets().size(), 6u);
  for (const auto& name : root.names()) EXPECT_THROW(root.dataset(name), UnsupportedError) << name;
}

}  // namespace
}  // namespace keras::internal::hdf5
#endif
