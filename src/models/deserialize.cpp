// SPDX-License-Identifier: Apache-2.0
// Models from their configs.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "keras/base/error.h"
#include "keras/models/save.h"
#include "keras/models/sequential.h"
#include "nn/layer_operation.h"

namespace keras {

namespace {

using internal::fail;

bool is_keras_tensor_json(const Json& json) {
  return json.is_dict() && json.get("class_name") == Json("__keras_tensor__");
}

/// Objects that a file has in several places, by shared_object_id, while one file is being read.
thread_local std::map<int64_t, LayerHandle>* shared_layers = nullptr;

class SharingScope {
 public:
  SharingScope() : outer_(shared_layers) {
    if (outer_ == nullptr) shared_layers = &layers_;
  }
  ~SharingScope() { shared_layers = outer_; }
  SharingScope(const SharingScope&) = delete;
  SharingScope& operator=(const SharingScope&) = delete;

 private:
  std::map<int64_t, LayerHandle>* outer_;
  std::map<int64_t, LayerHandle> layers_;
};

/// Rebuilds the graph of a functional model's config, call by call.
class GraphReader {
 public:
  explicit GraphReader(const Json& config) : name_(config.get("name", "functional").as_string("name")) {
    for (const Json& item : config["layers"].as_list(name_)) add(item);
    call_all();
  }

  Nest ends(const Json& json, std::string_view where) {
    if (is_history(json)) {
      const std::string& operation = json[0].as_string();
      int64_t call = json[1].as_int(where);
      // A functional model's own node is counted first here.
      const auto it = items_.find(operation);
      const auto* layer = it != items_.end() && it->second.layer ? &*it->second.layer : nullptr;
      if (layer != nullptr && layer->class_name() == "Functional") --call;
      return result(operation, call, json[2].as_int(where));
    }
    if (json.is_dict()) {
      std::vector<Nest::Item> out;
      for (const auto& [key, item] : json.as_dict()) out.emplace_back(key, ends(item, where));
      return Nest::dict(std::move(out));
    }
    std::vector<Nest> out;
    for (const Json& item : json.as_list(where)) out.push_back(ends(item, where));
    return Nest(std::move(out));
  }

 private:
  struct Item {
    Json envelope;
    LayerHandle layer;  ///< none for a function of keras.ops
    std::vector<Json> nodes;
    std::vector<std::vector<Tensor>> calls;  ///< the results of each call
  };

  static bool is_history(const Json& json) {
    return json.is_list() && json.size() == 3 && json[0].is_string() && json[1].is_int() && json[2].is_int();
  }

  void add(const Json& envelope) {
    const std::string name = envelope.get("name", envelope["config"].get("name")).as_string(name_);
    Item item;
    item.envelope = envelope;
    const Json module = envelope.get("module");
    const bool function = module.is_string() && module.as_string().find(".ops") != std::string::npos;
    if (!function) {
      item.layer = deserialize_layer(envelope);
      if (const auto* input = dynamic_cast<layers::InputLayer*>(item.layer.shared().get())) {
        item.calls.push_back({input->output().tensor()});
      }
    }
    item.nodes = envelope["inbound_nodes"].as_list(name);
    order_.push_back(name);
    if (!items_.emplace(name, std::move(item)).second) {
      fail<ValueError>({name_, "All layers of a model need names of their own", "'" + name + "' twice", ""});
    }
  }

  // Calls come as soon as what they need is there; a shared layer's calls stay in their order.
  void call_all() {
    std::map<std::string, size_t> next;
    bool waiting = true;
    while (waiting) {
      waiting = false;
      bool moved = false;
      std::string blocked;
      for (const auto& name : order_) {
        auto& item = items_.at(name);
        for (size_t& n = next[name]; n < item.nodes.size(); ++n) {
          if (!ready(item.nodes[n])) {
            waiting = true;
            blocked = name;
            break;
          }
          item.calls.push_back(call(name, item, item.nodes[n]));
          moved = true;
        }
      }
      if (waiting && !moved) {
        fail<ValueError>({name_, "The graph in the config must be connected, and without cycles",
                          fmt::format("'{}' depends on a call that never happens", blocked), ""});
      }
    }
  }

