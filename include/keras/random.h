// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keras/runtime/variable.h"
#include "keras/tensor/tensor.h"

/// keras.random: random tensors from counter-based bits (Philox 4x32-10), the same on every backend; floats
/// that go through logarithms and sines agree between backends to rounding.
namespace keras::random {

/// A source of random states [seed, draw number] that are never the same twice (keras.random.SeedGenerator).
/// Copies share the state.
class SeedGenerator {
 public:
  /// A seed none: one from the process' own generator (see utils::set_random_seed). Throws ValueError for a
  /// negative seed.
  explicit SeedGenerator(std::optional<int64_t> seed = {}, std::string name = "seed_generator");
  /// The present state, uint32 (2,); the next call gives one with a higher draw number.
  Tensor next() const;
  /// The variable that holds the state, for layers to track.
  const Variable& state() const { return state_; }
  /// The seed as given.
  std::optional<int64_t> seed() const { return seed_; }
  const std::string& name() const { return name_; }

 private:
  std::optional<int64_t> seed_;
  std::string name_;
  Variable state_;
};

/// The `seed` argument of the functions below: nothing (the global generator), an integer (the same numbers
/// at every call), or a SeedGenerator (new numbers at every call).
class Seed {
 public:
  Seed() = default;
  Seed(int seed) : fixed_(seed) {}                                 // NOLINT: an integer is a seed
  Seed(int64_t seed) : fixed_(seed) {}                             // NOLINT
  Seed(const SeedGenerator& generator) : generator_(generator) {}  // NOLINT: so is a generator
  /// The random state of a draw, uint32 (2,).
  Tensor draw() const;

 private:
  std::optional<int64_t> fixed_;
  std::optional<SeedGenerator> generator_;
};

/// The generator of calls without a seed.
SeedGenerator global_seed_generator();
/// A seed from 1 to 10^9 from the process' own generator.
int64_t make_default_seed();

/// Uniform floats in [minval, maxval). dtype none: floatx.
Tensor uniform(const Shape& shape, double minval = 0.0, double maxval = 1.0, std::optional<DType> dtype = {},
               const Seed& seed = {});
/// Normal floats (Box and Muller's transform of two 32-bit words an element). dtype none: floatx.
Tensor normal(const Shape& shape, double mean = 0.0, double stddev = 1.0, std::optional<DType> dtype = {},
              const Seed& seed = {});
/// Normal floats within two standard deviations of the mean (by the inverse distribution function).
Tensor truncated_normal(const Shape& shape, double mean = 0.0, double stddev = 1.0,
                        std::optional<DType> dtype = {}, const Seed& seed = {});
/// Integers in [minval, maxval). Throws ValueError for an empty range.
Tensor randint(const Shape& shape, int64_t minval, int64_t maxval, DType dtype = DType::int32,
               const Seed& seed = {});
/// Class numbers (rows, num_samples) drawn by the softmax of each row of logits (rows, classes).
Tensor categorical(const Tensor& logits, int64_t num_samples, DType dtype = DType::int32,
                   const Seed& seed = {});
/// inputs / (1 - rate) with a fraction `rate` set to 0. Axes where noise_shape has 1 share their fate; an
/// empty noise_shape is the inputs' shape, an unknown entry the inputs' extent. Throws ValueError for a rate
/// outside [0, 1].
Tensor dropout(const Tensor& inputs, double rate, const Shape& noise_shape = {}, const Seed& seed = {});
/// The slices along an axis in random order.
Tensor shuffle(const Tensor& x, int axis = 0, const Seed& seed = {});
/// Gamma variates of shape parameter alpha (broadcast to `shape`) and scale 1 (Marsaglia and Tsang, 2000).
Tensor gamma(const Shape& shape, const Tensor& alpha, std::optional<DType> dtype = {}, const Seed& seed = {});
/// Beta variates: a ratio of gamma variates.
Tensor beta(const Shape& shape, const Tensor& alpha, const Tensor& beta, std::optional<DType> dtype = {},
            const Seed& seed = {});
/// Successes in `counts` trials of the given probability; both broadcast to `shape`. The counts must be
/// readable.
Tensor binomial(const Shape& shape, const Tensor& counts, const Tensor& probabilities,
                std::optional<DType> dtype = {}, const Seed& seed = {});

}  // namespace keras::random

namespace keras::utils {

/// Makes everything random in this process repeatable: restarts the generator of default seeds and the global
/// SeedGenerator (keras.utils.set_random_seed).
void set_random_seed(int64_t seed);
/// Forgets the global SeedGenerator, so that the next one starts anew (a part of clear_session).
void reset_global_seed_generator();

}  // namespace keras::utils
