// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "device.h"
#include "keras/runtime/backend_api.h"

/// What the host holds a reference to: any at::Tensor, of any strides, of the descriptor's sizes.
struct keras_buffer {
  explicit keras_buffer(at::Tensor value) : tensor(std::move(value)) {}
  std::atomic<int32_t> references{1};
  at::Tensor tensor;
};

namespace keras::aten {

using Values = std::vector<at::Tensor>;
/// A prepared op: results, then residuals. Called from several threads; writes to none of its operands, which
/// others may share.
using Run = std::function<Values(const Values&)>;
/// The same at the end of a graph, where `writable` says which operands may take their results. It does all
/// that can fail before it writes.
using RunInPlace = std::function<Values(const Values&, const std::vector<char>& writable)>;

/// Whether a kernel may put its result over an operand: nobody else sees the memory, and ATen allocated it.
/// The graph moves an operand into the kernel that reads it last.
bool is_spare(const at::Tensor& tensor);

}  // namespace keras::aten

struct keras_kernel {
  keras::aten::Run run;
  keras::aten::RunInPlace run_in_place;  // of update_many alone
  int residuals = 0;
  int32_t device = 0;
};

namespace keras::aten {

/// What an op throws; becomes a status code and last_error() at the border.
class Failure : public std::runtime_error {
 public:
  Failure(keras_status status, const std::string& what) : std::runtime_error(what), status_(status) {}
  keras_status status() const { return status_; }

 private:
  keras_status status_;
};

/// The exception in flight, whatever it is; called in a catch clause.
Failure failure_in_flight();

/// An op to be prepared.
class Call {
 public:
  explicit Call(const keras_op& op) : op_(op) {}
  template <class A>
  const A& attributes() const {
    return *static_cast<const A*>(op_.attributes);
  }
  const keras_op& op() const { return op_; }
  int inputs() const { return op_.num_inputs; }
  const keras_desc& input(int i) const { return op_.inputs[i]; }
  const keras_desc& output(int i) const { return op_.outputs[i]; }
  bool wants_residuals() const { return op_.wants_residuals != 0; }

 private:
  const keras_op& op_;
};

/// What an op's factory answers: how to run it, or nothing and the reason why not.
struct Answer {
  Answer(Run how, int extra = 0)
      : run(std::move(how)), residuals(extra) {}  // NOLINT: factories return lambdas
  template <class F, class = std::enable_if_t<std::is_invocable_r_v<Values, F, const Values&>>>
  Answer(F how, int extra = 0) : run(std::move(how)), residuals(extra) {}  // NOLINT
  static Answer no(std::string why) {
    Answer answer{Run{}};
    answer.reason = std::move(why);
    return answer;
  }
  Run run;
  RunInPlace run_in_place;
  int residuals = 0;
  std::string reason;
};
using Factory = Answer (*)(const Call&);

/// How the common part treats dtypes before a factory sees them.
enum Treatment : unsigned {
  kPlain = 0,
  kWiden = 1,     ///< float16 and bfloat16 operands come as float32, results go back
  kUnsigned = 2,  ///< right on uint16, uint32 and uint64 taken as signed numbers of the same bits
};
bool register_op(const char* name, Factory factory, unsigned treatment = kPlain);

/// The kernel of an op, or null with the reason why ATen does not run it for these operands.
std::unique_ptr<keras_kernel> make_kernel(const keras_op& op, std::string& reason);

// Dtypes. LibTorch 1.13 has no unsigned integers beyond 8 bits: they lie in signed ones.
at::ScalarType scalar_type(int32_t dtype);
bool is_float(int32_t dtype);    ///< float16 to float64
bool is_half(int32_t dtype);     ///< float16, bfloat16
bool is_integer(int32_t dtype);  ///< without bool
bool is_wide_unsigned(int32_t dtype);

inline at::IntArrayRef sizes_of(const keras_desc& desc) {
  return {desc.shape, static_cast<size_t>(desc.rank)};
}
inline at::IntArrayRef ints(const keras_list& list) { return {list.v, static_cast<size_t>(list.count)}; }
int64_t element_count(const keras_desc& desc);
/// Integer elements as int64 of the right value.
at::Tensor indices_of(const at::Tensor& tensor, int32_t dtype);
/// activation(x) of the op attributes' enumeration; undefined for an unknown one.
at::Tensor activate(const at::Tensor& x, int64_t activation, double alpha);

}  // namespace keras::aten