  bool ready(const Json& json) const {
    if (is_keras_tensor_json(json)) {
      const Json& history = json["config"]["keras_history"];
      const auto it = items_.find(history[0].as_string(name_));
      if (it == items_.end()) {
        fail<ValueError>({name_, "A call's inputs must come from operations of the model",
                          "'" + history[0].as_string() + "'", ""});
      }
      return history[1].as_int(name_) < static_cast<int64_t>(it->second.calls.size());
    }
    if (json.is_list()) {
      return std::all_of(json.as_list().begin(), json.as_list().end(),
                         [this](const Json& j) { return ready(j); });
    }
    if (json.is_dict()) {
      return std::all_of(json.as_dict().begin(), json.as_dict().end(),
                         [this](const auto& j) { return ready(j.second); });
    }
    return true;
  }

  Tensor result(const std::string& operation, int64_t call, int64_t index) const {
    const auto it = items_.find(operation);
    const auto in_range = [](int64_t i, size_t n) { return i >= 0 && i < static_cast<int64_t>(n); };
    if (it == items_.end() || !in_range(call, it->second.calls.size()) ||
        !in_range(index, it->second.calls[static_cast<size_t>(call)].size())) {
      fail<ValueError>({name_, "The config names results of operations of the model",
                        fmt::format("['{}', {}, {}]", operation, call, index), ""});
    }
    return it->second.calls[static_cast<size_t>(call)][static_cast<size_t>(index)];
  }

  Tensor tensor_of(const Json& json) const {
    if (!is_keras_tensor_json(json)) return {};
    const Json& history = json["config"]["keras_history"];
    return result(history[0].as_string(name_), history[1].as_int(name_), history[2].as_int(name_));
  }

  Nest nest_of(const Json& json) const {
    if (json.is_null()) return {};
    if (const Tensor t = tensor_of(json); t.defined()) return t;
    if (json.is_list()) {
      std::vector<Nest> out;
      for (const Json& item : json.as_list()) out.push_back(nest_of(item));
      return Nest(std::move(out));
    }
    if (json.is_dict() && !ObjectEnvelope::is_envelope(json)) {
      std::vector<Nest::Item> out;
      for (const auto& [key, item] : json.as_dict()) out.emplace_back(key, nest_of(item));
      return Nest::dict(std::move(out));
    }
    return FieldCodec<Tensor>::from_json(json, name_);
  }

  std::vector<Tensor> call(const std::string& name, Item& item, const Json& node) const {
    const Json& args = node["args"];
    Json kwargs = node.get("kwargs", Json::dict());
    if (!item.layer) {
      if (!item.calls.empty()) {
        fail<UnsupportedError>(
            {name_, "An operation that is no layer may be called once", "'" + name + "' called again", ""});
      }
      return apply_operation(item.envelope["class_name"].as_string(), item.envelope["config"], args, kwargs,
                             [this](const Json& json) { return tensor_of(json); });
    }
    // Inputs may have been given by name.
    std::vector<Nest> inputs;
    for (const Json& arg : args.as_list(name)) inputs.push_back(nest_of(arg));
    const auto signature = item.layer->call_signature();
    for (size_t i = inputs.size(); i < signature.inputs.size(); ++i) {
      for (const auto& key :
           {signature.inputs[i], std::string(signature.inputs.size() == 1 ? "sequence" : "")}) {
        if (key.empty() || !kwargs.contains(key)) continue;
        inputs.push_back(nest_of(kwargs[key]));
        kwargs.erase(key);
        break;
      }
      if (inputs.size() != i + 1) break;
    }
    const auto call_args = internal::call_args_from_json(*item.layer, kwargs,
                                                         [this](const Json& json) { return nest_of(json); });
    const Nest given = inputs.size() == 1 ? inputs[0] : Nest(std::move(inputs));
    return (*item.layer)(given, call_args).flatten();
  }

