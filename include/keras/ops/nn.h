// SPDX-License-Identifier: Apache-2.0
// keras.ops.nn: neural-network operations.
#pragma once

#include "keras/ops/activation.h"
#include "keras/ops/attention.h"
#include "keras/ops/convolution.h"
#include "keras/ops/crossentropy.h"
#include "keras/ops/ctc.h"
#include "keras/ops/normalization.h"
#include "keras/ops/pooling.h"
