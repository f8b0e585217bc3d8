// SPDX-License-Identifier: Apache-2.0
#include "compare/libtorch_models.h"

#include <cmath>
#include <stdexcept>

#include "compare/protocol.h"

namespace keras::compare::libtorch {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int64_t kVocabulary = 20000;

Tensor classified(const nn::Module& model, const Tensor& logits) {
  return model.is_training() ? logits : torch::softmax(logits, -1);
}

class Mlp : public Network {
 public:
  Mlp() {
    register_module("inner1", inner1_);
    register_module("inner2", inner2_);
    register_module("outer", outer_);
  }
  Tensor forward(const Tensor& x) override {
    return classified(*this, outer_(torch::relu(inner2_(torch::relu(inner1_(x))))));
  }

 private:
  nn::Linear inner1_{784, 512}, inner2_{512, 512}, outer_{512, 10};
};

class Cnn : public Network {
 public:
  Cnn() {
    register_module("conv1", conv1_);
    register_module("conv2", conv2_);
    register_module("inner", inner_);
    register_module("outer", outer_);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = torch::relu(conv2_(torch::relu(conv1_(x))));
    y = torch::dropout(torch::max_pool2d(y, 2), 0.25, is_training());
    y = torch::dropout(torch::relu(inner_(y.flatten(1))), 0.5, is_training());
    return classified(*this, outer_(y));
  }

 private:
  nn::Conv2d conv1_{nn::Conv2dOptions(1, 32, 3)}, conv2_{nn::Conv2dOptions(32, 64, 3)};
  nn::Linear inner_{9216, 128}, outer_{128, 10};
};

// A convolution without bias and its batch normalization, which fold() makes one convolution.
class NormalizedConvolution : public nn::Module {
 public:
  NormalizedConvolution(const nn::Conv2dOptions& options, double momentum)
      : conv_(nn::Conv2dOptions(options).bias(false)),
        norm_(nn::BatchNorm2dOptions(options.out_channels()).eps(1e-3).momentum(momentum)) {
    register_module("conv", conv_);
    register_module("norm", norm_);
  }
  Tensor forward(const Tensor& x) {
    if (folded_) return conv_(x);
    return norm_(conv_(x));
  }
  void fold() {
    const torch::NoGradGuard guard;
    const Tensor factor = norm_->weight / torch::sqrt(norm_->running_var + norm_->options.eps());
    conv_->weight.mul_(factor.reshape({-1, 1, 1, 1}));
    conv_->bias = norm_->bias - norm_->running_mean * factor;
    folded_ = true;
  }

 private:
  nn::Conv2d conv_;
  nn::BatchNorm2d norm_;
  bool folded_ = false;
};

using NormalizedConvolutionRef = std::shared_ptr<NormalizedConvolution>;

class ResNet20 : public Network {
 public:
  ResNet20() {
    first_ = normalized("first", nn::Conv2dOptions(3, 16, 3).padding(1));
    int64_t width = 16;
    for (const int64_t filters : {16, 32, 64}) {
      for (int i = 0; i < 3; ++i) {
        const int64_t stride = filters == width ? 1 : 2;
        const std::string name = std::to_string(blocks_.size());
        Block block;
        block.inner =
            normalized("inner" + name, nn::Conv2dOptions(width, filters, 3).stride(stride).padding(1));
        block.outer = normalized("outer" + name, nn::Conv2dOptions(filters, filters, 3).padding(1));
        if (stride == 2)
          block.projection = register_module(
              "projection" + name, nn::Conv2d(nn::Conv2dOptions(width, filters, 1).stride(2).bias(false)));
        blocks_.push_back(block);
        width = filters;
      }
    }
    register_module("last", last_);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = first_->forward(x).relu_();
    for (auto& block : blocks_) {
      const Tensor past = block.projection.is_empty() ? y : block.projection(y);
      y = block.outer->forward(block.inner->forward(y).relu_()).add_(past).relu_();
    }
    return classified(*this, last_(y.mean({2, 3})));
  }
  void prepare_inference() override {
    for (auto& module : normalized_) module->fold();
  }

