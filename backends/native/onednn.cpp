// SPDX-License-Identifier: Apache-2.0
#include "onednn.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace keras::native {

namespace {

dnnl::stream& thread_stream() {
  thread_local dnnl::stream stream(onednn_engine());
  return stream;
}

void check(dnnl_status_t status, const char* what) {
  if (status != dnnl_success) {
    throw Failure(KERAS_ERROR_INTERNAL,
                  std::string("oneDNN: ") + what + " failed with status " + std::to_string(status));
  }
}

}  // namespace

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::primitive_attr onednn_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

bool append_activation(dnnl::primitive_attr& attributes, int64_t activation, double alpha) {
  dnnl::post_ops after;
  switch (activation) {
    case KERAS_ACT_LINEAR:
      return true;
    case KERAS_ACT_RELU:
      after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
      break;
    case KERAS_ACT_LEAKY_RELU:
      after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, static_cast<float>(alpha), 0.0f);
      break;
    case KERAS_ACT_RELU6:
      after.append_eltwise(1.0f, dnnl::algorithm::eltwise_clip, 0.0f, 6.0f);
      break;
    default:
      return false;
  }
  attributes.set_post_ops(after);
  return true;
}

struct OnednnPrimitive::Arguments {
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> list;

  explicit Arguments(const std::vector<Slot>& slots) {
    for (const Slot& slot : slots) {
      memories.push_back(dnnl::memory(slot.desc, onednn_engine(), nullptr));
      list.push_back({slot.argument, memories.back().get()});
    }
  }
};

struct OnednnPrimitive::State {
  dnnl::primitive primitive;
  std::vector<Slot> slots;
  size_t scratch_bytes = 0;
  std::optional<Arguments> held;
  std::atomic<bool> busy{false};
  std::mutex mutex;
  std::vector<std::unique_ptr<Arguments>> spare;  // of calls that overlapped others
  size_t spares = 0;                              // in all

  std::unique_ptr<Arguments> take_spare() {
    {
      const std::lock_guard lock(mutex);
      if (!spare.empty()) {
        auto arguments = std::move(spare.back());
        spare.pop_back();
        return arguments;
      }
      spare.reserve(++spares);  // so that giving back needs no memory
    }
    return std::make_unique<Arguments>(slots);
  }
  void give_back(std::unique_ptr<Arguments> arguments) {
    const std::lock_guard lock(mutex);
    spare.push_back(std::move(arguments));
  }
};

OnednnPrimitive::OnednnPrimitive(const dnnl::primitive& primitive, std::vector<Slot> slots,
                                 const dnnl::memory::desc& scratchpad)
    : state_(std::make_shared<State>()) {
  state_->primitive = primitive;
  state_->slots = std::move(slots);
  state_->scratch_bytes = scratchpad.get_size();
  if (state_->scratch_bytes > 0) state_->slots.push_back({DNNL_ARG_SCRATCHPAD, scratchpad});
  state_->held.emplace(state_->slots);
}

void OnednnPrimitive::execute(std::span<void* const> pointers) const {
  State& state = *state_;
  struct Lent {
    State& state;
    const bool first;
    std::unique_ptr<Arguments> own;
    explicit Lent(State& from) : state(from), first(!from.busy.exchange(true, std::memory_order_acquire)) {
      if (!first) own = state.take_spare();
    }
    ~Lent() {
      if (first) {
        state.busy.store(false, std::memory_order_release);
      } else {
        state.give_back(std::move(own));
      }
    }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;
  };
  Lent lent(state);
  Arguments& arguments = lent.first ? *state.held : *lent.own;
  std::optional<Scratch> scratch;
  dnnl_stream_t stream = thread_stream().get();
  for (size_t i = 0; i < pointers.size(); ++i) {
    check(dnnl_memory_set_data_handle_v2(arguments.list[i].memory, pointers[i], stream),
          "setting an argument");
  }
  if (state.scratch_bytes > 0) {
    scratch.emplace(state.scratch_bytes);
    check(dnnl_memory_set_data_handle_v2(arguments.list.back().memory, scratch->as<void>(), stream),
          "setting the scratchpad");
  }
  check(dnnl_primitive_execute(state.primitive.get(), stream, static_cast<int>(arguments.list.size()),
                               arguments.list.data()),
        "execution");
}

OnednnPrimitive onednn_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  if (from == to) return {};
  const dnnl::reorder::primitive_desc description(onednn_engine(), from, onednn_engine(), to,
                                                  onednn_attributes());
  return OnednnPrimitive(dnnl::reorder(description), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}},
                         description.scratchpad_desc());
}

void fail_onednn(const char* op, const dnnl::error& error) {
  throw Failure(error.status == dnnl_out_of_memory ? KERAS_ERROR_MEMORY : KERAS_ERROR_INTERNAL,
                std::string(op) + ": oneDNN: " + error.what());
}

}  // namespace keras::native
