// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/tensor/host_buffer.h"

namespace keras {

namespace ops {

Axes Axis::resolve(std::string_view where, int rank) const {
  Axes out;
  if (none()) {
    for (int i = 0; i < rank; ++i) out.push_back(i);
    return out;
  }
  for (const int64_t axis : values_) out.push_back(normalize_axis(where, axis, rank));
  std::sort(out.begin(), out.end());
  const auto twice = std::adjacent_find(out.begin(), out.end());
  if (twice != out.end()) {
    internal::fail<ValueError>(
        {where, "Each axis may be named once", fmt::format("axis {} twice", *twice), ""});
  }
  return out;
}

int Axis::resolve_one(std::string_view where, int rank) const {
  if (values_.size() != 1) {
    internal::fail<ValueError>(
        {where, "Exactly one axis must be given", fmt::format("{} axes", values_.size()), ""});
  }
  return normalize_axis(where, values_[0], rank);
}

DType DTypeArgument::value(std::string_view where) const {
  if (!dtype_) internal::fail<ValueError>({where, "A dtype must be given", "none", "such as \"float32\""});
  return *dtype_;
}

Shape NewShape::resolve(std::string_view where, const Shape& from) const {
  Shape out;
  Dim named = 1;
  std::optional<size_t> open;
  for (const Item& item : items_) {
    if (!item.dim && item.number == -1) {
      if (open) {
        internal::fail<ValueError>({where, "At most one dimension of newshape may be -1",
                                    FieldCodec<NewShape>::to_json(*this).dump(), ""});
      }
      open = out.size();
      out.push_back(Dim(1));
      continue;
    }
    if (!item.dim && item.number < 0) {
      internal::fail<ValueError>({where,
                                  "The dimensions of newshape must be positive, or -1 for what remains",
                                  FieldCodec<NewShape>::to_json(*this).dump(), ""});
    }
    const Dim d = item.dim ? *item.dim : Dim(item.number);
    out.push_back(d);
    named = named * d;
  }
  const Dim total = element_count(from);
  const auto mismatch = [&] {
    internal::fail<ValueError>(
        {where, "The new shape must have as many elements as the tensor",
         fmt::format("shape {} to {}", from.to_string(), FieldCodec<NewShape>::to_json(*this).dump()), ""});
  };
  if (open) {
    if (total.known() && named.known()) {
      if (named.value() == 0 ? total.value() != 0 : total.value() % named.value() != 0) mismatch();
      out[*open] = Dim(named.value() == 0 ? 0 : total.value() / named.value());
    } else {
      out[*open] = named == Dim(1) ? total : total / named;
    }
  } else if (total.known() && named.known() && !(total == named)) {
    mismatch();
  }
  return out;
}

}  // namespace ops

namespace {

Json integers(const std::vector<int64_t>& values) {
  return FieldCodec<std::vector<int64_t>>::to_json(values);
}
std::vector<int64_t> read_integers(const Json& json, std::string_view where) {
  return FieldCodec<std::vector<int64_t>>::from_json(json, where);
}

}  // namespace

Json FieldCodec<ops::Axis>::to_json(const ops::Axis& value) {
  if (value.none()) return nullptr;
  if (value.single()) return value.values()[0];
  return integers({value.values().begin(), value.values().end()});
}

ops::Axis FieldCodec<ops::Axis>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return {};
  if (json.is_int()) return ops::Axis(json.as_int(where));
  return ops::Axis(read_integers(json, where));
}

Json FieldCodec<ops::DTypeArgument>::to_json(const ops::DTypeArgument& value) {
  return value.none() ? Json() : Json(dtype_name(value.value("dtype")));
}

ops::DTypeArgument FieldCodec<ops::DTypeArgument>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return {};
  return parse_dtype(json.as_string(where));
}

Json FieldCodec<ops::NewShape>::to_json(const ops::NewShape& value) {
  Json::List out;
  for (const auto& item : value.items()) {
    out.push_back(item.dim && !item.dim->known() ? Json() : Json(item.dim ? item.dim->value() : item.number));
  }
  return Json::list(std::move(out));
}

ops::NewShape FieldCodec<ops::NewShape>::from_json(const Json& json, std::string_view where) {
  if (json.is_int()) return ops::NewShape(json.as_int(where));
  return ops::NewShape(read_integers(json, where));
}

