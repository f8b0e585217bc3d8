// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/session.h"

#include "keras/nn/dtype_policy.h"
#include "keras/ops/operation.h"
#include "keras/random.h"

namespace keras::utils {

void clear_session() {
  keras::internal::reset_auto_names();
  config::reset_dtype_policy();
  reset_global_seed_generator();
}

}  // namespace keras::utils
