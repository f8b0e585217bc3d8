// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <random>
#include <string>

#include "backends/native/graph_builder.h"

// Regions of elementwise ops as one kernel: the same numbers as op by op (through "call"), bit by bit.
namespace keras::native_test {
namespace {

bool is_float(int32_t dtype) { return dtype >= KERAS_FLOAT16 && dtype <= KERAS_FLOAT64; }

// NaN has many names; everything else must be the same.
void expect_same(const Array& got, const Array& wanted, const std::string& what) {
  const auto a = as_double(got);
  const auto b = as_double(wanted);
  ASSERT_EQ(a.size(), b.size()) << what;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    ASSERT_TRUE(a[i] == b[i] && std::signbit(a[i]) == std::signbit(b[i]))
        << what << ", element " << i << ": " << a[i] << ", op by op " << b[i];
  }
}

Array draw(int32_t dtype, const Shape& shape, std::mt19937& engine) {
  Array result = empty(dtype, shape);
  std::uniform_real_distribution<float> real(-3, 3);
  for (int64_t i = 0; i < result.count(); ++i) {
    const float value = engine() % 11 == 0 ? 0.0f : real(engine);
    switch (dtype) {
      case KERAS_BOOL:
        result.data<bool>()[i] = engine() % 2 == 0;
        break;
      case KERAS_FLOAT16:
        result.data<Half>()[i] = static_cast<Half>(value);
        break;
      case KERAS_BFLOAT16:
        result.data<BFloat16>()[i] = static_cast<BFloat16>(value);
        break;
      case KERAS_FLOAT32:
        result.data<float>()[i] = value;
        break;
      case KERAS_FLOAT64:
        result.data<double>()[i] = static_cast<double>(value);
        break;
      case KERAS_UINT8:
        result.data<uint8_t>()[i] = static_cast<uint8_t>(engine());
        break;
      case KERAS_INT32:
        result.data<int32_t>()[i] = static_cast<int32_t>(engine() % 41) - 20;
        break;
      default:
        result.data<int64_t>()[i] = static_cast<int64_t>(engine() % 41) - 20;
    }
  }
  return result;
}

const std::vector<int32_t> kDtypes = {KERAS_FLOAT32, KERAS_FLOAT32, KERAS_BFLOAT16,
                                      KERAS_FLOAT16, KERAS_FLOAT64, KERAS_INT32,
                                      KERAS_UINT8,   KERAS_INT64,   KERAS_BOOL};

// A random region, its operands, and what is needed to call it.
class RandomRegion {
 public:
  RandomRegion(const Shape& shape, unsigned seed) : shape_(shape), engine_(seed) {
    const int operands = 1 + pick(4);
    for (int i = 0; i < operands; ++i) {
      const keras_desc desc =
          make_desc(kDtypes[static_cast<size_t>(pick(static_cast<int>(kDtypes.size())))], operand_shape());
      operands_.push_back(draw(desc.dtype, shape_of(desc), engine_));
      values_.push_back({region_.input(desc), desc});
    }
    const int ops = 1 + pick(14);
    for (int i = 0; i < ops; ++i) add_op();
    const int results = 1 + pick(3);
    for (int i = 0; i < results; ++i) {
      // The latest ones, or any.
      const size_t at = pick(3) == 0 ? static_cast<size_t>(pick(static_cast<int>(values_.size())))
                                     : values_.size() - 1 - static_cast<size_t>(i) % values_.size();
      add_result(values_[at]);
    }
  }

  GraphBuilder& region() { return region_; }
  const std::vector<Array>& operands() const { return operands_; }
  const std::vector<keras_desc>& results() const { return results_; }

 private:
  struct Value {
    int32_t number;
    keras_desc desc;
  };

  int pick(int count) { return static_cast<int>(engine_() % static_cast<unsigned>(count)); }

  Shape operand_shape() {
    Shape shape = shape_;
    const int kind = pick(5);
    if (kind == 0) return {};
    if (kind < 3) return shape;
    for (int64_t& extent : shape) {
      if (pick(2) == 0) extent = 1;
    }
    if (!shape.empty() && pick(2) == 0) shape.erase(shape.begin());
    return shape;
  }

  Value any() { return values_[static_cast<size_t>(pick(static_cast<int>(values_.size())))]; }

  // A value of this dtype: one there is, or a cast of one.
  Value of_dtype(int32_t dtype) {
    for (int i = 0; i < 6; ++i) {
      const Value v = any();
      if (v.desc.dtype == dtype) return v;
    }
    if (pick(3) == 0) {
      ConstantAttributes constant{};
      constant.dtype = dtype;
      constant.real = 0.5 + pick(3);
      constant.integer = 1 + pick(3);
      return push("constant", constant, {}, make_desc(dtype, {}));
    }
    const Value v = any();
    CastAttributes cast{};
    cast.dtype = dtype;
    return push("cast", cast, {v.number}, make_desc(dtype, shape_of(v.desc)));
  }

