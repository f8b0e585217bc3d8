# SPDX-License-Identifier: Apache-2.0
# Every native test; GoogleTest's own counts come from the reports that the test programs write.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
reports=$release_dir/test_reports
rm -rf "$reports"
export GTEST_OUTPUT=xml:$keras_root/$reports/
status=0
# Those of the other backends run in parts of their own.
run_ctest "$release_dir" "$release_dir/native_tests.log" -j "$(nproc)" -LE '^(torch|tensorflow)$' || status=$?
count() { cat "$reports"/*.xml 2>/dev/null | grep -c "<testcase .*result=\"$1\"" || true; }
printf 'GoogleTest cases: %s ran, %s skipped\n' "$(count completed)" "$(count skipped)"
grep -h -A1 '<testcase .*result="skipped"' "$reports"/*.xml 2>/dev/null |
  sed -n 's/.*<testcase name="\([^"]*\)".*classname="\([^"]*\)".*/  skipped: \2.\1/p;s/.*<skipped message="\([^"]*\)".*/    \1/p' |
  head -n 60 || true
exit "$status"
