// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "keras/runtime/backend_api.h"

namespace keras::internal {

/// How many profiles record.
extern std::atomic<int> open_profiles;
inline bool profiling() { return open_profiles.load(std::memory_order_relaxed) != 0; }

/// Nanoseconds of the steady clock, by which events are timed.
int64_t profile_clock();

/// What an event belongs to; profiles show it as the event's category.
enum class EventKind : uint8_t { kernel, graph, function, trace, batch, epoch, annotation };

/// Adds an event of this thread. `arguments` is the inside of a JSON object, or empty.
void add_event(EventKind kind, std::string_view name, int64_t begin, int64_t end, std::string arguments = {});

/// A kernel's operands and results as arguments.
std::string kernel_arguments(std::span<const keras_desc> operands, std::span<const keras_desc> results);

/// Tells a backend, if it can (null: it cannot), to report the kernels of its compiled graphs while profiles
/// record.
void watch_backend(void (*set_profiler)(keras_profiler));

/// An event from construction to destruction, if a profile records at both ends. The name must live as long.
class ProfiledScope {
 public:
  ProfiledScope(EventKind kind, std::string_view name, int64_t number = -1)
      : kind_(kind), name_(name), number_(number), begin_(profiling() ? profile_clock() : -1) {}
  ~ProfiledScope() {
    if (begin_ >= 0 && profiling()) finish();
  }
  ProfiledScope(const ProfiledScope&) = delete;
  ProfiledScope& operator=(const ProfiledScope&) = delete;

 private:
  void finish() const;
  EventKind kind_;
  std::string_view name_;
  int64_t number_;  // of a batch or epoch; -1 for none
  int64_t begin_;
};

}  // namespace keras::internal
