#!/usr/bin/env bash
# Checks the style of all sources with packages that Debian 12 and 13 both have; prints `ok lint/NAME` or `FAILED lint/NAME`.
#
#   tests/lint/run.sh [PART OF A NAME]      `tests/run.sh lint` installs the tools first
#
# To format: clang-format-19 -i on what you changed, and Debian 12's `black .`.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
wanted=${1-}
failed=0

# Prints the sources with one of these endings, each followed by a zero byte.
sources() {  # ENDING...
  local names=() ending
  for ending in "$@"; do names+=(-o -name "*.$ending"); done
  find . \( -path ./build -o -path ./.git \) -prune -o -type f \( "${names[@]:1}" \) -print0
}

# Prints the shell scripts, found by their names or by their first lines.
scripts() {
  sources sh bash
  find . \( -path ./build -o -path ./.git \) -prune -o -type f ! -name '*.sh' ! -name '*.bash' -print0 |
    xargs -0 grep -lZm 1 -E '^#!' | xargs -0 awk 'FNR == 1 && /^#!.*[\/ ](ba|da)?sh$/ { printf "%s%c", FILENAME, 0 }'
}

# Runs a tool. Each prints nothing and succeeds if it finds nothing wrong.
tool() {  # NAME
  case $1 in
    # One version for both Debians: each formats a little differently.
    clang_format) sources cpp hpp | xargs -0 -n 20 -P "$(nproc)" clang-format-19 --dry-run -Werror ;;
    flake8) flake8 ;;
    black) black --quiet --check --diff . ;;
    shellcheck) scripts | xargs -0 shellcheck ;;
    # Names only: with all its checks clang-tidy takes several times as long.
    clang_tidy)
      # Discards the output of the build, and clang-tidy's counts of warnings that it suppresses.
      cmake --preset tidy >/dev/null && ninja --quiet -C build/tidy glia_standard glia_loop test_headers \
        cmake_object_order_depends_target_glia_{postgres,sqlite} >/dev/null &&
        sources cpp | grep -zE '^\./(daemon|sinks)/' | xargs -0 -n 4 -P "$(nproc)" \
          clang-tidy-19 -p build/tidy --quiet --checks='-*,readability-identifier-naming' 2>/dev/null
      ;;
    # The sources of a target must compile as one unity group; then they compile in every smaller group too.
    groups)
      cmake --preset tidy -B build/groups -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=0 -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
        -DGLIA_MUTANTS=OFF >/dev/null &&
        ninja --quiet -C build/groups cmake_object_order_depends_target_glia_{postgres,sqlite} >/dev/null && python3 tests/lint/groups.py build/groups
      ;;
  esac
}

# Runs a tool, and shows its output if it fails.
check() {  # NAME
  local said
  case $1 in *"$wanted"*) ;; *) return ;; esac
  if said=$(tool "$1" 2>&1); then
    echo "ok lint/$1"
  else
    printf '%s\n' "$said" | head -n 300
    echo "FAILED lint/$1"
    failed=1
  fi
}

check clang_format
check flake8
# Debian 13 has black 25, which formats a little differently from the 23 of Debian 12, and there is no version that both have.
if [ "$(black --version | sed -nE '1s/^black, ([0-9]+).*/\1/p')" = 23 ]; then
  check black
else
  echo "lint/black: left out: this black is not the version 23 that formats our Python"
fi
check shellcheck
check clang_tidy
check groups
exit "$failed"
