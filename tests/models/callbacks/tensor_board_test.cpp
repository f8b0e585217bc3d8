// SPDX-License-Identifier: Apache-2.0
// TensorBoard's event files, read back by a reader of its own; tags, steps and places are those that Python
// Keras writes for the same training.
#include "keras/models/callbacks/tensor_board.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <map>

#include "keras/base/error.h"
#include "keras/nn/layers/embedding.h"
#include "keras/nn/layers/reshaping.h"
#include "keras/schema/json.h"
#include "models/callbacks/small_model.h"

namespace keras {
namespace {

// Bit by bit, unlike the library's table.
uint32_t slow_crc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int i = 0; i < 8; ++i) crc = (crc & 1u) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
  }
  return ~crc;
}
uint32_t masked(std::string_view bytes) {
  const uint32_t crc = slow_crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

template <class T>
T read(std::string_view bytes, size_t at) {
  T out;
  EXPECT_LE(at + sizeof(T), bytes.size());
  std::memcpy(&out, bytes.data() + at, sizeof(T));
  return out;
}

std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> out;
  for (size_t at = 0; at < file.size();) {
    const std::string_view length_bytes = std::string_view(file).substr(at, 8);
    const auto length = read<uint64_t>(file, at);
    EXPECT_EQ(read<uint32_t>(file, at + 8), masked(length_bytes));
    const std::string payload = file.substr(at + 12, length);
    EXPECT_EQ(read<uint32_t>(file, at + 12 + length), masked(payload));
    out.push_back(payload);
    at += 16 + length;
  }
  return out;
}

// The fields of a protocol buffer: varints as numbers, all else as bytes.
struct Field {
  uint64_t number = 0;
  std::string bytes;
};
using Message = std::multimap<int, Field>;

uint64_t varint(std::string_view bytes, size_t& at) {
  uint64_t out = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.at(at++));
    out |= static_cast<uint64_t>(byte & 0x7fu) << shift;
    if ((byte & 0x80u) == 0) return out;
  }
}

Message parse(std::string_view bytes) {
  Message out;
  for (size_t at = 0; at < bytes.size();) {
    const uint64_t key = varint(bytes, at);
    Field field;
    switch (key & 7u) {
      case 0:
        field.number = varint(bytes, at);
        break;
      case 1:
        field.bytes = bytes.substr(at, 8);
        at += 8;
        break;
      case 2: {
        const uint64_t size = varint(bytes, at);
        field.bytes = bytes.substr(at, size);
        at += size;
        break;
      }
      default:
        ADD_FAILURE() << "wire type " << (key & 7u);
        return out;
    }
    out.emplace(static_cast<int>(key >> 3), field);
  }
  return out;
}

const std::string& bytes_of(const Message& m, int field) { return m.find(field)->second.bytes; }
uint64_t number_of(const Message& m, int field) {
  const auto it = m.find(field);
  return it == m.end() ? 0 : it->second.number;
}

struct Entry {
  int64_t step = 0;
  std::string tag, plugin, content;
  uint64_t type = 0;
  std::vector<int64_t> shape;
  std::string data;
  std::vector<std::string> strings;
  float scalar() const { return read<float>(data, 0); }
};

