// SPDX-License-Identifier: Apache-2.0
// Whatever the bytes are, the HDF5 reader either reads them or throws one of our errors.
#include <algorithm>
#include <span>

#include "keras/base/error.h"
#include "saving/hdf5/reader.h"

namespace {

namespace hdf5 = keras::internal::hdf5;

template <class Action>
void attempt(Action action) {
  try {
    action();
  } catch (const keras::Error&) {
  }
}

void visit(const hdf5::Object& object) {
  for (const auto& name : object.attribute_names()) attempt([&] { object.attribute(name); });
}

void visit(const hdf5::Group& root, const std::string& path) {
  const hdf5::Dataset dataset = root.dataset(path);
  visit(dataset);
  if (dataset.byte_size() > (1u << 22)) return;
  if (dataset.type().is_string()) {
    dataset.strings();
  } else {
    dataset.read();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  attempt([&] {
    const hdf5::Group root = hdf5::Reader(std::as_bytes(std::span(data, size)), "fuzz").root();
    visit(static_cast<const hdf5::Object&>(root));
    root.names_by_creation();
    auto paths = root.dataset_paths();
    paths.resize(std::min<size_t>(paths.size(), 100));
    for (const auto& path : paths) attempt([&] { visit(root, path); });
    for (const auto& name : root.groups()) attempt([&] { visit(root.group(name)); });
  });
  return 0;
}
