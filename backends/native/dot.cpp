// SPDX-License-Identifier: Apache-2.0
// dot_general: operands as batches of matrices, then products by oneDNN or own loops.
#include <algorithm>
#include <complex>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>

#include "gemm.h"
#include "matrix_view.h"
#include "onednn.h"
#include "packed_product.h"
#include "through_float32.h"

namespace keras::native {

namespace {

std::vector<int64_t> axes_of(const keras_list& list) { return {list.v, list.v + list.count}; }

std::vector<int64_t> free_axes(int32_t rank, const std::vector<int64_t>& batch,
                               const std::vector<int64_t>& contract) {
  std::vector<int64_t> free;
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (std::find(batch.begin(), batch.end(), axis) == batch.end() &&
        std::find(contract.begin(), contract.end(), axis) == contract.end()) {
      free.push_back(axis);
    }
  }
  return free;
}

struct Product {
  MatrixView lhs, rhs;  // (m, k), (k, n)
  int64_t batches = 1, m = 1, n = 1, k = 1;
  int copies() const { return !lhs.copy_order.empty() + !rhs.copy_order.empty(); }
};

Product plan(const keras_op& op, bool order_by_lhs) {
  const auto& attr = attributes<DotAttributes>(op);
  const std::vector<int64_t> lhs_batch = axes_of(attr.lhs_batch), rhs_batch = axes_of(attr.rhs_batch);
  std::vector<int64_t> lhs_contract = axes_of(attr.lhs_contract), rhs_contract = axes_of(attr.rhs_contract);
  // The order in which pairs are contracted is free: the one in which an operand lies avoids its copy.
  std::vector<size_t> order(lhs_contract.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const std::vector<int64_t>& key = order_by_lhs ? lhs_contract : rhs_contract;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key[a] < key[b]; });
  std::vector<int64_t> lhs_sorted, rhs_sorted;
  for (size_t i : order) {
    lhs_sorted.push_back(lhs_contract[i]);
    rhs_sorted.push_back(rhs_contract[i]);
  }
  Product product;
  product.lhs =
      MatrixView(op.inputs[0], lhs_batch, free_axes(op.inputs[0].rank, lhs_batch, lhs_contract), lhs_sorted);
  product.rhs =
      MatrixView(op.inputs[1], rhs_batch, rhs_sorted, free_axes(op.inputs[1].rank, rhs_batch, rhs_contract));
  product.m = product.lhs.rows;
  product.k = product.lhs.columns;
  product.n = product.rhs.columns;
  product.batches = static_cast<int64_t>(product.lhs.batch_offsets.size());
  return product;
}

Product plan(const keras_op& op) {
  Product by_lhs = plan(op, true);
  if (by_lhs.copies() == 0) return by_lhs;
  Product by_rhs = plan(op, false);
  return by_rhs.copies() < by_lhs.copies() ? by_rhs : by_lhs;
}

/// An operand's elements, copied where the view needs it.
class Elements {
 public:
  Elements(const MatrixView& view, const keras_tensor& tensor) : data_(tensor.buffer->data) {
    if (view.copy_order.empty()) return;
    copy_.emplace(byte_size(tensor.desc));
    permuted_copy(tensor.desc, view.copy_order, tensor.buffer->data, copy_->as<void>());
    data_ = copy_->as<void>();
  }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data_);
  }

 private:
  std::optional<Scratch> copy_;
  const void* data_;
};

class DotKernel : public keras_kernel {
 public:
  explicit DotKernel(Product product) : product_(std::move(product)) {}

 protected:
  /// Threads over the batch where there are enough matrices, within a product otherwise.
  template <class F>
  void each_batch(const F& body) const {
    const Product& p = product_;
    const int64_t work = std::max<int64_t>(1, p.m * p.n * p.k);
    if (p.batches == 1) return body(0);
    if (p.batches >= 2 * thread_count() || work < 65536) {
      parallel_for(p.batches, std::max<int64_t>(1, 250000 / work), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) body(i);
      });
      return;
    }
    for (int64_t i = 0; i < p.batches; ++i) body(i);
  }
  Product product_;
};

template <class T>
class FloatDot final : public DotKernel {
 public:
  explicit FloatDot(Product product) : DotKernel(std::move(product)) {
    if constexpr (std::is_same_v<T, float>) prepare_transposed();
  }

  uint32_t packed_operands() const override { return packed() != nullptr ? 1u << 1 : 0; }
  size_t packed_bytes() const override { return packed()->bytes(); }
  void pack(const keras_tensor* in, void* to) const override { packed()->pack(input_as<float>(in[1]), to); }
  void run_packed(const keras_tensor* in, int, keras_tensor* out, int, const void* weights) const override {
    packed_->run(input_as<float>(in[0]), weights, nullptr, output_as<float>(out[0]));
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Product& p = product_;
    const Elements lhs(p.lhs, in[0]), rhs(p.rhs, in[1]);
    T* const result = output_as<T>(out[0]);
    if (transposed_) return transposed_.execute({lhs.as<T>(), rhs.as<T>(), result});
    each_batch([&](int64_t i) {
      gemm(p.lhs.transposed, p.rhs.transposed, p.m, p.n, p.k, T(1), lhs.as<T>() + p.lhs.batch_offsets[i],
           p.lhs.leading, rhs.as<T>() + p.rhs.batch_offsets[i], p.rhs.leading, T(0), result + i * p.m * p.n,
           p.n);
    });
  }

