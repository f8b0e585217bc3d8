// SPDX-License-Identifier: Apache-2.0
#include "builder.h"

namespace keras::tensorflow {
namespace {

class Eager final : public Builder {
 public:
  Values many(const char* name, int results, const std::vector<Operand>& operands,
              const std::vector<Attribute>& attributes) override {
    const Status status;
    const Owned<TFE_Op> op(TFE_NewOp(context(), name, status));
    status.check(name);
    for (const Operand& operand : operands) {
      if (operand.is_list) {
        std::vector<TFE_TensorHandle*> list;
        for (const Value& v : operand.values) list.push_back(v.handle.get());
        TFE_OpAddInputList(op.get(), list.data(), static_cast<int>(list.size()), status);
      } else {
        TFE_OpAddInput(op.get(), operand.values.front().handle.get(), status);
      }
      status.check(name);
    }
    for (const Attribute& a : attributes) set(op.get(), a);
    std::vector<TFE_TensorHandle*> out(static_cast<size_t>(results));
    int count = results;
    TFE_Execute(op.get(), out.data(), &count, status);
    status.check(name);
    Values values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); ++i) values[i].handle = share(out[i]);
    return values;
  }

  Value constant(TF_DataType type, const Sizes& sizes, const void* data) override {
    return {make_handle(type, sizes, data), {}};
  }
  TF_DataType type(const Value& x) const override { return TFE_TensorHandleDataType(x.handle.get()); }
  std::vector<int64_t> sizes(const Value& x) const override {
    const Status status;
    const int rank = TFE_TensorHandleNumDims(x.handle.get(), status);
    status.check("TFE_TensorHandleNumDims");
    std::vector<int64_t> out;
    for (int axis = 0; axis < rank; ++axis) out.push_back(TFE_TensorHandleDim(x.handle.get(), axis, status));
    status.check("TFE_TensorHandleDim");
    return out;
  }
  FunctionName function(const Values&, const std::function<Values(Builder&, const Values&)>&) override {
    throw Failure(KERAS_ERROR_UNSUPPORTED, "control flow runs inside compiled graphs");
  }

 private:
  struct Setter {
    TFE_Op* op;
    const char* name;
    void operator()(bool v) const { TFE_OpSetAttrBool(op, name, v ? 1 : 0); }
    void operator()(int64_t v) const { TFE_OpSetAttrInt(op, name, v); }
    void operator()(float v) const { TFE_OpSetAttrFloat(op, name, v); }
    void operator()(const std::string& v) const { TFE_OpSetAttrString(op, name, v.data(), v.size()); }
    void operator()(TF_DataType v) const { TFE_OpSetAttrType(op, name, v); }
    void operator()(const Sizes& v) const {
      TFE_OpSetAttrIntList(op, name, v.data(), static_cast<int>(v.size()));
    }
    void operator()(const std::vector<TF_DataType>& v) const {
      TFE_OpSetAttrTypeList(op, name, v.data(), static_cast<int>(v.size()));
    }
    void operator()(const FunctionName& v) const {
      TFE_OpSetAttrFunctionName(op, name, v.name.data(), v.name.size());
    }
  };
  static void set(TFE_Op* op, const Attribute& a) { std::visit(Setter{op, a.name}, a.value); }
};

}  // namespace

Builder& eager() {
  static Eager builder;
  return builder;
}

}  // namespace keras::tensorflow
