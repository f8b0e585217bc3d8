// SPDX-License-Identifier: Apache-2.0
#include "backends_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/coverage.h"
#include "runtime/config_file.h"

namespace keras::tool {

namespace {

using internal::Backend;
using internal::OpCoverage;

struct Entry {
  std::string name;
  Backend* backend = nullptr;  // null where it does not load
  std::string error;
  std::vector<OpCoverage> coverage;
};

using Row = std::vector<std::string>;

// Rows under a header, in columns as wide as they must be, or as a page's table.
void print_table(const Row& header, const std::vector<Row>& rows, bool markdown) {
  std::vector<size_t> widths;
  for (const auto& cell : header) widths.push_back(cell.size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const auto print = [&](const Row& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += markdown ? fmt::format("| {} ", row[i]) : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    if (markdown) line += "|";
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  };
  print(header);
  if (markdown) {
    for (size_t i = 0; i < header.size(); ++i) fmt::print("|---");
    fmt::print("|\n");
  }
  for (const Row& row : rows) print(row);
}

std::string set_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Where the choice of the backend comes from.
std::string origin() {
  for (const char* name : {"KERAS_CPP_BACKEND", "KERAS_BACKEND"}) {
    if (!set_variable(name).empty()) return fmt::format("the environment variable {}", name);
  }
  if (internal::configured_backend()) return fmt::format("\"cpp_backend\" in {}", internal::config_path());
  return "the default";
}

Entry load(const std::string& name) {
  Entry entry;
  entry.name = name;
  try {
    entry.backend = &internal::load_backend(name);
  } catch (const BackendError& error) {
    entry.error = error.what();
  }
  return entry;
}

// "float32 float64 ..." of those that the backend stores and does not compute with.
std::string stored_only(const Backend& backend) {
  std::string out;
  for (int i = 0; i <= static_cast<int>(DType::complex64); ++i) {
    const auto dtype = static_cast<DType>(i);
    if (dtype == DType::string || backend.table().dtype_usage(0, i) != 1) continue;
    out += (out.empty() ? "" : " ") + std::string(dtype_name(dtype));
  }
  return out;
}

void print_list(const std::vector<Entry>& entries, bool markdown) {
  std::vector<Row> rows;
  for (const Entry& entry : entries) {
    if (entry.backend == nullptr) continue;
    const Backend& backend = *entry.backend;
    rows.push_back({entry.name, backend.table().version, fmt::format("{}", fmt::join(backend.devices(), " ")),
                    stored_only(backend), backend.path()});
  }
  print_table({"backend", "version", "devices", "only stored", "library"}, rows, markdown);
  for (const Entry& entry : entries) {
    if (entry.backend == nullptr) fmt::print("\n{} cannot be used: {}\n", entry.name, entry.error);
  }
}

std::string in_words(const OpCoverage& row) {
  const bool partly = row.native_calls > 0 && row.native_calls < row.calls;
  const std::string verdict = internal::verdict_name(row.verdict);
  return partly ? fmt::format("{} ({}/{} native)", verdict, row.native_calls, row.calls) : verdict;
}

void print_coverage(const std::vector<Entry>& entries, bool markdown) {
  Row header{"op"};
  std::vector<const Entry*> usable;
  for (const Entry& entry : entries) {
    if (entry.backend == nullptr) continue;
    usable.push_back(&entry);
    header.push_back(entry.name);
  }
  if (usable.empty()) return;
  std::vector<Row> rows;
  std::vector<Row> reasons;
  std::map<std::pair<std::string, std::string>, int> counts;
  for (size_t i = 0; i < usable.front()->coverage.size(); ++i) {
    Row row{usable.front()->coverage[i].op->name};
    for (const Entry* entry : usable) {
      const OpCoverage& answer = entry->coverage[i];
      row.push_back(in_words(answer));
      ++counts[{entry->name, internal::verdict_name(answer.verdict)}];
      if (answer.verdict != KERAS_NATIVE) {
        reasons.push_back({answer.op->name, entry->name, internal::verdict_name(answer.verdict),
                           answer.reason.empty() ? "no reason given" : answer.reason});
      }
    }
    rows.push_back(std::move(row));
  }
  fmt::print(
      "\nOps: native runs in the backend, composed from simpler ops, host in the native backend with "
      "copies\n\n");
  print_table(header, rows, markdown);
  std::vector<Row> totals;
  for (const Entry* entry : usable) {
    Row total{entry->name};
    for (const char* verdict : {"native", "composed", "host", "unsupported"}) {
      total.push_back(std::to_string(counts[{entry->name, verdict}]));
    }
    totals.push_back(std::move(total));
  }
  fmt::print("\n");
  print_table({"backend", "native", "composed", "host", "unsupported"}, totals, markdown);
  if (reasons.empty()) return;
  fmt::print("\nWhy not native\n\n");
  std::stable_sort(reasons.begin(), reasons.end(), [](const Row& a, const Row& b) { return a[1] < b[1]; });
  print_table({"op", "backend", "verdict", "reason"}, reasons, markdown);
}

}  // namespace

void print_backends(const BackendsRequest& request) {
  const auto installed = internal::installed_backends();
  std::vector<Entry> entries;
  for (const auto& name : request.names.empty() ? installed : request.names) entries.push_back(load(name));
  const std::string chosen = config::backend();
  const bool usable = std::find(installed.begin(), installed.end(), chosen) != installed.end();
  fmt::print("Programs run on {}, by {}{}\n\n", chosen, origin(), usable ? "" : ", which is not installed");
  print_list(entries, request.markdown);
  if (request.list_only) return;
  // Sample operands are made on the chosen backend; where that is not there, any will do.
  if (!usable || load(chosen).backend == nullptr) config::set_backend("native");
  for (Entry& entry : entries) {
    if (entry.backend != nullptr) entry.coverage = internal::coverage(*entry.backend);
  }
  print_coverage(entries, request.markdown);
}

}  // namespace keras::tool
