// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "keras/base/error.h"
#include "keras/models/callbacks/history.h"

namespace keras::callbacks {

namespace {

constexpr double kPanelWidth = 420, kPanelHeight = 300, kLeft = 64, kTop = 44, kGap = 84, kBottom = 64;
constexpr const char* kTrainColor = "#1f77b4";
constexpr const char* kValidationColor = "#ff7f0e";

struct Panel {
  std::string title;
  std::vector<double> train, validation;
};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

// A round step (1, 2 or 5 times a power of ten) that cuts the range into about five parts.
double round_step(double range) {
  const double raw = range / 5;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double m : {1.0, 2.0, 5.0}) {
    if (raw <= m * power) return m * power;
  }
  return 10 * power;
}

class Axes {
 public:
  Axes(const Panel& panel, double x0, size_t epochs) : x0_(x0), epochs_(epochs) {
    low_ = INFINITY;
    high_ = -INFINITY;
    for (const auto* line : {&panel.train, &panel.validation}) {
      for (const double v : *line) {
        if (!std::isfinite(v)) continue;
        low_ = std::min(low_, v);
        high_ = std::max(high_, v);
      }
    }
    if (!(low_ <= high_)) low_ = high_ = 0;
    if (high_ - low_ < 1e-12) {
      low_ -= 0.5;
      high_ += 0.5;
    }
    const double margin = 0.05 * (high_ - low_);
    low_ -= margin;
    high_ += margin;
  }
  double x(size_t epoch) const {
    return x0_ +
           (epochs_ < 2 ? 0.5 : static_cast<double>(epoch) / static_cast<double>(epochs_ - 1)) * kPanelWidth;
  }
  double y(double value) const { return kTop + (high_ - value) / (high_ - low_) * kPanelHeight; }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  double x0_, low_, high_;
  size_t epochs_;
};

std::string line(const Axes& axes, const std::vector<double>& values, const char* color) {
  std::string points;
  std::string dots;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    points += fmt::format("{:.1f},{:.1f} ", axes.x(i), axes.y(values[i]));
    dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", axes.x(i),
                        axes.y(values[i]), color);
  }
  return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n{}", points,
                     color, dots);
}

std::string draw(const Panel& panel, double x0, size_t epochs) {
  const Axes axes(panel, x0, epochs);
  std::string out =
      fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#888\"/>\n", x0,
                  kTop, kPanelWidth, kPanelHeight);
  out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"16\">{}</text>\n",
                     x0 + kPanelWidth / 2, kTop - 14, escaped(panel.title));
  const double step = round_step(axes.high() - axes.low());
  for (double v = std::ceil(axes.low() / step) * step; v <= axes.high(); v += step) {
    out += fmt::format("<line x1=\"{0}\" y1=\"{2:.1f}\" x2=\"{1}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/>\n", x0,
                       x0 + kPanelWidth, axes.y(v));
    out += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\" font-size=\"12\">{:.4g}</text>\n",
                       x0 - 6, axes.y(v) + 4, std::abs(v) < step * 1e-9 ? 0.0 : v);
  }
  const size_t every = std::max<size_t>(1, (epochs + 9) / 10);
  for (size_t e = 0; e < epochs; e += every) {
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\" font-size=\"12\">{}</text>\n",
                       axes.x(e), kTop + kPanelHeight + 18, e + 1);
  }
  out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"13\">epoch</text>\n",
                     x0 + kPanelWidth / 2, kTop + kPanelHeight + 38);
  out += line(axes, panel.train, kTrainColor);
  if (!panel.validation.empty()) out += line(axes, panel.validation, kValidationColor);
  return out;
}

std::vector<double> means(const std::vector<LogValue>& values) {
  std::vector<double> out;
  for (const LogValue& v : values) out.push_back(v.mean());
  return out;
}

}  // namespace

void History::save_chart(const std::string& path) const {
  std::vector<Panel> panels;
  bool any_validation = false;
  for (const auto& [name, values] : history) {
    if (name.starts_with("val_")) continue;
    Panel panel{name, means(values), {}};
    for (const auto& [other, theirs] : history) {
      if (other == "val_" + name) panel.validation = means(theirs);
    }
    any_validation = any_validation || !panel.validation.empty();
    // Loss first: it is what training lowers.
    panels.insert(name == "loss" ? panels.begin() : panels.end(), std::move(panel));
  }
  if (panels.empty()) {
    internal::fail<ValueError>(
        {"History.save_chart", "There must be an epoch to draw", "an empty history", ""});
  }
  const double width = kLeft + static_cast<double>(panels.size()) * (kPanelWidth + kGap);
  const double height = kTop + kPanelHeight + kBottom + 24;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      width, height);
  for (size_t i = 0; i < panels.size(); ++i) {
    out += draw(panels[i], kLeft + static_cast<double>(i) * (kPanelWidth + kGap), epoch.size());
  }
  const auto key = [&](double x, const char* color, const char* label) {
    return fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"14\" height=\"4\" fill=\"{}\"/><text x=\"{}\" y=\"{}\" "
        "font-size=\"13\">{}</text>\n",
        x, height - 18, color, x + 20, height - 12, label);
  };
  out += key(kLeft, kTrainColor, "training");
  if (any_validation) out += key(kLeft + 110, kValidationColor, "validation");
  out += "</svg>\n";
  std::ofstream file(path, std::ios::binary);
  file << out;
  file.close();
  if (!file) internal::fail<ValueError>({"History.save_chart", "The file must be writable", path, ""});
}

}  // namespace keras::callbacks
