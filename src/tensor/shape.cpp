// SPDX-License-Identifier: Apache-2.0
#include "keras/tensor/shape.h"

#include "keras/base/error.h"

namespace keras {

Dim Shape::dim(int axis) const { return dims_[static_cast<size_t>(normalize_axis("shape", axis, rank()))]; }

bool Shape::known() const {
  for (const Dim d : dims_) {
    if (!d.known()) return false;
  }
  return true;
}

int64_t Shape::elements() const {
  int64_t count = 1;
  bool overflow = false;
  bool empty_axis = false;
  for (const Dim d : dims_) {
    if (!d.known()) {
      internal::fail<ValueError>({"shape", "The number of elements needs a shape without unknown dimensions",
                                  "shape=" + to_string(), ""});
    }
    empty_axis = empty_axis || d.value_or(0) == 0;
    overflow = __builtin_mul_overflow(count, d.value_or(0), &count) || overflow;
  }
  if (empty_axis) return 0;
  if (overflow) {
    internal::fail<ValueError>(
        {"shape", "The number of elements must fit in 64 bits", "shape=" + to_string(), ""});
  }
  return count;
}

std::string Shape::to_string() const {
  std::string out = "(";
  for (size_t i = 0; i < size(); ++i) {
    if (i > 0) out += ", ";
    out += dims_[i].to_string();
  }
  out += size() == 1 ? ",)" : ")";
  return out;
}

Dim element_count(const Shape& shape) {
  Dim count = 1;
  for (const Dim d : shape) count = count * d;
  return count;
}

Shape broadcast_shapes(std::string_view where, const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape out = longer;
  const size_t shift = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    const Dim x = longer[shift + i];
    const Dim y = shorter[i];
    if (x == y || y == Dim(1)) continue;
    if (x == Dim(1) || (!x.known() && y.known())) {
      out[shift + i] = y;
    } else if (x.known() && y.known()) {
      internal::fail<ValueError>(
          {where, "The shapes must broadcast against each other", a.to_string() + " and " + b.to_string(),
           "aligned at the right, each pair of dimensions is equal or one of them is 1"});
    } else if (!x.known() && !y.known() && x.to_string() == "None") {
      out[shift + i] = y;  // a named symbol says more than an anonymous one
    }
  }
  return out;
}

int normalize_axis(std::string_view where, int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    internal::fail<ValueError>(
        {where, "The axis must be in [" + std::to_string(-rank) + ", " + std::to_string(rank - 1) + "]",
         "axis=" + std::to_string(axis) + " for rank " + std::to_string(rank), ""});
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace keras
