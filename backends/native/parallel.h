// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keras::native {

/// Binds the calling thread and its workers to one core each until leave_run() of the same thread. Only one
/// thread binds at a time, and none when KERAS_BIND=0; the others' calls do nothing.
void enter_run();
/// Gives the caller and its workers the affinity back that the caller had.
void leave_run();

/// While it lives, what the calling thread makes of oneDNN is made for one thread.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace keras::native
