// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keras::utils {

/// Forgets what this process has gathered (keras.utils.clear_session): layers are named from "dense" on
/// again, the global dtype policy is that of floatx, and the global SeedGenerator starts anew. Models that
/// exist keep working.
void clear_session();

}  // namespace keras::utils
