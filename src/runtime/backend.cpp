// SPDX-License-Identifier: Apache-2.0
#include "keras/runtime/backend.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include "keras/base/error.h"
#include "runtime/backend_choice.h"
#include "runtime/profiler.h"

namespace keras::internal {

namespace {

namespace fs = std::filesystem;

struct Loaded {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Backend>, std::less<>> by_name;
};

Loaded& loaded() {
  static Loaded* instance = new Loaded;  // NOLINT: tensors of static storage may outlive every other static
  return *instance;
}

void log_from_backend(int level, const char* message) {
  if (level >= 2) std::fprintf(stderr, "keras: %s\n", message);
}

const keras_host kHost = {sizeof(keras_host), KERAS_BACKEND_INTERFACE, &log_from_backend};

// Plug-ins lie where KERAS_BACKEND_PATH says (a list), else beside libkeras or in "keras" below it.
std::vector<fs::path> search_path() {
  std::vector<fs::path> out;
  if (const char* list = std::getenv("KERAS_BACKEND_PATH"); list != nullptr && *list != '\0') {
    std::string_view rest = list;
    while (!rest.empty()) {
      const size_t colon = rest.find(':');
      out.emplace_back(rest.substr(0, colon));
      rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    }
  }
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&search_path), &info) != 0 && info.dli_fname != nullptr) {
    const fs::path here = fs::path(info.dli_fname).parent_path();
    out.push_back(here);
    out.push_back(here / "keras");
  }
  return out;
}

fs::path find_library(std::string_view name) {
  for (const auto& dir : search_path()) {
    std::error_code ec;
    const fs::path file = dir / fmt::format("libkeras_{}.so", name);
    if (fs::exists(file, ec)) return file;
  }
  return {};
}

std::string joined(const std::vector<std::string>& names) {
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::unique_ptr<Backend> open(std::string_view name) {
  const fs::path path = find_library(name);
  if (path.empty()) {
    fail<ValueError>(
        {"backend", "The backend must be a known and installed one", fmt::format("'{}'", name),
         fmt::format("installed backends: {}; KERAS_CPP_BACKEND chooses one where KERAS_BACKEND is "
                     "meant for Python; KERAS_BACKEND_PATH names further folders with "
                     "libkeras_<name>.so",
                     joined(installed_backends()))});
  }
  // libgomp reads it once, when the plug-in brings it in: a short spin keeps workers awake between ops.
  setenv("GOMP_SPINCOUNT", "3000", 0);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    fail<BackendError>({"backend", fmt::format("The backend '{}' must load", name),
                        reason == nullptr ? path.string() : reason, "install the framework that it needs"});
  }
  using Open = int (*)(const keras_host*, keras_backend*);
  const auto open_backend = reinterpret_cast<Open>(dlsym(library, "keras_backend_open"));
  if (open_backend == nullptr) {
    fail<BackendError>({"backend", "A plug-in exports keras_backend_open", path.string(), ""});
  }
  keras_backend table{};
  table.struct_size = sizeof(table);
  const int status = open_backend(&kHost, &table);
  if (table.interface_version != KERAS_BACKEND_INTERFACE) {
    fail<BackendError>({"backend", "A plug-in must have the interface version of the library",
                        fmt::format("{}: version {}, library: version {}", path.string(),
                                    table.interface_version, KERAS_BACKEND_INTERFACE),
                        "rebuild the plug-in with this keras.cpp"});
  }
  if (status != KERAS_OK) {
    const char* reason = table.last_error != nullptr ? table.last_error() : "no reason given";
    fail<BackendError>({"backend", fmt::format("The backend '{}' must start", name), reason, ""});
  }
  watch_backend(reinterpret_cast<keras_set_profiler>(dlsym(library, "keras_backend_set_profiler")));
  return std::make_unique<Backend>(path.string(), library, table);
}

}  // namespace

Backend::Backend(std::string path, void* library, const keras_backend& table)
    : path_(std::move(path)), name_(table.name), library_(library), table_(table) {}

// A framework's threads and static state do not survive dlclose, so the library stays.
Backend::~Backend() { static_cast<void>(library_); }

void Backend::fail(keras_status status, std::string_view where, std::string_view received) const {
  const char* reason = table_.last_error();
  std::string what = reason == nullptr || *reason == '\0' ? "no reason given" : reason;
  if (!what.empty() && what.back() == '.') what.pop_back();
  const ErrorText text{where, what, std::string(received), ""};
  switch (status) {
    case KERAS_ERROR_VALUE:
      internal::fail<ValueError>(text);
    case KERAS_ERROR_UNSUPPORTED:
      internal::fail<UnsupportedError>(text);
    default:
      break;
  }
  const std::string sentence = fmt::format("The {} backend failed: {}", name_, what);
  internal::fail<BackendError>({where, sentence, std::string(received), ""});
}

