// SPDX-License-Identifier: Apache-2.0
#include "saving/h5_weights.h"

#include <algorithm>
#include <charconv>

#include "keras/base/error.h"

namespace keras::internal {

namespace {

using hdf5::Element;

struct Pair {
  DType dtype;
  Element element;
};
constexpr Pair kPairs[] = {
    {DType::bool_, Element::kBool},        {DType::uint8, Element::kUint8},
    {DType::uint16, Element::kUint16},     {DType::uint32, Element::kUint32},
    {DType::uint64, Element::kUint64},     {DType::int8, Element::kInt8},
    {DType::int16, Element::kInt16},       {DType::int32, Element::kInt32},
    {DType::int64, Element::kInt64},       {DType::float16, Element::kFloat16},
    {DType::bfloat16, Element::kBFloat16}, {DType::float32, Element::kFloat32},
    {DType::float64, Element::kFloat64},
};

std::string joined(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : std::string(path) + "/" + std::string(key);
}

// Numbers by value, then other names in order.
void sort_keys(std::vector<std::string>& keys) {
  const auto number = [](const std::string& s, int64_t& out) {
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), out);
    return error == std::errc() && end == s.data() + s.size();
  };
  std::sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
    int64_t x = 0;
    int64_t y = 0;
    const bool nx = number(a, x);
    const bool ny = number(b, y);
    if (nx && ny) return x < y;
    return nx != ny ? nx : a < b;
  });
}

}  // namespace

void H5WeightWriter::group(std::string_view path, std::string_view name) {
  if (!path.empty()) writer_.create_group(path);
  if (!name.empty())
    writer_.write_attribute(path.empty() ? "/" : path, hdf5::Attribute::text("name", std::string(name)));
}

void H5WeightWriter::put(std::string_view path, std::string_view key, const Tensor& value) {
  const auto* pair = std::find_if(std::begin(kPairs), std::end(kPairs),
                                  [&](const Pair& p) { return p.dtype == value.dtype(); });
  if (pair == std::end(kPairs)) {
    fail<UnsupportedError>(
        {joined(path, key), "HDF5 weights hold numbers", std::string(dtype_name(value.dtype())), ""});
  }
  std::vector<uint64_t> dims;
  for (const Dim d : value.shape()) dims.push_back(static_cast<uint64_t>(d.value()));
  const auto space = dims.empty() ? hdf5::Dataspace{} : hdf5::Dataspace::simple(dims);
  writer_.write_dataset(joined(path, key), hdf5::Datatype::of(pair->element), space,
                        {static_cast<const std::byte*>(value.host_data()), value.bytes()});
}

hdf5::Group H5WeightReader::at(std::string_view path) const {
  return path.empty() ? reader_.root() : reader_.root().group(path);
}

bool H5WeightReader::has_group(std::string_view path) const {
  return path.empty() || reader_.root().contains(path);
}

std::vector<std::string> H5WeightReader::keys(std::string_view path) const {
  if (!has_group(path)) return {};
  auto out = at(path).datasets();
  sort_keys(out);
  return out;
}

std::vector<std::string> H5WeightReader::groups(std::string_view path) const {
  return has_group(path) ? at(path).groups() : std::vector<std::string>{};
}

std::string H5WeightReader::group_name(std::string_view path) const {
  if (!has_group(path)) return "";
  const auto found = at(path).find_attribute("name");
  return found ? found->as_text() : "";
}

Tensor H5WeightReader::get(std::string_view path, std::string_view key) const {
  const auto dataset = at(path).dataset(key);
  const auto element = dataset.type().element;
  const auto* pair =
      std::find_if(std::begin(kPairs), std::end(kPairs), [&](const Pair& p) { return p.element == element; });
  if (pair == std::end(kPairs)) {
    fail<UnsupportedError>({file_ + ": " + joined(path, key), "A weight must be an array of numbers",
                            std::string(hdf5::to_string(element)), ""});
  }
  Shape shape;
  for (const uint64_t d : dataset.shape()) shape.push_back(static_cast<int64_t>(d));
  const auto bytes = std::make_shared<std::vector<std::byte>>(dataset.read());
  return Tensor::borrow(bytes->data(), shape, pair->dtype, [bytes] {});
}

}  // namespace keras::internal
