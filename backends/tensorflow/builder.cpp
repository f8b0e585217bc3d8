// SPDX-License-Identifier: Apache-2.0
#include "builder.h"

#include <numeric>

namespace keras::tensorflow {

Value Builder::scalar(TF_DataType type, double value) {
  const Value wide = constant(TF_DOUBLE, {}, &value);
  if (type == TF_DOUBLE) return wide;
  if (type == TF_FLOAT) {
    const auto narrow = static_cast<float>(value);
    return constant(TF_FLOAT, {}, &narrow);
  }
  if (type == TF_INT32) {
    const auto integer = static_cast<int32_t>(value);
    return constant(TF_INT32, {}, &integer);
  }
  if (type == TF_INT64) {
    const auto integer = static_cast<int64_t>(value);
    return constant(TF_INT64, {}, &integer);
  }
  return cast(wide, type);
}

Value Builder::integers(const Sizes& values) {
  return constant(TF_INT64, {static_cast<int64_t>(values.size())}, values.data());
}

Value Builder::cast(const Value& x, TF_DataType to) {
  if (type(x) == to) return x;
  return op("Cast", {x}, {{"DstT", to}});
}

Value Builder::reshape(const Value& x, const Sizes& wanted) { return op("Reshape", {x, integers(wanted)}); }

Value Builder::transpose(const Value& x, const Sizes& permutation) {
  Sizes same(permutation.size());
  std::iota(same.begin(), same.end(), 0);
  if (permutation == same) return x;
  return op("Transpose", {x, integers(permutation)});
}

Value Builder::zeros(TF_DataType type, const Sizes& wanted) {
  return op("Fill", {integers(wanted), scalar(type, 0)});
}

Value Builder::reduce(const char* name, const Value& x, const Sizes& axes, bool keep) {
  return op(name, {x, integers(axes)}, {{"keep_dims", keep}});
}

Value Builder::slice(const Value& x, const Sizes& start, const Sizes& limit, const Sizes& stride) {
  if (start.empty()) return x;
  return op("StridedSlice", {x, integers(start), integers(limit), integers(stride)});
}

}  // namespace keras::tensorflow
