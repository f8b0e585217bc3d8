// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "keras/nn/layer.h"
#include "keras/nn/optimizer.h"
#include "keras/schema/weight_store.h"

namespace keras::internal {

/// Keras' walk over an object and what it holds, which decides where weights lie in a file: own variables in
/// "<path>/vars", children below their attribute's name in ASCII order (underscored ones last), lists of
/// children below "<attribute>/<class in snake case>[_n]", and nothing twice.
class WeightSaver {
 public:
  explicit WeightSaver(WeightWriter& writer) : writer_(writer) {}
  /// A model or layer, and (for a compiled model) its optimizer.
  void save(const Layer& root, const Optimizer* optimizer);

 private:
  void save_layer(const Layer& layer, const std::string& path, const Optimizer* optimizer);
  WeightWriter& writer_;
  std::set<const void*> visited_;
};

/// The same walk, reading.
class WeightLoader {
 public:
  explicit WeightLoader(const WeightReader& reader) : reader_(reader) {}
  /// Throws ValueError, naming the layer, when variables are missing or have another shape. `optimizer` may
  /// be null; one that does not match the file is left alone, with a warning.
  void load(Layer& root, Optimizer* optimizer);

 private:
  void load_layer(Layer& layer, const std::string& path, Optimizer* optimizer);
  const WeightReader& reader_;
  std::set<const void*> visited_;
};

}  // namespace keras::internal
