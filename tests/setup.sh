# shellcheck shell=bash
# Sourced by quickstart.sh and tests/run.sh: packages, build, a private PostgreSQL. Debian 12 and 13.
# Callers set `set -euo pipefail` and run in the top folder.

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Prints the Boost packages of this release: 1.81 or newer, with Boost.URL.
boost_packages() {
  local version
  for version in 1.83 1.81; do
    if [ -n "$(apt-cache show "libboost-url$version-dev" 2>/dev/null)" ]; then
      echo "libboost$version-dev libboost-url$version-dev"
      return
    fi
  done
  echo "no Boost 1.81 or newer among the packages of this system; Debian 12 or 13 is needed" >&2
  return 69
}

# What the packages of PostgreSQL read before they create a cluster.
createcluster=/etc/postgresql-common/createcluster.conf

# install_packages EXTRA...: installs what building and running need, and EXTRA. Fetches nothing if all of it is installed.
install_packages() {
  local wanted="g++ cmake ninja-build pkg-config ccache libssl-dev zlib1g-dev libsimdjson-dev libpqxx-dev libpq-dev libsqlite3-dev libsqlitecpp-dev
    libspdlog-dev libfmt-dev libyaml-cpp-dev libcli11-dev libsystemd-dev prometheus-cpp-dev postgresql postgresql-client ca-certificates procps
    help2man $*"
  local missing=()
  [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit 2>/dev/null)" ] || as_root apt-get update -qq
  wanted="$wanted $(boost_packages || true)"
  case $wanted in *libboost*) ;; *) as_root apt-get update -qq; wanted="$wanted $(boost_packages)";; esac
  local package
  for package in $wanted; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends
    # Keeps changed configuration files: otherwise dpkg asks, and waits forever. Waits for dpkg's lock, because a
    # machine that has just booted may be installing updates.
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300)
  (
    # Keeps the package postgresql from creating a cluster, because the tests start their own. Later installations of
    # PostgreSQL create theirs.
    if [ ! -e "$createcluster" ]; then
      trap 'as_root rm -f "$createcluster"' EXIT
      as_root mkdir -p "${createcluster%/*}"
      echo 'create_main_cluster = false' | as_root tee "$createcluster" >/dev/null
    fi
    as_root "${install[@]}" "${missing[@]}" >/tmp/glia-sync-apt.log 2>&1 ||
      { as_root apt-get update -qq
        as_root "${install[@]}" "${missing[@]}" >/tmp/glia-sync-apt.log 2>&1; } ||
      { tail -n 5 /tmp/glia-sync-apt.log >&2; echo "packages could not be installed; see /tmp/glia-sync-apt.log" >&2; exit 69; }
  )
}

# build PRESET TARGET... [-- CMAKE-OPTION...]: configures and builds without output; shows errors.
build() {
  local preset=$1 targets=() options=() log
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do targets+=("$1"); shift; done
  [ $# -eq 0 ] || { shift; options=("$@"); }
  log=$(mktemp)
  mkdir -p build
  # One build at a time in each folder, because the two lanes of tests/run.sh both build.
  if ! { flock 9 && cmake --preset "$preset" "${options[@]}" && cmake --build --preset "$preset" --target "${targets[@]}"; } >"$log" 2>&1 9>"build/$preset.lock"; then
    grep -E 'error|Error|FAILED' -A 3 "$log" | head -n 40 >&2
    echo "the build failed; all of it is in $log" >&2
    return 70
  fi
  rm -f "$log"
}

pg_bin() { printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1; }

# PostgreSQL refuses to run as root, so root runs it as the user of the package.
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_cluster DIR [OPTION]...: a private cluster in DIR (created if it does not exist), with these options of postgres; prints its port.
start_cluster() {
  local dir=$1 options=("${@:2}") port
  mkdir -p "$dir"
  chmod 755 "$dir"
  [ "$(id -u)" != 0 ] || chown postgres "$dir"
  if [ ! -e "$dir/data/PG_VERSION" ]; then
    as_postgres "$(pg_bin)/initdb" -D "$dir/data" -A trust -E UTF8 --locale=C.UTF-8 -U postgres >/dev/null
  fi
  for _ in 1 2 3 4 5; do  # on another port if somebody has taken the free one meanwhile
    port=$(free_port)
    if as_postgres "$(pg_bin)/pg_ctl" -D "$dir/data" -l "$dir/data/log" -w -t 60 \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='$dir' -c max_connections=80 ${options[*]}" start >/dev/null; then
      echo "$port"
      return
    fi
  done
  echo "PostgreSQL does not start; see $dir/data/log" >&2
  return 69
}

stop_cluster() { as_postgres "$(pg_bin)/pg_ctl" -D "$1/data" -m fast -w stop >/dev/null 2>&1 || true; }
