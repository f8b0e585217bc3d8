# SPDX-License-Identifier: Apache-2.0
# The release build of library, backends, examples and tests.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
configure "$release_dir" -DCMAKE_BUILD_TYPE=Release -DKERAS_BUILD_TESTS=ON
build "$release_dir"
