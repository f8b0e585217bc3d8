// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>

#include "keras/base/error.h"
#include "keras/compile/function.h"

namespace keras::internal {

namespace {

// What a token says; those of the header's templates are -5 to -8.
constexpr int64_t kUndefined = -1;
constexpr int64_t kLeaf = -2;
constexpr int64_t kList = -3;
constexpr int64_t kDict = -4;
constexpr int64_t kText = -9;
constexpr int64_t kMask = -10;

}  // namespace

void ArgumentList::add_text(std::string_view text) {
  key_.push_back(kText);
  key_.push_back(static_cast<int64_t>(text.size()));
  for (size_t i = 0; i < text.size(); i += 8) {
    int64_t word = 0;
    std::memcpy(&word, text.data() + i, std::min<size_t>(8, text.size() - i));
    key_.push_back(word);
  }
}

void ArgumentList::add_number(double value) { key_.push_back(std::bit_cast<int64_t>(value)); }

void ArgumentList::add(const Tensor& tensor) {
  if (!tensor.defined()) {
    key_.push_back(kUndefined);
    return;
  }
  const TensorImpl& impl = tensor.impl();
  key_.push_back(kLeaf);
  key_.push_back(static_cast<int64_t>(impl.dtype) + (impl.weak ? 256 : 0));
  key_.push_back(impl.shape.rank());
  dims_at_.push_back(key_.size());
  for (const Dim d : impl.shape) key_.push_back(d.code());
  leaves_.push_back(tensor);
  if (impl.mask != nullptr) {
    key_.push_back(kMask);
    add(tensor.mask());
  }
}

void ArgumentList::add(const Nest& nest) {
  switch (nest.kind()) {
    case Nest::Kind::none:
      key_.push_back(kUndefined);
      return;
    case Nest::Kind::leaf:
      add(nest.tensor());
      return;
    case Nest::Kind::list:
      add(nest.list());
      return;
    case Nest::Kind::dict:
      key_.push_back(kDict);
      key_.push_back(static_cast<int64_t>(nest.items().size()));
      for (const auto& [name, item] : nest.items()) {
        add_text(name);
        add(item);
      }
  }
}

void ArgumentList::add(const std::vector<Tensor>& list) {
  key_.push_back(kList);
  key_.push_back(static_cast<int64_t>(list.size()));
  for (const Tensor& t : list) add(t);
}

void ArgumentList::add(const std::vector<Nest>& list) {
  key_.push_back(kList);
  key_.push_back(static_cast<int64_t>(list.size()));
  for (const Nest& item : list) add(item);
}

Tensor ArgumentReader::read(const Tensor& like) {
  if (!like.defined()) return Tensor();
  Tensor out = leaves_[next_++];
  if (const Tensor mask = like.mask(); mask.defined()) {
    const Tensor own = read(mask);
    // The call's own tensor has it already.
    if (out.abstract()) out.set_mask(own);
  }
  return out;
}

Nest ArgumentReader::read(const Nest& like) {
  switch (like.kind()) {
    case Nest::Kind::leaf: {
      const Tensor t = read(like.tensor());
      return t.defined() ? Nest(t) : Nest();
    }
    case Nest::Kind::list:
      return Nest(read(like.list()));
    case Nest::Kind::dict: {
      std::vector<Nest::Item> items;
      for (const auto& [name, item] : like.items()) items.emplace_back(name, read(item));
      return Nest::dict(std::move(items));
    }
    default:
      return Nest();
  }
}

std::vector<Tensor> ArgumentReader::read(const std::vector<Tensor>& like) {
  std::vector<Tensor> out;
  for (const Tensor& t : like) out.push_back(read(t));
  return out;
}

std::vector<Nest> ArgumentReader::read(const std::vector<Nest>& like) {
  std::vector<Nest> out;
  for (const Nest& item : like) out.push_back(read(item));
  return out;
}

}  // namespace keras::internal
