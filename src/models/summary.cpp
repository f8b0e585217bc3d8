// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <regex>
#include <set>

#include "keras/base/error.h"
#include "keras/models/sequential.h"
#include "models/functional_graph.h"
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

// Lines break at spaces; what is still longer than the column ends in an ellipsis, as in Keras' table.
std::vector<std::string> wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines;
  std::string line;
  size_t used = 0;
  size_t at = 0;
  const auto flush = [&] {
    if (used > width) {
      // Cut by characters, which may have several bytes.
      size_t bytes = 0;
      for (size_t columns = 0; columns + 1 < width; ++columns) {
        ++bytes;
        while (bytes < line.size() && (static_cast<unsigned char>(line[bytes]) & 0xC0) == 0x80) ++bytes;
      }
      line = line.substr(0, bytes) + "\u2026";
    }
    lines.push_back(line);
    line.clear();
    used = 0;
  };
  while (at < text.size()) {
    size_t end = text.find_first_not_of(' ', at);
    end = end == std::string::npos ? text.size() : text.find(' ', end);
    if (end == std::string::npos) end = text.size();
    std::string word = text.substr(at, end - at);
    at = end;
    if (!line.empty() && used + internal::visible_width(word) > width) {
      flush();
      word.erase(0, word.find_first_not_of(' '));
    }
    line += word;
    used = internal::visible_width(line);
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

/// What the rows of one table have in common.
struct Rows {
  const SummaryOptions& options;
  const internal::FunctionalGraph* graph;  ///< null when the layers form a chain: no connections are shown
  std::vector<std::vector<std::string>> cells = {};

  void add(const Layer& layer, int level) {
    std::vector<std::string> row{indent(level) + layer.name() + " (" + layer.class_name() + ")",
                                 shape_text(layer.core().output_shapes),
                                 layer.built() ? with_commas(layer.count_params()) : "0 (unbuilt)"};
    if (graph != nullptr) row.push_back(connections(layer));
    if (options.show_trainable) row.push_back(layer.weights().empty() ? "-" : layer.trainable() ? "Y" : "N");
    cells.push_back(std::move(row));
    const auto* model = dynamic_cast<const Model*>(&layer);
    if (!options.expand_nested || model == nullptr) return;
    for (const auto& child : model->layers()) add(*child, level + 1);
  }

  void add(const internal::FunctionalGraph::Entry& entry) {
    if (entry.layer) return add(*entry.layer, 0);
    std::vector<Shape> shapes;
    for (const auto& type : entry.nodes.back()->outputs) shapes.push_back(type.shape);
    std::vector<std::string> row{entry.operation->name() + " (" + entry.operation->class_name() + ")",
                                 shape_text(shapes), "0"};
    if (graph != nullptr) row.push_back(connections(entry));
    if (options.show_trainable) row.emplace_back("-");
    cells.push_back(std::move(row));
  }

 private:
  static std::string indent(int level) {
    std::string out;
    for (int i = 0; i < level; ++i) out += "   ";
    return level > 0 ? out + "\u2514 " : out;
  }

  std::string connections(const Layer& layer) const {
    for (const auto& entry : graph->operations()) {
      if (entry.layer && entry.layer->shared_core() == layer.shared_core()) return connections(entry);
    }
    return "-";
  }

  std::string connections(const internal::FunctionalGraph::Entry& entry) const {
    std::string out;
    for (const auto& node : entry.nodes) {
      for (const Nest* nest : {&node->args, &node->kwargs}) {
        for (const Tensor& t : nest->flatten()) {
          const auto* symbol = symbolic_value(t);
          if (symbol == nullptr) continue;
          const auto& from = graph->entry_of(*symbol->node);
          out += fmt::format("{}{}[{}][{}]", out.empty() ? "" : ", ", from.name(),
                             graph->call_index(*symbol->node), symbol->output_index);
        }
      }
    }
    return out.empty() ? "-" : out;
  }
};

// Which of the names the range covers, both ends included; the ends may be regular expressions.
std::pair<size_t, size_t> range_of(const std::vector<std::string>& names, const SummaryOptions& options) {
  if (!options.layer_range) return {0, names.size()};
  const auto find = [&](const std::string& wanted, bool last) {
    std::optional<size_t> found;
    const std::regex pattern(wanted);
    for (size_t i = 0; i < names.size() && (last || !found); ++i) {
      if (names[i] == wanted ||
          std::regex_search(names[i], pattern, std::regex_constants::match_continuous)) {
        found = i;
      }
    }
    if (!found) internal::fail_unknown_name("summary", "layer in layer_range", wanted, names);
    return *found;
  };
  const size_t first = find(options.layer_range->first, false);
  const size_t last = find(options.layer_range->second, true);
  return {std::min(first, last), std::max(first, last) + 1};
}

}  // namespace

void Model::summary(const SummaryOptions& options) const {
  // Two spaces beside every cell and the bars take part in the line length.
  const bool chain =
      graph() == nullptr || graph()->chain() || dynamic_cast<const Sequential*>(this) != nullptr;
  std::vector<double> positions =
      chain ? std::vector<double>{0.45, 0.80, 1.0} : std::vector{0.3, 0.56, 0.74, 1.0};
  std::vector<std::string> header{"Layer (type)", "Output Shape", "Param #"};
  std::vector<Align> aligns{Align::left, Align::left, Align::right};
  int length = 88;
  if (!chain) {
    length = 108;
    header.emplace_back("Connected to");
    aligns.push_back(Align::left);
  }
  if (!options.positions.empty()) positions = options.positions;
  if (options.show_trainable) {
    length += 12;
    for (double& p : positions) p *= 0.90;
    positions.push_back(1.0);
    header.emplace_back("Trainable");
    aligns.push_back(Align::center);
  }
  if (positions.size() != header.size()) {
    internal::fail<ValueError>({"summary", fmt::format("The table has {} columns", header.size()),
                                fmt::format("{} positions", positions.size()), ""});
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
  if (excess < 0) {
    // What is left over is given to the columns in proportion, rounded up.
    int room = -excess;
    int total = used + 2 * static_cast<int>(widths.size());
    for (int& width : widths) {
      const int share = (width + 2) * room;
      const int given = (share + total - 1) / total;
      total -= width + 2;
      width += given;
      room -= given;
    }
    excess = 0;
  }
  for (size_t c = 0; c < widths.size(); ++c) {
    const auto columns = static_cast<double>(widths.size() - c);
    const int taken = static_cast<int>(std::nearbyint(excess / columns));
    widths[c] -= taken;
    excess -= taken;
  }
  const Table table(widths, aligns);
  Rows collected{options, chain ? nullptr : graph().get()};
  std::vector<std::string> names;
  const bool shows_operations = graph() != nullptr && dynamic_cast<const Sequential*>(this) == nullptr;
  if (shows_operations) {
    const auto& entries = graph()->operations();
    for (const auto& entry : entries) names.push_back(entry.name());
    const auto [first, end] = range_of(names, options);
    for (size_t i = first; i < end; ++i) collected.add(entries[i]);
  } else {
    const auto list = layers();
    for (const auto& layer : list) names.push_back(layer->name());
    const auto [first, end] = range_of(names, options);
    for (size_t i = first; i < end; ++i) collected.add(*list[i], 0);
  }
  const auto& rows = collected.cells;

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
