#!/bin/sh
# Prints --help of the program and of all its commands as one text, from which help2man makes the manual page.
# Usage: GLIA_SYNC=PROGRAM help.sh --help|--version
set -eu
[ "$1" = --help ] || exec "$GLIA_SYNC" "$1"

commands() { "$GLIA_SYNC" "$@" --help | sed -nE '/^Subcommands:/,/^$/s/^  ([a-z]+) .*/\1/p'; }

# Prints a command as a subsection: `name:` above an indented line. Lines after `$` are examples. A subcommand such as `rejects list`
# repeats the examples of its command, so they are left out.
describe() {
  printf '%s:\n' "$*"
  "$GLIA_SYNC" "$@" --help | sed -E "${2+/^Examples?:/,\$d;}"'1s/^/  /; /^Subcommands:/,/^$/d; / -h, *--help /d
    /^(Usage|Options|Positionals|Examples?):/d; /^  ([a-z]+ )?glia-sync /s/^  /  $ /'
  echo
  for command in $(commands "$@"); do describe "$@" "$command"; done
}

"$GLIA_SYNC" --help | sed -E '1d; /^Subcommands:/,/^$/d; s/^Exit codes: /*Exit status*\n\n/'
printf '\n*Commands*\n\n'
for command in $(commands); do describe "$command"; done
