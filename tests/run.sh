#!/usr/bin/env bash
# Installs what is needed, builds, runs every test, and ends with one line: N passed, N failed.
#
#   tests/run.sh                    everything
#   tests/run.sh AREA[/NAME]...     unit, simulation, integration, e2e, browser, soak, units, sanitizers, fuzz; NAME: a part of a test's name
#   tests/run.sh boot               not among "everything": the package on a booted systemd; only on a machine that may be
#                                   thrown away, with GLIA_DISPOSABLE=1
#   tests/run.sh bench              not a test: prints measurements (see tests/bench)
#
# GLIA_TEST_SECONDS: how long each fuzzer runs (default 10). GLIA_TEST_HISTORIES: how many the simulation runs (100,000).
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh

areas=("$@")
[ $# -gt 0 ] || areas=(unit simulation integration e2e browser soak units sanitizers fuzz)
results=$(mktemp)
work=$(mktemp -d /tmp/glia-sync-tests-XXXXXX)
chmod 755 "$work"
trap '[ -z "${ahead-}" ] || kill "$ahead" 2>/dev/null || true; stop_cluster "$work/pg"; rm -rf "$work" "$results"' EXIT
trap 'exit 143' TERM INT

# Each result is a line "ok NAME" or "FAILED NAME"; a program that dies is a failure of its own.
count_gtest() {  # AREA PROGRAM FILTER
  local area=$1 program=$2 filter=${3:+*$3*} log verdicts rc=0
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
  port=$(start_cluster "$work/pg")
  export GLIA_TEST_DSN="host=127.0.0.1 port=$port user=postgres"
}

test_unit() {
  count_lines unit python3 tests/unit/layers_test.py
  build release unit_tests -- -DGLIA_WERROR=ON
  count_gtest unit build/release/tests/unit_tests "$1"
}
test_simulation() {
  # The core in virtual time: many histories, and proof that they would find what is wrong: builds with a fault each.
  install_packages libgtest-dev libbenchmark-dev patch
  build release simulation simulation_mutants -- -DGLIA_WERROR=ON
  count_lines simulation build/release/tests/simulation --histories "${GLIA_TEST_HISTORIES:-100000}"
  local mutant name
  for mutant in tests/simulation/mutants/*.patch; do
    name=$(basename "$mutant" .patch)
    count_lines simulation "build/release/tests/mutants/$name" --finds "$name"
  done
}
test_integration() { build release integration_tests -- -DGLIA_WERROR=ON; count_gtest integration build/release/tests/integration_tests "$1"; }
test_e2e() {
  build release glia-sync glia-simulator -- -DGLIA_WERROR=ON
  count_lines e2e python3 tests/e2e/run.py "$1"
}
test_browser() {
  # The status page in headless Chromium, driven over WebDriver.
  install_packages libgtest-dev libbenchmark-dev chromium chromium-driver python3-selenium prometheus
  build release glia-sync glia-simulator -- -DGLIA_WERROR=ON
  count_lines browser /usr/bin/python3 tests/browser/run.py "$1"
}
test_soak() {
  # Everything at random for a while: GLIA_SOAK_SECONDS (90), GLIA_SOAK_SEED (a new one, which is printed).
  build release glia-sync glia-simulator -- -DGLIA_WERROR=ON
  count_lines soak python3 tests/e2e/soak.py "${GLIA_SOAK_SECONDS:-90}" ${GLIA_SOAK_SEED-}
}
count_lines() {  # AREA COMMAND...: shows what it prints and counts its lines "ok NAME" and "FAILED NAME"
  local area=$1 log rc=0
  shift
  log=$(mktemp)
  "$@" 2>&1 | tee "$log" || rc=$?
  # A program that fails without saying which test, or says nothing at all, has failed.
  if ! grep -qE '^(ok|FAILED) ' "$log" || { [ $rc != 0 ] && ! grep -q '^FAILED ' "$log"; }; then
    echo "FAILED $area (exit code $rc)" >>"$log"
  fi
  grep -E '^(ok|FAILED) ' "$log" >>"$results" || true
  rm -f "$log"
}
build_package() {  # makes $work/glia-sync_*.deb
  build release glia-sync -- -DGLIA_WERROR=ON
  (cd build/release && cpack -B "$work" >"$work/cpack.log" 2>&1) || { cat "$work/cpack.log"; return 1; }
}
test_units() {
  install_packages libgtest-dev libbenchmark-dev python3 binutils file dpkg-dev systemd prometheus man-db bash
  build_package
  count_lines units python3 tests/units/run.py "$work"/glia-sync_*.deb
}
test_boot() {
  install_packages libgtest-dev libbenchmark-dev python3 file dpkg-dev curl
  build release glia-simulator
  build_package
  count_lines boot python3 tests/boot/run.py "$work"/glia-sync_*.deb
}
build_sanitized() { build "$1" unit_tests integration_tests simulation glia-sync -- -DGLIA_WERROR=ON; }
test_sanitizers() {
  local preset
  export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
  for preset in asan tsan; do
    say "building with $preset"
    build_sanitized "$preset"
    count_gtest "$preset" "build/$preset/tests/unit_tests" "$1"
    count_gtest "$preset" "build/$preset/tests/integration_tests" "$1"
    count_lines "$preset" "build/$preset/tests/simulation" --histories 2000
  done
  build release glia-simulator
  export GLIA_SIMULATOR=$PWD/build/release/tests/glia-simulator
  for preset in asan tsan; do
    say "end to end with $preset"
    GLIA_BUILD=$PWD/build/$preset count_lines "$preset" python3 tests/e2e/run.py "${1:-smoke}"
  done
  GLIA_BUILD=$PWD/build/asan count_lines asan python3 tests/e2e/soak.py 30
}
test_fuzz() {
  # The sanitizers' and libFuzzer's runtime is a package of its own, numbered like clang's.
  local version
  version=$(apt-cache depends clang | sed -nE 's/.*Depends: clang-([0-9]+)$/\1/p' | head -n 1)
  install_packages clang "libclang-rt-$version-dev" python3
  say "building the fuzzers"
  build fuzz fuzzers
  local fuzzer name
  for fuzzer in build/fuzz/tests/fuzz_*; do
    [ -x "$fuzzer" ] && [ -f "$fuzzer" ] || continue
    name=${fuzzer##*/fuzz_}
    case $name in *"$1"*) ;; *) continue ;; esac
    mkdir -p "$work/corpus/$name"
    if (cd "$work" && "$OLDPWD/$fuzzer" -max_total_time="${GLIA_TEST_SECONDS:-10}" -timeout=10 -rss_limit_mb=2048 "corpus/$name" "$OLDPWD/tests/fuzz/corpus/$name") >"$work/fuzz.log" 2>&1; then
      echo "ok fuzz/$name" >>"$results"
    else
      tail -n 30 "$work/fuzz.log"; echo "FAILED fuzz/$name" | tee -a "$results"
    fi
  done
}

