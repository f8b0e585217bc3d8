// SPDX-License-Identifier: Apache-2.0
#include "models/progbar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace keras::internal {

namespace {

constexpr int kWidth = 20;
constexpr const char* kCell = "\u2501";
// Off a terminal a line every so often shows that training lives without filling a log file.
constexpr double kPlainInterval = 5.0;
constexpr double kTerminalInterval = 0.05;

std::string cells(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += kCell;
  return out;
}

std::string format_eta(double seconds) {
  const auto s = static_cast<int64_t>(seconds);
  if (seconds > 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s % 3600 / 60, s % 60);
  if (seconds > 60) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}s", s);
}

}  // namespace

std::string format_time_per_unit(double seconds, const std::string& unit) {
  if (seconds >= 1 || seconds == 0) return fmt::format(" {:.0f}s/{}", seconds, unit);
  if (seconds >= 1e-3) return fmt::format(" {:.0f}ms/{}", seconds * 1e3, unit);
  return fmt::format(" {:.0f}us/{}", seconds * 1e6, unit);
}

size_t visible_width(const std::string& text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && text[i] != 'm') ++i;
    } else if ((static_cast<unsigned char>(text[i]) & 0xc0u) != 0x80u) {
      ++width;
    }
  }
  return width;
}

Progbar::Progbar(std::optional<int64_t> target, int verbose, std::string unit_name)
    : target_(target),
      verbose_(verbose),
      unit_name_(std::move(unit_name)),
      terminal_(isatty(STDOUT_FILENO) != 0),
      start_(Clock::now()) {}

double Progbar::seconds_per_unit(int64_t current, Clock::time_point now) {
  if (current == 0) return 0;
  // The first step pays for preparing kernels, so later ones are measured from its end.
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  const double out = after_first_step_ && current > 1
                         ? seconds(now - *after_first_step_) / static_cast<double>(current - 1)
                         : seconds(now - start_) / static_cast<double>(current);
  if (current == 1) after_first_step_ = now;
  return out;
}

std::string Progbar::values_text() const {
  std::string out;
  for (const auto& [name, log] : values_) {
    const double value = log.mean();
    out += fmt::format(" - {}: ", name);
    out += std::abs(value) > 1e-3 ? fmt::format("{:.4f}", value) : fmt::format("{:.4e}", value);
  }
  return out;
}

std::string Progbar::line(int64_t current, bool finalize, double per_unit, double elapsed) const {
  const auto bold = [&](const std::string& s) { return terminal_ ? "\x1b[1m" + s + "\x1b[0m" : s; };
  const auto color = [&](int c, const std::string& s) {
    return terminal_ ? fmt::format("\x1b[{}m{}\x1b[0m", c, s) : s;
  };
  std::string out;
  if (target_ && *target_ > 0) {
    const int digits = static_cast<int>(fmt::format("{}", *target_).size());
    out += bold(fmt::format("{:>{}}/{}", current, digits, *target_)) + " ";
    const int filled =
        static_cast<int>(kWidth * static_cast<double>(current) / static_cast<double>(*target_));
    if (terminal_) {
      if (filled > 0) out += color(32, cells(filled));
      out += color(37, cells(kWidth - filled));
    } else {
      out += cells(kWidth);
    }
  } else {
    out += fmt::format("{:>7}/Unknown", current);
  }
  const bool eta = target_ && *target_ > 0 && !finalize;
  out += " " + bold(eta ? format_eta(per_unit * static_cast<double>(*target_ - current))
                        : fmt::format("{:.0f}s", elapsed));
  return out + format_time_per_unit(per_unit, unit_name_) + values_text();
}

void Progbar::update(int64_t current, const Logs& values, bool finalize) {
  values_.merge(values);
  seen_ = current;
  const auto now = Clock::now();
  const double per_unit = seconds_per_unit(current, now);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  if (verbose_ == 1) {
    const double since = std::chrono::duration<double>(now - last_update_).count();
    if (!finalize && since < (terminal_ ? kTerminalInterval : kPlainInterval)) return;
    // The erase sequence clears what a longer earlier line left behind.
    const std::string text = line(current, finalize, per_unit, elapsed);
    std::fputs(terminal_ ? ("\r" + text + "\x1b[K" + (finalize ? "\n" : "")).c_str() : (text + "\n").c_str(),
               stdout);
    std::fflush(stdout);
    last_update_ = now;
  } else if (verbose_ == 2 && finalize && target_ && *target_ > 0) {
    const std::string text = fmt::format("{}/{} - {:.0f}s -{}{}\n", current, *target_, elapsed,
                                         format_time_per_unit(per_unit, unit_name_), values_text());
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }
}

}  // namespace keras::internal
