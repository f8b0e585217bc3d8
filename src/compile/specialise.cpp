// SPDX-License-Identifier: Apache-2.0
#include "compile/program.h"
#include "keras/base/error.h"
#include "keras/graph/op.h"

namespace keras::internal {

namespace {

int64_t number(Dim d, const DimBindings& bindings, const std::string& where) {
  if (d.known()) return d.value();
  const auto value = bindings.evaluate(d);
  if (!value) {
    fail<ValueError>({where, "Every dimension of a traced program follows from those of its arguments",
                      "dimension " + d.to_string(), ""});
  }
  return *value;
}

TensorType with_numbers(const TensorType& type, const DimBindings& bindings, const std::string& where) {
  TensorType out{type.dtype, {}};
  for (const Dim d : type.shape) out.shape.push_back(Dim(number(d, bindings, where)));
  return out;
}

void bind_attributes(const OpDef& op, std::vector<uint8_t>& bytes, const DimBindings& bindings) {
  for (const AttributeField& field : op.attributes.fields) {
    if (field.kind != 'S') continue;
    auto& list = *reinterpret_cast<keras_list*>(bytes.data() + field.offset);
    for (int64_t i = 0; i < list.count; ++i) list.v[i] = number(Dim::from_code(list.v[i]), bindings, op.name);
  }
}

}  // namespace

std::shared_ptr<Graph> specialise(const Graph& graph, const DimBindings& bindings) {
  auto out = std::make_shared<Graph>(graph);
  for (TensorType& type : out->types()) type = with_numbers(type, bindings, "function");
  for (Graph::Node& node : out->nodes()) {
    bind_attributes(op_def(node.op), node.attributes, bindings);
    for (auto& region : node.regions) region = specialise(*region, bindings);
  }
  return out;
}

}  // namespace keras::internal
