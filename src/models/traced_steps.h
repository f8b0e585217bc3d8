// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "keras/compile/function.h"
#include "keras/models/batch_source.h"
#include "keras/models/logs.h"

namespace keras {
class Model;
}

namespace keras::internal {

/// A model's steps as compiled programs, one for each signature of a batch.
class TracedSteps {
 public:
  TracedSteps();
  Logs train(Model& model, const DataTriple& data);
  Logs test(Model& model, const DataTriple& data);
  Nest predict(Model& model, const DataTriple& data);

 private:
  FunctionCore train_;
  FunctionCore test_;
  FunctionCore predict_;
};

}  // namespace keras::internal
