// SPDX-License-Identifier: Apache-2.0
#include "ops/symbolic.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "keras/base/error.h"

namespace keras::internal {

namespace {

/// One parameter as operations.def writes it.
struct ParameterName {
  std::string name;
  std::optional<Json> otherwise;  ///< its default
  bool fixed = false;             ///< a config key that the C++ function does not have
};

/// A row of operations.def, taken apart.
struct Row {
  const OperationInfo* info;
  std::vector<ParameterName> parameters;
  std::vector<size_t> call_arguments;  ///< parameter indices, in the order of a node's arguments
  bool spread = false;                 ///< the last call argument's items are arguments of their own

  bool is_call_argument(size_t parameter) const {
    return std::find(call_arguments.begin(), call_arguments.end(), parameter) != call_arguments.end();
  }
};

// Cuts at commas outside of parentheses.
std::vector<std::string> pieces(std::string_view text) {
  std::vector<std::string> out;
  int depth = 0;
  std::string piece;
  for (const char c : text) {
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c == ',' && depth == 0) {
      out.push_back(std::move(piece));
      piece.clear();
    } else if (c != ' ' || !piece.empty()) {
      piece += c;
    }
  }
  if (!piece.empty()) out.push_back(std::move(piece));
  return out;
}

// A default as Python writes it.
Json parse_default(std::string text) {
  if (text == "None") return nullptr;
  if (text == "True") return true;
  if (text == "False") return false;
  for (char& c : text) {
    if (c == '\'') c = '"';
    if (c == '(') c = '[';
    if (c == ')') c = ']';
  }
  return Json::parse(text, "operations.def");
}

Row parse_row(const OperationInfo& info) {
  Row row{&info, {}, {}, false};
  for (std::string piece : pieces(info.parameters)) {
    ParameterName parameter;
    parameter.fixed = piece.starts_with("!");
    piece.erase(0, piece.find_first_not_of("!*"));
    const size_t equals = piece.find('=');
    parameter.name = piece.substr(0, equals);
    if (equals != std::string::npos) parameter.otherwise = parse_default(piece.substr(equals + 1));
    row.parameters.push_back(std::move(parameter));
  }
  for (std::string piece : pieces(info.call_arguments)) {
    row.spread = piece.starts_with("*");
    piece.erase(0, piece.find_first_not_of('*'));
    for (size_t i = 0; i < row.parameters.size(); ++i) {
      if (row.parameters[i].name == piece) row.call_arguments.push_back(i);
    }
  }
  return row;
}

const Row* find_row(std::string_view function) {
  static const auto rows = [] {
    std::map<std::string, Row, std::less<>> out;
    for (const auto& info : operation_infos()) out.emplace(info.function, parse_row(info));
    return out;
  }();
  const auto it = rows.find(function);
  return it == rows.end() ? nullptr : &it->second;
}

const Row& row_of(const FunctionType& type) {
  const Row* row = find_row(type.name);
  if (row == nullptr) {
    fail<UnsupportedError>({type.name, "This function cannot be a node of a functional model", "",
                            "call it in a layer's call() instead"});
  }
  return *row;
}

// Puts the leaves of a node's arguments into a copy of the function's arguments.
void place_arguments(const FunctionType& type, const Row& row, void* arguments, const Nest& args) {
  for (size_t k = 0; k < row.call_arguments.size(); ++k) {
    const size_t p = row.call_arguments[k];
    const auto& parameter = type.parameters[p];
    if (!parameter.tensors) continue;
    const bool rest = row.spread && k + 1 == row.call_arguments.size();
    if (rest) {
      const auto& list = args.list();
      parameter.from_nest(
          type.argument(arguments, p),
          Nest(std::vector<Nest>(list.begin() + static_cast<std::ptrdiff_t>(std::min(k, list.size())),
                                 list.end())));
    } else if (k < args.size()) {
      parameter.from_nest(type.argument(arguments, p), args[k]);
    }
  }
}

/// A function of keras.ops with its arguments, as an operation.
class FunctionOperation final : public Operation {
 public:
  FunctionOperation(std::string name, const FunctionType& type, std::shared_ptr<void> arguments)
      : Operation(std::move(name)), type_(type), row_(row_of(type)), arguments_(std::move(arguments)) {}

  std::string class_name() const override { return row_.info->class_name; }
  std::string module() const override { return row_.info->module; }

  Json get_config() const override {
    Json config = Json::dict({{"name", name()}});
    size_t index = 0;
    for (const auto& parameter : row_.parameters) {
      if (parameter.fixed) {
        config.set(parameter.name, *parameter.otherwise);
        continue;
      }
      const size_t p = index++;
      if (row_.is_call_argument(p)) continue;
      config.set(parameter.name, value_of(p));
    }
    return config;
  }

  std::vector<Tensor> call(const Nest& args, const Nest& kwargs) override {
    const auto arguments = type_.copy(arguments_.get());
    place_arguments(type_, row_, arguments.get(), args);
    if (kwargs.is_dict()) {
      for (const auto& [key, value] : kwargs.items()) place_named(arguments.get(), key, value);
    }
    return type_.invoke(arguments.get());
  }

