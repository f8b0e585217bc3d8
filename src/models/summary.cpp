// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <set>

#include "keras/base/error.h"
#include "keras/models/model.h"
#include "models/progbar.h"
#include "models/trainer_state.h"

namespace keras {

namespace {

std::string with_commas(int64_t n) {
  const std::string digits = fmt::format("{}", n);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

struct Count {
  int64_t numbers = 0;
  double bytes = 0;
};

Count count(const std::vector<Variable>& variables) {
  Count out;
  std::set<const internal::VariableSlot*> seen;
  for (const auto& v : variables) {
    if (!seen.insert(&v.slot()).second) continue;
    out.numbers += v.elements();
    out.bytes += static_cast<double>(v.elements()) * static_cast<double>(dtype_size(v.dtype()));
  }
  return out;
}

std::string readable_size(double bytes) {
  for (const char* unit : {"B", "KB", "MB", "GB", "TB"}) {
    if (bytes < 1024) return fmt::format("{:.2f} {}", bytes, unit);
    bytes /= 1024;
  }
  return fmt::format("{:.2f} PB", bytes);
}

std::string shape_text(const std::vector<Shape>& shapes) {
  if (shapes.empty()) return "?";
  std::string out;
  for (const auto& s : shapes) {
    std::string text = "(";
    for (size_t i = 0; i < s.size(); ++i)
      text += (i == 0 ? "" : ", ") + (s[i].known() ? s[i].to_string() : "None");
    out += (out.empty() ? "" : ", ") + text + ")";
  }
  return shapes.size() == 1 ? out : fmt::format("[{}]", out);
}

// A word longer than the column is cut, others wrap, as Keras' table does.
std::vector<std::string> wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines;
  std::string line;
  const auto flush = [&] {
    lines.push_back(line);
    line.clear();
  };
  size_t at = 0;
  while (at < text.size()) {
    size_t end = text.find(' ', at);
    if (end == std::string::npos) end = text.size();
    std::string word = text.substr(at, end - at);
    at = end + 1;
    while (internal::visible_width(word) > width) {
      if (!line.empty()) flush();
      lines.push_back(word.substr(0, width));
      word.erase(0, width);
    }
    const size_t needed =
        internal::visible_width(line) + (line.empty() ? 0 : 1) + internal::visible_width(word);
    if (!line.empty() && needed > width) flush();
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty() || lines.empty()) flush();
  return lines;
}

enum class Align { left, right, center };

std::string padded(const std::string& text, size_t width, Align align) {
  const size_t used = internal::visible_width(text);
  const size_t space = used < width ? width - used : 0;
  const size_t before = align == Align::left ? 0 : align == Align::right ? space : space / 2;
  return std::string(before, ' ') + text + std::string(space - before, ' ');
}

/// A table of box-drawing characters with a rule between all rows.
class Table {
 public:
  Table(std::vector<int> widths, std::vector<Align> aligns)
      : widths_(std::move(widths)), aligns_(std::move(aligns)) {}

  std::string rule(const char* left, const char* line, const char* cross, const char* right) const {
    std::string out = left;
    for (size_t c = 0; c < widths_.size(); ++c) {
      if (c > 0) out += cross;
      for (int i = 0; i < widths_[c] + 2; ++i) out += line;
    }
    return out + right + "\n";
  }

  std::string row(const std::vector<std::string>& cells, const char* bar) const {
    std::vector<std::vector<std::string>> columns;
    size_t height = 1;
    for (size_t c = 0; c < cells.size(); ++c) {
      columns.push_back(wrapped(cells[c], static_cast<size_t>(widths_[c])));
      height = std::max(height, columns.back().size());
    }
    std::string out;
    for (size_t r = 0; r < height; ++r) {
      for (size_t c = 0; c < columns.size(); ++c) {
        const std::string cell = r < columns[c].size() ? columns[c][r] : "";
        out += std::string(bar) + " " + padded(cell, static_cast<size_t>(widths_[c]), aligns_[c]) + " ";
      }
      out += std::string(bar) + "\n";
    }
    return out;
  }

