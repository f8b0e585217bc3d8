// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "keras/base/error.h"
#include "saving/hdf5/reader.h"

namespace keras::internal::hdf5 {

template <class T>
std::vector<T> values(const Dataset& dataset) {
  const auto bytes = dataset.read();
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

/// 0 * 0.5 - 1, 1 * 0.5 - 1, ...: what the files under test hold.
template <class T>
std::vector<T> ramp(size_t count) {
  std::vector<T> out;
  for (size_t i = 0; i < count; ++i) out.push_back(static_cast<T>(static_cast<double>(i) * 0.5 - 1));
  return out;
}

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& elements) {
  return std::as_bytes(std::span(elements));
}

/// Reads everything that a file holds; what a broken file must survive.
inline uint64_t read_all(std::span<const std::byte> file) {
  const Group root = Reader(file, "test.h5").root();
  uint64_t total = 0;
  const auto read_attributes = [&](const Object& object) {
    for (const auto& name : object.attribute_names()) {
      try {
        total += object.attribute(name).space.elements();
      } catch (const UnsupportedError&) {
        ++total;  // types outside the subset may stand beside readable ones
      }
    }
  };
  const auto visit = [&](const auto& self, const Group& group, int depth) -> void {
    read_attributes(group);
    if (depth == 0) return;
    for (const auto& name : group.datasets()) {
      const Dataset dataset = group.dataset(name);
      read_attributes(dataset);
      total += dataset.type().is_string() ? dataset.strings().size() : dataset.read().size();
    }
    for (const auto& name : group.groups()) self(self, group.group(name), depth - 1);
    for (const auto& name : group.names()) total += group.contains(name) ? 1 : 0;
  };
  root.dataset_paths();
  visit(visit, root, 8);
  return total;
}

}  // namespace keras::internal::hdf5
