// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "keras/base/error.h"

namespace keras::internal {

/// Throws the error anew with a sentence behind its message, unless its class is a user's own.
template <class E, class Context>
[[noreturn]] void rethrow_with(const E& error, const Context& context) {
  if (typeid(error) != typeid(E)) throw;
  const std::string_view message = error.what();
  const std::string sentence = context(message);
  if (sentence.empty()) throw;
  throw E(std::string(message) + " " + sentence + ".");
}

/// Runs `f`. What it raises gets the sentence that `context(message)` gives (without its dot; "" for none),
/// because the place that finds an error often knows less than the one that called it.
template <class F, class Context>
auto in_context(const F& f, const Context& context) -> decltype(f()) {
  try {
    return f();
  } catch (const ValueError& error) {
    rethrow_with(error, context);
  } catch (const TypeError& error) {
    rethrow_with(error, context);
  } catch (const UnsupportedError& error) {
    rethrow_with(error, context);
  } catch (const BackendError& error) {
    rethrow_with(error, context);
  }
}

/// The context of reading a file: its path, unless the message has it.
inline auto naming_file(const std::string& path) {
  return [&path](std::string_view message) {
    return message.find(path) == std::string_view::npos ? "In the file " + path : std::string();
  };
}

}  // namespace keras::internal
