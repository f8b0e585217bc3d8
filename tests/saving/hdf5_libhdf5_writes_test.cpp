// SPDX-License-Identifier: Apache-2.0
// What libhdf5 writes, we read: every layout, chunk index, filter, format version and type of the subset.
#ifdef KERAS_HAVE_LIBHDF5
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/temporary_file.h"
#include "hdf5_values.h"
#include "libhdf5.h"

namespace keras::internal::hdf5 {
namespace {

using Dims = std::vector<hsize_t>;

class Libhdf5Writes : public testing::TestWithParam<bool> {
 protected:
  TemporaryFile file_{"oracle.h5"};

  Id create() const { return create_file(file_.path(), GetParam()); }
  Group open() const { return Reader(file_.path()).root(); }
};

INSTANTIATE_TEST_SUITE_P(Formats, Libhdf5Writes, testing::Bool(),
                         [](const auto& format) { return format.param ? "latest" : "earliest"; });

/// Writes a ramp of ints with the given creation properties.
void write_ints(hid_t file, const char* name, const Dims& dims, const std::function<void(hid_t)>& configure,
                const Dims& max_dims = {}, hid_t stored = H5T_STD_I32LE) {
  const Id space = simple_space(dims, max_dims);
  const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  configure(properties);
  const Id dataset(H5Dcreate2(file, name, stored, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose);
  size_t count = 1;
  for (const hsize_t dim : dims) count *= dim;
  const auto data = ramp<int32_t>(count);
  EXPECT_GE(H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data()), 0);
}

std::function<void(hid_t)> chunks(const Dims& dims) {
  return [dims](hid_t p) { H5Pset_chunk(p, static_cast<int>(dims.size()), dims.data()); };
}

TEST_P(Libhdf5Writes, Layouts) {
  {
    const Id file = create();
    write_ints(file, "contiguous", {3, 5}, [](hid_t) {});
    write_ints(file, "compact", {3, 5}, [](hid_t p) { H5Pset_layout(p, H5D_COMPACT); });
    write_ints(file, "chunked", {3, 5}, chunks({2, 2}));
    write_ints(file, "big_endian", {3, 5}, chunks({2, 2}), {}, H5T_STD_I32BE);
    write_ints(file, "implicit", {3, 5}, [](hid_t p) {
      chunks({2, 2})(p);
      H5Pset_alloc_time(p, H5D_ALLOC_TIME_EARLY);
    });
    write_ints(file, "implicit_max", {3, 5},
               [](hid_t p) {
                 chunks({2, 2})(p);
                 H5Pset_alloc_time(p, H5D_ALLOC_TIME_EARLY);
               },
               {7, 9});
    write_ints(file, "fixed_max", {3, 5}, chunks({2, 2}), {7, 9});
    write_ints(file, "extensible_first", {3, 5}, chunks({2, 2}), {H5S_UNLIMITED, 9});
    write_ints(file, "extensible_last", {3, 5}, chunks({2, 2}), {7, H5S_UNLIMITED});
    write_ints(file, "btree", {3, 5}, chunks({2, 2}), {H5S_UNLIMITED, H5S_UNLIMITED});
    write_ints(file, "single", {3, 5}, chunks({3, 5}));
  }
  const Group root = open();
  EXPECT_EQ(root.names().size(), 11u);
  for (const auto& name : root.names()) {
    EXPECT_EQ(root.dataset(name).shape(), (std::vector<uint64_t>{3, 5})) << name;
    EXPECT_EQ(values<int32_t>(root.dataset(name)), ramp<int32_t>(15)) << name;
  }
}

TEST_P(Libhdf5Writes, Filters) {
  const std::vector<std::function<void(hid_t)>> filters{
      [](hid_t p) { H5Pset_deflate(p, 6); },
      [](hid_t p) { H5Pset_shuffle(p); },
      [](hid_t p) { H5Pset_fletcher32(p); },
      [](hid_t p) { H5Pset_shuffle(p), H5Pset_deflate(p, 1), H5Pset_fletcher32(p); },
      [](hid_t p) { H5Pset_fletcher32(p), H5Pset_shuffle(p), H5Pset_deflate(p, 9); },
  };
  const std::vector<std::pair<Dims, Dims>> shapes{{{40, 30}, {}},
                                                  {{40, 30}, {50, 40}},
                                                  {{40, 30}, {H5S_UNLIMITED, 40}},
                                                  {{40, 30}, {50, H5S_UNLIMITED}},
                                                  {{40, 30}, {H5S_UNLIMITED, H5S_UNLIMITED}}};
  {
    const Id file = create();
    for (size_t f = 0; f < filters.size(); ++f) {
      for (size_t s = 0; s < shapes.size(); ++s) {
        for (const Dims& chunk : {Dims{7, 8}, Dims{1, 5}, Dims{40, 30}}) {
          const std::string name =
              std::to_string(f) + "_" + std::to_string(s) + "_" + std::to_string(chunk[0]);
          write_ints(
              file, name.c_str(), shapes[s].first, [&](hid_t p) { chunks(chunk)(p), filters[f](p); },
              shapes[s].second);
        }
      }
    }
  }
  const Group root = open();
  EXPECT_EQ(root.datasets().size(), 75u);
  for (const auto& name : root.names())
    EXPECT_EQ(values<int32_t>(root.dataset(name)), ramp<int32_t>(1200)) << name;
}

// Only the newer format can say so.
TEST(Libhdf5WritesLatest, EdgesWithoutFilter) {
  const TemporaryFile path("edges.h5");
  {
    const Id file = create_file(path.path(), true);
    write_ints(file, "x", {10, 10}, [](hid_t p) {
      chunks({4, 4})(p);
      H5Pset_chunk_opts(p, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
      H5Pset_deflate(p, 4);
    });
  }
  EXPECT_EQ(values<int32_t>(Reader(path.path()).root().dataset("x")), ramp<int32_t>(100));
}

TEST_P(Libhdf5Writes, ManyChunks) {
  {
    const Id file = create();
    write_ints(file, "fixed", {5000}, chunks({2}));                          // pages of 1024
    write_ints(file, "extensible", {200000}, chunks({1}), {H5S_UNLIMITED});  // super blocks with pages
    write_ints(file, "btree", {100, 60}, chunks({1, 1}), {H5S_UNLIMITED, H5S_UNLIMITED});
    write_ints(file, "filtered", {3000}, [](hid_t p) { chunks({1})(p), H5Pset_deflate(p, 1); },
               {H5S_UNLIMITED});
  }
  const Group root = open();
  EXPECT_EQ(values<int32_t>(root.dataset("fixed")), ramp<int32_t>(5000));
  EXPECT_EQ(values<int32_t>(root.dataset("extensible")), ramp<int32_t>(200000));
  EXPECT_EQ(values<int32_t>(root.dataset("btree")), ramp<int32_t>(6000));
  EXPECT_EQ(values<int32_t>(root.dataset("filtered")), ramp<int32_t>(3000));
}

TEST_P(Libhdf5Writes, MissingPagesAreFillValue) {
  constexpr hsize_t kCount = 200000;
  {
    const Id file = create();
    for (const bool unlimited : {false, true}) {
      const Id space = simple_space({kCount}, {unlimited ? H5S_UNLIMITED : kCount});
      const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
      chunks({1})(properties);
      const int16_t fill = -3;
      H5Pset_fill_value(properties, H5T_NATIVE_INT16, &fill);
      const Id dataset(H5Dcreate2(file, unlimited ? "extensible" : "fixed", H5T_STD_I16BE, space, H5P_DEFAULT,
                                  properties, H5P_DEFAULT),
                       H5Dclose);
      for (const hsize_t at : {hsize_t{3}, hsize_t{70000}, hsize_t{150001}, hsize_t{199999}}) {
        const hsize_t one = 1;
        const Id memory = simple_space({1});
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &at, nullptr, &one, nullptr);
        const auto value = static_cast<int16_t>(at % 1000);
        H5Dwrite(dataset, H5T_NATIVE_INT16, memory, space, H5P_DEFAULT, &value);
      }
    }
  }
  std::vector<int16_t> expected(kCount, -3);
  for (const size_t at : {3, 70000, 150001, 199999}) expected[at] = static_cast<int16_t>(at % 1000);
  EXPECT_EQ(values<int16_t>(open().dataset("fixed")), expected);
  EXPECT_EQ(values<int16_t>(open().dataset("extensible")), expected);
}

TEST_P(Libhdf5Writes, Numbers) {
  struct Case {
    hid_t type;
    Element element;
    bool big_endian;
  };
  const Case cases[] = {
      {H5T_STD_I8LE, Element::kInt8, false},     {H5T_STD_I16LE, Element::kInt16, false},
      {H5T_STD_I32BE, Element::kInt32, true},    {H5T_STD_I64BE, Element::kInt64, true},
      {H5T_STD_U8BE, Element::kUint8, true},     {H5T_STD_U16BE, Element::kUint16, true},
      {H5T_STD_U32LE, Element::kUint32, false},  {H5T_STD_U64LE, Element::kUint64, false},
      {H5T_IEEE_F32BE, Element::kFloat32, true}, {H5T_IEEE_F32LE, Element::kFloat32, false},
      {H5T_IEEE_F64BE, Element::kFloat64, true}, {H5T_IEEE_F64LE, Element::kFloat64, false},
  };
  const auto data = ramp<double>(100);
  {
    const Id file = create();
    const Id space = simple_space({100});
    for (size_t i = 0; i < std::size(cases); ++i) {
      const std::string name = std::to_string(i);
      const Id dataset(
          H5Dcreate2(file, name.c_str(), cases[i].type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
          H5Dclose);
      H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data());
      const Id attribute(H5Acreate2(file, name.c_str(), cases[i].type, space, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
      H5Awrite(attribute, H5T_NATIVE_DOUBLE, data.data());
    }
  }
  const Group root = open();
  for (size_t i = 0; i < std::size(cases); ++i) {
    const Dataset dataset = root.dataset(std::to_string(i));
    ASSERT_EQ(dataset.type().element, cases[i].element);
    EXPECT_EQ(dataset.type().big_endian, cases[i].big_endian);
    const Attribute attribute = root.attribute(std::to_string(i));
    const auto same = [&](auto zero) {
      using T = decltype(zero);
      const auto stored = values<T>(dataset);
      for (size_t k = 0; k < 100; ++k) {
        // libhdf5 clamps negative numbers to an unsigned type's range.
        const double want = std::is_unsigned_v<T> ? std::max(0.0, std::trunc(data[k])) : data[k];
        EXPECT_EQ(stored[k], static_cast<T>(want));
        std::visit(
            [&](const auto& v) {
              if constexpr (!std::is_same_v<std::decay_t<decltype(v)>, std::monostate>) {
                if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v[0])>>) {
                  EXPECT_EQ(static_cast<double>(v[k]), static_cast<double>(static_cast<T>(want)));
                }
              }
            },
            attribute.data);
      }
    };
    EXPECT_NE(attribute.data.index(), 0u);
    switch (cases[i].element) {
      case Element::kInt8:
        same(int8_t{});
        break;
      case Element::kInt16:
        same(int16_t{});
        break;
      case Element::kInt32:
        same(int32_t{});
        break;
      case Element::kInt64:
        same(int64_t{});
        break;
      case Element::kUint8:
        same(uint8_t{});
        break;
      case Element::kUint16:
        same(uint16_t{});
        break;
      case Element::kUint32:
        same(uint32_t{});
        break;
      case Element::kUint64:
        same(uint64_t{});
        break;
      case Element::kFloat32:
        same(float{});
        break;
      default:
        same(double{});
    }
  }
}

}  // namespace
}  // namespace keras::internal::hdf5
#endif