  const std::shared_ptr<void>& arguments() const { return arguments_; }

  Json plain_argument(size_t position) const override {
    if (position >= row_.call_arguments.size()) return nullptr;
    const size_t p = row_.call_arguments[position];
    return type_.parameters[p].tensors ? Json() : value_of(p);
  }

 private:
  Json value_of(size_t p) const {
    const auto* codec = type_.parameters[p].codec;
    if (codec == nullptr) {
      fail<UnsupportedError>({row_.info->class_name, "A C++ callable cannot be written into a config",
                              "argument '" + row_.parameters[p].name + "'", ""});
    }
    return codec->to_json(type_.argument(arguments_.get(), p));
  }

  void place_named(void* arguments, const std::string& key, const Nest& value) const {
    for (size_t p = 0; p < type_.parameters.size(); ++p) {
      if (row_.parameters[p].name == key && type_.parameters[p].tensors) {
        type_.parameters[p].from_nest(type_.argument(arguments, p), value);
        return;
      }
    }
    fail<ValueError>(
        {row_.info->class_name, "The operation has no such tensor argument", "'" + key + "'", ""});
  }

  const FunctionType& type_;
  const Row& row_;
  std::shared_ptr<void> arguments_;
};

std::shared_ptr<FunctionOperation> from_config(const FunctionType& type, const Json& config) {
  const Row& row = row_of(type);
  const auto arguments = type.make();
  std::string name;
  std::vector<std::string> valid{"name"};
  size_t index = 0;
  for (const auto& parameter : row.parameters) {
    const std::string where = row.info->class_name + "." + parameter.name;
    const size_t p = parameter.fixed ? 0 : index++;
    const Json* given = config.find(parameter.name);
    valid.push_back(parameter.name);
    if (parameter.fixed) {
      if (given != nullptr && !(*given == *parameter.otherwise)) {
        fail<UnsupportedError>(
            {where, "Only the value " + parameter.otherwise->dump() + " is supported", given->dump(), ""});
      }
      continue;
    }
    const Json* value = given != nullptr ? given : parameter.otherwise ? &*parameter.otherwise : nullptr;
    if (value == nullptr || type.parameters[p].codec == nullptr) {
      if (row.is_call_argument(p)) continue;
      fail<ValueError>({where, "The config needs this key", config.dump(), ""});
    }
    type.parameters[p].codec->from_json(*value, type.argument(arguments.get(), p), where);
  }
  for (const auto& [key, value] : config.as_dict(row.info->class_name)) {
    if (std::find(valid.begin(), valid.end(), key) == valid.end()) {
      fail_unknown_name(row.info->class_name, "config key", key, valid);
    }
    if (key == "name" && value.is_string()) name = value.as_string();
  }
  return std::make_shared<FunctionOperation>(name.empty() ? auto_name(row.info->class_name) : name, type,
                                             arguments);
}

}  // namespace

bool starts_node(const Tensor& tensor) { return is_keras_tensor(tensor) && !AbstractEvaluation::running(); }

namespace {

std::map<std::string, const FunctionType*, std::less<>>& functions() {
  static std::map<std::string, const FunctionType*, std::less<>> instance;
  return instance;
}

}  // namespace

const FunctionType* find_function(std::string_view name) {
  const auto it = functions().find(name);
  return it == functions().end() ? nullptr : it->second;
}

std::vector<const FunctionType*> registered_functions() {
  std::vector<const FunctionType*> out;
  for (const auto& [name, type] : functions()) out.push_back(type);
  return out;
}

std::vector<std::string> parameter_names(const FunctionType& type) {
  std::vector<std::string> out;
  for (const auto& parameter : row_of(type).parameters) {
    if (!parameter.fixed) out.push_back(parameter.name);
  }
  return out;
}

std::shared_ptr<void> default_arguments(const FunctionType& type) {
  const auto arguments = type.make();
  size_t p = 0;
  for (const auto& parameter : row_of(type).parameters) {
    if (parameter.fixed) continue;
    const auto* codec = type.parameters[p].codec;
    if (parameter.otherwise && codec != nullptr) {
      codec->from_json(*parameter.otherwise, type.argument(arguments.get(), p), parameter.name);
    }
    ++p;
  }
  return arguments;
}

bool register_function(const FunctionType& type) {
  functions()[std::string(type.name)] = &type;
  const Row* row = find_row(type.name);
  if (row == nullptr) return false;
  ObjectEntry entry;
  entry.category = ObjectCategory::operation;
  entry.module = row->info->module;
  entry.class_name = row->info->class_name;
  return register_object<Operation>(std::move(entry),
                                    [&type](const Json& config) { return from_config(type, config); });
}

