// SPDX-License-Identifier: Apache-2.0
#include "runtime/config_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"
#include "keras/tensor/config.h"
#include "plugin_folder.h"

namespace keras {
namespace {

namespace fs = std::filesystem;

class Home {
 public:
  explicit Home(const std::string& json) {
    std::string pattern = (fs::temp_directory_path() / "keras_home_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
    if (!json.empty()) std::ofstream(file()) << json;
  }
  ~Home() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  const std::string& path() const { return path_; }
  std::string file() const { return path_ + "/keras.json"; }

 private:
  std::string path_;
};

TEST(ConfigFile, HoldsKerasKeysAndOurBackend) {
  const Home home(R"({"floatx": "float64", "epsilon": 1e-05, "backend": "tensorflow", "nnx_enabled": false,
                      "image_data_format": "channels_first", "cpp_backend": "torch"})");
  const auto file = internal::read_config_file(home.file());
  EXPECT_EQ(file.defaults.floatx, "float64");
  EXPECT_EQ(file.defaults.epsilon, 1e-5);
  EXPECT_EQ(file.defaults.image_data_format, "channels_first");
  EXPECT_EQ(file.backend, "torch");
}

TEST(ConfigFile, MayBeMissingOrSayLittle) {
  const Home none(""), empty("{}");
  for (const std::string& path : {none.file(), empty.file(), std::string()}) {
    const auto file = internal::read_config_file(path);
    EXPECT_FALSE(file.defaults.floatx || file.defaults.epsilon || file.defaults.image_data_format ||
                 file.backend);
  }
}

TEST(ConfigFile, RefusesWhatItCannotRead) {
  EXPECT_THROW(internal::read_config_file(Home("{\"floatx\": ").file()), ValueError);
  EXPECT_THROW(internal::read_config_file(Home("[1]").file()), ValueError);
  EXPECT_THROW(internal::read_config_file(Home(R"({"floatx": 32})").file()), TypeError);
  EXPECT_THROW(internal::read_config_file(Home(R"({"epsilon": "small"})").file()), TypeError);
}

// The file is read once a process, so its effect is seen in another one: this program, with one of the tests
// below, which are disabled for all others.
int run_child(const std::string& environment, const std::string& test) {
  const std::string program = fs::read_symlink("/proc/self/exe").string();
  return std::system(("unset KERAS_CPP_BACKEND KERAS_BACKEND GTEST_OUTPUT; " + environment + " '" + program +
                      "' --gtest_also_run_disabled_tests --gtest_filter=ConfigFileChild.DISABLED_" + test +
                      " >/dev/null 2>&1")
                         .c_str());
}

TEST(ConfigFileChild, DISABLED_SeesTheFile) {
  ASSERT_EQ(config::floatx(), DType::float64);
  ASSERT_EQ(config::epsilon(), 1e-5);
  ASSERT_EQ(config::image_data_format(), "channels_first");
  ASSERT_EQ(config::backend(), "special");
  config::set_floatx("float16");
  ASSERT_EQ(config::floatx(), DType::float16);
}

TEST(ConfigFileChild, DISABLED_SetsBeforeItReads) {
  config::set_floatx("float16");
  ASSERT_EQ(config::floatx(), DType::float16);
  ASSERT_EQ(config::epsilon(), 1e-5);
}

TEST(ConfigFileChild, DISABLED_SeesTheEnvironmentFirst) {
  ASSERT_EQ(config::backend(), std::getenv("KERAS_TEST_BACKEND"));
}

TEST(ConfigFileChild, DISABLED_PassesOverPythonsBackend) {
  ASSERT_EQ(config::floatx(), DType::float64);
  ASSERT_EQ(config::backend(), "native");
  ASSERT_EQ(internal::current_backend().name(), "native");
}

TEST(ConfigFileChild, DISABLED_IsSetInCodeBeforeTheFirstTensor) {
  ASSERT_THROW(config::set_backend("jax"), ValueError);
  ASSERT_EQ(config::backend(), "native") << "a name that fails changes nothing";
  const Tensor before = Tensor::from(std::vector<float>{1, 2});  // in host memory: on no backend yet
  config::set_backend("pair");
  ASSERT_EQ(config::backend(), "pair");
  ASSERT_EQ(internal::apply_op(OpId::exp_op, {before}).device(), "gpu:0");
  ASSERT_THROW(config::set_backend("native"), ValueError);
  config::set_backend("pair");
}

TEST(ConfigFileChild, DISABLED_RefusesTheFile) {
  ASSERT_THROW(config::floatx(), ValueError);
  ASSERT_THROW(config::set_epsilon(1.0), ValueError);
}

TEST(ConfigFileChild, DISABLED_NamesAnUnknownBackend) {
  try {
    internal::current_backend();
    FAIL() << "a backend was found";
  } catch (const ValueError& error) {
    const std::string name = std::getenv("KERAS_BACKEND");
    const std::string what = error.what();
    ASSERT_NE(what.find("'" + name + "'"), std::string::npos) << what;
    const size_t listed = what.find("installed backends: ");
    ASSERT_NE(listed, std::string::npos) << what;
    ASSERT_NE(what.find("native", listed), std::string::npos) << what;
  }
}

TEST(ConfigFile, DecidesDefaults) {
  const Home home(R"({"floatx": "float64", "epsilon": 1e-05, "backend": "jax",
                      "image_data_format": "channels_first", "cpp_backend": "special"})");
  const std::string at = "KERAS_HOME='" + home.path() + "'";
  EXPECT_EQ(run_child(at, "SeesTheFile"), 0);
  EXPECT_EQ(run_child(at, "SetsBeforeItReads"), 0);
  EXPECT_EQ(run_child(at + " KERAS_BACKEND=first KERAS_TEST_BACKEND=first", "SeesTheEnvironmentFirst"), 0);
  EXPECT_EQ(run_child(at + " KERAS_BACKEND=first KERAS_CPP_BACKEND=second KERAS_TEST_BACKEND=second",
                      "SeesTheEnvironmentFirst"),
            0);
  EXPECT_NE(run_child(at + " KERAS_BACKEND=first KERAS_TEST_BACKEND=other", "SeesTheEnvironmentFirst"), 0);
  // ~/.keras without KERAS_HOME.
  fs::create_directory(home.path() + "/.keras");
  fs::rename(home.file(), home.path() + "/.keras/keras.json");
  EXPECT_EQ(run_child("KERAS_HOME= HOME='" + home.path() + "'", "SeesTheFile"), 0);
  EXPECT_EQ(run_child("KERAS_HOME='~/.keras' HOME='" + home.path() + "'", "SeesTheFile"), 0);

