// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "keras/models/model.h"

namespace keras::exchange {

/// A model that both sides build, compiled alike. exchange.py has the same under the same name.
struct Case {
  std::string name;
  std::function<std::shared_ptr<Model>()> make;  ///< built and compiled
};

/// The models, those made as stacks first.
std::vector<Case> cases();

/// The functional and subclassed ones.
std::vector<Case> graph_cases();

/// A compiled model of its own.
template <class M>
std::shared_ptr<Model> compiled(M model, const CompileOptions& options) {
  auto out = std::make_shared<M>(std::move(model));
  out->compile(options);
  return out;
}

}  // namespace keras::exchange
