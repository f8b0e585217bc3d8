// SPDX-License-Identifier: Apache-2.0
// The files that Python Keras wrote for the golden tests, and h5py as the reader of ours.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/temporary_file.h"
#include "checkout.h"
#include "data/zip_archive.h"
#include "hdf5_values.h"
#include "saving/hdf5/writer.h"

namespace keras::internal::hdf5 {
namespace {

std::string golden(const std::string& name) { return checkout::source_path("tests/golden/files/" + name); }

TEST(Hdf5FromKeras, EveryGoldenFileReadsWhole) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden(""))) {
    const std::string path = entry.path().string();
    SCOPED_TRACE(path);
    if (path.ends_with(".h5")) {
      EXPECT_GT(read_all(read_bytes(path)), 0u);
      ++count;
    } else if (path.ends_with(".keras")) {
      const ZipReader archive(path);
      EXPECT_GT(read_all(archive.view(*archive.find("model.weights.h5")).value()), 0u);
      ++count;
    }
  }
  EXPECT_GE(count, 20);
}

TEST(Hdf5FromKeras, SubclassedModel) {
  const Group root = Reader(golden("lenet.weights.h5")).root();
  EXPECT_EQ(root.names(),
            (std::vector<std::string>{"conv1", "conv2", "fc1", "fc2", "flatten", "layers", "vars"}));
  EXPECT_EQ(root.dataset("layers/dense_2/vars/0").shape(), (std::vector<uint64_t>{4, 3}));
  EXPECT_EQ(root.dataset("conv1/vars/0").byte_size(), 72u);
  const ZipReader archive(golden("lenet.keras"));
  const Group zipped = Reader(*archive.view(*archive.find("model.weights.h5")), "lenet.keras").root();
  EXPECT_EQ(zipped.dataset_paths(), root.dataset_paths());
}

TEST(Hdf5FromKeras, LegacyModel) {
  const Group root = Reader(golden("sequential.h5")).root();
  EXPECT_NE(root.attribute("model_config").as_text().find("\"Sequential\""), std::string::npos);
  const Group weights = root.group("model_weights");
  const auto layers = weights.attribute("layer_names").as_texts();
  ASSERT_FALSE(layers.empty());
  for (const auto& layer : layers) {
    for (const auto& name : weights.group(layer).attribute("weight_names").as_texts()) {
      EXPECT_GT(weights.group(layer).dataset(name).byte_size(), 0u) << name;
    }
  }
}

TEST(Hdf5FromKeras, H5pyReadsOurs) {
  const char* named = std::getenv("KERAS_PYTHON");
  const std::string python = named != nullptr ? named : "python3";
  if (std::system((python + " -c 'import h5py' >/dev/null 2>&1").c_str()) != 0) {
    GTEST_SKIP() << "h5py is not installed for " << python << "; KERAS_PYTHON may name another";
  }
  const TemporaryFile file("ours.h5");
  {
    AtomicFile sink(file.path());
    Writer writer(sink);
    writer.write_dataset("layers/dense/vars/0", Datatype::of(Element::kFloat32), Dataspace::simple({2, 3}),
                         bytes_of(ramp<float>(6)));
    writer.write_attribute("layers/dense/vars", Attribute::text("name", "naïve"));
    const std::vector<uint16_t> bfloats{0x3f80, 0x4000};
    writer.write_dataset("b", Datatype::of(Element::kBFloat16), Dataspace::simple({2}), bytes_of(bfloats));
    const std::vector<int8_t> flags{1, 0};
    writer.write_dataset("flags", Datatype::of(Element::kBool), Dataspace::simple({2}), bytes_of(flags));
    writer.write_attribute("/", Attribute::texts("texts", {"one", "", "three"}));
    writer.write_attribute("/", Attribute::fixed_texts("fixed", {"ab", "cde"}));
    for (int i = 0; i < 300; ++i) writer.create_group("many/g" + std::to_string(i));
    writer.finish();
    sink.commit();
  }
  // Appending makes libhdf5 change our trees and heaps, which it does only if they are consistent.
  const std::string code = R"(
import h5py, sys
f = h5py.File(sys.argv[1], "a")
assert f["layers/dense/vars/0"][:].tolist() == [[-1, -0.5, 0], [0.5, 1, 1.5]]
assert f["layers/dense/vars"].attrs["name"] == "na\xefve"
assert f["b"].dtype.kind == "V" and f["b"].attrs["dtype"] == "bfloat16"
assert f["flags"][:].tolist() == [True, False]
assert list(f.attrs["texts"]) == ["one", "", "three"]
assert f.attrs["fixed"].tolist() == [b"ab", b"cde"]
assert len(f["many"]) == 300
for i in range(100):
    f.create_group("many/new%d" % i)
    f["layers/dense/vars"].attrs["a%d" % i] = "x" * 50
del f["many/g7"]
f.close()
)";
  const TemporaryFile script("check.py");
  script.write(std::as_bytes(std::span(code)));
  ASSERT_EQ(std::system((python + " " + script.path() + " " + file.path()).c_str()), 0);
  const Group root = Reader(file.path()).root();
  EXPECT_EQ(root.group("many").groups().size(), 399u);
  EXPECT_EQ(root.group("layers/dense/vars").attribute("a99").as_text(), std::string(50, 'x'));
  EXPECT_EQ(values<float>(root.dataset("layers/dense/vars/0")), ramp<float>(6));
}

}  // namespace
}  // namespace keras::internal::hdf5
