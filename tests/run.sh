#!/usr/bin/env bash
# Installs what is needed, builds, runs every test, and ends with one line: N passed, N failed.
#
#   tests/run.sh                    everything, in two lanes: areas that mostly wait beside areas that mostly compute
#   tests/run.sh AREA[/NAME]...     lint, unit, simulation, integration, e2e, browser, soak, units, package, sanitizers,
#                                   sanitizers-e2e, fuzz; NAME: a part of a test's name, where an area consists of tests that run alone
#                                   package: GLIA_DISPOSABLE=1 installs it as well
#   tests/run.sh boot               not among "everything": the package on a booted systemd; only on a machine that may be
#                                   thrown away, with GLIA_DISPOSABLE=1
#   tests/run.sh reproducible       not among "everything", because it builds the packages twice; checks that both builds give the same bits
#   tests/run.sh endurance          not among "everything": GLIA_ENDURANCE_HOURS (2) hours with everything enabled and with faults
#   tests/run.sh bench              not a test, only alone: prints measurements (see tests/bench)
#
# GLIA_TEST_SECONDS: how long each fuzzer runs (default 10). GLIA_TEST_HISTORIES: how many histories the simulation runs (default 10,000).
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh

# Areas that mostly wait, and areas that mostly compute, which run at the lowest priority.
waiting=(e2e browser soak sanitizers-e2e)
computing=(lint unit integration simulation units package sanitizers fuzz)
results=$(mktemp)
work=$(mktemp -d /tmp/glia-sync-tests-XXXXXX)
chmod 755 "$work"
trap '[ -z "${lane-}" ] || kill -- "-$lane" 2>/dev/null || true; stop_cluster "$work/pg"; rm -rf "$work" "$results"' EXIT
trap 'exit 143' TERM INT

# Each result is a line "ok NAME" or "FAILED NAME". A program that ends with an error but without a FAILED line counts as a failure.
count_gtest() {  # AREA PROGRAM PART-OF-A-NAME [EXCEPT]
  local area=$1 program=$2 filter=${3:+*$3*}${4:+-$4} log verdicts rc=0
  log=$(mktemp) verdicts=$(mktemp)
  "$program" ${filter:+--gtest_filter="$filter"} --gtest_color=no >"$log" 2>&1 || rc=$?
  sed -nE "s#^\[       OK \] ([^ ]+).*#ok $area/\1#p; s#^\[  FAILED  \] ([^ ,]+)(,.*)? \([0-9]+ ms\)\$#FAILED $area/\1#p" "$log" >"$verdicts"
  if [ $rc != 0 ]; then
    grep -vE '^\[ +(OK|RUN) ' "$log" | tail -n 60
    grep -q '^FAILED ' "$verdicts" || echo "FAILED $area/${program##*/} (exit code $rc)" >>"$verdicts"
  fi
  cat "$verdicts" >>"$results"
  rm -f "$log" "$verdicts"
}

cluster() {  # starts PostgreSQL once, for tests that need it
  [ -n "${GLIA_TEST_DSN-}" ] && return
  local port
  port=$(start_cluster "$work/pg" -c fsync=off -c jit=off)
  export GLIA_TEST_DSN="host=127.0.0.1 port=$port user=postgres"
}

