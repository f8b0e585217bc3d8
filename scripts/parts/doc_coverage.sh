# SPDX-License-Identifier: Apache-2.0
# Every public name has a doc comment, and doxygen understands all of them.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
mkdir -p build/doxygen
doxygen docs/Doxyfile || die "doxygen found undocumented or misdocumented public names; they stand above."