std::vector<Entry> entries(const std::filesystem::path& directory) {
  std::vector<Entry> out;
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (!file.path().filename().string().starts_with("events.out.tfevents.")) continue;
    ++files;
    EXPECT_TRUE(file.path().string().ends_with(".v2"));
    const auto list = records(read_text(file.path()));
    EXPECT_EQ(bytes_of(parse(list.at(0)), 3), "brain.Event:2");
    for (size_t i = 1; i < list.size(); ++i) {
      const Message event = parse(list[i]);
      EXPECT_NEAR(read<double>(bytes_of(event, 1), 0), static_cast<double>(std::time(nullptr)), 100);
      const Message value = parse(bytes_of(parse(bytes_of(event, 5)), 1));
      const Message plugin = parse(bytes_of(parse(bytes_of(value, 9)), 1));
      const Message tensor = parse(bytes_of(value, 8));
      Entry entry;
      entry.step = static_cast<int64_t>(number_of(event, 2));
      entry.tag = bytes_of(value, 1);
      entry.plugin = bytes_of(plugin, 1);
      if (plugin.contains(2)) entry.content = bytes_of(plugin, 2);
      entry.type = number_of(tensor, 1);
      const Message shape = parse(bytes_of(tensor, 2));
      const auto [first, last] = shape.equal_range(2);
      for (auto it = first; it != last; ++it) {
        entry.shape.push_back(static_cast<int64_t>(number_of(parse(it->second.bytes), 1)));
      }
      if (tensor.contains(4)) entry.data = bytes_of(tensor, 4);
      const auto [from, to] = tensor.equal_range(8);
      for (auto it = from; it != to; ++it) entry.strings.push_back(it->second.bytes);
      out.push_back(entry);
    }
  }
  EXPECT_EQ(files, 1) << directory;
  return out;
}

// "tag@step" of every entry.
std::vector<std::string> outline(const std::vector<Entry>& list) {
  std::vector<std::string> out;
  for (const auto& e : list) out.push_back(e.tag + "@" + std::to_string(e.step));
  return out;
}

using Lines = std::vector<std::string>;

Sequential judged() {
  Sequential model({Input({1}), layers::Dense(1, {.kernel_initializer = "ones", .name = "dense"})},
                   {.name = "m"});
  model.compile({.optimizer = optimizers::SGD(0.125), .loss = "mse", .metrics = {"mae"}});
  return model;
}

TEST(TensorBoard, WritesEpochsAsKerasDoes) {
  const TemporaryDirectory directory;
  const auto [x, y] = points(70);
  auto model = judged();
  const auto history =
      model.fit(x, y,
                {.batch_size = 32,
                 .epochs = 2,
                 .verbose = 0,
                 .callbacks = {callbacks::TensorBoard({.log_dir = directory.path().string()})},
                 .validation_data = {x, y}});
  EXPECT_EQ(directory.names(), (Lines{"train", "validation"}));
  const auto train = entries(directory.path() / "train");
  EXPECT_EQ(outline(train), (Lines{"keras@0", "epoch_loss@0", "epoch_mae@0", "epoch_learning_rate@0",
                                   "epoch_loss@1", "epoch_mae@1", "epoch_learning_rate@1"}));
  EXPECT_EQ(train[0].plugin, "graph_keras_model");
  EXPECT_EQ(train[0].content, "1");
  EXPECT_EQ(train[0].type, 7u);
  EXPECT_EQ(Json::parse(train[0].strings.at(0))["config"]["name"].as_string(), "m");
  EXPECT_EQ(train[1].plugin, "scalars");
  EXPECT_EQ(train[1].type, 1u);
  EXPECT_TRUE(train[1].shape.empty());
  EXPECT_EQ(train[1].scalar(), static_cast<float>((*history)["loss"][0]));
  EXPECT_EQ(train[5].scalar(), static_cast<float>((*history)["mae"][1]));
  EXPECT_EQ(train[3].scalar(), 0.125f);
  const auto validation = entries(directory.path() / "validation");
  EXPECT_EQ(outline(validation), (Lines{"evaluation_loss_vs_iterations@3", "evaluation_mae_vs_iterations@3",
                                        "epoch_loss@0", "epoch_mae@0", "evaluation_loss_vs_iterations@6",
                                        "evaluation_mae_vs_iterations@6", "epoch_loss@1", "epoch_mae@1"}));
  EXPECT_EQ(validation[2].scalar(), static_cast<float>((*history)["val_loss"][0]));
}

