// SPDX-License-Identifier: Apache-2.0
// Which dtypes an op has a CPU kernel for: TensorFlow answers with a KernelList message, of which these
// fields are read (kernel_def.proto, attr_value.proto): the kernels (1), each with its device (2) and
// constraints (3) of a name (1) and a value (2), which holds a list (1) of types (6).
#include <algorithm>
#include <map>
#include <mutex>
#include <string_view>

#include "framework.h"

namespace keras::tensorflow {
namespace {

// The fields of a message in protocol buffers' wire format.
class Message {
 public:
  explicit Message(std::string_view message) : rest_(message) {}

  // Steps to the next field; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t key = varint();
    field = key >> 3;
    bytes = {};
    number = 0;
    switch (key & 7) {
      case 0:
        number = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        bytes = take(varint());
        break;
      default:
        take(4);
    }
    return true;
  }

  uint64_t field = 0;
  uint64_t number = 0;
  std::string_view bytes;

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view take(uint64_t count) {
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(out.size());
    return out;
  }
  std::string_view rest_;
};

struct Constraint {
  std::string name;
  std::vector<uint64_t> types;
};
using Kernel = std::vector<Constraint>;

std::vector<uint64_t> types_in(std::string_view value) {
  std::vector<uint64_t> out;
  for (Message outer(value); outer.next();) {
    if (outer.field != 1) continue;
    for (Message list(outer.bytes); list.next();) {
      if (list.field != 6) continue;
      if (list.bytes.empty()) out.push_back(list.number);
      for (Message packed(list.bytes); !packed.empty();) out.push_back(packed.varint());
    }
  }
  return out;
}

std::vector<Kernel> read(std::string_view bytes) {
  std::vector<Kernel> out;
  for (Message list(bytes); list.next();) {
    if (list.field != 1) continue;
    Kernel kernel;
    bool cpu = false;
    for (Message def(list.bytes); def.next();) {
      if (def.field == 2) cpu = def.bytes == "CPU" || def.bytes == "DEFAULT";
      if (def.field != 3) continue;
      Constraint constraint;
      for (Message part(def.bytes); part.next();) {
        if (part.field == 1) constraint.name = part.bytes;
        if (part.field == 2) constraint.types = types_in(part.bytes);
      }
      kernel.push_back(std::move(constraint));
    }
    if (cpu) out.push_back(std::move(kernel));
  }
  return out;
}

const std::vector<Kernel>& kernels_of(const std::string& op) {
  static std::mutex guard;
  static std::map<std::string, std::vector<Kernel>> known;
  const std::lock_guard lock(guard);
  const auto found = known.find(op);
  if (found != known.end()) return found->second;
  const Status status;
  const Owned<TF_Buffer> list(TF_GetRegisteredKernelsForOp(op.c_str(), status));
  status.check("TF_GetRegisteredKernelsForOp");
  return known[op] = read({static_cast<const char*>(list->data), list->length});
}

}  // namespace

bool has_kernel(TF_Operation* node) {
  const auto& kernels = kernels_of(TF_OperationOpType(node));
  return std::any_of(kernels.begin(), kernels.end(), [node](const Kernel& kernel) {
    return std::all_of(kernel.begin(), kernel.end(), [node](const Constraint& c) {
      if (c.types.empty()) return true;
      const Status status;
      TF_DataType type;
      TF_OperationGetAttrType(node, c.name.c_str(), &type, status);
      return !status.ok() ||
             std::find(c.types.begin(), c.types.end(), static_cast<uint64_t>(type)) != c.types.end();
    });
  });
}

}  // namespace keras::tensorflow
