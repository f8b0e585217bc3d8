// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/runtime/backend_api.h"
#include "kernel.h"

namespace keras::native {

/// Who is told of the kernels that compiled graphs run; null for nobody.
keras_profiler current_profiler();
void set_profiler(keras_profiler told);

/// Reports the kernel that runs while it lives.
class ProfiledKernel {
 public:
  ProfiledKernel(keras_profiler profiler, const char* name, const keras_tensor* in, int num_in,
                 const keras_tensor* out, int num_out);
  ~ProfiledKernel();
  ProfiledKernel(const ProfiledKernel&) = delete;
  ProfiledKernel& operator=(const ProfiledKernel&) = delete;

 private:
  keras_profiler profiler_;
  keras_profile_event event_;
};

}  // namespace keras::native
