// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace keras::tool {

/// What `keras backends` is asked for.
struct BackendsRequest {
  std::vector<std::string> names;  ///< empty: every one that is installed
  bool list_only = false;          ///< no coverage table
  bool markdown = false;           ///< tables for a page
};

/// Prints what is installed, with versions and devices, and what each backend answers to each op. Throws
/// ValueError for a name that is not installed.
void print_backends(const BackendsRequest& request);

}  // namespace keras::tool
