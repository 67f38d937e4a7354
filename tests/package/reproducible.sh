#!/usr/bin/env bash
# Checks that the packages are the same, bit by bit, wherever and whenever they are built. Builds the committed state twice, without a cache:
# under paths of different length, at different times, and with another time zone, locale and umask. Prints `ok NAME` or `FAILED NAME`. Two full builds.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d /tmp/glia-sync-reproducible-XXXXXX)
trap 'rm -rf "$work"' EXIT
export CCACHE_DISABLE=1
failed=0

build_in() {  # FOLDER: a build of the committed state, its packages in FOLDER
  mkdir -p "$1/source"
  git archive HEAD | tar -x -C "$1/source"
  (cd "$1/source" && dpkg-buildpackage -us -uc -b >"$1/log" 2>&1) || { tail -n 30 "$1/log"; echo "FAILED package/builds_in_a_clean_folder"; exit 1; }
}
(umask 022; TZ=UTC LC_ALL=C.UTF-8 build_in "$work/a")
(umask 002; TZ=Asia/Kathmandu LC_ALL=C build_in "$work/another/folder/with/a/longer/path")
echo "ok package/builds_in_a_clean_folder"

sums() { (cd "$1" && sha256sum -- *.deb *.spdx.json); }
if difference=$(diff <(sums "$work/a") <(sums "$work/another/folder/with/a/longer/path")); then
  echo "ok package/is_reproducible"
else
  echo "FAILED package/is_reproducible: $difference"
  failed=1
fi
if blhc --all "$work/a/log"; then
  echo "ok package/is_compiled_with_all_hardening"
else
  echo "FAILED package/is_compiled_with_all_hardening"
  failed=1
fi
exit "$failed"
