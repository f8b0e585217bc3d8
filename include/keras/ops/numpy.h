// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All of keras.ops.numpy.
#include "keras/ops/creation.h"
#include "keras/ops/elementwise.h"
#include "keras/ops/logic.h"
#include "keras/ops/manipulation.h"
#include "keras/ops/operators.h"
#include "keras/ops/products.h"
#include "keras/ops/reductions.h"
#include "keras/ops/sorting.h"
#include "keras/ops/statistics.h"
#include "keras/ops/vectorize.h"