TEST(TensorBoard, WritesBatchesByItsFrequency) {
  const auto [x, y] = points(70);
  const auto tags = [&, x = x, y = y](callbacks::UpdateFrequency frequency) {
    const TemporaryDirectory directory;
    auto model = judged();
    model.fit(x, y,
              {.batch_size = 32,
               .epochs = 2,
               .verbose = 0,
               .callbacks = {callbacks::TensorBoard(
                   {.log_dir = directory.path().string(), .write_graph = false, .update_freq = frequency})}});
    EXPECT_EQ(directory.names(), (Lines{"train"}));
    return outline(entries(directory.path() / "train"));
  };
  EXPECT_EQ(tags("batch"),
            (Lines{"batch_loss@1", "batch_mae@1", "batch_loss@2", "batch_mae@2", "batch_loss@3",
                   "batch_mae@3", "epoch_loss@0", "epoch_mae@0", "epoch_learning_rate@0", "batch_loss@4",
                   "batch_mae@4", "batch_loss@5", "batch_mae@5", "batch_loss@6", "batch_mae@6",
                   "epoch_loss@1", "epoch_mae@1", "epoch_learning_rate@1"}));
  EXPECT_EQ(tags(2), (Lines{"batch_loss@2", "batch_mae@2", "epoch_loss@0", "epoch_mae@0",
                            "epoch_learning_rate@0", "batch_loss@4", "batch_mae@4", "batch_loss@6",
                            "batch_mae@6", "epoch_loss@1", "epoch_mae@1", "epoch_learning_rate@1"}));
  EXPECT_THROW(callbacks::UpdateFrequency("step"), ValueError);
  EXPECT_THROW(callbacks::UpdateFrequency(0), ValueError);
}

TEST(TensorBoard, WritesHistogramsAndImagesOfWeights) {
  const TemporaryDirectory directory;
  Sequential model({Input({2}), layers::Dense(3, {.name = "dense"})}, {.name = "m"});
  model.set_weights({Tensor::from(std::vector<float>{0, 0.25f, 0.5f, 0.75f, 1, 1}, {2, 3}),
                     Tensor::from(std::vector<float>{2, 2, 2})});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse"});
  const Tensor x = Tensor::from(std::vector<float>(8, 1), {4, 2}),
               y = Tensor::from(std::vector<float>(12, 1), {4, 3});
  model.fit(x, y,
            {.epochs = 3,
             .verbose = 0,
             .callbacks = {callbacks::TensorBoard({.log_dir = directory.path().string(),
                                                   .histogram_freq = 2,
                                                   .write_graph = false,
                                                   .write_images = true,
                                                   .write_steps_per_second = true})}});
  const auto train = entries(directory.path() / "train");
  EXPECT_EQ(outline(train),
            (Lines{"epoch_loss@0", "epoch_learning_rate@0", "epoch_steps_per_second@0",
                   "m/dense/kernel/histogram@0", "m/dense/kernel/image@0", "m/dense/bias/histogram@0",
                   "m/dense/bias/image@0", "epoch_loss@1", "epoch_learning_rate@1",
                   "epoch_steps_per_second@1", "epoch_loss@2", "epoch_learning_rate@2",
                   "epoch_steps_per_second@2", "m/dense/kernel/histogram@2", "m/dense/kernel/image@2",
                   "m/dense/bias/histogram@2", "m/dense/bias/image@2"}));
  const Entry& kernel = train[3];
  EXPECT_EQ(kernel.plugin, "histograms");
  EXPECT_EQ(kernel.type, 2u);
  ASSERT_EQ(kernel.shape, (std::vector<int64_t>{30, 3}));
  const auto cell = [](const Entry& e, size_t row, size_t column) {
    return read<double>(e.data, 8 * (3 * row + column));
  };
  // Values 0, 1/4, 1/2, 3/4 and twice 1, in buckets of width 1/30.
  const std::map<size_t, double> counts = {{0, 1}, {7, 1}, {15, 1}, {22, 1}, {29, 2}};
  for (size_t row = 0; row < 30; ++row) {
    EXPECT_NEAR(cell(kernel, row, 0), static_cast<double>(row) / 30, 1e-12);
    EXPECT_NEAR(cell(kernel, row, 1), static_cast<double>(row + 1) / 30, 1e-12);
    const auto found = counts.find(row);
    EXPECT_EQ(cell(kernel, row, 2), found == counts.end() ? 0 : found->second) << row;
  }
  // Equal values stand in the last bucket.
  EXPECT_EQ(cell(train[5], 0, 0), 2);
  EXPECT_EQ(cell(train[5], 28, 2), 0);
  EXPECT_EQ(cell(train[5], 29, 2), 3);

  const Entry& image = train[4];
  EXPECT_EQ(image.plugin, "images");
  EXPECT_EQ(image.shape, (std::vector<int64_t>{3}));
  EXPECT_EQ(image.strings.at(0), "3");  // width
  EXPECT_EQ(image.strings.at(1), "2");
  const std::string& png = image.strings.at(2);
  ASSERT_TRUE(png.starts_with("\x89PNG\r\n\x1a\n"));
  const size_t data = png.find("IDAT");
  ASSERT_NE(data, std::string::npos);
  std::string pixels(8, '\0');  // two rows of a filter byte and three pixels
  uLongf size = static_cast<uLongf>(pixels.size());
  ASSERT_EQ(uncompress(reinterpret_cast<Bytef*>(pixels.data()), &size,
                       reinterpret_cast<const Bytef*>(png.data()) + data + 4,
                       static_cast<uLong>(png.size() - data - 4)),
            Z_OK);
  EXPECT_EQ(pixels, std::string("\0\0\x3f\x7f\0\xbf\xff\xff", 8));
}

