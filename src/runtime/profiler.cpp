// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/profiler.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "keras/schema/json.h"
#include "runtime/profiler.h"

namespace keras::internal {

std::atomic<int> open_profiles{0};

namespace {

constexpr std::array kKinds = {"kernel", "graph", "function", "trace", "batch", "epoch", "annotation"};
// So many events fill a few hundred megabytes; what comes after them is counted only.
constexpr size_t kMaxEvents = 4'000'000;

struct Event {
  EventKind kind;
  int64_t begin;
  int64_t end;
  std::string name;
  std::string arguments;
};

// The events of one thread; they outlive it.
struct ThreadEvents {
  std::mutex mutex;
  int number = 0;
  std::vector<Event> events;
};

struct Recorded {
  std::mutex mutex;
  std::vector<std::shared_ptr<ThreadEvents>> threads;
  std::vector<void (*)(keras_profiler)> backends;
  std::atomic<size_t> events{0};
  std::atomic<size_t> dropped{0};
};

Recorded& recorded() {
  static Recorded* instance = new Recorded;  // NOLINT: threads may end after every other static
  return *instance;
}

ThreadEvents& of_this_thread() {
  thread_local const std::shared_ptr<ThreadEvents> own = [] {
    auto made = std::make_shared<ThreadEvents>();
    Recorded& all = recorded();
    const std::lock_guard lock(all.mutex);
    made->number = static_cast<int>(all.threads.size()) + 1;
    all.threads.push_back(made);
    return made;
  }();
  return *own;
}

void note_kernel(const keras_profile_event* event) {
  if (!profiling()) return;
  const auto descs = [](const keras_tensor* tensors, int32_t count) {
    std::vector<keras_desc> out;
    for (int32_t i = 0; i < count; ++i) out.push_back(tensors[i].desc);
    return out;
  };
  add_event(
      EventKind::kernel, event->name, event->begin, event->end,
      kernel_arguments(descs(event->inputs, event->num_inputs), descs(event->outputs, event->num_outputs)));
}

void tell_backends(bool on) {
  for (const auto set_profiler : recorded().backends) set_profiler(on ? &note_kernel : nullptr);
}

std::string quoted(const std::string& text) { return Json(text).dump(); }

void write_line(AtomicFile& file, bool& first, const std::string& line) {
  const std::string text = (first ? "[\n" : ",\n") + line;
  first = false;
  file.write(std::as_bytes(std::span(text.data(), text.size())));
}

// Microseconds with the nanoseconds behind the point.
std::string microseconds(int64_t nanoseconds) {
  return fmt::format("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000);
}

void write_events(const std::string& path, int64_t begin) {
  AtomicFile file(path);
  bool first = true;
  const int process = static_cast<int>(getpid());
  write_line(file, first,
             fmt::format(
                 R"({{"name": "process_name", "ph": "M", "pid": {}, "tid": 0, "args": {{"name": "keras"}}}})",
                 process));
  Recorded& all = recorded();
  const std::lock_guard lock(all.mutex);
  for (const auto& thread : all.threads) {
    const std::lock_guard own(thread->mutex);
    for (const Event& e : thread->events) {
      if (e.begin < begin) continue;
      write_line(
          file, first,
          fmt::format(
              R"({{"name": {}, "cat": "{}", "ph": "X", "ts": {}, "dur": {}, "pid": {}, "tid": {}, "args": {{{}}}}})",
              quoted(e.name), kKinds[static_cast<size_t>(e.kind)], microseconds(e.begin - begin),
              microseconds(e.end - e.begin), process, thread->number, e.arguments));
    }
  }
  const std::string_view end = "\n]\n";
  file.write(std::as_bytes(std::span(end.data(), end.size())));
  file.commit();
  if (const size_t lost = all.dropped.load(); lost != 0) {
    std::fputs(fmt::format("keras: the profile {} holds the first {} events; {} more were not recorded\n",
                           path, kMaxEvents, lost)
                   .c_str(),
               stderr);
  }
}

void start_recording() {
  const std::lock_guard lock(recorded().mutex);
  if (open_profiles.fetch_add(1) == 0) tell_backends(true);
}

// The last profile that ends takes the events with it.
void stop_recording() {
  Recorded& all = recorded();
  const std::lock_guard lock(all.mutex);
  if (open_profiles.fetch_sub(1) != 1) return;
  tell_backends(false);
  for (const auto& thread : all.threads) {
    const std::lock_guard own(thread->mutex);
    thread->events.clear();
  }
  all.events = all.dropped = 0;
}

// KERAS_PROFILE=trace.json records from start to exit.
class WholeProgram {
 public:
  WholeProgram() {
    const char* path = std::getenv("KERAS_PROFILE");
    if (path == nullptr || *path == '\0') return;
    try {
      profile_.emplace(path);
    } catch (const Error& error) {
      std::fprintf(stderr, "keras: KERAS_PROFILE: %s\n", error.what());
    }
  }

 private:
  std::optional<profiler::Profile> profile_;
};
const WholeProgram whole_program;

}  // namespace

int64_t profile_clock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void add_event(EventKind kind, std::string_view name, int64_t begin, int64_t end, std::string arguments) {
  Recorded& all = recorded();
  if (all.events.fetch_add(1, std::memory_order_relaxed) >= kMaxEvents) {
    all.dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  ThreadEvents& own = of_this_thread();
  const std::lock_guard lock(own.mutex);
  own.events.push_back({kind, begin, end, std::string(name), std::move(arguments)});
}

std::string kernel_arguments(std::span<const keras_desc> operands, std::span<const keras_desc> results) {
  const auto types = [](std::span<const keras_desc> descs) {
    std::string out;
    for (const keras_desc& desc : descs) {
      if (!out.empty()) out += ", ";
      // A residual's type is its backend's own.
      out += desc.rank < 0 ? "opaque" : to_type(desc).to_string();
    }
    return out;
  };
  return fmt::format(R"("operands": "{}", "results": "{}")", types(operands), types(results));
}

void watch_backend(void (*set_profiler)(keras_profiler)) {
  if (set_profiler == nullptr) return;
  Recorded& all = recorded();
  const std::lock_guard lock(all.mutex);
  all.backends.push_back(set_profiler);
  if (profiling()) set_profiler(&note_kernel);
}

void ProfiledScope::finish() const {
  add_event(kind_, name_, begin_, profile_clock(),
            number_ < 0 ? std::string() : fmt::format(R"("number": {})", number_));
}

}  // namespace keras::internal

namespace keras::profiler {

Profile::Profile(std::string path) : path_(std::move(path)), begin_(internal::profile_clock()) {
  // Whether the file can be written shows now, not after hours of training.
  { const internal::AtomicFile probe(path_); }
  internal::start_recording();
}

Profile::~Profile() {
  try {
    stop();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "keras: %s\n", error.what());
  }
}

void Profile::stop() {
  if (!open_) return;
  open_ = false;
  const struct Stop {
    ~Stop() { internal::stop_recording(); }
  } at_the_end;
  internal::write_events(path_, begin_);
}

Annotation::Annotation(const char* name) : begin_(-1) {
  if (!internal::profiling()) return;
  name_ = name;
  begin_ = internal::profile_clock();
}

Annotation::~Annotation() {
  if (begin_ < 0 || !internal::profiling()) return;
  internal::add_event(internal::EventKind::annotation, name_, begin_, internal::profile_clock());
}

}  // namespace keras::profiler
