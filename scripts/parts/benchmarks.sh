# SPDX-License-Identifier: Apache-2.0
# The benchmark programs build and run, each for a moment; figures are taken by hand (docs/benchmarks.md).
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
cmake -S . -B "$release_dir" -DKERAS_BUILD_BENCHMARKS=ON >/dev/null || die "CMake could not configure the benchmarks."
programs=()
for source in benchmarks/*.cpp; do programs+=("$(basename "$source" .cpp)"); done
build "$release_dir" "${programs[@]}"
export OMP_NUM_THREADS=1 KERAS_BIND=0
for program in "${programs[@]}"; do
  # Batches of 128 are for the stop watch.
  "$release_dir/bin/$program" --benchmark_min_time=0.001 --benchmark_filter='-/128/' ||
    die "the benchmark $program failed; what it printed stands above."
done
