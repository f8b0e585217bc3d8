// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cmath>
#include <mutex>
#include <string_view>
#include <thread>

#include "backends/native/graph_builder.h"

// A batch goes through a chain of convolutions a few samples at a time; the numbers stay what they are.
namespace keras::native_test {
namespace {

// How many kernels of a name ran.
std::mutex counting;
std::vector<std::string> ran;

class KernelCount {
 public:
  KernelCount() {
    ran.clear();
    set([](const keras_profile_event* event) {
      const std::lock_guard lock(counting);
      ran.emplace_back(event->name);
    });
  }
  ~KernelCount() { set(nullptr); }
  int64_t of(std::string_view name) const {
    int64_t n = 0;
    for (const auto& kernel : ran) n += kernel == name ? 1 : 0;
    return n;
  }

 private:
  static void set(keras_profiler profiler) { table().set_profiler(profiler); }
};

keras_desc floats(const Shape& shape) { return make_desc(KERAS_FLOAT32, shape); }

ConvActivationAttributes window(int64_t stride, int64_t pad, int64_t groups, int64_t activation) {
  ConvActivationAttributes at{};
  at.strides = list({stride, stride});
  at.dilations = list({1, 1});
  at.pad_low = list({stride == 1 ? pad : 0, stride == 1 ? pad : 0});
  at.pad_high = list({pad, pad});
  at.groups = groups;
  at.activation = activation;
  return at;
}

PadAttributes around() {
  PadAttributes at{};
  at.low = at.high = list({0, 1, 1, 0});
  at.interior = list({0, 0, 0, 0});
  return at;
}

int32_t zero(GraphBuilder& g) {
  ConstantAttributes at{};
  at.dtype = KERAS_FLOAT32;
  return g.add("constant", at, {}, {floats({})});
}

// A chain of four convolutions with other ops between.
struct Chain {
  int64_t batch = 8, extent = 48, channels = 8;
  keras_use weights = KERAS_VARIABLE;
  std::vector<Array> operands = {};
  std::deque<GraphBuilder> regions = {};

  // Widened, filtered with stride 2, made thin, added to a pooled copy of the input, with a bias that is as
  // long as the batch; then the mean over positions, and a product.
  void build(GraphBuilder& g) {
    const int64_t n = batch, e = extent, h = extent / 2, c = channels, w = 6 * channels;
    const auto input = [&](const Shape& shape, keras_use use) {
      operands.push_back(uniform<float>(shape, -1, 1, static_cast<unsigned>(operands.size()) + 1));
      return g.input(floats(shape), use);
    };
    const auto x = input({n, e, e, c}, KERAS_KEEP);
    const auto k1 = input({1, 1, c, w}, weights), b1 = input({w}, weights);
    const auto k2 = input({3, 3, 1, w}, weights), b2 = input({w}, weights);
    const auto k3 = input({1, 1, w, c}, weights), b3 = input({c}, weights);
    const auto k4 = input({3, 3, c, c}, weights), b4 = input({c}, weights);
    const auto bias = input({c}, KERAS_KEEP);
    const auto per_sample = input({n, 1, 1, c}, KERAS_KEEP);
    const auto last = input({c, 5}, weights);
    const auto wide =
        g.add("conv_bias_act", window(1, 0, 1, KERAS_ACT_RELU6), {x, k1, b1}, {floats({n, e, e, w})});
    const auto deep =
        g.add("conv_bias_act", window(2, 1, w, KERAS_ACT_RELU6), {wide, k2, b2}, {floats({n, h, h, w})});
    const auto thin =
        g.add("conv_bias_act", window(1, 0, 1, KERAS_ACT_LINEAR), {deep, k3, b3}, {floats({n, h, h, c})});
    PoolAttributes pool{};
    pool.kind = KERAS_POOL_MAX;
    pool.window = pool.strides = list({2, 2});
    pool.pad_low = pool.pad_high = list({0, 0});
    const auto pooled = g.add("pool", pool, {x}, {floats({n, h, h, c})});
    const auto sum = g.add("add", {thin, pooled}, floats({n, h, h, c}));
    GraphBuilder& region = regions.emplace_back();  // (a + bias) * per_sample
    const auto a = region.input(floats({n, h, h, c})), b = region.input(floats({c})),
               s = region.input(floats({n, 1, 1, c}));
    region.output(
        region.add("mul", {region.add("add", {a, b}, floats({n, h, h, c})), s}, floats({n, h, h, c})));
    const auto fused =
        g.add("fusion", NoAttributes{}, {sum, bias, per_sample}, {floats({n, h, h, c})}, {region.graph()});
    const auto padded = g.add("pad", around(), {fused, zero(g)}, {floats({n, h + 2, h + 2, c})});
    const auto again =
        g.add("conv_bias_act", window(1, 0, 1, KERAS_ACT_SILU), {padded, k4, b4}, {floats({n, h, h, c})});
    ReduceAttributes positions{};
    positions.axes = list({1, 2});
    const auto mean = g.add("reduce_sum", positions, {again}, {floats({n, c})});
    DotAttributes product{};
    product.lhs_contract = list({1});
    product.rhs_contract = list({0});
    g.output(g.add("dot_general", product, {mean, last}, {floats({n, 5})}));
    g.output(fused);
  }
};

std::vector<Array> run(Chain chain) {
  GraphBuilder g;
  chain.build(g);
  return Executable(g).run(chain.operands);
}

void expect_close(const std::vector<Array>& got, const std::vector<Array>& wanted, const std::string& what) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t k = 0; k < got.size(); ++k) {
    ASSERT_EQ(got[k].count(), wanted[k].count());
    for (int64_t i = 0; i < got[k].count(); ++i) {
      const float value = wanted[k].data<float>()[i];
      ASSERT_NEAR(got[k].data<float>()[i], value, 1e-4f * (1 + std::abs(value)))
          << what << ", " << k << ", " << i;
    }
  }
}