 private:
  struct Block {
    NormalizedConvolutionRef inner, outer;
    nn::Conv2d projection{nullptr};
  };
  NormalizedConvolutionRef normalized(const std::string& name, const nn::Conv2dOptions& options) {
    normalized_.push_back(register_module(name, std::make_shared<NormalizedConvolution>(options, 0.01)));
    return normalized_.back();
  }
  std::vector<NormalizedConvolutionRef> normalized_;
  NormalizedConvolutionRef first_;
  std::vector<Block> blocks_;
  nn::Linear last_{64, 10};
};

class Lstm : public Network {
 public:
  Lstm() {
    register_module("words", words_);
    register_module("recurrent", recurrent_);
    register_module("last", last_);
    // Keras has one bias, LibTorch a second one that is added to it: that one stays zero.
    for (auto& parameter : recurrent_->named_parameters()) {
      if (parameter.key() != "bias_hh_l0") continue;
      parameter.value().set_requires_grad(false);
      parameter.value().zero_();
    }
  }
  Tensor forward(const Tensor& x) override {  // (steps, batch)
    const Tensor hidden = std::get<0>(std::get<1>(recurrent_(words_(x)))).squeeze(0);
    const Tensor logits = last_(hidden);
    return is_training() ? logits : torch::sigmoid(logits);
  }

 private:
  nn::Embedding words_{kVocabulary, 128};
  nn::LSTM recurrent_{nn::LSTMOptions(128, 128)};
  nn::Linear last_{128, 1};
};

class EncoderBlock : public nn::Module {
 public:
  EncoderBlock() {
    register_module("projection", projection_);
    register_module("output", output_);
    register_module("inner", inner_);
    register_module("outer", outer_);
    register_module("norm1", norm1_);
    register_module("norm2", norm2_);
  }
  Tensor forward(const Tensor& x) {
    const int64_t batch = x.size(0), length = x.size(1);
    const auto parts =
        projection_(x).reshape({batch, length, 3, kHeads, kWidth / kHeads}).permute({2, 0, 3, 1, 4});
    const Tensor query = parts[0] * (1 / std::sqrt(static_cast<double>(kWidth / kHeads)));
    const Tensor scores = torch::softmax(torch::matmul(query, parts[1].transpose(-1, -2)), -1);
    const Tensor attended = torch::matmul(scores, parts[2]).transpose(1, 2).reshape({batch, length, kWidth});
    const Tensor y = norm1_(x + torch::dropout(output_(attended), 0.1, is_training()));
    return norm2_(y + torch::dropout(outer_(torch::relu(inner_(y))), 0.1, is_training()));
  }

 private:
  static constexpr int64_t kWidth = 64, kHeads = 2;
  nn::Linear projection_{kWidth, 3 * kWidth}, output_{kWidth, kWidth}, inner_{kWidth, 128},
      outer_{128, kWidth};
  nn::LayerNorm norm1_{nn::LayerNormOptions({kWidth}).eps(1e-6)},
      norm2_{nn::LayerNormOptions({kWidth}).eps(1e-6)};
};

class Transformer : public Network {
 public:
  Transformer() {
    register_module("words", words_);
    register_module("places", places_);
    register_module("block1", block1_);
    register_module("block2", block2_);
    register_module("inner", inner_);
    register_module("last", last_);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = words_(x) + places_->weight;
    y = block2_->forward(block1_->forward(y)).mean(1);
    y = torch::relu(inner_(torch::dropout(y, 0.1, is_training())));
    return classified(*this, last_(torch::dropout(y, 0.1, is_training())));
  }

