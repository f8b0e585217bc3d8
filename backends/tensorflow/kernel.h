// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "builder.h"

namespace keras::tensorflow {

/// Writes a prepared op: results, then residuals. Called from several threads.
using Write = std::function<Values(Builder&, const Values&)>;

struct TypedSizes {
  TF_DataType type;
  Sizes sizes;
};
/// A prepared op.
struct Kernel {
  Write write;
  int residuals = 0;
  std::string name;
  std::vector<TypedSizes> results;
};

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

/// What an op's factory answers: how to write it, or nothing and the reason why not.
struct Answer {
  template <class F, class = std::enable_if_t<std::is_invocable_r_v<Values, F, Builder&, const Values&>>>
  Answer(F how, int extra = 0)
      : write(std::move(how)), residuals(extra) {}  // NOLINT: factories return lambdas
  static Answer no(std::string why) {
    Answer answer{Write{}};
    answer.reason = std::move(why);
    return answer;
  }
  Write write;
  int residuals = 0;
  std::string reason;
};
using Factory = Answer (*)(const Call&);

/// How the common part treats dtypes before a factory sees them.
enum Treatment : unsigned {
  kPlain = 0,
  kWiden = 1,      ///< float16 and bfloat16 operands come as float32, results go back
  kBroadcast = 2,  ///< operands broadcast against each other
};
bool register_op(const char* name, Factory factory, unsigned treatment = kPlain);

/// The kernel of an op, or null with the reason why TensorFlow does not run it for these operands.
std::shared_ptr<const Kernel> make_kernel(const keras_op& op, std::string& reason);

/// Writes the op into a graph of its own, so that TensorFlow says whether it takes these dtypes and shapes.
/// Throws a Failure where it does not.
void probe(const Kernel& kernel, const keras_op& op);

bool has_elements(const keras_desc& desc);
/// Integers as the int64 that TensorFlow's indices are; a uint64 beyond them is outside every axis.
Value indices_of(Builder& b, const Value& x);
/// activation(x) of the op attributes' enumeration.
Value activate(Builder& b, const Value& x, int64_t activation, double alpha);

}  // namespace keras::tensorflow
