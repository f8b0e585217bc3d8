// SPDX-License-Identifier: Apache-2.0
#include "registry.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "float_state.h"

namespace keras::native {
namespace {

struct Entry {
  int priority;
  KernelFactory factory;
};

std::map<std::string, std::vector<Entry>, std::less<>>& registry() {
  static std::map<std::string, std::vector<Entry>, std::less<>> entries;
  return entries;
}

// The slot's memory is an operand's that the kernel may overwrite: same elements, same width, and no other
// tensor (a reshaped one, say) shares it. The operand holds one reference and the slot another.
bool reusable(const keras_kernel& kernel, const keras_tensor* in, int num_in, const keras_tensor& slot,
              int index) {
  if (slot.buffer->imported || slot.buffer->references.load(std::memory_order_acquire) > 2) return false;
  for (int i = 0; i < num_in; ++i) {
    if (in[i].buffer != slot.buffer) continue;
    if (element_count(in[i].desc) != element_count(slot.desc) ||
        dtype_size(in[i].desc.dtype) != dtype_size(slot.desc.dtype) || !kernel.may_overwrite(i, index)) {
      return false;
    }
  }
  return true;
}

// What a slot held before the call.
struct Given {
  keras_buffer* buffer;
  bool aside;  // the kernel shall not see it
};

void run_with_donations(const keras_kernel& kernel, const keras_tensor* in, int num_in, keras_tensor* out,
                        int num_out) {
  constexpr int kFew = 16;
  Given few[kFew];
  std::optional<Scratch> many;
  if (num_out > kFew) many.emplace(static_cast<size_t>(num_out) * sizeof(Given));
  Given* const given = many ? many->as<Given>() : few;
  for (int i = 0; i < num_out; ++i) {
    given[i] = {out[i].buffer, false};
    if (out[i].buffer == nullptr) continue;
    if (reusable(kernel, in, num_in, out[i], i)) {
      renew_content(out[i].buffer);
      continue;
    }
    given[i].aside = true;
    out[i].buffer = nullptr;
  }
  try {
    kernel.run(in, num_in, out, num_out);
  } catch (...) {
    for (int i = 0; i < num_out; ++i) {
      if (out[i].buffer != nullptr && out[i].buffer != given[i].buffer) release(out[i].buffer);
      out[i].buffer = given[i].buffer;
    }
    throw;
  }
  for (int i = 0; i < num_out; ++i) {
    if (given[i].aside) release(given[i].buffer);
  }
}

}  // namespace

bool register_kernel(const char* op, KernelFactory factory, int priority) {
  auto& entries = registry()[op];
  const auto place = std::find_if(entries.begin(), entries.end(),
                                  [priority](const Entry& entry) { return entry.priority < priority; });
  entries.insert(place, Entry{priority, factory});
  return true;
}

std::unique_ptr<keras_kernel> make_kernel(const keras_op& op, std::string& reason) {
  const auto found = registry().find(std::string_view(op.name));
  if (found == registry().end()) {
    reason = "there is no kernel of this name";
    return nullptr;
  }
  std::string reasons;
  for (const Entry& entry : found->second) {
    reason.clear();
    if (auto kernel = entry.factory(op, reason)) return kernel;
    if (!reason.empty()) reasons.append(reasons.empty() ? "" : "; ").append(reason);
  }
  reason = reasons.empty() ? "no kernel for these dtypes" : reasons;
  return nullptr;
}

void run_kernel(const keras_kernel& kernel, const keras_tensor* in, int num_in, keras_tensor* out,
                int num_out) {
  const FlushDenormals flush;
  for (int i = 0; i < num_out; ++i) {
    if (out[i].buffer != nullptr) return run_with_donations(kernel, in, num_in, out, num_out);
  }
  try {
    kernel.run(in, num_in, out, num_out);
  } catch (...) {
    for (int i = 0; i < num_out; ++i) {
      if (out[i].buffer == nullptr) continue;
      release(out[i].buffer);
      out[i].buffer = nullptr;
    }
    throw;
  }
}

}  // namespace keras::native
