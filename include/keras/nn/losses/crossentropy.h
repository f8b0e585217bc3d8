// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/nn/loss.h"

namespace keras {

/// Arguments of losses::BinaryCrossentropy.
struct BinaryCrossentropyOptions {
  bool from_logits = false;                              ///< y_pred are logits, not probabilities
  double label_smoothing = 0.0;                          ///< how far labels are moved towards 1/2
  int axis = -1;                                         ///< axis over which values are averaged
  Reduction reduction = Reduction::sum_over_batch_size;  ///< over the batch
  std::string name = "binary_crossentropy";
  std::optional<DType> dtype = {};
};

/// Arguments of losses::BinaryFocalCrossentropy.
struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;                    ///< weight the classes by alpha and 1 - alpha
  double alpha = 0.25;                                   ///< weight of class 1
  double gamma = 2.0;                                    ///< exponent of 1 - p
  bool from_logits = false;                              ///< y_pred are logits, not probabilities
  double label_smoothing = 0.0;                          ///< how far labels are moved towards 1/2
  int axis = -1;                                         ///< axis over which values are averaged
  Reduction reduction = Reduction::sum_over_batch_size;  ///< over the batch
  std::string name = "binary_focal_crossentropy";
  std::optional<DType> dtype = {};
};

/// Arguments of losses::CategoricalCrossentropy.
struct CategoricalCrossentropyOptions {
  bool from_logits = false;      ///< y_pred are logits, not probabilities
  double label_smoothing = 0.0;  ///< how far labels are moved towards the uniform distribution
  int axis = -1;                 ///< axis of the classes
  Reduction reduction = Reduction::sum_over_batch_size;  ///< over the batch
  std::string name = "categorical_crossentropy";
  std::optional<DType> dtype = {};
};

/// One factor for all classes, or one for each.
struct ClassFactors {
  ClassFactors(double factor) : values{factor} {}                                     // NOLINT: by design
  ClassFactors(std::vector<double> list) : single(false), values(std::move(list)) {}  // NOLINT
  ClassFactors(std::initializer_list<double> list) : single(false), values(list) {}   // NOLINT
  bool single = true;          ///< one factor for all classes
  std::vector<double> values;  ///< the factors
};

/// A number or a list.
template <>
struct FieldCodec<ClassFactors> {
  static std::string kind() { return "float or list of float"; }
  static Json to_json(const ClassFactors& value);
  static ClassFactors from_json(const Json& json, std::string_view where);
};

/// Arguments of losses::CategoricalFocalCrossentropy.
struct CategoricalFocalCrossentropyOptions {
  ClassFactors alpha = 0.25;     ///< factor of all values
  double gamma = 2.0;            ///< exponent of 1 - p
  bool from_logits = false;      ///< y_pred are logits, not probabilities
  double label_smoothing = 0.0;  ///< how far labels are moved towards the uniform distribution
  int axis = -1;                 ///< axis of the classes
  Reduction reduction = Reduction::sum_over_batch_size;  ///< over the batch
  std::string name = "categorical_focal_crossentropy";
  std::optional<DType> dtype = {};
};

/// Arguments of losses::SparseCategoricalCrossentropy.
struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;                              ///< y_pred are logits, not probabilities
  std::optional<int64_t> ignore_class = {};              ///< labels that count nothing, -1 in segmentation
  Reduction reduction = Reduction::sum_over_batch_size;  ///< over the batch
  int axis = -1;                                         ///< axis of the classes
  std::string name = "sparse_categorical_crossentropy";
  std::optional<DType> dtype = {};
};

/// Arguments of losses::CategoricalGeneralizedCrossEntropy.
struct CategoricalGeneralizedCrossEntropyOptions {
  double q = 0.5;  ///< between 0 (cross-entropy) and 1 (absolute error), both excluded
  Reduction reduction = Reduction::sum_over_batch_size;  ///< over the batch
  std::string name = "categorical_generalized_cross_entropy";
  std::optional<DType> dtype = {};
};

/// The rows of cross-entropies that take logits, smooth labels and have an axis.
template <class Options>
constexpr auto smoothed_crossentropy_fields() {
  return field_list(
      loss_fields<Options>(),
      field<&Options::from_logits>("from_logits", "y_pred are logits, not probabilities"),
      field<&Options::label_smoothing>("label_smoothing", "How far labels are moved towards equal"),
      field<&Options::axis>("axis", "Axis of the classes"));
}

template <>
struct FieldTable<BinaryCrossentropyOptions> {
  static constexpr auto fields = smoothed_crossentropy_fields<BinaryCrossentropyOptions>();
};
template <>
struct FieldTable<BinaryFocalCrossentropyOptions> {
  using O = BinaryFocalCrossentropyOptions;
  static constexpr auto fields = field_list(
      smoothed_crossentropy_fields<O>(),
      field<&O::apply_class_balancing>("apply_class_balancing", "Weight the classes by alpha"),
      field<&O::alpha>("alpha", "Weight of class 1"), field<&O::gamma>("gamma", "Exponent of 1 - p"));
};
template <>
struct FieldTable<CategoricalCrossentropyOptions> {
  static constexpr auto fields = smoothed_crossentropy_fields<CategoricalCrossentropyOptions>();
};
template <>
struct FieldTable<CategoricalFocalCrossentropyOptions> {
  using O = CategoricalFocalCrossentropyOptions;
  static constexpr auto fields = field_list(smoothed_crossentropy_fields<O>(),
                                            field<&O::alpha>("alpha", "Factor of all classes, or of each"),
                                            field<&O::gamma>("gamma", "Exponent of 1 - p"));
};
template <>
struct FieldTable<SparseCategoricalCrossentropyOptions> {
  using O = SparseCategoricalCrossentropyOptions;
  static constexpr auto fields = field_list(
      loss_fields<O>(), field<&O::from_logits>("from_logits", "y_pred are logits, not probabilities"),
      field<&O::ignore_class>("ignore_class", "Labels of this class count nothing"),
      field<&O::axis>("axis", "Axis of the classes"));
};
template <>
struct FieldTable<CategoricalGeneralizedCrossEntropyOptions> {
  using O = CategoricalGeneralizedCrossEntropyOptions;
  static constexpr auto fields =
      field_list(loss_fields<O>(), field<&O::q>("q", "Between cross-entropy (0) and absolute error (1)"));
};

