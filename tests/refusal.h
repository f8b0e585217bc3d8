// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "keras/base/error.h"

namespace keras {

/// The class of exception that a wrong use must raise.
enum class Refused : uint8_t { value, type, unsupported };

/// One wrong use: what is done, the exception that it must raise, and what the message must say (the
/// requirement, what was received, where, and the hint where there is one).
struct Refusal {
  std::string name;
  std::function<void()> use;
  Refused as;
  std::vector<std::string> says;
};

/// For the name of a parametrized test.
inline void PrintTo(const Refusal& refusal, std::ostream* stream) { *stream << refusal.name; }

/// Does it and judges the exception.
inline ::testing::AssertionResult refused(const Refusal& refusal) {
  const auto judge = [&](Refused as, const char* type, const Error& error) -> ::testing::AssertionResult {
    const std::string message = error.what();
    if (as != refusal.as) {
      return ::testing::AssertionFailure() << "raised " << type << ": " << message;
    }
    if (message.empty() || message.front() != '[') {
      return ::testing::AssertionFailure() << "the message does not say where: " << message;
    }
    for (const auto& part : refusal.says) {
      if (message.find(part) == std::string::npos) {
        return ::testing::AssertionFailure() << "the message lacks \"" << part << "\": " << message;
      }
    }
    return ::testing::AssertionSuccess();
  };
  try {
    refusal.use();
  } catch (const ValueError& error) {
    return judge(Refused::value, "ValueError", error);
  } catch (const TypeError& error) {
    return judge(Refused::type, "TypeError", error);
  } catch (const UnsupportedError& error) {
    return judge(Refused::unsupported, "UnsupportedError", error);
  } catch (const std::exception& error) {
    return ::testing::AssertionFailure() << "raised something else: " << error.what();
  }
  return ::testing::AssertionFailure() << "raised nothing";
}

/// Names of the instances of a parametrized test.
inline std::string refusal_name(const ::testing::TestParamInfo<Refusal>& info) { return info.param.name; }

}  // namespace keras
