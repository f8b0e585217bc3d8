// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "keras/models/training.h"
#include "keras/tensor/nest.h"

namespace keras::internal {

// Structures of outputs as Keras' compile sees them: None is a leaf of its own, which stands for an output
// without targets, loss or metrics.

/// Whether a nest is a list or dictionary.
inline bool is_nested(const Nest& nest) { return nest.is_list() || nest.is_dict(); }
/// The children of a nest in flattening order: lists by position, dictionaries by sorted key.
std::vector<Nest> ordered_children(const Nest& nest);
/// Tensors and Nones, in flattening order.
std::vector<Nest> flatten_with_none(const Nest& nest);
/// True for the same lists and keys.
bool same_containers(const Nest& a, const Nest& b);
/// `structure` with its leaves replaced, in flattening order; there must be as many.
Nest pack_with_none(const Nest& structure, const std::vector<Nest>& leaves);
/// "['*', {'a': '*'}]": for messages.
std::string describe_structure(const Nest& nest);
/// True when the nest is a dictionary with exactly these keys.
bool has_exactly_keys(const Nest& nest, const std::vector<std::string>& keys);
/// The values of a dictionary in the order of `names`, as a list.
Nest in_order_of(const Nest& dict, const std::vector<std::string>& names);

/// For messages about names that are no outputs: "did you mean 'b'? outputs: a, b".
std::string output_names_hint(const std::vector<std::string>& given, const std::vector<std::string>& outputs);

/// True when the labels look like classes given as integers rather than one-hot rows, and true first when
/// the prediction has a single column: how Keras chooses among the accuracies and crossentropies.
struct LabelKind {
  bool binary;
  bool sparse;
};
LabelKind label_kind(const Tensor& y_true, const Tensor& y_pred);

}  // namespace keras::internal