install_packages libgtest-dev libgmock-dev libbenchmark-dev python3 openssl systemd pgbouncer prometheus
ahead=
for area in "${areas[@]}"; do
  # End-to-end tests wait most of the time: the sanitizers' builds, which take longest, have the processor meanwhile.
  if [ $# -eq 0 ] && [ "$area" = e2e ]; then
    (renice -n 19 $BASHPID >/dev/null; for preset in asan tsan; do build_sanitized "$preset" 2>/dev/null || true; done) &
    ahead=$!
  fi
  name=; case $area in */*) name=${area#*/}; area=${area%%/*} ;; esac
  say "$area${name:+ $name}"
  began=$SECONDS
  case $area in
    unit | simulation | integration | e2e | browser | soak | units | sanitizers | fuzz | boot)
      case $area in integration | sanitizers) cluster ;; esac
      # Beside us, not in a condition: there `set -e` would not count. What breaks off is a failure, and the rest goes on.
      ("test_$area" "$name") &
      rc=0
      wait $! || rc=$?
      [ $rc = 0 ] || echo "FAILED $area (broke off with exit code $rc)" | tee -a "$results"
      ;;
    bench) install_packages wrk procps; build release benchmarks glia-sync glia-simulator; python3 tests/bench/run.py; exit ;;
    *) echo "no such area: $area" >&2; exit 64 ;;
  esac
  say "$area${name:+ $name} took $((SECONDS - began)) s"
done
passed=$(grep -c '^ok ' "$results" || true)
failed=$(grep -c '^FAILED ' "$results" || true)
grep '^FAILED ' "$results" || true
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