  std::string name_;
  std::vector<std::string> order_;
  std::map<std::string, Item> items_;
};

void refuse_unknown_keys(const Json& config, std::string_view where, const std::vector<std::string>& known) {
  for (const auto& [key, value] : config.as_dict(where)) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      internal::fail_unknown_name(where, "config key", key, known);
    }
  }
}

std::shared_ptr<Layer> functional_from_config(const Json& config) {
  const SharingScope sharing;
  refuse_unknown_keys(config, "Functional",
                      {"name", "trainable", "layers", "input_layers", "output_layers", "dtype"});
  LayerOptions options;
  options.name = config.get("name", "").as_string("name");
  options.trainable = config.get("trainable", true).as_bool("trainable");
  GraphReader reader(config);
  const Nest inputs = reader.ends(config["input_layers"], "input_layers");
  const Nest outputs = reader.ends(config["output_layers"], "output_layers");
  return std::make_shared<Model>(inputs, outputs, options);
}

std::shared_ptr<Layer> sequential_from_config(const Json& config) {
  const SharingScope sharing;
  refuse_unknown_keys(config, "Sequential", {"name", "trainable", "dtype", "layers", "build_input_shape"});
  LayerOptions options;
  options.name = config.get("name", "").as_string("name");
  options.dtype = FieldCodec<DTypePolicy>::from_json(config.get("dtype"), "dtype");
  std::vector<LayerHandle> items;
  for (const Json& item : config["layers"].as_list("Sequential")) items.push_back(deserialize_layer(item));
  auto model = std::make_shared<Sequential>(items, options);
  if (const Json shape = config.get("build_input_shape"); shape.is_list() && !model->built()) {
    model->ensure_built({FieldCodec<Shape>::from_json(shape, "build_input_shape")});
  }
  model->core().trainable = config.get("trainable", true).as_bool("trainable");
  return model;
}

ObjectEntry model_entry(const char* module, const char* class_name, std::vector<std::string> aliases = {}) {
  ObjectEntry entry;
  entry.category = ObjectCategory::layer;
  entry.module = module;
  entry.class_name = class_name;
  entry.aliases = std::move(aliases);
  return entry;
}

[[maybe_unused]] const bool functional_registered = register_object<Layer>(
    model_entry("keras.src.models.functional", "Functional", {"Model"}), functional_from_config);
[[maybe_unused]] const bool sequential_registered =
    register_object<Layer>(model_entry("keras", "Sequential"), sequential_from_config);

}  // namespace

namespace {

// A user's class goes by its registered name, or by its own name when the file has another package or none.
std::string known_name(const ObjectEnvelope& envelope) {
  const std::string& name = envelope.lookup_name();
  if (find_object(ObjectCategory::layer, name)) return name;
  for (const auto& entry : registered_objects(ObjectCategory::layer)) {
    if (entry->class_name == envelope.class_name && !entry->package.empty()) return entry->registered_name();
  }
  return name;
}

}  // namespace

LayerHandle deserialize_layer(const Json& json) {
  const SharingScope sharing;
  const Json id = json.get("shared_object_id");
  if (id.is_int()) {
    if (const auto it = shared_layers->find(id.as_int()); it != shared_layers->end()) return it->second;
  }
  const auto envelope = ObjectEnvelope::from_json(json, "layer");
  LayerHandle layer(
      make_object<Layer>(ObjectCategory::layer, known_name(envelope), envelope.config, envelope.class_name));
  if (auto* model = dynamic_cast<Model*>(layer.shared().get())) {
    const Json build = json.get("build_config");
    if (!model->built() && build.is_dict() && build.get("input_shape").is_list()) {
      model->ensure_built({FieldCodec<Shape>::from_json(build["input_shape"], "build_config")});
    }
    const Json compile = json.get("compile_config");
    if (compile.is_dict() && compile.size() > 0) compile_from_config(*model, compile);
  }
  if (id.is_int()) shared_layers->emplace(id.as_int(), layer);
  return layer;
}

}  // namespace keras
