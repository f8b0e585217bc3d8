// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "keras/tensor/dtype.h"
#include "keras/tensor/shape.h"

namespace keras {

class Tensor;
class Index;

namespace internal {

/// Who owns device memory: a loaded backend. The tensor room sees only this much of it.
class MemoryOwner {
 public:
  virtual ~MemoryOwner() = default;
  virtual void release(void* handle) const = 0;
  /// Copies the elements, dense and row-major, to host memory of the tensor's byte size.
  virtual void download(void* handle, DType dtype, const Shape& shape, void* destination) const = 0;
  /// The elements in host memory without a copy, valid while the handle lives; nullptr if impossible.
  virtual const void* map(void* handle, DType dtype, const Shape& shape) const = 0;
  /// "cpu:0", "gpu:1".
  virtual std::string device_name(void* handle) const = 0;
};

/// One reference to backend memory.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(const MemoryOwner* owner, void* handle) : owner_(owner), handle_(handle) {}
  DeviceMemory(DeviceMemory&& o) noexcept
      : owner_(std::exchange(o.owner_, nullptr)), handle_(std::exchange(o.handle_, nullptr)) {}
  DeviceMemory& operator=(DeviceMemory&& o) noexcept {
    if (this != &o) {
      reset();
      owner_ = std::exchange(o.owner_, nullptr);
      handle_ = std::exchange(o.handle_, nullptr);
    }
    return *this;
  }
  ~DeviceMemory() { reset(); }
  void reset() {
    if (handle_ != nullptr) owner_->release(std::exchange(handle_, nullptr));
  }
  void* release_handle() { return std::exchange(handle_, nullptr); }
  explicit operator bool() const { return handle_ != nullptr; }
  const MemoryOwner* owner() const { return owner_; }
  void* handle() const { return handle_; }

 private:
  const MemoryOwner* owner_ = nullptr;
  void* handle_ = nullptr;
};

/// Elements in host memory, dense and row-major; strings live only here.
struct HostBuffer {
  std::shared_ptr<const void> bytes;
  std::shared_ptr<const std::vector<std::string>> strings;
};

/// What an abstract tensor stands for: a value of a functional model (KerasTensor) or of a trace.
class AbstractValue {
 public:
  virtual ~AbstractValue() = default;
  /// The sentence that reading the value raises, since it has none.
  virtual std::string why_unreadable() const = 0;
};

/// Whether a value is an extra output of a fused op, kept for its gradient: a backend's own, opaque to
/// everybody but its <op>_grad, or the one that the op's decomposition names.
enum class Residual : uint8_t { none, native, canonical };

/// The shared value behind Tensor handles. Whoever makes one sets `host`, `device` or `abstract` before
/// sharing it; afterwards the other home is added only through host_elements and device_memory.
struct TensorImpl {
  std::atomic<int32_t> references{1};
  DType dtype = DType::float32;
  bool weak = false;  // a C++ scalar: takes the other operands' dtype
  Residual residual = Residual::none;
  Shape shape;
  DeviceMemory device;
  HostBuffer host;  // the value's first home, or a cached download
  std::shared_ptr<AbstractValue> abstract;
  std::shared_ptr<const Tensor> mask;    // Keras' _keras_mask
  std::shared_ptr<const Tensor> logits;  // what softmax or sigmoid made the value from (Keras' _keras_logits)
  std::optional<double> literal;         // a weak float's value before it was rounded to floatx
  std::atomic<uint64_t> id{0};
  std::atomic<const void*> host_ready{nullptr};  // the elements in host memory, once somebody asked
  std::atomic<bool> device_ready{false};         // `device` may be read without the lock

  uint64_t identity();  // unique for the life of the process, given at the first call

  /// The elements in host memory, downloaded at the first call; safe from several threads. nullptr
  /// when the value has neither home.
  const void* host_elements();
  /// The device memory, made by `upload()` at the first call; safe from several threads.
  template <class F>
  const DeviceMemory& device_memory(F&& upload) {
    if (!device_ready.load(std::memory_order_acquire)) {
      const std::lock_guard lock(mutex());
      if (!device) device = upload();
      device_ready.store(true, std::memory_order_release);
    }
    return device;
  }
  /// Guards `host`, `device` and `mask` of shared values; one of a few mutexes that all tensors share.
  std::mutex& mutex() const;

  TensorImpl();
  ~TensorImpl();  // not inline: it is long, and every handle's destructor calls it
  // Blocks are kept in a list of the thread and used again.
  static void* operator new(size_t bytes);
  static void operator delete(void* block) noexcept;
};

}  // namespace internal

