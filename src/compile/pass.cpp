// SPDX-License-Identifier: Apache-2.0
#include "compile/pass.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "compile/passes/list.h"
#include "keras/base/error.h"

namespace keras::internal {

namespace {

using PassFunction = void (*)(Graph&, const PassContext&);

struct Pass {
  PassInfo info;
  PassFunction run;
};

// clang-format off
const Pass kPasses[] = {
    {{"inline", "puts the bodies of call and custom_vjp in their place"}, inline_calls},
    {{"fold", "computes what depends on known values alone"}, fold_constants},
    {{"simplify", "removes ops that change nothing and joins chains of movements and conversions"}, simplify},
    {{"common", "computes equal expressions once"}, merge_common},
    {{"captures", "moves constants into regions; drops loop state, captures and results that nothing reads"}, sink_captures},
    {{"dead", "drops nodes that nothing reads"}, drop_dead},
    {{"softmax", "finds softmax, log_softmax and logsumexp in their parts"}, rewrite_softmax},
    {{"cross_entropy", "finds softmax_cross_entropy in log_softmax and gather, or logsumexp and gather"}, rewrite_cross_entropy},
    {{"norm", "finds layer_norm and rms_norm in their parts"}, rewrite_norm},
    {{"attention", "finds attention in product, softmax, product"}, rewrite_attention},
    {{"padding", "lets convolutions and their gradients pad with zeros by themselves"}, sink_padding},
    {{"linear", "joins matrix product, bias and activation to linear"}, rewrite_linear},
    {{"conv", "joins convolution, bias and activation to conv_bias_act"}, rewrite_conv},
    {{"batch_norm", "for inference: folds batch_norm_infer into the weights before it, or opens it for fusion"}, fold_batch_norm},
    {{"broadcasts", "lets elementwise ops broadcast by themselves"}, sink_broadcasts},
    {{"reshapes", "moves reshapes below elementwise ops where that lets them fuse"}, sink_reshapes},
    {{"updates", "joins optimizer updates of equal attributes to one"}, merge_updates},
    {{"casts", "widens again for a reader that comes much later, rather than keep the wide tensor until then"}, repeat_casts},
    {{"fuse", "joins elementwise ops over one shape to loops"}, fuse_elementwise},
};
// What runs, by name; "regions" stands for all of this, inside regions.
const char* const kOrder[] = {"inline", "fold", "simplify", "common", "captures", "regions", "captures", "dead",
                              "softmax", "cross_entropy", "norm", "attention", "padding", "linear", "conv", "batch_norm", "linear", "conv",
                              "fold", "simplify", "broadcasts", "reshapes", "simplify", "common", "updates", "dead", "casts", "fuse"};
// clang-format on

std::vector<std::string> from_environment() {
  std::vector<std::string> out;
  const char* text = std::getenv("KERAS_DISABLE_PASSES");
  if (text == nullptr) return out;
  std::string name;
  for (const char* c = text;; ++c) {
    if (*c != ',' && *c != '\0') {
      if (*c != ' ') name += *c;
      continue;
    }
    if (!name.empty()) out.push_back(std::move(name));
    name.clear();
    if (*c == '\0') return out;
  }
}

const Pass* find_pass(std::string_view name) {
  const auto* found = std::find_if(std::begin(kPasses), std::end(kPasses),
                                   [name](const Pass& p) { return name == p.info.name; });
  return found == std::end(kPasses) ? nullptr : found;
}

class Optimizer {
 public:
  explicit Optimizer(const PassOptions& options) : options_(options) {
    disable(options.disabled, "PassOptions.disabled");
    disable(from_environment(), "KERAS_DISABLE_PASSES");
  }

  void run(Graph& graph, bool region) {
    const PassContext context{options_, region};
    for (const std::string_view name : kOrder) {
      if (name == "regions") {
        run_regions(graph);
      } else if (!disabled_.contains(name)) {
        find_pass(name)->run(graph, context);
      }
    }
  }

 private:
  void disable(const std::vector<std::string>& names, const char* where) {
    for (const auto& name : names) {
      if (find_pass(name) == nullptr) fail_unknown_name(where, "pass", name, pass_names());
      disabled_.insert(name);
    }
  }

  void run_regions(Graph& graph) {
    for (auto& node : graph.nodes()) {
      if (node.op == OpId::host_call_op || node.op == OpId::fusion_op) continue;
      for (auto& region : node.regions) {
        auto& done = regions_[region.get()];
        if (done.second == nullptr) {
          auto copy = std::make_shared<Graph>(*region);
          run(*copy, true);
          regions_[region.get()] = {region, copy};  // held: another region must not get its address
          region = std::move(copy);
        } else {
          region = done.second;
        }
      }
    }
  }

  const PassOptions& options_;
  std::set<std::string, std::less<>> disabled_;
  std::map<const Graph*, std::pair<std::shared_ptr<const Graph>, std::shared_ptr<const Graph>>> regions_;
};

}  // namespace

void optimize(Graph& graph, const PassOptions& options) { Optimizer(options).run(graph, false); }

const std::vector<PassInfo>& all_passes() {
  static const std::vector<PassInfo> infos = [] {
    std::vector<PassInfo> out;
    for (const Pass& pass : kPasses) out.push_back(pass.info);
    return out;
  }();
  return infos;
}

std::vector<std::string> pass_names() {
  std::vector<std::string> out;
  for (const PassInfo& info : all_passes()) out.emplace_back(info.name);
  return out;
}

}  // namespace keras::internal