 private:
  // a b^T with few rows is where oneDNN's matmul is faster than its sgemm.
  void prepare_transposed() {
    const Product& p = product_;
    if (p.batches != 1 || p.lhs.transposed || !p.rhs.transposed || p.m < 16 || p.n < 16 ||
        p.m * p.n * p.k < 200000)
      return;
    using dnnl::memory;
    const memory::desc a({p.m, p.k}, memory::data_type::f32, memory::dims{p.lhs.leading, 1});
    const memory::desc b({p.k, p.n}, memory::data_type::f32, memory::dims{1, p.rhs.leading});
    const memory::desc c({p.m, p.n}, memory::data_type::f32, memory::dims{p.n, 1});
    try {
      const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), onednn_attributes(),
                                                     onednn_engine());
      transposed_ = OnednnPrimitive(dnnl::matmul(description),
                                    {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}},
                                    description.scratchpad_desc());
    } catch (const dnnl::error& error) {
      fail_onednn("dot_general", error);
    }
  }

  // Made when a graph asks for it; null where the operands must be copied or there is no packed layout.
  const PackedProduct* packed() const {
    if constexpr (!std::is_same_v<T, float>) return nullptr;
    const Product& p = product_;
    if (p.batches != 1 || p.copies() != 0 || p.lhs.transposed) return nullptr;
    std::call_once(made_, [this, &p] {
      const int64_t row = p.rhs.transposed ? 1 : p.rhs.leading;
      const int64_t column = p.rhs.transposed ? p.rhs.leading : 1;
      auto product = std::make_unique<PackedProduct>(
          PackedProduct::Sizes{p.m, p.k, p.n, p.lhs.leading, row, column, false, KERAS_ACT_LINEAR, 0});
      if (*product) packed_ = std::move(product);
    });
    return packed_.get();
  }

  OnednnPrimitive transposed_;
  mutable std::once_flag made_;
  mutable std::unique_ptr<const PackedProduct> packed_;
};

template <class T, class R>
class LoopDot final : public DotKernel {
 public:
  using DotKernel::DotKernel;

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Product& p = product_;
    const Elements lhs(p.lhs, in[0]), rhs(p.rhs, in[1]);
    R* const result = output_as<R>(out[0]);
    const int64_t row_work = std::max<int64_t>(1, p.n * p.k);
    parallel_for(p.batches * p.m, std::max<int64_t>(1, 65536 / row_work), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t i = row / p.m, r = row % p.m;
        gemm_loops(p.lhs.transposed, p.rhs.transposed, 1, p.n, p.k,
                   lhs.as<T>() + p.lhs.batch_offsets[i] + r * (p.lhs.transposed ? 1 : p.lhs.leading),
                   p.lhs.leading, rhs.as<T>() + p.rhs.batch_offsets[i], p.rhs.leading, false,
                   result + row * p.n, p.n);
      }
    });
  }
};

template <class T>
std::unique_ptr<keras_kernel> loop_dot(const keras_op& op, std::string& reason) {
  switch (op.outputs[0].dtype) {
    case KERAS_INT32:
      return std::make_unique<LoopDot<T, int32_t>>(plan(op));
    case KERAS_INT64:
      return std::make_unique<LoopDot<T, int64_t>>(plan(op));
    case KERAS_UINT32:
      return std::make_unique<LoopDot<T, uint32_t>>(plan(op));
    case KERAS_FLOAT32:
      return std::make_unique<LoopDot<T, float>>(plan(op));
    default:
      if (op.outputs[0].dtype == op.inputs[0].dtype) return std::make_unique<LoopDot<T, T>>(plan(op));
      reason = "no product of these integers in this dtype";
      return nullptr;
  }
}

std::unique_ptr<keras_kernel> make_dot(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_dot, reason);
  if (op.inputs[0].dtype != op.inputs[1].dtype) {
    reason = "the operands have different dtypes";
    return nullptr;
  }
  switch (op.inputs[0].dtype) {
    case KERAS_FLOAT32:
      return std::make_unique<FloatDot<float>>(plan(op));
    case KERAS_FLOAT64:
      return std::make_unique<FloatDot<double>>(plan(op));
    case KERAS_COMPLEX64:
      return std::make_unique<LoopDot<std::complex<float>, std::complex<float>>>(plan(op));
    case KERAS_BOOL:
      return loop_dot<bool>(op, reason);
    case KERAS_UINT8:
      return loop_dot<uint8_t>(op, reason);
    case KERAS_UINT16:
      return loop_dot<uint16_t>(op, reason);
    case KERAS_UINT32:
      return loop_dot<uint32_t>(op, reason);
    case KERAS_UINT64:
      return loop_dot<uint64_t>(op, reason);
    case KERAS_INT8:
      return loop_dot<int8_t>(op, reason);
    case KERAS_INT16:
      return loop_dot<int16_t>(op, reason);
    case KERAS_INT32:
      return loop_dot<int32_t>(op, reason);
    default:
      return loop_dot<int64_t>(op, reason);
  }
}

[[maybe_unused]] const bool registered = register_kernel("dot_general", make_dot, 10);

}  // namespace

}  // namespace keras::native
