// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Errors that teach: every exception says what was required, what was received, where, and
/// where one fits, a hint.
namespace keras {

/// Base of all exceptions that the library throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A value is wrong: a shape, a number out of range, an unknown name, a missing or broken file.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// The kind of an argument is wrong: a dtype, or an object of another class than required.
class TypeError : public Error {
 public:
  using Error::Error;
};

/// The request is right but not possible here; the message says what would be.
class UnsupportedError : public Error {
 public:
  using Error::Error;
};

/// A backend failed: its framework's own failure, out of memory, a plug-in that does not load.
class BackendError : public Error {
 public:
  using Error::Error;
};

namespace internal {

/// The parts of an error sentence. Only `requirement` is mandatory.
struct ErrorText {
  std::string_view where;        ///< op or layer path, printed in brackets in front
  std::string_view requirement;  ///< what must hold, a sentence without the final dot
  std::string received;          ///< "units=-3, input shape=(None, 4)"
  std::string hint;              ///< what to do instead
};

/// Joins the parts: "[where] Requirement. Received: received. Hint: hint."
std::string format_error(const ErrorText& text);

/// Throws `E` with the formatted sentence; the one helper by which the library reports errors.
///
///     internal::fail<ValueError>({"Dense", "units must be positive", fmt::format("units={}", units)});
template <class E>
[[noreturn]] void fail(const ErrorText& text) {
  throw E(format_error(text));
}

/// The nearest name among `valid` (edit distance), or an empty string when none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& valid);

/// Throws ValueError for an unknown name: "Unknown <kind>: 'name'. Did you mean 'x'? Valid: ...".
[[noreturn]] void fail_unknown_name(std::string_view where, std::string_view kind, std::string_view name,
                                    const std::vector<std::string>& valid);

}  // namespace internal
}  // namespace keras