  template <class A>
  Value push(const char* op, const A& attributes, const std::vector<int32_t>& in, const keras_desc& desc) {
    const Value made{region_.add(op, attributes, in, {desc}), desc};
    values_.push_back(made);
    return made;
  }

  void add_op() {
    static const char* float_unary[] = {"neg",  "abs", "exp",   "tanh",    "sqrt", "relu",
                                        "sign", "log", "floor", "sigmoid", "erf",  "sin"};
    static const char* float_binary[] = {"add", "sub", "mul", "div", "maximum", "minimum", "pow"};
    static const char* integer_binary[] = {"add", "sub", "mul", "maximum", "minimum", "div"};
    const Value a = any();
    const int32_t dtype = a.desc.dtype;
    const int kind = pick(8);
    if (kind < 2 && dtype != KERAS_BOOL) {
      push(is_float(dtype) ? float_unary[pick(12)] : "neg", NoAttributes{}, {a.number}, a.desc);
    } else if (kind == 2) {
      const Value b = of_dtype(dtype);
      CompareAttributes compare{};
      compare.direction = pick(6);
      push("compare", compare, {a.number, b.number}, joined(KERAS_BOOL, {a, b}));
    } else if (kind == 3) {
      const Value choice = of_dtype(KERAS_BOOL);
      const Value b = of_dtype(dtype);
      push("select", NoAttributes{}, {choice.number, a.number, b.number}, joined(dtype, {choice, a, b}));
    } else if (kind == 4) {
      CastAttributes cast{};
      cast.dtype = kDtypes[static_cast<size_t>(pick(static_cast<int>(kDtypes.size())))];
      push("cast", cast, {a.number}, make_desc(static_cast<int32_t>(cast.dtype), shape_of(a.desc)));
    } else {
      const Value b = of_dtype(dtype);
      const char* op = is_float(dtype) ? float_binary[pick(7)] : integer_binary[pick(6)];
      if (dtype == KERAS_BOOL) op = integer_binary[pick(5)];
      push(op, NoAttributes{}, {a.number, b.number}, joined(dtype, {a, b}));
    }
  }

  static keras_desc joined(int32_t dtype, const std::vector<Value>& values) {
    Shape shape;
    for (const Value& v : values) shape = broadcast(shape, shape_of(v.desc));
    return make_desc(dtype, shape);
  }

  void add_result(Value v) {
    const keras_desc full = make_desc(v.desc.dtype, shape_);
    if (shape_of(v.desc) != shape_) {
      ShapeAttributes to{};
      to.shape = list(shape_);
      v = push("broadcast_to", to, {v.number}, full);
    }
    region_.output(v.number);
    results_.push_back(full);
  }

