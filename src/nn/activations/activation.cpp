// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "keras/autodiff/remat.h"
#include "keras/base/error.h"
#include "keras/graph/op_attributes.h"
#include "keras/nn/activations.h"
#include "keras/ops/activation.h"
#include "keras/ops/numpy.h"
#include "nn/remat_call.h"

namespace keras {

namespace {

/// One of Keras' named functions.
struct NamedFunction {
  const char* name;
  Tensor (*function)(const Tensor&);
  int fused_kind;  ///< enumerator of keras_activation, or -1
};

// Keras' defaults differ between keras.activations and keras.ops (gelu is exact here, leaky_relu the same).
constexpr std::array kFunctions = {
    NamedFunction{"linear", [](const Tensor& x) { return x; }, KERAS_ACT_LINEAR},
    NamedFunction{"relu", [](const Tensor& x) { return ops::relu(x); }, KERAS_ACT_RELU},
    NamedFunction{"leaky_relu", [](const Tensor& x) { return ops::leaky_relu(x); }, -1},
    NamedFunction{"relu6", [](const Tensor& x) { return ops::relu6(x); }, KERAS_ACT_RELU6},
    NamedFunction{"softmax", [](const Tensor& x) { return ops::softmax(x); }, -1},
    NamedFunction{"celu", [](const Tensor& x) { return ops::celu(x); }, -1},
    NamedFunction{"elu", [](const Tensor& x) { return ops::elu(x); }, KERAS_ACT_ELU},
    NamedFunction{"mish", [](const Tensor& x) { return x * ops::tanh(ops::softplus(x)); }, -1},
    NamedFunction{"selu", [](const Tensor& x) { return ops::selu(x); }, -1},
    NamedFunction{"softplus", [](const Tensor& x) { return ops::softplus(x); }, -1},
    NamedFunction{"softsign", [](const Tensor& x) { return ops::softsign(x); }, -1},
    NamedFunction{"squareplus", [](const Tensor& x) { return ops::squareplus(x); }, -1},
    NamedFunction{"soft_shrink", [](const Tensor& x) { return ops::soft_shrink(x); }, -1},
    NamedFunction{"sparse_plus", [](const Tensor& x) { return ops::sparse_plus(x); }, -1},
    NamedFunction{"silu", [](const Tensor& x) { return ops::silu(x); }, KERAS_ACT_SILU},
    NamedFunction{"gelu", [](const Tensor& x) { return ops::gelu(x, false); }, KERAS_ACT_GELU},
    NamedFunction{"glu", [](const Tensor& x) { return ops::glu(x); }, -1},
    NamedFunction{"tanh", [](const Tensor& x) { return ops::tanh(x); }, KERAS_ACT_TANH},
    NamedFunction{"tanh_shrink", [](const Tensor& x) { return ops::tanh_shrink(x); }, -1},
    NamedFunction{"sigmoid", [](const Tensor& x) { return ops::sigmoid(x); }, KERAS_ACT_SIGMOID},
    NamedFunction{"sparse_sigmoid", [](const Tensor& x) { return ops::sparse_sigmoid(x); }, -1},
    NamedFunction{"exponential", [](const Tensor& x) { return ops::exp(x); }, -1},
    NamedFunction{"hard_sigmoid", [](const Tensor& x) { return ops::hard_sigmoid(x); },
                  KERAS_ACT_HARD_SIGMOID},
    NamedFunction{"hard_silu", [](const Tensor& x) { return ops::hard_silu(x); }, -1},
    NamedFunction{"hard_tanh", [](const Tensor& x) { return ops::hard_tanh(x); }, -1},
    NamedFunction{"hard_shrink", [](const Tensor& x) { return ops::hard_shrink(x); }, -1},
    NamedFunction{"log_sigmoid", [](const Tensor& x) { return ops::log_sigmoid(x); }, -1},
    NamedFunction{"log_softmax", [](const Tensor& x) { return ops::log_softmax(x); }, -1},
    NamedFunction{"sparsemax", [](const Tensor& x) { return ops::sparsemax(x); }, -1},
    NamedFunction{"threshold", [](const Tensor& x) { return ops::threshold(x, 0, 0); }, -1},
};

struct Alias {
  const char* alias;
  const char* name;
};
constexpr std::array kAliases = {Alias{"swish", "silu"}, Alias{"hard_swish", "hard_silu"}};

// A layer that was made in a RematScope of mode "activations" keeps nothing of the function's inside.
template <class F>
Tensor activate(const F& function, const Tensor& x) {
  return internal::RematActivations::on() ? remat(function)(x) : function(x);
}

class NamedActivation final : public Activation {
 public:
  explicit NamedActivation(const NamedFunction& row) : row_(row) {}
  std::string class_name() const override { return row_.name; }
  Tensor operator()(const Tensor& x) const override { return activate(row_.function, x); }
  int fused_kind() const override { return row_.fused_kind; }
  Json to_json() const override { return row_.name; }

 private:
  const NamedFunction& row_;
};

class CallableActivation final : public Activation {
 public:
  explicit CallableActivation(std::function<Tensor(const Tensor&)> f) : f_(std::move(f)) {}
  std::string class_name() const override { return "callable"; }
  Tensor operator()(const Tensor& x) const override { return activate(f_, x); }
  Json to_json() const override {
    internal::fail<UnsupportedError>({"activation",
                                      "A C++ callable without a registered name cannot be saved", "",
                                      "use an activation by name"});
  }

 private:
  std::function<Tensor(const Tensor&)> f_;
};

}  // namespace

std::shared_ptr<Activation> Activation::from_name(const std::string& name) {
  std::string wanted = name;
  for (const auto& a : kAliases) {
    if (wanted == a.alias) wanted = a.name;
  }
  std::vector<std::string> names;
  for (const auto& row : kFunctions) {
    if (wanted == row.name) return std::make_shared<NamedActivation>(row);
    names.emplace_back(row.name);
  }
  internal::fail_unknown_name("activations", "activation", name, names);
}

std::shared_ptr<Activation> Activation::from_callable(std::function<Tensor(const Tensor&)> f) {
  return std::make_shared<CallableActivation>(std::move(f));
}

}  // namespace keras
