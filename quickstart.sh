#!/usr/bin/env bash
# From a fresh Debian 12 or 13 to a year of engagements in PostgreSQL: installs packages, builds, starts a private
# PostgreSQL and the bundled API simulator on loopback, loads everything, and runs a few queries of an analyst.
#
#   ./quickstart.sh [--keep]      --keep: leave PostgreSQL and the simulator running
set -euo pipefail
cd "$(dirname "$0")"
. tests/setup.sh

keep=
case ${1-} in '') ;; --keep) keep=1 ;; *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 64 ;; esac

install_packages python3
say "building (about four minutes with two processors, the first time)"
build quickstart glia-sync glia-simulator
glia=$PWD/build/quickstart/daemon/glia-sync

dir=$(mktemp -d /tmp/glia-sync-quickstart-XXXXXX)
chmod 755 "$dir"
simulator=
cleanup() {
  [ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
  stop_cluster "$dir"
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "starting a private PostgreSQL and the API simulator (a year of 20,000 engagements)"
port=$(start_cluster "$dir")
export PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGDATABASE=glia
psql -Xq -d postgres -c 'CREATE DATABASE glia'
build/quickstart/tests/glia-simulator --engagements 20000 --days 365 --sites 2 >"$dir/simulator.json" &
simulator=$!
for _ in $(seq 100); do [ -s "$dir/simulator.json" ] && break; sleep 0.1; done
field() { python3 -c 'import json, sys; v = json.load(open(sys.argv[1]))[sys.argv[2]]; print(json.dumps(v) if isinstance(v, list) else v)' "$dir/simulator.json" "$1"; }

(umask 077; field token >"$dir/token")
cat >"$dir/glia-sync.yaml" <<EOF
api:
  base_url: http://127.0.0.1:$(field port)
  auth: {token_file: $dir/token}
  sites: $(field sites)
  rate_limit: 0            # the simulator has none; leave this line out for a real tenant
sync:
  start_from: $(field from)
statistics: {enabled: true}   # what the source counts by half hour: who gave up, waits, wrap-up, operators' time
sink:
  postgres: {dsn: "host=127.0.0.1 port=$port user=postgres dbname=glia"}
EOF

run() { printf '\n$ glia-sync %s\n' "$*"; "$glia" -c "$dir/glia-sync.yaml" "$@"; }
run migrate
run check
run backfill --from "$(field from)" --to "$(field to)" --window 7d --only engagements
run backfill --from "$(date -u -d '7 days ago' +%FT00:00:00Z)" --only statistics
run run --once   # fetches the legs too
run status

question() { printf '\n-- %s\n' "$1"; psql -X -P pager=off -c "$2"; }
question "Engagements per day and queue (the last three days)" "
SELECT e.created_at::date AS day, q.name AS queue, count(*) AS engagements
FROM glia.engagements e
JOIN glia.engagement_queues eq ON eq.engagement_id = e.id AND eq.position = 0
JOIN glia.queues q ON q.id = eq.queue_id
WHERE e.created_at >= (SELECT max(created_at) FROM glia.engagements) - interval '3 days'
GROUP BY day, queue ORDER BY day DESC, engagements DESC, queue LIMIT 12"
question "Median wait in the queue, by queue" "
SELECT q.name AS queue, count(*) AS engagements,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.queue_wait_time) AS median_wait_s
FROM glia.engagements e
JOIN glia.engagement_queues eq ON eq.engagement_id = e.id AND eq.position = 0
JOIN glia.queues q ON q.id = eq.queue_id
WHERE e.queue_wait_time IS NOT NULL
GROUP BY queue ORDER BY median_wait_s DESC LIMIT 6"
question "Operators with the most legs, by name" "
SELECT operator_name, site_name, count(*) AS legs, round(avg(handle_seconds)) AS average_handle_s
FROM glia.leg_facts
GROUP BY operator_name, site_name ORDER BY legs DESC, operator_name LIMIT 5"
question "Busiest hours, by the clock of the site" "
SELECT site_name, to_char(created_at_local, 'HH24') AS hour, count(*) AS engagements
FROM glia.engagement_facts
WHERE site_name IS NOT NULL
GROUP BY site_name, hour ORDER BY engagements DESC, site_name, hour LIMIT 5"
question "Yesterday's interval report: who came to which queue, who gave up, how soon the others were answered" "
SELECT to_char(r.interval_start AT TIME ZONE 'Europe/Tallinn', 'HH24:MI') AS half_hour, q.name AS queue, r.offered, r.answered,
       r.abandoned, round(r.service_level::numeric, 2) AS service_level, round(r.average_seconds_to_answer) AS asa_s,
       round(r.average_handle_seconds) AS aht_s
FROM glia.queue_report((date_trunc('day', now() AT TIME ZONE 'Europe/Tallinn') - interval '1 day') AT TIME ZONE 'Europe/Tallinn',
                       date_trunc('day', now(), 'Europe/Tallinn'), '30 minutes', 'Europe/Tallinn') r
JOIN glia.queues q ON q.id = r.queue_id
WHERE r.offered > 0 ORDER BY r.offered DESC, half_hour, queue LIMIT 8"
question "Share of engagements that were transferred" "
SELECT round(100.0 * count(*) FILTER (WHERE legs > 1) / count(*), 1) AS transferred_per_cent, count(*) AS engagements
FROM (SELECT engagement_id, count(*) AS legs FROM glia.legs GROUP BY engagement_id) l"

cat <<EOF

It works. Next:
  a real tenant   copy config/glia-sync.yaml, set api.base_url, api.auth, api.sites, sync.start_from and the DSN, then:
                  build/quickstart/daemon/glia-sync -c FILE check
  the tests       tests/run.sh
EOF
if [ -n "$keep" ]; then
  trap - EXIT
  cat <<EOF
Left running:
  look around     psql "host=127.0.0.1 port=$port user=postgres dbname=glia"
  keep it fresh   $glia -c $dir/glia-sync.yaml run
  stop it         kill $simulator; pkill -F $dir/data/postmaster.pid; rm -rf $dir
EOF
else
  echo "  look around     ./quickstart.sh --keep leaves the database running and prints how to connect with psql"
fi
