// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The one header that programs include.
#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/math.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/variable.h"
#include "keras/tensor/tensor.h"
