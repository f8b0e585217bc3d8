# SPDX-License-Identifier: Apache-2.0
# The benchmark programs build and run, each for a moment; figures are taken by hand (docs/benchmarks.md).
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
cmake -S . -B "$release_dir" -DKERAS_BUILD_BENCHMARKS=ON >/dev/null || die "CMake could not configure the benchmarks."
build "$release_dir" benchmarks/all backend_plugins
export OMP_NUM_THREADS=1 KERAS_BIND=0
for source in benchmarks/*.cpp; do
  program=$(basename "$source" .cpp)
  # Batches of 128 are for the stop watch.
  "$release_dir/bin/$program" --benchmark_min_time=0.001 --benchmark_filter='-/128/' ||
    die "the benchmark $program failed; what it printed stands above."
done

# The comparison of benchmarks/compare, of the programs in C++ alone: every model learns and every cell has a figure.
report=$(mktemp)
trap 'rm -f "$report"' EXIT
python3 benchmarks/compare/run.py --build "$release_dir" --peers keras-cpp,floor,floor-blocked,libtorch,keras-cpp-bf16 \
  --batches 1,32 --rounds 1 --seconds 0.02 --contested --strict >"$report" ||
  die "benchmarks/compare/run.py failed; what it printed stands above."
for heading in 'Training step, ms' 'Inference, ms' Process Memory 'Eager ops' mixed_bfloat16; do
  grep -qx "### $heading" "$report" || die "the report of benchmarks/compare/run.py has no table '$heading'."
done
python3 benchmarks/compare/tables_test.py || die "the tables of benchmarks/compare are wrong."
