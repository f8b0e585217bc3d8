// SPDX-License-Identifier: Apache-2.0
// Weights go into a .keras archive and come out of it without a copy in between.
#include <gtest/gtest.h>

#include "base/temporary_file.h"
#include "data/zip_archive.h"
#include "hdf5_values.h"
#include "saving/hdf5/writer.h"

namespace keras::internal::hdf5 {
namespace {

TEST(Hdf5InZip, StreamsInAndReadsInPlace) {
  const TemporaryFile file("model.keras");
  const auto weights = ramp<float>(100000);
  {
    ZipWriter archive(file.path());
    archive.add("metadata.json", {});
    Writer writer(archive.begin_member("model.weights.h5"));
    writer.write_dataset("layers/dense/vars/0", Datatype::of(Element::kFloat32),
                         Dataspace::simple({100, 1000}), bytes_of(weights));
    writer.write_attribute("layers/dense/vars", Attribute::text("name", "dense"));
    writer.finish();
    archive.end_member();
    archive.close();
  }
  const ZipReader archive(file.path());
  const auto member = archive.view(*archive.find("model.weights.h5"));
  ASSERT_TRUE(member.has_value());
  const Group root = Reader(*member, file.path() + ":model.weights.h5").root();
  const Dataset dataset = root.dataset("layers/dense/vars/0");
  EXPECT_EQ(values<float>(dataset), weights);
  ASSERT_TRUE(dataset.view().has_value());
  EXPECT_GE(dataset.view()->data(), member->data());
  EXPECT_EQ(root.group("layers/dense/vars").attribute("name").as_text(), "dense");
}

}  // namespace
}  // namespace keras::internal::hdf5
