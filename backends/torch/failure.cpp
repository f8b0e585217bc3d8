// SPDX-License-Identifier: Apache-2.0
// What LibTorch throws, as a status and a sentence.
#include <cstring>
#include <new>

#include "kernel.h"

namespace keras::aten {
namespace {

// ATen's allocator of processor memory has no exception of its own: it says "you tried to allocate N bytes".
Failure from_message(const std::string& what) {
  static const char attempt[] = "you tried to allocate ";
  const size_t found = what.find(attempt);
  if (found == std::string::npos) {
    const bool memory = what.find("not enough memory") != std::string::npos;
    return {memory ? KERAS_ERROR_MEMORY : KERAS_ERROR_INTERNAL, what};
  }
  const size_t begin = found + sizeof(attempt) - 1;
  return {KERAS_ERROR_MEMORY,
          "out of memory: no " + what.substr(begin, what.find(' ', begin) - begin) + " bytes"};
}

}  // namespace

Failure failure_in_flight() {
  try {
    throw;
  } catch (const Failure& failure) {
    return failure;
  } catch (const c10::IndexError& error) {
    return {KERAS_ERROR_VALUE, error.what_without_backtrace()};
  } catch (const c10::LinAlgError& error) {
    return {KERAS_ERROR_VALUE, error.what_without_backtrace()};
  } catch (const c10::Error& error) {
    return from_message(error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return {KERAS_ERROR_MEMORY, "out of memory"};
  } catch (const std::exception& error) {
    return {KERAS_ERROR_INTERNAL, error.what()};
  } catch (...) {
    return {KERAS_ERROR_INTERNAL, "unknown exception"};
  }
}

}  // namespace keras::aten
