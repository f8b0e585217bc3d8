// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Loops that LibTorch has no kernel for, compiled for the baseline, AVX2 and AVX-512; chosen when the
/// plug-in loads.
#if defined(__x86_64__) && defined(__linux__)
#define KERAS_EVERY_PROCESSOR __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define KERAS_EVERY_PROCESSOR
#endif

/// Before a loop: its iterations touch no element of another one, though arrays may be the same.
#if defined(__clang__)
#define KERAS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define KERAS_INDEPENDENT _Pragma("GCC ivdep")
#endif
