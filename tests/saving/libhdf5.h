// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hdf5.h>

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace keras::internal::hdf5 {

/// An identifier of libhdf5 that is closed at the end of its scope. A failed call fails the test.
class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {
    if (id < 0) ADD_FAILURE() << "libhdf5 refused";
  }
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;

  operator hid_t() const { return id_; }  // NOLINT: stands for the identifier in calls

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

inline Id create_file(const std::string& path, bool latest, hid_t creation = H5P_DEFAULT) {
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (latest) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose};
}

inline Id simple_space(const std::vector<hsize_t>& dims, const std::vector<hsize_t>& max_dims = {}) {
  return {H5Screate_simple(static_cast<int>(dims.size()), dims.data(),
                           max_dims.empty() ? nullptr : max_dims.data()),
          H5Sclose};
}

}  // namespace keras::internal::hdf5