TEST(BatchSlices, GiveWhatTheWholeBatchGives) {
  for (const int64_t batch : {2, 7, 8, 12}) {
    for (const int64_t extent : {48, 96}) {
      Chain chain{.batch = batch, .extent = extent};
      std::vector<Array> sliced, whole;
      {
        const KernelCount count;
        sliced = run(chain);
        EXPECT_EQ(count.of("batch_slices"), 1) << batch << ", " << extent;
        EXPECT_GT(count.of("conv_bias_act"), 4);
        EXPECT_EQ(count.of("conv_bias_act") % 4, 0);
        EXPECT_EQ(count.of("dot_general"), 1);
      }
      chain.weights = KERAS_KEEP;
      const KernelCount count;
      whole = run(chain);
      EXPECT_EQ(count.of("batch_slices"), 0);
      EXPECT_EQ(count.of("conv_bias_act"), 4);
      expect_close(sliced, whole, std::to_string(batch) + ", " + std::to_string(extent));
    }
  }
}

TEST(BatchSlices, AreNotMadeOfWhatTheCacheHolds) {
  for (const Chain& chain : {Chain{.batch = 1, .extent = 96}, Chain{.batch = 4, .extent = 8}}) {
    const KernelCount count;
    run(chain);
    EXPECT_EQ(count.of("batch_slices"), 0);
    EXPECT_EQ(count.of("conv_bias_act"), 4);
  }
}

// Statistics over the batch, and kernels made from it, need all of it.
TEST(BatchSlices, AreNotMadeAcrossSamples) {
  GraphBuilder g;
  const auto x = g.input(floats({8, 64, 64, 8})), k = g.input(floats({1, 1, 8, 64}), KERAS_VARIABLE),
             back = g.input(floats({1, 1, 64, 8}), KERAS_VARIABLE);
  ConvAttributes at{};
  at.strides = at.dilations = list({1, 1});
  at.pad_low = at.pad_high = list({0, 0});
  at.groups = 1;
  const auto wide = g.add("conv", at, {x, k}, {floats({8, 64, 64, 64})});
  ReduceAttributes over{};
  over.axes = list({0});
  over.keepdims = 1;
  const auto total = g.add("reduce_sum", over, {wide}, {floats({1, 64, 64, 64})});
  const auto centred = g.add("sub", {wide, total}, floats({8, 64, 64, 64}));
  g.output(g.add("conv", at, {centred, back}, {floats({8, 64, 64, 8})}));
  const KernelCount count;
  Executable(g).run({uniform<float>({8, 64, 64, 8}, -1, 1), uniform<float>({1, 1, 8, 64}, -1, 1),
                     uniform<float>({1, 1, 64, 8}, -1, 1)});
  EXPECT_EQ(count.of("batch_slices"), 0);
  EXPECT_EQ(count.of("conv"), 2);
}

TEST(BatchSlices, SeeNewWeights) {
  Chain chain;
  GraphBuilder g;
  chain.build(g);
  const Executable executable(g);
  const auto first = executable.run(chain.operands);
  Chain changed = chain;
  for (int64_t i = 0; i < 8; ++i) changed.operands[1].data<float>()[i] += 0.5f;
  const auto second = executable.run(changed.operands);
  EXPECT_NE(first[0].bytes, second[0].bytes);
  EXPECT_EQ(executable.run(chain.operands)[0].bytes, first[0].bytes);
}

TEST(BatchSlices, MayBeUsedByManyThreads) {
  Chain chain{.batch = 4};
  GraphBuilder g;
  chain.build(g);
  const Executable executable(g);
  const auto expected = executable.run(chain.operands);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 8; ++i) {
        const auto got = executable.run(chain.operands);
        if (got[0].bytes != expected[0].bytes || got[1].bytes != expected[1].bytes) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace keras::native_test