 private:
  std::vector<int> widths_;
  std::vector<Align> aligns_;
};

void add_rows(const Layer& layer, const SummaryOptions& options, int level,
              std::vector<std::vector<std::string>>& rows) {
  std::string prefix;
  for (int i = 0; i < level; ++i) prefix += "   ";
  if (level > 0) prefix += "\u2514 ";
  std::vector<std::string> row{prefix + layer.name() + " (" + layer.class_name() + ")",
                               shape_text(layer.core().output_shapes),
                               layer.built() ? with_commas(layer.count_params()) : "0 (unbuilt)"};
  if (options.show_trainable) row.push_back(layer.weights().empty() ? "-" : layer.trainable() ? "Y" : "N");
  rows.push_back(std::move(row));
  if (!options.expand_nested || dynamic_cast<const Model*>(&layer) == nullptr) return;
  for (const auto& child : layer.sublayers()) add_rows(*child, options, level + 1, rows);
}

}  // namespace

void Model::summary(const SummaryOptions& options) const {
  // Two spaces beside every cell and the bars take part in the line length.
  std::vector<double> positions{0.45, 0.80, 1.0};
  std::vector<std::string> header{"Layer (type)", "Output Shape", "Param #"};
  std::vector<Align> aligns{Align::left, Align::left, Align::right};
  int length = 88;
  if (options.show_trainable) {
    length += 12;
    for (double& p : positions) p *= 0.90;
    positions.push_back(1.0);
    header.emplace_back("Trainable");
    aligns.push_back(Align::center);
  }
  // A terminal of 80 columns is assumed where the length is not given.
  length = options.line_length.value_or(std::min(length, 76));
  std::vector<int> widths;
  int used = 0;
  for (const double p : positions) {
    const int width = static_cast<int>(p * length) - used;
    if (width < 4) {
      internal::fail<ValueError>({"summary", "The line must be long enough for the table",
                                  fmt::format("line_length={}", length), "use 60 or more"});
    }
    widths.push_back(width);
    used += width;
  }
  // Bars and the space beside cells are taken from all columns alike, halves rounded to even.
  int excess = used + 3 * static_cast<int>(widths.size()) + 1 - length;
  for (size_t c = 0; c < widths.size(); ++c) {
    const auto columns = static_cast<double>(widths.size() - c);
    const int taken = static_cast<int>(std::nearbyint(excess / columns));
    widths[c] -= taken;
    excess -= taken;
  }
  const Table table(widths, aligns);
  std::vector<std::vector<std::string>> rows;
  for (const auto& layer : layers()) add_rows(*layer, options, 0, rows);

  std::string out = fmt::format("Model: \"{}\"\n", name());
  out += table.rule("\u250f", "\u2501", "\u2533", "\u2513");
  out += table.row(header, "\u2503");
  out += table.rule("\u2521", "\u2501", "\u2547", "\u2529");
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i > 0) out += table.rule("\u251c", "\u2500", "\u253c", "\u2524");
    out += table.row(rows[i], "\u2502");
  }
  out += table.rule("\u2514", "\u2500", "\u2534", "\u2518");

  const Count trainable = count(trainable_weights());
  const Count frozen = count(non_trainable_weights());
  const bool optimized = trainer_->optimizer && trainer_->optimizer->built();
  const Count slots = optimized ? count(trainer_->optimizer->variables()) : Count{};
  const auto line = [](const char* what, int64_t numbers, double bytes) {
    return fmt::format(" {}: {} ({})\n", what, with_commas(numbers), readable_size(bytes));
  };
  out += line("Total params", trainable.numbers + frozen.numbers + slots.numbers,
              trainable.bytes + frozen.bytes + slots.bytes);
  out += line("Trainable params", trainable.numbers, trainable.bytes);
  out += line("Non-trainable params", frozen.numbers, frozen.bytes);
  if (optimized) out += line("Optimizer params", slots.numbers, slots.bytes);
  if (options.print_fn) {
    options.print_fn(out);
  } else {
    std::fputs(out.c_str(), stdout);
    std::fflush(stdout);
  }
}

}  // namespace keras