TEST(TensorBoard, WritesEvaluationsAndTheProjector) {
  const TemporaryDirectory directory;
  const auto [x, y] = points(8);
  auto model = judged();
  model.fit(x, y, {.verbose = 0});
  model.evaluate(
      x, y, {.verbose = 0, .callbacks = {callbacks::TensorBoard({.log_dir = directory.path().string()})}});
  EXPECT_EQ(outline(entries(directory.path() / "train")), (Lines{"keras@0"}));
  EXPECT_EQ(outline(entries(directory.path() / "validation")),
            (Lines{"evaluation_loss_vs_iterations@1", "evaluation_mae_vs_iterations@1"}));

  const TemporaryDirectory other;
  Sequential words({Input({2}, {.dtype = "int32"}), layers::Embedding(4, 3, {.name = "words"}),
                    layers::Flatten(), layers::Dense(1)});
  words.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor ids = Tensor::from(std::vector<int32_t>{0, 1, 2, 3}, {2, 2});
  const auto fit = [&, y = y](const std::string& layer) {
    const std::map<std::string, std::string> labels = {{layer, "labels.tsv"}};
    words.fit(
        ids, Tensor::from(std::vector<float>{0, 1}, {2, 1}),
        {.verbose = 0,
         .callbacks = {callbacks::TensorBoard(
             {.log_dir = other.path().string(), .embeddings_freq = 1, .embeddings_metadata = labels})}});
  };
  fit("words");
  EXPECT_EQ(read_text(other.path() / "projector_config.pbtxt"),
            "embeddings {\n  tensor_name: \"layer_with_weights-0/embeddings/.ATTRIBUTES/VARIABLE_VALUE\"\n"
            "  metadata_path: \"labels.tsv\"\n}\n");
  EXPECT_TRUE(std::filesystem::exists(other.path() / "train" / "keras_embedding.ckpt-0.weights.h5"));
  EXPECT_THROW(fit("letters"), ValueError);
  EXPECT_THROW(callbacks::TensorBoard({.profile_batch = 2}), UnsupportedError);
}

}  // namespace
}  // namespace keras
