// SPDX-License-Identifier: Apache-2.0
// The command-line tool: one subcommand a file beside this one.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "backends_command.h"
#include "keras/base/error.h"

int main(int argc, char** argv) {
  CLI::App app("Keras in native C++", "keras");
  app.set_version_flag("--version", "keras.cpp " KERAS_VERSION);
  app.require_subcommand(1);

  keras::tool::BackendsRequest request;
  CLI::App* backends = app.add_subcommand(
      "backends", "Lists the installed backends, their versions and devices, and how they run each op");
  backends->add_option("names", request.names, "Only these backends");
  backends->add_flag("--list", request.list_only, "Without the table of ops");
  backends->add_flag("--markdown", request.markdown, "Tables for a page");
  backends->callback([&request] { keras::tool::print_backends(request); });

  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const keras::Error& error) {
    std::fprintf(stderr, "keras: %s\n", error.what());
    return 1;
  }
}
