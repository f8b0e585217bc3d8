// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

/// Where the time goes: kernels, steps, epochs and marks of one's own, written as a Chrome trace
/// (chrome://tracing, Perfetto).
namespace keras::profiler {

/// Records from construction to its end, and then writes the file.
///
///     {
///       profiler::Profile profile("trace.json");
///       model.fit(x, y, {.epochs = 2});
///     }
///
/// The file holds a JSON list of events with times in microseconds: every kernel that runs (eagerly or inside
/// of a compiled program) with the types of its operands and results, every compiled program, call of a
/// function() and its tracing, batch and epoch. Events of all threads are recorded. With the environment
/// variable KERAS_PROFILE=trace.json a whole program is recorded. While nothing records, this costs next to
/// nothing.
class Profile {
 public:
  /// Starts recording. Throws ValueError when the file cannot be written.
  explicit Profile(std::string path);
  /// Writes the file unless stop() did; what goes wrong then is told on the standard error output.
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;
  /// Ends recording and writes the file, whole or not at all. Throws ValueError when it cannot be written.
  void stop();

 private:
  std::string path_;
  int64_t begin_;
  bool open_ = true;
};

/// A part of the program that profiles show under its name (jax.profiler.TraceAnnotation).
class Annotation {
 public:
  /// Begins the part.
  explicit Annotation(const char* name);
  explicit Annotation(const std::string& name) : Annotation(name.c_str()) {}
  ~Annotation();
  Annotation(const Annotation&) = delete;
  Annotation& operator=(const Annotation&) = delete;

 private:
  int64_t begin_;  // -1: nothing recorded
  std::string name_;
};

}  // namespace keras::profiler