namespace {

std::vector<Tensor> record(const FunctionType& type, const std::shared_ptr<void>& arguments, std::string name,
                           const std::function<std::vector<Tensor>(const void*)>& evaluate) {
  const Row& row = row_of(type);
  std::vector<Nest> args;
  for (size_t k = 0; k < row.call_arguments.size(); ++k) {
    const size_t p = row.call_arguments[k];
    const auto& parameter = type.parameters[p];
    if (!parameter.tensors) {
      args.emplace_back();
      continue;
    }
    Nest nest = parameter.to_nest(type.argument(arguments.get(), p));
    if (row.spread && k + 1 == row.call_arguments.size()) {
      for (const Nest& item : nest.list()) args.push_back(item);
    } else {
      args.push_back(std::move(nest));
    }
  }
  for (size_t p = 0; p < type.parameters.size(); ++p) {
    if (row.is_call_argument(p) || !type.parameters[p].symbolic(type.argument(arguments.get(), p))) continue;
    fail<TypeError>({type.name, "This argument must be a constant, since a model's file stores its value",
                     "a KerasTensor for '" + row.parameters[p].name + "'", ""});
  }
  Nest inputs(std::move(args));
  const auto outputs = abstract_outputs(
      [&](const Nest& types) {
        const auto copied = type.copy(arguments.get());
        place_arguments(type, row, copied.get(), types);
        return evaluate(copied.get());
      },
      inputs);
  if (name.empty()) name = auto_name(row.info->class_name);
  auto operation = std::make_shared<FunctionOperation>(std::move(name), type, arguments);
  return record_node(std::move(operation), std::move(inputs), {}, outputs);
}

// A tensor argument of a file's node: KerasTensors, constants, and lists of both.
Nest tensors_from_json(const Json& json, std::string_view where,
                       const std::function<Tensor(const Json&)>& tensor_of) {
  if (json.is_null()) return {};
  if (const Tensor known = tensor_of(json); known.defined()) return known;
  if (json.is_list()) {
    const auto& items = json.as_list();
    const bool constant =
        std::none_of(items.begin(), items.end(), [](const Json& i) { return i.is_dict() || i.is_list(); });
    if (!constant) {
      std::vector<Nest> out;
      for (const Json& item : items) out.push_back(tensors_from_json(item, where, tensor_of));
      return Nest(std::move(out));
    }
  }
  return FieldCodec<Tensor>::from_json(json, where);
}

const FunctionType& function_of_class(std::string_view class_name) {
  std::vector<std::string> known;
  for (const auto& info : operation_infos()) {
    if (info.class_name != class_name) {
      known.push_back(info.class_name);
    } else if (const auto* type = find_function(info.function)) {
      return *type;
    }
  }
  fail_unknown_name("operation", "operation class", class_name, known);
}

}  // namespace

std::vector<Tensor> record_function(const FunctionType& type, const std::shared_ptr<void>& arguments,
                                    const std::function<std::vector<Tensor>(const void*)>& evaluate) {
  return record(type, arguments, {}, evaluate);
}

}  // namespace keras::internal

namespace keras {

std::vector<Tensor> apply_operation(std::string_view class_name, const Json& config, const Json& args,
                                    const Json& kwargs, const std::function<Tensor(const Json&)>& tensor_of) {
  using namespace internal;
  const FunctionType& type = function_of_class(class_name);
  const Row& row = row_of(type);
  const auto names = parameter_names(type);
  // Plain arguments go by the config's way, tensors are placed afterwards.
  Json merged = config;
  std::map<size_t, Nest> tensors;
  const auto place = [&](size_t p, const Json& value) {
    if (type.parameters[p].tensors) {
      tensors[p] = tensors_from_json(value, names[p], tensor_of);
    } else {
      merged.set(names[p], value);
    }
  };
  const auto& given = args.as_list(class_name);
  std::vector<Nest> rest;
  for (size_t k = 0; k < given.size(); ++k) {
    const bool spread = row.spread && k + 1 >= row.call_arguments.size();
    if (!spread && k >= row.call_arguments.size()) {
      fail<ValueError>({class_name,
                        fmt::format("The operation takes {} arguments", row.call_arguments.size()),
                        fmt::format("{}", given.size()), ""});
    }
    if (spread) {
      rest.push_back(tensors_from_json(given[k], class_name, tensor_of));
    } else {
      place(row.call_arguments[k], given[k]);
    }
  }
  if (row.spread) tensors[row.call_arguments.back()] = Nest(std::move(rest));
  for (const auto& [key, value] : kwargs.is_null() ? Json::Dict() : kwargs.as_dict(class_name)) {
    const auto it = std::find(names.begin(), names.end(), key);
    if (it == names.end()) fail_unknown_name(class_name, "argument", key, names);
    place(static_cast<size_t>(it - names.begin()), value);
  }
  const auto operation = from_config(type, merged);
  const auto arguments = type.copy(operation->arguments().get());
  for (const auto& [p, nest] : tensors) type.parameters[p].from_nest(type.argument(arguments.get(), p), nest);
  return record(type, arguments, operation->name(), type.invoke);
}

}  // namespace keras