  const Home wrong(R"({"floatx": "float8"})");
  EXPECT_EQ(run_child("KERAS_HOME='" + wrong.path() + "'", "RefusesTheFile"), 0);
  for (const char* name : {"jax", "numpy", "openvino"}) {
    EXPECT_EQ(run_child(std::string("KERAS_BACKEND=") + name, "NamesAnUnknownBackend"), 0) << name;
  }
  // Nothing was written.
  EXPECT_FALSE(fs::exists(home.file()));
}

TEST(ConfigFile, IsReadAndNeverWritten) {
  const std::string json = R"({"floatx": "float64", "backend": "tensorflow"})";
  const Home home(json);
  const auto written = fs::last_write_time(home.file());
  const std::string at = "KERAS_HOME='" + home.path() + "'";
  EXPECT_EQ(run_child(at, "PassesOverPythonsBackend"), 0);
  std::ifstream file(home.file());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), json);
  EXPECT_EQ(fs::last_write_time(home.file()), written);
  EXPECT_EQ(std::distance(fs::directory_iterator(home.path()), {}), 1) << "nothing beside it either";
}

TEST(ConfigFile, BackendsAreSetInCode) {
  const tests::PluginFolder folder;
  const Home home(R"({"backend": "jax"})");
  EXPECT_EQ(run_child("KERAS_HOME='" + home.path() + "'", "IsSetInCodeBeforeTheFirstTensor"), 0);
}

}  // namespace
}  // namespace keras
