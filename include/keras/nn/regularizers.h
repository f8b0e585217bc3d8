// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keras/nn/object.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// A penalty on a weight or an output (keras.regularizers.Regularizer): a scalar added to the loss.
class Regularizer : public Configurable {
 public:
  static constexpr ObjectCategory kCategory = ObjectCategory::regularizer;
  std::string module() const override { return "keras.regularizers"; }
  /// The penalty, a scalar in the dtype of x.
  virtual Tensor operator()(const Tensor& x) const = 0;
  /// "l1", "l2", "l1l2", "l1_l2", "orthogonal_regularizer", or a class name. Throws ValueError with the valid
  /// names.
  static std::shared_ptr<Regularizer> from_name(const std::string& name);
  /// A C++ function as a regularizer. It has no name, so a layer that has it cannot be saved.
  static std::shared_ptr<Regularizer> from_callable(std::function<Tensor(const Tensor&)> f);
};

/// Arguments of regularizers::L1.
struct L1Options {
  double l1 = 0.01;  ///< factor of the sum of magnitudes
};

/// Arguments of regularizers::L2.
struct L2Options {
  double l2 = 0.01;  ///< factor of the sum of squares
};

/// Arguments of regularizers::L1L2.
struct L1L2Options {
  double l1 = 0.0;  ///< factor of the sum of magnitudes
  double l2 = 0.0;  ///< factor of the sum of squares
};

/// Arguments of regularizers::OrthogonalRegularizer.
struct OrthogonalRegularizerOptions {
  double factor = 0.01;       ///< factor of the penalty
  std::string mode = "rows";  ///< "rows" or "columns": which vectors are to be orthogonal
};

template <>
struct FieldTable<L1Options> {
  static constexpr auto fields = field_list(field<&L1Options::l1>("l1", "Factor of the sum of magnitudes"));
};
template <>
struct FieldTable<L2Options> {
  static constexpr auto fields = field_list(field<&L2Options::l2>("l2", "Factor of the sum of squares"));
};
template <>
struct FieldTable<L1L2Options> {
  static constexpr auto fields = field_list(field<&L1L2Options::l1>("l1", "Factor of the sum of magnitudes"),
                                            field<&L1L2Options::l2>("l2", "Factor of the sum of squares"));
};
template <>
struct FieldTable<OrthogonalRegularizerOptions> {
  using O = OrthogonalRegularizerOptions;
  static constexpr auto fields = field_list(field<&O::factor>("factor", "Factor of the penalty"),
                                            field<&O::mode>("mode", "Which vectors are to be orthogonal"));
};

/// The regularizers of keras.regularizers. Factors must be finite and not negative: otherwise the
/// constructors throw ValueError.
namespace regularizers {

/// l1 * sum(|x|) (keras.regularizers.L1).
class L1 : public Configured<L1, Regularizer, L1Options> {
 public:
  static constexpr const char* kClassName = "L1";
  explicit L1(L1Options options = {});
  explicit L1(double l1) : L1(L1Options{l1}) {}
  Tensor operator()(const Tensor& x) const override;
};

/// l2 * sum(x^2) (keras.regularizers.L2).
class L2 : public Configured<L2, Regularizer, L2Options> {
 public:
  static constexpr const char* kClassName = "L2";
  explicit L2(L2Options options = {});
  explicit L2(double l2) : L2(L2Options{l2}) {}
  Tensor operator()(const Tensor& x) const override;
};

/// l1 * sum(|x|) + l2 * sum(x^2) (keras.regularizers.L1L2). By name ("l1_l2") it has Keras' defaults, which
/// are zeros.
class L1L2 : public Configured<L1L2, Regularizer, L1L2Options> {
 public:
  static constexpr const char* kClassName = "L1L2";
  explicit L1L2(L1L2Options options = {});
  /// Both factors by position.
  L1L2(double l1, double l2) : L1L2(L1L2Options{l1, l2}) {}
  Tensor operator()(const Tensor& x) const override;
};

/// factor times the mean magnitude of the products of different rows (or columns) of a matrix, each scaled
/// to length 1 (keras.regularizers.OrthogonalRegularizer). The call throws ValueError unless x is 2-D.
class OrthogonalRegularizer
    : public Configured<OrthogonalRegularizer, Regularizer, OrthogonalRegularizerOptions> {
 public:
  static constexpr const char* kClassName = "OrthogonalRegularizer";
  explicit OrthogonalRegularizer(OrthogonalRegularizerOptions options = {});
  explicit OrthogonalRegularizer(double factor, const std::string& mode = "rows")
      : OrthogonalRegularizer(OrthogonalRegularizerOptions{factor, mode}) {}
  Tensor operator()(const Tensor& x) const override;
};

}  // namespace regularizers
}  // namespace keras
