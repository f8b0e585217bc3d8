// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/tensor/tensor.h"

namespace keras {

/// A tensor, or a list or dictionary of nests: what a layer takes and gives when it has several
/// inputs or outputs (Keras' "nested structure"). Dictionaries keep insertion order; flattening goes
/// by sorted key, as Keras' tree module does.
class Nest {
 public:
  /// What a nest is.
  enum class Kind : uint8_t { none, leaf, list, dict };
  /// An entry of a dictionary.
  using Item = std::pair<std::string, Nest>;

  /// None (Python's None), and copies.
  ///@{
  Nest();
  Nest(const Nest& other);
  Nest(Nest&& other) noexcept;
  Nest& operator=(const Nest& other);
  Nest& operator=(Nest&& other) noexcept;
  ~Nest();
  ///@}
  /// A leaf, a list, or a dictionary.
  ///@{
  Nest(Tensor tensor) : kind_(Kind::leaf), leaf_(std::move(tensor)) {}  // NOLINT: a tensor is a nest
  Nest(std::initializer_list<Nest> items) : kind_(Kind::list), list_(items) {}
  Nest(std::vector<Nest> items) : kind_(Kind::list), list_(std::move(items)) {}  // NOLINT
  Nest(const std::vector<Tensor>& tensors);                                      // NOLINT: a list of leaves
  static Nest dict(std::vector<Item> items);
  ///@}

  /// Which kind it is.
  ///@{
  Kind kind() const { return kind_; }
  bool is_none() const { return kind_ == Kind::none; }
  bool is_leaf() const { return kind_ == Kind::leaf; }
  bool is_list() const { return kind_ == Kind::list; }
  bool is_dict() const { return kind_ == Kind::dict; }
  ///@}
  /// The tensor of a leaf. Throws ValueError for any other kind.
  ///@{
  const Tensor& tensor() const;
  operator const Tensor&() const { return tensor(); }
  ///@}
  /// Number of items of a list or dictionary.
  size_t size() const { return kind_ == Kind::list ? list_.size() : items_.size(); }
  /// The items of a list, or of a dictionary in the order of their insertion.
  ///@{
  const std::vector<Nest>& list() const { return list_; }
  const std::vector<Item>& items() const { return items_; }
  ///@}
  /// Item `i` of a list or dictionary. Throws ValueError when there is none.
  const Nest& operator[](size_t i) const;
  /// The value of a key. Throws ValueError with the keys when there is none.
  const Nest& operator[](std::string_view key) const;
  /// True for a dictionary with this key.
  bool contains(std::string_view key) const;

  /// The leaves in Keras' order: lists by position, dictionaries by sorted key. None gives nothing.
  std::vector<Tensor> flatten() const;
  /// The same structure with other leaves, in flatten()'s order.
  Nest pack(const std::vector<Tensor>& leaves) const;
  /// The same structure with `f` applied to every leaf.
  Nest map(const std::function<Tensor(const Tensor&)>& f) const;
  /// True when both have the same lists, keys and places of leaves.
  bool same_structure(const Nest& other) const;

 private:
  Kind kind_ = Kind::none;
  Tensor leaf_;
  std::vector<Nest> list_;
  std::vector<Item> items_;
};

}  // namespace keras
