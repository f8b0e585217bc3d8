// SPDX-License-Identifier: Apache-2.0
// Tensors as NumPy prints arrays: brackets, wrapped lines, and "..." in the middle of long ones.
#include <cstring>
#include <ostream>

#include "keras/tensor/host_buffer.h"
#include "tensor/number_text.h"

namespace keras {
namespace {

constexpr int64_t kThreshold = 1000;  // elements beyond which only the edges are shown
constexpr int64_t kEdge = 3;
constexpr size_t kLineWidth = 75;

struct Layout {
  std::vector<int64_t> dims;
  bool summary = false;

  bool cut(size_t axis) const { return summary && dims[axis] > 2 * kEdge; }
};

// The offsets of the elements that are shown, in order.
void shown_offsets(const Layout& layout, size_t axis, int64_t offset, std::vector<int64_t>& out) {
  if (axis == layout.dims.size()) {
    out.push_back(offset);
    return;
  }
  const int64_t size = layout.dims[axis];
  for (int64_t i = 0; i < size; ++i) {
    if (layout.cut(axis) && i == kEdge) i = size - kEdge;
    shown_offsets(layout, axis + 1, offset * size + i, out);
  }
}

std::string without_trailing_spaces(const std::string& text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

/// Puts the elements' texts between brackets, axis by axis.
class Writer {
 public:
  Writer(const Layout& layout, const std::vector<std::string>& words)
      : layout_(layout), word_(words.begin()) {}

  std::string axis(size_t number, const std::string& indent, size_t width) {
    const std::string body =
        number + 1 == layout_.dims.size() ? row(number, indent, width) : block(number, indent, width);
    return "[" + body.substr(indent.size()) + "]";
  }

 private:
  std::string row(size_t number, const std::string& indent, size_t width) {
    const size_t element_width = width - 1;
    std::string done;
    std::string line = indent;
    auto extend = [&](const std::string& word) {
      if (line.size() + word.size() > element_width && line.size() > indent.size()) {
        done += without_trailing_spaces(line) + "\n";
        line = indent;
      }
      line += word;
    };
    const int64_t size = layout_.dims[number];
    for (int64_t i = 0; i < size; ++i) {
      if (layout_.cut(number) && i == kEdge) {
        extend("...");
        line += " ";
        i = size - kEdge;
      }
      extend(*word_++);
      if (i + 1 < size) line += " ";
    }
    return done + line;
  }

  std::string block(size_t number, const std::string& indent, size_t width) {
    const std::string separator(layout_.dims.size() - number - 1, '\n');
    const int64_t size = layout_.dims[number];
    std::string out;
    for (int64_t i = 0; i < size; ++i) {
      if (layout_.cut(number) && i == kEdge) {
        out += indent + "..." + separator;
        i = size - kEdge;
      }
      out += indent + axis(number + 1, indent + " ", width - 1);
      if (i + 1 < size) out += separator;
    }
    return out;
  }

  const Layout& layout_;
  std::vector<std::string>::const_iterator word_;
};

std::vector<std::string> texts_of(const Tensor& tensor, const std::vector<int64_t>& offsets) {
  std::vector<std::string> words;
  if (tensor.dtype() == DType::string) {
    for (const int64_t offset : offsets) {
      words.push_back(internal::quoted_text(tensor.to_strings()[static_cast<size_t>(offset)]));
    }
    return words;
  }
  const size_t size = dtype_size(tensor.dtype());
  const auto* elements = static_cast<const char*>(tensor.host_data());
  const auto picked = internal::allocate_host(offsets.size() * size);
  auto* place = static_cast<char*>(picked.get());
  for (const int64_t offset : offsets) {
    std::memcpy(place, elements + static_cast<size_t>(offset) * size, size);
    place += size;
  }
  return internal::array_texts(picked.get(), tensor.dtype(), offsets.size());
}

}  // namespace

std::string Tensor::to_string() const {
  if (!defined()) return "<undefined tensor>";
  if (abstract()) {
    return "<Tensor shape=" + shape().to_string() + ", dtype=" + std::string(dtype_name(dtype())) +
           ", symbolic>";
  }
  if (elements() == 0) return "[]";
  if (rank() == 0) {
    return dtype() == DType::string ? to_strings().front() : internal::scalar_text(host_data(), dtype());
  }
  Layout layout;
  for (const Dim d : shape()) layout.dims.push_back(d.value());
  layout.summary = elements() > kThreshold;
  std::vector<int64_t> offsets;
  shown_offsets(layout, 0, 0, offsets);
  const auto words = texts_of(*this, offsets);
  return Writer(layout, words).axis(0, " ", kLineWidth);
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) { return stream << tensor.to_string(); }

}  // namespace keras
