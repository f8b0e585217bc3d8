# SPDX-License-Identifier: Apache-2.0
# Every public name has a doc comment (scripts/doc_coverage.py has the rules), and doxygen understands all of them.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
mkdir -p build/doxygen
python3 scripts/doc_coverage.py || die "the public names above lack a doc comment, or have one that doxygen cannot read."
