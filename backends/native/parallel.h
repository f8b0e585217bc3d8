// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keras::native {

/// Binds the calling thread and its workers to one core each until leave_run() of the same thread. Only one
/// thread binds at a time, and none when KERAS_BIND=0; the others' calls do nothing.
void enter_run();
/// Gives the caller and its workers the affinity back that the caller had.
void leave_run();

}  // namespace keras::native
