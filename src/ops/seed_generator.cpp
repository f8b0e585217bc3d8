// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <mutex>
#include <random>

#include "keras/base/error.h"
#include "keras/random.h"
#include "keras/runtime/interpreter.h"
#include "ops/primitives.h"
#include "runtime/trace.h"

namespace keras::random {

namespace {

Tensor state_of(int64_t seed) {
  return Tensor::from(std::vector<uint32_t>{static_cast<uint32_t>(seed), 0u}, Shape{2});
}

// Where default seeds and the global generator come from.
struct ProcessRandomness {
  std::recursive_mutex mutex;
  std::mt19937_64 seeds{std::random_device{}()};
  std::optional<SeedGenerator> global;
};

ProcessRandomness& process() {
  static ProcessRandomness instance;
  return instance;
}

}  // namespace

int64_t make_default_seed() {
  auto& p = process();
  const std::lock_guard lock(p.mutex);
  return static_cast<int64_t>(p.seeds() % 1'000'000'000u) + 1;
}

SeedGenerator::SeedGenerator(std::optional<int64_t> seed, std::string name)
    : seed_(seed), name_(std::move(name)) {
  if (seed && *seed < 0) {
    internal::fail<ValueError>(
        {"SeedGenerator", "The seed must not be negative", fmt::format("seed={}", *seed), ""});
  }
  state_ = Variable(state_of(seed ? *seed : make_default_seed()), "seed_generator_state", false);
}

Tensor SeedGenerator::next() const {
  const Tensor now = state_.value();
  const Tensor step = Tensor::from(std::vector<uint32_t>{0u, 1u}, Shape{2});
  state_.assign(internal::prim::add(now, step));
  return now;
}

SeedGenerator global_seed_generator() {
  auto& p = process();
  const std::lock_guard lock(p.mutex);
  if (!p.global) {
    // It belongs to the process, whoever draws first.
    const internal::CreationScope free(internal::CreationScope::Rule::free);
    p.global.emplace();
  }
  return *p.global;
}

Tensor Seed::draw() const {
  if (generator_) return generator_->next();
  if (fixed_) return state_of(*fixed_);
  return global_seed_generator().next();
}

}  // namespace keras::random

namespace keras::utils {

void set_random_seed(int64_t seed) {
  auto& p = random::process();
  const std::lock_guard lock(p.mutex);
  p.seeds.seed(static_cast<uint64_t>(seed));
  p.global.reset();
}

void reset_global_seed_generator() {
  auto& p = random::process();
  const std::lock_guard lock(p.mutex);
  p.global.reset();
}

}  // namespace keras::utils