/// A number, bool or nested list of them, for `Tensor t = {{1, 2}, {3, 4}}`.
class Literal {
 public:
  /// A number or bool, or a list.
  ///@{
  template <class T>
  requires std::is_arithmetic_v<T> Literal(T value)  // NOLINT: literals convert by design
      : kind_(std::same_as<T, bool>   ? Kind::boolean
              : std::is_integral_v<T> ? Kind::integer
                                      : Kind::real),
        number_(static_cast<double>(value)),
        integer_(integer_value(value)) {}
  Literal(std::initializer_list<Literal> items) : kind_(Kind::list), items_(items) {}
  ///@}

  /// What it is, and its value.
  ///@{
  enum class Kind : uint8_t { boolean, integer, real, list };
  Kind kind() const { return kind_; }
  double number() const { return number_; }
  int64_t integer() const { return integer_; }
  const std::vector<Literal>& items() const { return items_; }
  ///@}

 private:
  template <class T>
  static constexpr int64_t integer_value(T value) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<int64_t>(value);
    } else {
      return 0;
    }
  }

  Kind kind_;
  double number_ = 0;
  int64_t integer_ = 0;
  std::vector<Literal> items_;
};

/// An n-dimensional array: a value handle. Copies share the elements, which never change; an op
/// gives a new tensor. A Tensor may also be abstract: the symbolic value of a functional model, or
/// a value inside a trace; ops accept it, reading its elements throws.
///
///     Tensor a = {{1.f, 2.f}, {3.f, 4.f}};
///     Tensor b = a * 2 + ops::ones({2, 2});
///     std::cout << b << b.at<float>({1, 0});
class Tensor {
 public:
  /// An undefined tensor; `defined()` is false.
  Tensor() = default;
  /// A scalar. It is weakly typed: in `x * 2.0` it takes x's dtype (Keras' rule for Python scalars), and
  /// `item<double>()` still has all its digits then. An integer beyond int32 is a strong int64 or uint64.
  template <class T>
  requires std::is_arithmetic_v<T> Tensor(T value) : Tensor(scalar(value)) {}  // NOLINT: scalars are tensors
  /// A nested list: bools give bool, integers int32 (int64 if one does not fit), anything with a real
  /// number floatx.
  /// Throws ValueError when rows have different lengths.
  Tensor(std::initializer_list<Literal> items);