 private:
  nn::Embedding words_{kVocabulary, 64}, places_{200, 64};
  std::shared_ptr<EncoderBlock> block1_ = std::make_shared<EncoderBlock>();
  std::shared_ptr<EncoderBlock> block2_ = std::make_shared<EncoderBlock>();
  nn::Linear inner_{64, 20}, last_{20, 2};
};

class MobileNetV2 : public Network {
 public:
  MobileNetV2() {
    struct Stage {
      int64_t filters, stride, blocks, expansion;
    };
    first_ = normalized(nn::Conv2dOptions(3, 32, 3).stride(2).padding(1));
    int64_t width = 32;
    for (const Stage& stage : {Stage{16, 1, 1, 1}, Stage{24, 2, 2, 6}, Stage{32, 2, 3, 6}, Stage{64, 2, 4, 6},
                               Stage{96, 1, 3, 6}, Stage{160, 2, 3, 6}, Stage{320, 1, 1, 6}}) {
      for (int64_t i = 0; i < stage.blocks; ++i) {
        const int64_t stride = i == 0 ? stage.stride : 1, inner = width * stage.expansion;
        Block block;
        if (stage.expansion != 1) block.widen = normalized(nn::Conv2dOptions(width, inner, 1));
        block.filter = normalized(nn::Conv2dOptions(inner, inner, 3).stride(stride).padding(1).groups(inner));
        block.narrow = normalized(nn::Conv2dOptions(inner, stage.filters, 1));
        block.adds = stride == 1 && width == stage.filters;
        blocks_.push_back(block);
        width = stage.filters;
      }
    }
    last_ = normalized(nn::Conv2dOptions(width, 1280, 1));
    register_module("classes", classes_);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = first_->forward(x).clamp_(0, 6);
    for (auto& block : blocks_) {
      Tensor z = block.widen ? block.widen->forward(y).clamp_(0, 6) : y;
      z = block.narrow->forward(block.filter->forward(z).clamp_(0, 6));
      y = block.adds ? z.add_(y) : z;
    }
    y = last_->forward(y).clamp_(0, 6);
    return classified(*this, classes_(y.mean({2, 3})));
  }
  void prepare_inference() override {
    for (auto& module : normalized_) module->fold();
  }

 private:
  struct Block {
    NormalizedConvolutionRef widen, filter, narrow;
    bool adds = false;
  };
  NormalizedConvolutionRef normalized(const nn::Conv2dOptions& options) {
    const std::string name = "normalized" + std::to_string(normalized_.size());
    normalized_.push_back(register_module(name, std::make_shared<NormalizedConvolution>(options, 0.001)));
    return normalized_.back();
  }
  std::vector<NormalizedConvolutionRef> normalized_;
  NormalizedConvolutionRef first_, last_;
  std::vector<Block> blocks_;
  nn::Linear classes_{1280, 1000};
};

Tensor reals(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  const std::vector<float> values = real_values(count);
  return torch::tensor(values).reshape(shape);
}

Tensor integers(const std::vector<int64_t>& shape, int64_t below) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return torch::tensor(integer_values(count, below)).reshape(shape);
}

// Images and kernels with their channels last.
Recipe convolutional(std::shared_ptr<Network> model, const Tensor& images, const Tensor& classes, bool adam) {
  const torch::NoGradGuard guard;
  for (auto& parameter : model->parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
  return {std::move(model), images.permute({0, 3, 1, 2}).contiguous(at::MemoryFormat::ChannelsLast), classes,
          adam};
}

}  // namespace

Recipe make(const std::string& model, int64_t batch) {
  if (model == "mlp") return {std::make_shared<Mlp>(), reals({batch, 784}), integers({batch}, 10)};
  if (model == "cnn")
    return convolutional(std::make_shared<Cnn>(), reals({batch, 28, 28, 1}), integers({batch}, 10), true);
  if (model == "resnet20")
    return convolutional(std::make_shared<ResNet20>(), reals({batch, 32, 32, 3}), integers({batch}, 10),
                         false);
  if (model == "mobilenetv2")
    return convolutional(std::make_shared<MobileNetV2>(), reals({batch, 224, 224, 3}), {}, true);
  if (model == "lstm")
    return {std::make_shared<Lstm>(), integers({batch, 80}, kVocabulary).t().contiguous(),
            integers({batch, 1}, 2).to(torch::kFloat), true, true};
  if (model == "transformer")
    return {std::make_shared<Transformer>(), integers({batch, 200}, kVocabulary), integers({batch}, 2)};
  throw std::invalid_argument("there is no benchmark model '" + model + "'");
}

}  // namespace keras::compare::libtorch