DeviceMemory Backend::upload(const void* data, const TensorType& type) const {
  keras_buffer* buffer = nullptr;
  const keras_desc desc = to_desc(type);
  const keras_status status = table_.upload(0, &desc, data, &buffer);
  if (status != KERAS_OK) fail(status, "upload", type.to_string());
  return {this, buffer};
}

namespace {
keras_buffer* buffer_of(void* handle) { return static_cast<keras_buffer*>(handle); }
}  // namespace

void Backend::release(void* handle) const { table_.free(buffer_of(handle)); }

void Backend::download(void* handle, DType dtype, const Shape& shape, void* destination) const {
  const keras_desc desc = to_desc(TensorType{dtype, shape});
  check(table_.download(buffer_of(handle), &desc, destination), "download");
}

const void* Backend::map(void* handle, DType dtype, const Shape& shape) const {
  const keras_desc desc = to_desc(TensorType{dtype, shape});
  keras_view view{};
  if (table_.export_view(buffer_of(handle), &desc, &view) != KERAS_OK || view.device_type != 1)
    return nullptr;
  int64_t dense = 1;
  for (int i = desc.rank - 1; i >= 0; --i) {
    if (desc.shape[i] != 1 && view.strides[i] != dense) return nullptr;
    dense *= desc.shape[i];
  }
  return view.data;
}

std::string Backend::device_name(void* handle) const {
  return table_.device_name(table_.device_of(buffer_of(handle)));
}

std::vector<std::string> installed_backends() {
  std::vector<std::string> out;
  for (const auto& dir : search_path()) {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(dir, ec)) {
      const std::string file = entry.path().filename().string();
      if (file.starts_with("libkeras_") && file.ends_with(".so"))
        out.push_back(file.substr(9, file.size() - 12));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Backend& load_backend(std::string_view name) {
  auto& all = loaded();
  const std::lock_guard lock(all.mutex);
  if (const auto it = all.by_name.find(name); it != all.by_name.end()) return *it->second;
  return *all.by_name.emplace(std::string(name), open(name)).first->second;
}

Backend& current_backend() {
  Backend* chosen = chosen_backend.load(std::memory_order_acquire);
  return chosen != nullptr ? *chosen : choose_backend();
}

keras_desc to_desc(const TensorType& type) {
  keras_desc desc{};
  desc.dtype = static_cast<int32_t>(type.dtype);
  desc.rank = type.shape.rank();
  if (desc.rank > KERAS_MAX_RANK) {
    fail<UnsupportedError>({"tensor", fmt::format("A tensor has at most {} axes", KERAS_MAX_RANK),
                            type.shape.to_string(), "merge axes with reshape"});
  }
  for (int i = 0; i < desc.rank; ++i) desc.shape[i] = type.shape[static_cast<size_t>(i)].code();
  return desc;
}

keras_desc to_desc(const Tensor& tensor) { return to_desc(TensorType{tensor.dtype(), tensor.shape()}); }

TensorType to_type(const keras_desc& desc) {
  TensorType type{static_cast<DType>(desc.dtype), {}};
  for (int i = 0; i < desc.rank; ++i) type.shape.push_back(Dim::from_code(desc.shape[i]));
  return type;
}

Tensor adopt(const TensorType& type, DeviceMemory memory) {
  auto* impl = new TensorImpl;
  impl->dtype = type.dtype;
  impl->shape = type.shape;
  impl->device = std::move(memory);
  impl->device_ready.store(true, std::memory_order_release);
  return Tensor(impl);
}

void* device_handle(const Tensor& tensor, Backend& backend) {
  auto& impl = tensor.impl();
  if (!impl.device_ready.load(std::memory_order_acquire)) {
    if (impl.abstract != nullptr) fail<TypeError>({"apply", impl.abstract->why_unreadable(), "", ""});
    if (impl.dtype == DType::string) {
      fail<TypeError>(
          {"apply", "Ops take numbers; string tensors work in the preprocessing ops only", "", ""});
    }
  }
  const DeviceMemory& memory = impl.device_memory([&] {
    return backend.upload(impl.host.bytes.get(), {impl.dtype, impl.shape});
  });
  if (memory.owner() != &backend) {
    fail<ValueError>({"apply", "All operands of an op must live on one backend",
                      fmt::format("a tensor of another backend beside backend '{}'", backend.name()),
                      "copy it through the host with Tensor::copy(t.host_data(), t.shape(), t.dtype())"});
  }
  return memory.handle();
}

RunScope::RunScope() {
  if (const auto enter = current_backend().table().enter_run; enter != nullptr) enter();
}
RunScope::~RunScope() {
  if (const auto leave = current_backend().table().leave_run; leave != nullptr) leave();
}

}  // namespace keras::internal