Json FieldCodec<ops::Sections>::to_json(const ops::Sections& value) {
  return value.by_index() ? integers(value.indices()) : Json(value.count());
}

ops::Sections FieldCodec<ops::Sections>::from_json(const Json& json, std::string_view where) {
  if (json.is_int()) return ops::Sections(json.as_int(where));
  return ops::Sections(read_integers(json, where));
}

Json FieldCodec<ops::Integers>::to_json(const ops::Integers& value) {
  return value.single() ? Json(value[0]) : integers(value.values());
}

ops::Integers FieldCodec<ops::Integers>::from_json(const Json& json, std::string_view where) {
  if (json.is_int()) return ops::Integers(json.as_int(where));
  return ops::Integers(read_integers(json, where));
}

Json FieldCodec<ops::ContractedAxes>::to_json(const ops::ContractedAxes& value) {
  if (!value.listed()) return value.count();
  return Json::list({integers(value.left()), integers(value.right())});
}

ops::ContractedAxes FieldCodec<ops::ContractedAxes>::from_json(const Json& json, std::string_view where) {
  if (json.is_int()) return ops::ContractedAxes(json.as_int(where));
  const auto& lists = internal::items_from_json(json, where, 2);
  const auto read = [&](const Json& list) {
    return list.is_int() ? std::vector<int64_t>{list.as_int(where)} : read_integers(list, where);
  };
  return ops::ContractedAxes(read(lists[0]), read(lists[1]));
}

namespace {

Json number(const Tensor& x, int64_t i) {
  const auto* base = static_cast<const char*>(x.host_data()) + static_cast<size_t>(i) * dtype_size(x.dtype());
  if (is_float(x.dtype())) {
    double value = 0;
    internal::convert_elements(base, x.dtype(), &value, DType::float64, 1);
    return value;
  }
  int64_t value = 0;
  internal::convert_elements(base, x.dtype(), &value, DType::int64, 1);
  return x.dtype() == DType::bool_ ? Json(value != 0) : Json(value);
}

Json nested(const Tensor& x, int axis, int64_t& next) {
  if (axis == x.rank()) return number(x, next++);
  Json::List out;
  for (int64_t i = 0; i < x.dim(axis).value(); ++i) out.push_back(nested(x, axis + 1, next));
  return Json::list(std::move(out));
}

void collect(const Json& json, size_t depth, std::vector<double>& values, Shape& shape, bool& real,
             bool& boolean, std::string_view where) {
  if (!json.is_list()) {
    real = real || json.is_real();
    boolean = boolean && json.is_bool();
    values.push_back(json.is_bool() ? (json.as_bool(where) ? 1.0 : 0.0) : json.as_real(where));
    return;
  }
  if (depth == shape.size()) shape.push_back(Dim(static_cast<int64_t>(json.size())));
  for (const auto& item : json.as_list(where)) collect(item, depth + 1, values, shape, real, boolean, where);
}

Tensor from_nested(const Json& json, std::optional<DType> dtype, std::string_view where) {
  std::vector<double> values;
  Shape shape;
  bool real = false;
  bool boolean = true;
  collect(json, 0, values, shape, real, boolean, where);
  const DType natural = real || values.empty() ? DType::float32 : boolean ? DType::bool_ : DType::int32;
  return internal::host_cast(Tensor::from(values, shape), dtype.value_or(natural));
}

}  // namespace

Json FieldCodec<Tensor>::to_json(const Tensor& value) {
  if (!value.defined()) return nullptr;
  if (value.weak()) {
    if (is_float(value.dtype())) return value.item<double>();
    return value.dtype() == DType::bool_ ? Json(value.item<bool>()) : Json(value.item<int64_t>());
  }
  int64_t next = 0;
  return Json::dict(
      {{"class_name", "__numpy__"},
       {"config", Json::dict({{"value", nested(value, 0, next)}, {"dtype", dtype_name(value.dtype())}})}});
}

Tensor FieldCodec<Tensor>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return {};
  if (json.is_bool()) return Tensor(json.as_bool(where));
  if (json.is_int()) return Tensor(json.as_int(where));
  if (json.is_real()) return Tensor(json.as_real(where));
  if (json.is_list()) return from_nested(json, std::nullopt, where);
  const Json& config = json["config"];
  return from_nested(config["value"], parse_dtype(config["dtype"].as_string(where)), where);
}

}  // namespace keras