test_lint() {
  # Tools that check style. clang's tools have one version for both Debians, because each version formats a little differently.
  install_packages libgtest-dev libbenchmark-dev clang-19 clang-format-19 clang-tidy-19 flake8 black shellcheck
  count_lines lint tests/lint/run.sh "$1"
}
test_unit() {
  [[ Layers != *"$1"* ]] || count_lines unit python3 tests/unit/layers_test.py
  build release unit_tests -- -DGLIA_WERROR=ON
  count_gtest unit build/release/tests/unit_tests "$1"
}
test_simulation() {
  # Runs many histories of the core in virtual time. Mutants, builds with one fault each, prove that the histories find faults.
  build release simulation simulation_mutants -- -DGLIA_WERROR=ON
  [[ histories != *"$1"* ]] || count_lines simulation build/release/tests/simulation --histories "${GLIA_TEST_HISTORIES:-10000}"
  local mutant name first
  for mutant in tests/simulation/mutants/*"$1"*.patch; do
    [ -e "$mutant" ] || continue
    name=$(basename "$mutant" .patch)
    # A fault that few histories find has a line that says where to begin.
    first=$(sed -nE 's/^Search from history ([0-9]+)\.$/\1/p' "$mutant")
    count_lines simulation "build/release/tests/mutants/$name" --finds "$name" --first "${first:-1}"
  done
}
test_integration() { build release integration_tests -- -DGLIA_WERROR=ON; count_gtest integration build/release/tests/integration_tests "$1"; }
program() {  # builds the program and the simulator, unless that was done before the lanes began
  [ -n "${program_built-}" ] || build release glia-sync glia-simulator -- -DGLIA_WERROR=ON
}
test_e2e() {
  program
  # Debian's own Python, because only that finds the packages python3-jsonschema and python3-yaml.
  count_lines e2e /usr/bin/python3 tests/e2e/run.py "$1"
}
test_browser() {
  # The status page in headless Chromium, driven over WebDriver.
  program
  count_lines browser /usr/bin/python3 tests/browser/run.py "$1"
}
test_soak() {
  # Random changes and faults for GLIA_SOAK_SECONDS (90). GLIA_SOAK_SEED repeats a run; without it the seed is new, and printed.
  program
  count_lines soak python3 tests/e2e/soak.py "${GLIA_SOAK_SECONDS:-90}" ${GLIA_SOAK_SEED:+"$GLIA_SOAK_SEED"}
}
test_endurance() {
  build release glia-sync glia-simulator -- -DGLIA_WERROR=ON
  count_lines endurance python3 tests/e2e/endurance.py "${GLIA_ENDURANCE_HOURS:-2}"
}
count_lines() {  # AREA COMMAND...: shows what it prints and counts its lines "ok NAME" and "FAILED NAME"
  local area=$1 log rc=0
  shift
  log=$(mktemp)
  "$@" 2>&1 | tee "$log" || rc=$?
  # A program that fails without naming a test, or that prints no result, counts as a failure.
  if ! grep -qE '^(ok|FAILED) ' "$log" || { [ $rc != 0 ] && ! grep -q '^FAILED ' "$log"; }; then
    echo "FAILED $area (exit code $rc)" >>"$log"
  fi
  grep -E '^(ok|FAILED) ' "$log" >>"$results" || true
  rm -f "$log"
}
build_packages() {  # makes packages of build/release, in $work/packages
  [ ! -e "$work/packages" ] || return 0
  program
  mkdir "$work/packages"
  GLIA_BUILD_DIR=build/release GLIA_PACKAGE_DIR=$work/packages debian/rules clean binary >"$work/package.log" 2>&1 || { tail -n 40 "$work/package.log"; return 1; }
}
test_units() {
  build_packages
  count_lines units python3 tests/units/run.py "$work"/packages/glia-sync_*.deb
}
test_package() {
  build_packages
  count_lines package python3 tests/package/run.py "$work/packages"
}
test_reproducible() { count_lines reproducible tests/package/reproducible.sh; }
test_boot() {
  build_packages
  count_lines boot python3 tests/boot/run.py "$work"/packages/glia-sync_*.deb
}
test_sanitizers() {
  local preset more
  for preset in asan tsan; do
    say "building with $preset"
    # A sink and a history each run in one thread, so "everything" runs neither with ThreadSanitizer.
    more=(integration_tests simulation)
    if [ "$preset" = tsan ] && [ -n "$everything" ]; then more=(); fi
    build "$preset" unit_tests glia-sync "${more[@]}" -- -DGLIA_WERROR=ON
    count_gtest "$preset" "build/$preset/tests/unit_tests" "$1"
    [ ${#more[@]} -gt 0 ] || continue
    # Leaves out tests of work that PostgreSQL does, because the server runs without sanitizers: plans, migrations, views.
    count_gtest "$preset" "build/$preset/tests/integration_tests" "$1" 'Plans.*:Schema.*:WorkItemsMigration.*:Extremes.*:*/ScanThresholds.*'
    count_lines "$preset" "build/$preset/tests/simulation" --histories 300
  done
}
test_sanitizers-e2e() {
  local preset
  program
  export GLIA_SIMULATOR=$PWD/build/release/tests/glia-simulator
  for preset in asan tsan; do
    build "$preset" glia-sync -- -DGLIA_WERROR=ON
    say "end to end with $preset"
    GLIA_BUILD=$PWD/build/$preset count_lines "$preset" python3 tests/e2e/run.py "${1:-smoke}"
  done
  GLIA_BUILD=$PWD/build/asan count_lines asan python3 tests/e2e/soak.py 30
}
test_fuzz() {
  say "building the fuzzers"
  build fuzz fuzzers
  local fuzzer
  for fuzzer in build/fuzz/tests/fuzz_*"$1"*; do
    if [ ! -x "$fuzzer" ] || [ ! -f "$fuzzer" ]; then continue; fi
    [ "$(jobs -r | wc -l)" -lt "$(nproc)" ] || wait -n
    fuzz_with "$fuzzer" &
  done
  wait
}
fuzz_with() {  # PROGRAM
  local name=${1##*/fuzz_}
  mkdir -p "$work/corpus/$name"
  if (cd "$work" && "$OLDPWD/$1" -max_total_time="${GLIA_TEST_SECONDS:-10}" -timeout=10 -rss_limit_mb=2048 "corpus/$name" "$OLDPWD/tests/fuzz/corpus/$name") >"$work/fuzz-$name.log" 2>&1; then
    echo "ok fuzz/$name" >>"$results"
  else
    tail -n 30 "$work/fuzz-$name.log"; echo "FAILED fuzz/$name" | tee -a "$results"
  fi
}

run_areas() {  # AREA[/NAME]...: one after the other
  local area name began rc
  for area in "$@"; do
    name=; case $area in */*) name=${area#*/}; area=${area%%/*} ;; esac
    say "$area${name:+ $name}"
    began=$SECONDS
    # In the background, not in a condition, where `set -e` has no effect. An area that breaks off is a failure; the others still run.
    ("test_$area" "$name") &
    rc=0
    wait $! || rc=$?
    [ $rc = 0 ] || echo "FAILED $area (broke off with exit code $rc)" | tee -a "$results"
    say "$area${name:+ $name} took $((SECONDS - began)) s"
  done
}

# Podman understands quadlets since 4.4; Debian 12 has 4.3.
podman_with_quadlets() {
  local candidate
  candidate=$(apt-cache policy podman | sed -nE 's/^ *Candidate: ([0-9].*)/\1/p')
  [ -z "$candidate" ] || dpkg --compare-versions "$candidate" lt 4.4 || echo podman
}

packaging="build-essential debhelper help2man"
packages_of() {  # AREA: the packages that only some areas need
  case $1 in
    simulation) echo patch ;;
    e2e) echo python3-jsonschema python3-yaml ;;
    browser) echo chromium chromium-driver python3-selenium ;;
    units) echo "$packaging binutils man-db bash $(podman_with_quadlets)" ;;
    package) echo "$packaging binutils lintian" ;;
    reproducible) echo "$packaging blhc" ;;
    boot) echo "$packaging curl" ;;
    bench) echo wrk ;;
    # The runtime of sanitizers and libFuzzer is a separate package with the version of clang in its name.
    fuzz) echo clang "libclang-rt-$(apt-cache depends clang | sed -nE 's/.*Depends: clang-([0-9]+)$/\1/p' | head -n 1)-dev" ;;
  esac
}
chosen=("$@")
everything=
if [ $# = 0 ]; then
  everything=yes
  chosen=("${waiting[@]}" "${computing[@]}")
fi
for area in "${chosen[@]}"; do
  case $area in
    lint | lint/* | unit | unit/* | simulation | simulation/* | integration | integration/* | e2e | e2e/* | browser | browser/*) ;;
    sanitizers | sanitizers/* | sanitizers-e2e | sanitizers-e2e/* | fuzz | fuzz/* | soak | units | package | reproducible | boot | endurance) ;;
    bench) [ $# = 1 ] || { echo "bench runs alone, because other areas would disturb its measurements" >&2; exit 64; } ;;
    soak/* | units/* | package/* | reproducible/* | boot/* | endurance/*) echo "${area%%/*} runs only as a whole" >&2; exit 64 ;;
    *) echo "no such area: $area" >&2; exit 64 ;;
  esac
done
install_packages libgtest-dev libgmock-dev libbenchmark-dev python3 openssl systemd pgbouncer prometheus
# shellcheck disable=SC2046  # names, separated by spaces
install_packages $(for area in "${chosen[@]}"; do packages_of "${area%%/*}"; done)
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
lane=
case "${chosen[*]}" in
  bench) build release benchmarks glia-sync glia-simulator; python3 tests/bench/run.py; exit ;;
  *integration* | *sanitizers*) cluster ;;
esac
if [ $# -gt 0 ]; then
  run_areas "$@"
else
  say "building the program"
  ! program || program_built=1  # if it fails, each area tries again and reports the failure
  set -m  # a process group of its own, which can be ended as a whole
  (set +m; renice -n 19 $BASHPID >/dev/null; run_areas "${computing[@]}") &
  lane=$!
  set +m
  GLIA_E2E_JOBS=${GLIA_E2E_JOBS:-4} run_areas "${waiting[@]}"
  wait "$lane" || echo "FAILED ${computing[*]} (broke off)" | tee -a "$results"
  lane=
fi
passed=$(grep -c '^ok ' "$results" || true)
failed=$(grep -c '^FAILED ' "$results" || true)
grep '^FAILED ' "$results" || true
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
