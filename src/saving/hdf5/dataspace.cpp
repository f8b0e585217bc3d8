// SPDX-License-Identifier: Apache-2.0
#include "saving/hdf5/dataspace.h"

#include "saving/hdf5/cursor.h"

namespace keras::internal::hdf5 {

Dataspace Dataspace::simple(std::vector<uint64_t> dims) {
  auto max_dims = dims;
  return {Kind::kSimple, std::move(dims), std::move(max_dims)};
}

uint64_t Dataspace::elements() const {
  if (kind == Kind::kNull) return 0;
  uint64_t count = 1;
  for (const uint64_t dim : dims) count *= dim;
  return count;
}

std::string to_string(const std::vector<uint64_t>& dims) {
  std::string out = "(";
  for (size_t i = 0; i < dims.size(); ++i) out += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  return out + (dims.size() == 1 ? ",)" : ")");
}

Dataspace decode_dataspace(const FileImage& image, std::span<const std::byte> body) {
  Cursor cursor(image, "dataspace message", body);
  const uint8_t version = cursor.u8();
  const uint8_t rank = cursor.u8();
  const uint8_t flags = cursor.u8();
  const uint8_t type = cursor.u8();
  if (version != 1 && version != 2) cursor.reject("the version must be 1 or 2", std::to_string(version));
  if (rank > 32) cursor.reject("a dataspace has at most 32 dimensions", std::to_string(rank));
  Dataspace space;
  space.kind = rank == 0 ? Dataspace::Kind::kScalar : Dataspace::Kind::kSimple;
  if (version == 1) {
    cursor.skip(4);
  } else if (type == 2) {
    return Dataspace::null();
  } else if (type > 2) {
    cursor.reject("the kind of a dataspace must be 0, 1 or 2", std::to_string(type));
  }
  uint64_t count = 1;
  for (unsigned i = 0; i < rank; ++i) {
    const uint64_t dim = cursor.length();
    space.dims.push_back(dim);
    // Zero dimensions are left out, so that the strides of what stays fit as well.
    if (dim != 0 && __builtin_mul_overflow(count, dim, &count)) {
      cursor.reject("the number of elements must fit in 64 bits", to_string(space.dims));
    }
  }
  space.max_dims = space.dims;
  if ((flags & 1) != 0) {
    for (uint64_t& dim : space.max_dims) {
      dim = cursor.length();
      if (image.length_size < 8 && dim == (uint64_t{1} << (8 * image.length_size)) - 1) dim = kUndefined;
    }
    for (unsigned i = 0; i < rank; ++i) {
      if (space.max_dims[i] < space.dims[i]) {
        cursor.reject("maximum dimensions must not be below the dimensions",
                      to_string(space.dims) + " of at most " + to_string(space.max_dims));
      }
    }
  }
  return space;
}

}  // namespace keras::internal::hdf5
