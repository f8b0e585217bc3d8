// SPDX-License-Identifier: Apache-2.0
// What compile was given, as files have it.
#include "keras/base/error.h"
#include "keras/models/model.h"
#include "keras/models/save.h"
#include "models/trainer_state.h"

namespace keras {

namespace {

Json spec_to_json(const LossSpec& spec) {
  return spec.loss() ? serialize_object(*spec.loss()) : Json(spec.name());
}
Json spec_to_json(const MetricSpec& spec) {
  return spec.metric() ? serialize_object(*spec.metric()) : Json(spec.name());
}
Json spec_to_json(double weight) { return weight; }

template <class Leaf>
Json arg_to_json(const PerOutput<Leaf>& arg) {
  using Kind = typename PerOutput<Leaf>::Kind;
  switch (arg.kind()) {
    case Kind::none:
      return nullptr;
    case Kind::leaf:
      return spec_to_json(arg.leaf());
    case Kind::list: {
      Json::List out;
      for (const auto& item : arg.list()) out.push_back(arg_to_json(item));
      return out;
    }
    case Kind::dict: {
      Json out = Json::dict();
      for (const auto& [key, item] : arg.items()) out.set(key, arg_to_json(item));
      return out;
    }
  }
  return nullptr;
}

// A name, an envelope, or (an older form of a name) the envelope of a function.
std::optional<std::string> name_of(const Json& json, std::string_view where) {
  if (json.is_string()) return json.as_string();
  if (json.is_dict() && json.get("class_name") == Json("function")) return json["config"].as_string(where);
  return std::nullopt;
}

LossSpec loss_from_json(const Json& json) {
  if (auto name = name_of(json, "loss")) return LossSpec(std::move(*name));
  return LossSpec(FieldCodec<ObjectRef<Loss>>::from_json(json, "loss"));
}
MetricSpec metric_from_json(const Json& json) {
  if (auto name = name_of(json, "metrics")) return MetricSpec(std::move(*name));
  return MetricSpec(FieldCodec<ObjectRef<Metric>>::from_json(json, "metrics"));
}
double weight_from_json(const Json& json) { return json.as_real("loss_weights"); }

template <class Leaf, class F>
PerOutput<Leaf> arg_from_json(const Json& json, const F& leaf) {
  if (json.is_null()) return {};
  if (json.is_list()) {
    std::vector<PerOutput<Leaf>> items;
    for (const Json& item : json.as_list()) items.push_back(arg_from_json<Leaf>(item, leaf));
    return items;
  }
  if (json.is_dict() && !ObjectEnvelope::is_envelope(json)) {
    std::vector<typename PerOutput<Leaf>::Item> items;
    for (const auto& [key, item] : json.as_dict()) items.emplace_back(key, arg_from_json<Leaf>(item, leaf));
    return PerOutput<Leaf>::dict(std::move(items));
  }
  return leaf(json);
}

}  // namespace

Json compile_config(const Model& model) {
  if (!model.compiled()) return Json::dict();
  const auto& trainer = *model.trainer_state();
  const auto& o = trainer.options;
  return Json::dict({{"optimizer", serialize_object(*trainer.given_optimizer)},
                     {"loss", arg_to_json(o.loss)},
                     {"loss_weights", arg_to_json(o.loss_weights)},
                     {"metrics", arg_to_json(o.metrics)},
                     {"weighted_metrics", arg_to_json(o.weighted_metrics)},
                     {"run_eagerly", o.run_eagerly},
                     {"steps_per_execution", o.steps_per_execution},
                     {"jit_compile", o.jit_compile ? Json(*o.jit_compile) : Json("auto")}});
}

void compile_from_config(Model& model, const Json& config) {
  CompileOptions options;
  for (const auto& [key, value] : config.as_dict("compile_config")) {
    if (key == "optimizer") {
      const auto name = name_of(value, key);
      options.optimizer =
          name ? ObjectRef<Optimizer>(*name) : FieldCodec<ObjectRef<Optimizer>>::from_json(value, key);
    } else if (key == "loss") {
      options.loss = arg_from_json<LossSpec>(value, loss_from_json);
    } else if (key == "loss_weights") {
      options.loss_weights = arg_from_json<double>(value, weight_from_json);
    } else if (key == "metrics") {
      options.metrics = arg_from_json<MetricSpec>(value, metric_from_json);
    } else if (key == "weighted_metrics") {
      options.weighted_metrics = arg_from_json<MetricSpec>(value, metric_from_json);
    } else if (key == "run_eagerly") {
      options.run_eagerly = value.as_bool(key);
    } else if (key == "steps_per_execution") {
      options.steps_per_execution = value.as_int(key);
    } else if (key == "auto_scale_loss") {
      options.auto_scale_loss = value.as_bool(key);
    } else if (key == "jit_compile") {
      if (value.is_bool()) options.jit_compile = value.as_bool();
    } else {
      internal::fail_unknown_name(model.name(), "compile_config key", key,
                                  {"optimizer", "loss", "loss_weights", "metrics", "weighted_metrics",
                                   "run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"});
    }
  }
  model.compile(options);
  if (model.built()) model.optimizer().build(model.trainable_variables());
}

}  // namespace keras
