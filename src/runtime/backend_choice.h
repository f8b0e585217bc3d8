// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "keras/runtime/backend.h"

namespace keras::internal {

/// The backend in use; null until the first op or upload needs one.
extern std::atomic<Backend*> chosen_backend;

/// Reads environment and configuration, loads that backend and makes it the one in use.
Backend& choose_backend();

}  // namespace keras::internal
