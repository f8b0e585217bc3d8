// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "kernel.h"

namespace keras::native {

/// Asks the factories of an op, highest priority first. Null when none takes it; `reason` then says why.
std::unique_ptr<keras_kernel> make_kernel(const keras_op& op, std::string& reason);

/// Runs a kernel with denormals flushed. A donated output slot is honoured where the kernel works in place
/// and the operand has the result's size; otherwise its memory is let go of afterwards. After a failure the
/// slots are as they were.
void run_kernel(const keras_kernel& kernel, const keras_tensor* in, int num_in, keras_tensor* out,
                int num_out);

}  // namespace keras::native
