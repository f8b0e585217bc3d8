# SPDX-License-Identifier: Apache-2.0
# The Debian packages that this run needs.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
read -r -a sets <<<"${KERAS_PACKAGE_SETS:-build test}"
scripts/install_packages.sh "${sets[@]}"
