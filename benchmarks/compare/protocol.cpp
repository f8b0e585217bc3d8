// SPDX-License-Identifier: Apache-2.0
#include "compare/protocol.h"

#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>

namespace keras::compare {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Of all threads of the process.
double processor_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "\"";
}

// One answer: {"key": value, ...} on a line of its own.
class Answer {
 public:
  Answer& add(const std::string& key, const std::string& json) {
    text_ += (text_.empty() ? "" : ", ") + quoted(key) + ": " + json;
    return *this;
  }
  Answer& add(const std::string& key, double value) {
    if (!std::isfinite(value)) return add(key, std::string("null"));
    char digits[32];
    std::snprintf(digits, sizeof(digits), "%.9g", value);
    return add(key, std::string(digits));
  }
  void send() const { std::cout << "{" << text_ << "}" << std::endl; }

 private:
  std::string text_;
};

// Kilobytes that /proc/self/status says under a key.
double status_kilobytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, key.size() + 1, key + ":") == 0) return std::stod(line.substr(key.size() + 1));
  }
  return 0;
}

void add_memory(Answer& answer) {
  std::set<std::string> libraries;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path != std::string::npos && line.find(".so", path) != std::string::npos)
      libraries.insert(line.substr(path));
  }
  double bytes = 0;
  for (const auto& library : libraries) {
    struct stat file {};
    if (stat(library.c_str(), &file) == 0) bytes += static_cast<double>(file.st_size);
  }
  answer.add("rss_kb", status_kilobytes("VmRSS"))
      .add("peak_kb", status_kilobytes("VmHWM"))
      .add("libraries", static_cast<double>(libraries.size()))
      .add("library_bytes", bytes);
}

Case make_case(const Peer& peer, const Task& task, Answer& answer) {
  double begin = now();
  Case made = peer.make(task);
  answer.add("parameters", static_cast<double>(made.parameters)).add("make_ms", (now() - begin) * 1e3);
  begin = now();
  made.step();
  answer.add("first_step_ms", (now() - begin) * 1e3);
  if (made.loss) answer.add("loss", made.loss());
  return made;
}

// Steps until the time is over, at least `least`: the median, with the two ends of the middle 80 %.
void run(const std::function<void()>& step, double seconds, int least, Answer& answer) {
  // The caches, and threads that slept.
  const double warm = now() + std::min(0.05, seconds / 10);
  do step();
  while (now() < warm);
  std::vector<double> times;
  const double used = processor_time();
  const double end = now() + seconds;
  for (double begin = now(); begin < end || static_cast<int>(times.size()) < least;) {
    step();
    const double after = now();
    times.push_back((after - begin) * 1e3);
    begin = after;
  }
  const double processor = (processor_time() - used) * 1e3 / static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  answer.add("ms", quantile(times, 0.5))
      .add("processor_ms", processor)
      .add("low_ms", quantile(times, 0.1))
      .add("high_ms", quantile(times, 0.9))
      .add("count", static_cast<double>(times.size()));
}

// Nanoseconds a call: the median of batches of calls.
double nanoseconds(const Operation& operation, double seconds) {
  const int rounds = std::max(1, 1000 / operation.calls);
  std::vector<double> times;
  for (const double end = now() + seconds; now() < end || times.size() < 5;) {
    const double begin = now();
    for (int i = 0; i < rounds; ++i) operation.call();
    times.push_back((now() - begin) * 1e9 / (rounds * operation.calls));
  }
  std::sort(times.begin(), times.end());
  return quantile(times, 0.5);
}

}  // namespace

std::vector<float> real_values(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(0.5 + 0.5 * std::sin(1.0 + 1.7 * static_cast<double>(i)));
  return values;
}

std::vector<int64_t> integer_values(int64_t count, int64_t below) {
  std::vector<int64_t> values(static_cast<size_t>(count));
  uint64_t state = 12345;
  for (auto& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(below));
  }
  return values;
}

int serve(int argc, char** argv, const Peer& peer) try {
  if (argc > 1 && std::string(argv[argc - 1]) == "first-step") {
    Answer answer;
    const Case made = make_case(peer, {"mlp", true, 32, 0}, answer);
    add_memory(answer);
    answer.send();
    return 0;
  }
  Answer()
      .add("name", quoted(peer.name))
      .add("version", quoted(peer.version))
      .add("settings", quoted(peer.settings))
      .send();
  std::optional<Case> running;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    Answer answer;
    if (command == "quit") break;
    try {
      if (command == "case") {
        Task task;
        std::string mode;
        words >> task.model >> mode >> task.batch >> task.learning_rate;
        task.training = mode == "train";
        running.reset();
        running = make_case(peer, task, answer);
      } else if ((command == "run" || command == "plain") && running) {
        double seconds = 1;
        int least = 5;
        words >> seconds >> least;
        run(command == "plain" && running->plain ? running->plain : running->step, seconds, least, answer);
        if (running->loss) answer.add("loss", running->loss());
      } else if (command == "drop") {
        running.reset();
      } else if (command == "memory") {
        add_memory(answer);
      } else if (command == "operations") {
        double seconds = 0.2;
        words >> seconds;
        for (const auto& operation : peer.operations)
          answer.add(operation.name, nanoseconds(operation, seconds));
      } else {
        answer.add("error", quoted("no such command here: " + line));
      }
    } catch (const std::exception& e) {
      answer = Answer().add("error", quoted(e.what()));
    }
    answer.send();
  }
  return 0;
} catch (const std::exception& e) {
  std::cerr << e.what() << "\n";
  return 1;
}

}  // namespace keras::compare