  Shape shape_;
  std::mt19937 engine_;
  GraphBuilder region_;
  std::vector<Value> values_;
  std::vector<Array> operands_;
  std::vector<keras_desc> results_;
};

// The region as `op`. Every other operand is made inside the graph, so that its memory may be taken over.
std::vector<Array> run_as(const char* op, RandomRegion& random) {
  GraphBuilder region = random.region();
  GraphBuilder g;
  std::vector<int32_t> in;
  for (const Array& operand : random.operands()) in.push_back(g.input(operand.desc));
  for (size_t i = 1; i < in.size(); i += 2) {
    const keras_desc& desc = random.operands()[i].desc;
    in[i] = g.add(desc.dtype == KERAS_BOOL ? "bit_not" : "abs", {in[i]}, desc);
  }
  const auto first = g.add(op, NoAttributes{}, in, random.results(), {region.graph()});
  for (size_t k = 0; k < random.results().size(); ++k) g.output(first + static_cast<int32_t>(k));
  const Executable executable(g);
  executable.run(random.operands());
  return executable.run(random.operands());
}

TEST(NativeFusion, RandomRegionsGiveWhatTheirOpsGive) {
  const std::vector<Shape> shapes = {{},           {1},          {7},    {3, 5},     {4, 1, 33},
                                     {2, 300},     {3, 5, 7},    {0, 4}, {1000, 64}, {3, 4097},
                                     {2, 3, 257},  {5, 4, 3, 2}, {9000}, {6, 1, 1},  {64, 3},
                                     {40, 1, 520}, {20, 30, 8}};
  unsigned seed = 0;
  for (int round = 0; round < 25; ++round) {
    for (const Shape& shape : shapes) {
      RandomRegion random(shape, ++seed);
      const auto wanted = run_as("call", random);
      const auto got = run_as("fusion", random);
      for (size_t k = 0; k < wanted.size(); ++k) {
        expect_same(got[k], wanted[k], "seed " + std::to_string(seed) + ", result " + std::to_string(k));
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

// Every pattern in which an operand can be repeated, beside one that is not.
TEST(NativeFusion, EveryBroadcastPattern) {
  std::mt19937 engine(3);
  for (const Shape& shape : {Shape{3, 4, 5}, Shape{6, 7, 300}, Shape{300, 2, 2}, Shape{2, 2, 5000}}) {
    for (int pattern = 0; pattern < 16; ++pattern) {
      Shape small = shape;
      for (size_t axis = 0; axis < 3; ++axis) {
        if ((pattern >> axis & 1) != 0) small[axis] = 1;
      }
      if ((pattern & 8) != 0) small.erase(small.begin());
      const keras_desc full = make_desc(KERAS_FLOAT32, shape);
      const keras_desc part = make_desc(KERAS_FLOAT32, small);
      const Array a = draw(KERAS_FLOAT32, shape, engine);
      const Array b = draw(KERAS_FLOAT32, small, engine);
      GraphBuilder region;
      const auto x = region.input(full);
      const auto y = region.input(part);
      const auto square = region.add("mul", {y, y}, part);
      region.output(region.add("add", {region.add("mul", {x, y}, full), square}, full));
      GraphBuilder g;
      const auto in = std::vector<int32_t>{g.input(full), g.input(part)};
      g.output(g.add("fusion", NoAttributes{}, in, {full}, {region.graph()}));
      const Array result = Executable(g).run({a, b})[0];
      for (int64_t i = 0; i < result.count(); ++i) {
        const float other = b.data<float>()[broadcast_index(i, shape, small)];
        const volatile float product = a.data<float>()[i] * other;
        const volatile float squared = other * other;
        ASSERT_EQ(result.data<float>()[i], product + squared) << pattern << ", " << i;
      }
    }
  }
}

// A result takes over an operand's memory only where that is read before it is written.
TEST(NativeFusion, ResultsInTheMemoryOfOperands) {
  const keras_desc line = make_desc(KERAS_FLOAT32, {5000});
  GraphBuilder region;
  const auto a = region.input(line);
  const auto b = region.input(line);
  const auto sum = region.add("add", {a, b}, line);        // last reader of a
  const auto product = region.add("mul", {sum, b}, line);  // last reader of b
  region.output(sum);
  region.output(product);
  GraphBuilder g;
  const auto x = g.input(line, KERAS_DONATE);
  const auto y = g.input(line, KERAS_DONATE);
  const auto first = g.add("fusion", NoAttributes{}, {x, y}, {line, line}, {region.graph()});
  g.output(first);
  g.output(first + 1);
  const Executable executable(g);
  const Array u = uniform<float>({5000}, -1, 1, 1);
  const Array v = uniform<float>({5000}, -1, 1, 2);
  keras_buffer* p = upload(u);
  keras_buffer* q = upload(v);
  std::vector<keras_tensor> out;
  ASSERT_EQ(executable.execute({{p, line}, {q, line}}, out), KERAS_OK);
  EXPECT_EQ(out[0].buffer, p);
  EXPECT_EQ(out[1].buffer, q);
  const Array sums = download(out[0].buffer, line);
  const Array products = download(out[1].buffer, line);
  for (int64_t i = 0; i < 5000; ++i) {
    const volatile float wanted = u.data<float>()[i] + v.data<float>()[i];
    ASSERT_EQ(sums.data<float>()[i], wanted);
    ASSERT_EQ(products.data<float>()[i], wanted * v.data<float>()[i]);
  }
  for (keras_buffer* buffer : {p, q, out[0].buffer, out[1].buffer}) table().free(buffer);
}

TEST(NativeFusion, DeclinesWhatIsNotElementwise) {
  const keras_desc line = make_desc(KERAS_FLOAT32, {8});
  GraphBuilder region;
  const auto a = region.input(line);
  region.output(region.add("cumulate", CumulateAttributes{}, {a}, {line}));
  GraphBuilder g;
  const auto x = g.input(line);
  g.output(g.add("fusion", NoAttributes{}, {x}, {line}, {region.graph()}));
  keras_executable* executable = nullptr;
  EXPECT_EQ(table().compile(0, g.graph(), &executable), KERAS_ERROR_UNSUPPORTED);
  EXPECT_NE(std::string(table().last_error()).find("cumulate is not elementwise"), std::string::npos)
      << table().last_error();
}

}  // namespace
}  // namespace keras::native_test