  /// Copies elements from memory, dense and row-major.
  static Tensor copy(const void* data, const Shape& shape, DType dtype);
  /// Uses memory of the caller without a copy; `deleter` is called when the last tensor lets go of it.
  /// The memory must not change meanwhile.
  static Tensor borrow(const void* data, const Shape& shape, DType dtype, std::function<void()> deleter = {});
  /// Copies a vector or array. The shape must have as many elements; without one the result is 1-D.
  ///@{
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape) {
    check_count(values.size(), shape);
    return copy(values.data(), shape, dtype_of<std::remove_cv_t<T>>);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    return from(std::span<const T>(values), shape);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values) {
    return from(std::span<const T>(values), Shape{static_cast<int64_t>(values.size())});
  }
  static Tensor from(const std::vector<bool>& values, const Shape& shape);
  ///@}
  /// A tensor of strings.
  static Tensor strings(std::vector<std::string> values, const Shape& shape);

  /// False for a tensor that stands for nothing; only this may be asked of it.
  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const = delete;
  /// Its type and size; an axis may count from the end.
  ///@{
  DType dtype() const { return impl().dtype; }
  const Shape& shape() const { return impl().shape; }
  int rank() const { return impl().shape.rank(); }
  Dim dim(int axis) const { return impl().shape.dim(axis); }
  int64_t elements() const { return impl().shape.elements(); }
  size_t bytes() const { return static_cast<size_t>(elements()) * dtype_size(dtype()); }
  ///@}
  /// True for a C++ scalar that takes the dtype of the operands beside it.
  bool weak() const { return impl().weak; }
  /// What dtype promotion reads of it.
  PromotionType promotion_type() const { return {dtype(), weak()}; }
  /// True for a tensor without elements: a functional model's value or one inside a trace.
  bool abstract() const { return impl_ != nullptr && impl_->abstract != nullptr; }
  /// "cpu:0": where the elements live.
  std::string device() const;

  /// The elements in host memory, dense and row-major; valid while this tensor lives.
  /// Throws TypeError for an abstract tensor (naming what to use instead) or a string tensor.
  const void* host_data() const;
  /// The same, checked against the element type. Throws TypeError when T is another dtype.
  template <class T>
  std::span<const T> data() const {
    check_dtype(dtype_of<T>);
    return {static_cast<const T*>(host_data()), static_cast<size_t>(elements())};
  }
  /// All elements, converted to T.
  template <class T>
  std::vector<T> to_vector() const {
    std::vector<T> out(static_cast<size_t>(elements()));
    if constexpr (std::is_same_v<T, bool>) {
      for (size_t i = 0; i < out.size(); ++i) out[i] = element_as_double(static_cast<int64_t>(i)) != 0;
    } else {
      convert_to(out.data(), dtype_of<T>);
    }
    return out;
  }
  /// The elements of a string tensor. Throws TypeError for any other.
  const std::vector<std::string>& to_strings() const;
  /// The single element, converted to T. Throws ValueError when there is not exactly one.
  template <class T>
  T item() const {
    check_single();
    return element<T>(0);
  }
  /// One element, converted to T; negative indices count from the end.
  template <class T>
  T at(std::initializer_list<int64_t> indices) const {
    return element<T>(offset_of(std::span<const int64_t>(indices.begin(), indices.size())));
  }

  /// NumPy's indexing: `x[0]`, `x[{0, Slice(1, 3)}]`, `x[{ellipsis, newaxis}]` (an op: differentiable,
  /// and a node on abstract tensors).
  ///@{
  Tensor operator[](const Index& index) const;
  Tensor operator[](int64_t index) const;
  Tensor operator[](std::initializer_list<Index> indices) const;
  ///@}

  /// The mask that travels with the tensor through layers (Keras' `_keras_mask`); undefined if none.
  Tensor mask() const;
  /// Attaches a mask; an undefined tensor removes it.
  void set_mask(const Tensor& mask) const;

  /// As NumPy prints an array.
  std::string to_string() const;

  /// True when both handles refer to the same value.
  bool same(const Tensor& other) const { return impl_ == other.impl_; }

  /// For the rooms above: the shared state.
  ///@{
  explicit Tensor(internal::TensorImpl* adopted) : impl_(adopted) {}
  Tensor(const Tensor& o) noexcept : impl_(o.impl_) {
    if (impl_ != nullptr) impl_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Tensor(Tensor&& o) noexcept : impl_(std::exchange(o.impl_, nullptr)) {}
  Tensor& operator=(const Tensor& o) noexcept {
    Tensor copied(o);
    std::swap(impl_, copied.impl_);
    return *this;
  }
  Tensor& operator=(Tensor&& o) noexcept {
    std::swap(impl_, o.impl_);
    return *this;
  }
  ~Tensor() {
    if (impl_ != nullptr && impl_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete impl_;
  }
  internal::TensorImpl& impl() const {
    if (impl_ == nullptr) fail_undefined();
    return *impl_;
  }
  uint64_t identity() const { return impl().identity(); }
  ///@}
  /// True when this handle is the only one, so that the elements may be reused for another value.
  bool unique() const { return impl_ != nullptr && impl_->references.load(std::memory_order_acquire) == 1; }

 private:
  template <class T>
  static Tensor scalar(T value) {
    if constexpr (std::same_as<T, bool>) {
      return weak_scalar(value ? 1.0 : 0.0, value, DType::bool_);
    } else if constexpr (std::is_integral_v<T>) {
      return weak_scalar(static_cast<double>(value), static_cast<int64_t>(value),
                         std::is_unsigned_v<T> && sizeof(T) == 8 ? DType::uint64 : DType::int32);
    } else {
      return weak_scalar(static_cast<double>(value), 0, DType::float32);
    }
  }
  static Tensor weak_scalar(double real, int64_t integer, DType kind);
  static void check_count(size_t count, const Shape& shape);
  [[noreturn]] static void fail_undefined();
  void check_dtype(DType wanted) const;
  void check_single() const;
  int64_t offset_of(std::span<const int64_t> indices) const;
  double element_as_double(int64_t offset) const;
  int64_t element_as_int64(int64_t offset) const;
  void convert_to(void* destination, DType wanted) const;
  void convert_element(int64_t offset, void* destination, DType wanted) const;
  template <class T>
  T element(int64_t offset) const {
    if constexpr (std::is_same_v<T, bool>) {
      return element_as_double(offset) != 0;
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(element_as_int64(offset));
    } else if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(element_as_double(offset));
    } else {
      T value{};
      convert_element(offset, &value, dtype_of<T>);
      return value;
    }
  }

  internal::TensorImpl* impl_ = nullptr;
};

/// A list of tensors that needs no heap for the usual few.
using Tensors = SmallVector<Tensor, 4>;

/// Prints the tensor as NumPy prints an array.
std::ostream& operator<<(std::ostream& stream, const Tensor& tensor);

/// Default float dtype (Keras' floatx), float32 unless `config::set_floatx` changed it.
DType floatx();

}  // namespace keras