namespace losses {

/// The mean over an axis of -y log(p) - (1 - y) log(1 - p) (keras.losses.binary_crossentropy).
Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits = false,
                           double label_smoothing = 0.0, int axis = -1);
/// binary_crossentropy with each term times (1 - p_t)^gamma, p_t being the probability of the true class
/// (keras.losses.binary_focal_crossentropy; Lin et al., 2018).
Tensor binary_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                 bool apply_class_balancing = false, double alpha = 0.25, double gamma = 2.0,
                                 bool from_logits = false, double label_smoothing = 0.0, int axis = -1);
/// -sum(y log(p)) over the axis of the classes; one-hot y and p have one shape
/// (keras.losses.categorical_crossentropy).
Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits = false,
                                double label_smoothing = 0.0, int axis = -1);
/// categorical_crossentropy with each term times alpha (1 - p)^gamma
/// (keras.losses.categorical_focal_crossentropy; Lin et al., 2018).
Tensor categorical_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                      const ClassFactors& alpha = 0.25, double gamma = 2.0,
                                      bool from_logits = false, double label_smoothing = 0.0, int axis = -1);
/// -log of the probability given to an integer class: y_true (...) or (..., 1), y_pred (..., classes), values
/// (...) (keras.losses.sparse_categorical_crossentropy). With ignore_class the values carry a mask.
Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits = false,
                                       std::optional<int64_t> ignore_class = {}, int axis = -1);
/// (1 - p^q) / q, p being the probability given to an integer class: y_true (...), y_pred (..., classes)
/// (keras.losses.categorical_generalized_cross_entropy; Zhang and Sabuncu, 2018).
Tensor categorical_generalized_cross_entropy(const Tensor& y_true, const Tensor& y_pred, double q);

/// binary_crossentropy, reduced (keras.losses.BinaryCrossentropy).
class BinaryCrossentropy : public ConfiguredLoss<BinaryCrossentropy, BinaryCrossentropyOptions> {
 public:
  static constexpr const char* kClassName = "BinaryCrossentropy";
  explicit BinaryCrossentropy(BinaryCrossentropyOptions options = {}) : ConfiguredLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

/// binary_focal_crossentropy, reduced (keras.losses.BinaryFocalCrossentropy).
class BinaryFocalCrossentropy
    : public ConfiguredLoss<BinaryFocalCrossentropy, BinaryFocalCrossentropyOptions> {
 public:
  static constexpr const char* kClassName = "BinaryFocalCrossentropy";
  explicit BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions options = {})
      : ConfiguredLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

/// categorical_crossentropy, reduced (keras.losses.CategoricalCrossentropy).
class CategoricalCrossentropy
    : public ConfiguredLoss<CategoricalCrossentropy, CategoricalCrossentropyOptions> {
 public:
  static constexpr const char* kClassName = "CategoricalCrossentropy";
  explicit CategoricalCrossentropy(CategoricalCrossentropyOptions options = {})
      : ConfiguredLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

/// categorical_focal_crossentropy, reduced (keras.losses.CategoricalFocalCrossentropy).
class CategoricalFocalCrossentropy
    : public ConfiguredLoss<CategoricalFocalCrossentropy, CategoricalFocalCrossentropyOptions> {
 public:
  static constexpr const char* kClassName = "CategoricalFocalCrossentropy";
  explicit CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions options = {})
      : ConfiguredLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

/// sparse_categorical_crossentropy, reduced (keras.losses.SparseCategoricalCrossentropy).
class SparseCategoricalCrossentropy
    : public ConfiguredLoss<SparseCategoricalCrossentropy, SparseCategoricalCrossentropyOptions> {
 public:
  static constexpr const char* kClassName = "SparseCategoricalCrossentropy";
  explicit SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {})
      : ConfiguredLoss(std::move(options)) {}
  Json get_config() const override;

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

/// categorical_generalized_cross_entropy, reduced (keras.losses.CategoricalGeneralizedCrossEntropy). Throws
/// ValueError unless 0 < q < 1.
class CategoricalGeneralizedCrossEntropy
    : public ConfiguredLoss<CategoricalGeneralizedCrossEntropy, CategoricalGeneralizedCrossEntropyOptions> {
 public:
  static constexpr const char* kClassName = "CategoricalGeneralizedCrossEntropy";
  explicit CategoricalGeneralizedCrossEntropy(CategoricalGeneralizedCrossEntropyOptions options = {});

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

}  // namespace losses
}  // namespace keras
