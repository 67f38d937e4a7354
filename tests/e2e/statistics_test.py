"""Interval statistics: the tables agree with what the source counts, whatever it does."""

import contextlib
import datetime
import json
import signal
import time

from harness import expect_refusal, expect_success, new_world, test
from world import epoch_seconds, eventually, holds_for, wait_until_caught

DIMENSIONS = {
    "queue_wait": ("queue_id", "outcome", "from_transfer", "media"),
    "handle": ("queue_id", "operator_id", "type", "end_reason"),
    "wrap_up": ("queue_id", "operator_id"),
    "operator_state": ("operator_id", "type"),
}
MEASURES = {
    "queue_wait": {
        "count": "count",
        "total_seconds": "total_duration_in_seconds",
        "maximum_seconds": "maximum_duration_in_seconds",
        "within_service_level": "within_service_level_count",
        "short": "short_duration_count",
    },
    "handle": {"count": "count", "total_seconds": "total_duration_in_seconds"},
    "wrap_up": {"count": "count", "total_seconds": "total_duration_in_seconds"},
    "operator_state": {"seconds": "seconds"},
}
TABLES = [source + "_intervals" for source in DIMENSIONS]


def new_world_with_statistics(**options):
    """A small world whose program reads all statistics of the last day in each run."""
    options = {"statistics__enabled": True, "statistics__revisit": [{"every": "1s", "back": "1d"}], **options}
    return new_world(50, **options)


def utc(seconds):
    """A time in seconds as the API writes it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def last_boundary(length=1800):
    """When the last interval ended, in seconds."""
    return time.time() // length * length


def source_statistics(simulator, begin, end, length=1800, without=()):
    """{table: {key: measures}} of what the simulator counts in the intervals from `begin` to `end`."""
    tables = {table: {} for table in TABLES}
    for fact in map(json.loads, simulator.call("/statistics", **{"from": utc(begin), "to": utc(end)}).splitlines()):
        source = fact["source"]
        if source in without or fact.get("user_type", "operator") != "operator":
            continue
        key = (
            epoch_seconds(fact["timestamp"]) // length * length,
            fact["site_id"],
            *(fact.get(d, "") for d in DIMENSIONS[source]),
        )
        row = tables[source + "_intervals"].setdefault(key, dict.fromkeys(MEASURES[source], 0))
        for column, measure in MEASURES[source].items():
            row[column] = (
                max(row[column], fact[measure]) if column == "maximum_seconds" else row[column] + fact[measure]
            )
    return tables


def stored_statistics(program, begin, end):
    """{table: {key: measures}} as stored, of the intervals from `begin` to `end`."""
    tables = {}
    for source in DIMENSIONS:
        keys = ["site_id", *("state" if (source, d) == ("operator_state", "type") else d for d in DIMENSIONS[source])]
        rows = map(
            json.loads,
            program.sql(
                f"SELECT row_to_json(t) FROM glia.{source}_intervals t "
                f"WHERE interval_start >= '{utc(begin)}' AND interval_start < '{utc(end)}'"
            ).splitlines(),
        )
        tables[source + "_intervals"] = {
            (epoch_seconds(row["interval_start"]), *(row[k] for k in keys)): {m: row[m] for m in MEASURES[source]}
            for row in rows
        }
    return tables


def expect_statistics_equal_source(program, begin, end, **options):
    """The tables hold what the simulator counts in the intervals from `begin` to `end`."""
    truth, tables = source_statistics(program.simulator, begin, end, **options), stored_statistics(program, begin, end)
    for table in TABLES:
        assert truth[table] or options.get("without"), table
        missing, wrong = truth[table].keys() - tables[table].keys(), tables[table].keys() - truth[table].keys()
        assert (
            not missing and not wrong
        ), f"{table}: {len(missing)} missing {list(missing)[:2]}, {len(wrong)} not counted {list(wrong)[:2]}"
        different = [k for k in truth[table] if truth[table][k] != tables[table][k]]
        assert (
            not different
        ), f"{table} {different[0]}: {tables[table][different[0]]} instead of {truth[table][different[0]]}"


def row_versions(program):
    """A digest of the row versions of each table: it changes when a row is written."""
    return [
        program.sql(f"SELECT md5(string_agg(ctid::text || xmin, ',' ORDER BY ctid)) FROM glia.{table}")
        for table in TABLES
    ]


def expect_views_equal_source(program, begin, end):
    """Offered, answered, abandoned and handled of each queue and half hour, as the views and the simulator have
    them."""
    truth = {}
    for table, rows in source_statistics(program.simulator, begin, end).items():
        for (at, site, queue, *rest), row in rows.items():
            if table == "operator_state_intervals":
                continue
            sums = truth.setdefault((at, site, queue), [0, 0, 0, 0, 0])
            if table == "queue_wait_intervals":
                sums[0] += row["count"]
                if rest[0] == "finished":
                    sums[1] += row["count"]
                if rest[0] in ("canceled", "disconnected"):
                    sums[2] += row["count"]
            if table == "handle_intervals":
                sums[3] += row["count"]
            if table == "wrap_up_intervals":
                sums[4] += row["total_seconds"]
    day = utc(begin // 86400 * 86400)
    found = {}
    for line in program.sql(
        "SELECT extract(epoch FROM interval_start), site_id, coalesce(queue_id, ''), offered, answered, abandoned, "
        "handled, wrap_up_seconds "
        f"FROM glia.queue_intervals WHERE day >= '{day}' AND interval_start >= '{utc(begin)}' AND interval_start < "
        f"'{utc(end)}' AND statistics_seconds = 1800"
    ).splitlines():
        at, site, queue, *sums = line.split("|")
        if any(float(s) for s in sums) or (float(at), site, queue) in truth:
            found[float(at), site, queue] = [float(s) for s in sums]
    assert found == truth, [
        (k, found.get(k), truth.get(k)) for k in found.keys() | truth.keys() if found.get(k) != truth.get(k)
    ][:3]


def read_again(program):
    """A pass that reads all of the last day, however soon it follows another."""
    if program.has_schema():
        program.sql("UPDATE glia.statistics_readings SET fetched_at = fetched_at - interval '1 minute'")
    return expect_success(program.run("run", "--once"))


@test
def statistics_agree_after_a_run_after_late_changes_and_are_not_written_again():
    simulator, program = new_world_with_statistics()
    begin = last_boundary() - 23 * 3600
    read_again(program)
    expect_statistics_equal_source(program, begin, last_boundary())
    expect_views_equal_source(program, begin, last_boundary())
    requests = simulator.stats()["statistics"]
    before = row_versions(program)
    read_again(program)
    assert simulator.stats()["statistics"] > requests
    assert row_versions(program) == before, "rows were written although nothing has changed"
    simulator.call("/statistics-mutate", n=40, ago_s=20 * 3600)
    read_again(program)
    expect_statistics_equal_source(program, begin, last_boundary())
    assert row_versions(program) != before
    # What has settled is not asked for again.
    program.settings["statistics"]["revisit"] = [{"every": "1s", "back": "1s"}]
    program.configure(program.settings)
    requests = simulator.stats()["statistics"]
    expect_success(program.run("run", "--once"))
    assert simulator.stats()["statistics"] - requests <= 8, simulator.stats()
    runs = program.sql(
        "SELECT count(*) FROM glia.sync_runs WHERE stream = 'statistics' AND error IS NULL AND pages > 0"
    )
    assert int(runs) >= 6, runs
    status = program.status()
    assert [s["site_id"] for s in status["sites"]] == sorted(simulator.sites), status


@test
def a_backfill_of_statistics_is_resumed_and_agrees():
    simulator, program = new_world_with_statistics(statistics__enabled=False)
    end = last_boundary() - 5 * 86400
    begin = end - 4 * 86400
    options = ("backfill", "--only", "statistics", "--from", utc(begin), "--to", utc(end))
    simulator.fault("late", path="/stats/", n=1000000, ms=20)
    process = program.start(*options)
    wait_until_caught(process, signal.SIGTERM)
    eventually(
        lambda: program.has_schema()
        and program.sql("SELECT to_regclass('glia.statistics_readings')")
        and int(program.sql("SELECT count(*) FROM glia.statistics_readings")) > 300
    )
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 75, (process.returncode, out, err)
    assert [b["stream"] for b in program.status()["backfills"]] == ["statistics"]
    assert "statistics of " in program.run("status").out
    simulator.quick()
    finished = expect_success(program.run(*options))
    assert (
        "going on with statistics of" in finished.err
        and "8 of 8 windows" in finished.out
        and "statistics responses" in finished.out
    ), finished
    expect_statistics_equal_source(program, begin, end)
    assert program.sql("SELECT count(*) FROM glia.engagements") == "0"
    assert program.sql("SELECT DISTINCT stream, mode FROM glia.sync_runs") == "statistics|backfill"
    found = program.sql(
        "SELECT count(DISTINCT (site_id, source, interval_start)), bool_and(settled) FROM glia.statistics_readings"
    )
    assert found == f"{2 * 4 * 4 * 48}|t", found
    assert "were loaded completely before" in expect_success(program.run(*options)).out
    # The same range again writes nothing.
    before = row_versions(program)
    expect_success(program.run(*options, "--restart"))
    assert row_versions(program) == before
    # `--only engagements` is a backfill of its own.
    only = expect_success(program.backfill("--only", "engagements"))
    assert "the service fetches their legs" in only.out and simulator.stats().get("detail", 0) == 0, only
    assert program.sql("SELECT count(*) FROM glia.engagements") == "50"
    found = program.sql(
        "SELECT string_agg(stream || ' ' || (finished_at IS NOT NULL), ', ' ORDER BY id) FROM glia.backfills"
    )
    assert found == "statistics true, statistics true, engagements true", found


@test
def a_backfill_brings_statistics_with_everything_else_when_they_are_enabled():
    simulator, program = new_world_with_statistics()
    begin, end = last_boundary() - 4 * 86400, last_boundary() - 2 * 86400
    finished = expect_success(program.run("backfill", "--from", utc(begin), "--to", utc(end), "--window", "12h"))
    assert "engagements listed" in finished.out and "statistics responses" in finished.out, finished
    expect_statistics_equal_source(program, begin, end)
    # A dry run counts them.
    begin = last_boundary(86400) - 4 * 86400
    dry_run = ("backfill", "--from", utc(begin), "--to", utc(begin + 2 * 86400), "--dry-run")
    assert ", 768 for statistics)" in expect_success(program.run(*dry_run)).out  # 2 sites, 2 days, 4 sources
    assert "statistics" not in expect_success(program.run(*dry_run, "--only", "engagements")).out
    wrong = program.run("backfill", "--from", utc(begin), "--only", "names")
    assert wrong.code == 64, wrong


@test
def a_refused_source_costs_one_warning_a_day_and_is_caught_up():
    simulator, program = new_world_with_statistics()
    simulator.call("/statistics-refuse", source="wrap_up", code=403)
    first, second = (program.run("run", "--once") for _ in range(2))
    assert first.code == second.code == 0, (first, second)
    warning = "the API refuses statistics"
    assert first.err.count(warning) == 1 and warning not in second.err, (first, second)
    begin = last_boundary() - 23 * 3600
    expect_statistics_equal_source(program, begin, last_boundary(), without=["wrap_up"])
    assert program.sql("SELECT count(*) FROM glia.sync_runs WHERE error IS NOT NULL") == "0"
    with program.service() as service:
        eventually(lambda: "statistics" in service.log() or simulator.stats()["statistics"] > 0)

        def refusals():
            return simulator.stats().get("code:403", 0)

        once_a_start = 3 * len(simulator.sites)
        eventually(lambda: refusals() == once_a_start, what="the refusals of the third start")
        holds_for(4, lambda: refusals() == once_a_start, "a refused source was asked for again")
    simulator.call("/statistics-refuse", source="wrap_up", code=0)
    read_again(program)
    expect_statistics_equal_source(program, begin, last_boundary())
    # If all sources are refused, that is no failure either.
    for source in DIMENSIONS:
        simulator.call("/statistics-refuse", source=source, code=404)
    read_again(program)
    assert program.sql("SELECT count(*) FROM glia.sync_state WHERE stream = 'statistics' AND refusal <> ''") == "2"
    before = row_versions(program)
    read_again(program)
    assert row_versions(program) == before, "a refusal removed rows"
    expect_refusal(
        program.run("backfill", "--only", "statistics", "--from", utc(begin - 86400), "--to", utc(begin)), 78, "404"
    )
    for source in DIMENSIONS:
        simulator.call("/statistics-refuse", source=source, code=0)
    simulator.call("/statistics-mutate", n=20, ago_s=20 * 3600)
    read_again(program)
    expect_statistics_equal_source(program, begin, last_boundary())
    assert program.sql("SELECT count(*) FROM glia.sync_state WHERE stream = 'statistics' AND refusal <> ''") == "0"


@test
def a_source_that_fails_does_not_keep_the_others_from_being_read():
    simulator, program = new_world_with_statistics(api__max_retries=0)
    begin = last_boundary() - 23 * 3600
    without = ["operator_state"]
    for kind, status, code in (("status", 500, 69), ("status", 400, 78), ("garbage", 200, 69)):
        simulator.fault(kind, path="/operators/stats/", n=1000000, code=status)
        expect_refusal(program.run("run", "--once"), code, "/operators/stats/")
        expect_statistics_equal_source(program, begin, last_boundary(), without=without)
        failed = program.sql(
            "SELECT count(*) FROM glia.sync_state WHERE stream = 'statistics' AND synced_through IS NULL "
            "AND last_error LIKE '%/operators/stats/%' AND next_poll_at > now() + interval '30 seconds'"
        )
        assert failed == "2", failed
        simulator.call("/clear")
        simulator.call("/statistics-mutate", n=20, ago_s=20 * 3600)
        program.sql("UPDATE glia.statistics_readings SET fetched_at = fetched_at - interval '1 minute'")
    read_again(program)
    expect_statistics_equal_source(program, begin, last_boundary())
    complete = "stream = 'statistics' AND synced_through IS NOT NULL AND failures = 0"
    assert program.sql(f"SELECT count(*) FROM glia.sync_state WHERE {complete}") == "2"
    # The window of a backfill fails, but the rows of the other sources are stored.
    end = last_boundary() - 5 * 86400
    options = ("backfill", "--only", "statistics", "--from", utc(end - 43200), "--to", utc(end), "--window", "12h")
    simulator.fault("status", path="/engagements/stats/duration", n=1000000, code=500)
    expect_refusal(program.run(*options), 69, "/engagements/stats/duration")
    expect_statistics_equal_source(program, end - 43200, end, without=["handle"])
    simulator.call("/clear")
    expect_success(program.run(*options))
    expect_statistics_equal_source(program, end - 43200, end)


@test
def rejects_retry_requests_the_interval_of_a_rejected_element_again():
    simulator, program = new_world_with_statistics()
    simulator.fault("bad-record", path="/stats/", n=2)
    expect_success(program.run("run", "--once"))
    assert program.status()["rejected"] == 4
    records = json.loads(expect_success(program.run("rejects", "list", "--json")).out)
    assert len(records) == 4 and all(r["source"].startswith("statistics ") for r in records), records
    simulator.fault("status", path="/stats/", code=403, n=1)
    refused = program.run("rejects", "retry", "--strict", str(records[0]["id"]))
    expect_refusal(refused, 65, "1 records are still rejected")
    assert "still rejected: " in refused.out and "403" in refused.out, refused
    before = simulator.stats()["requests"]
    retried = expect_success(program.run("rejects", "retry"))
    assert "4 loaded, 0 still rejected" in retried.out, retried
    assert simulator.stats()["requests"] - before == 2, "one request for each interval"
    assert expect_success(program.run("rejects", "list")).out == "no rejected records\n"


@test
def strange_responses_load_and_broken_elements_cost_themselves():
    simulator, program = new_world_with_statistics()
    simulator.call("/statistics-shape", strange=1)
    begin = last_boundary() - 23 * 3600
    read_again(program)
    expect_statistics_equal_source(program, begin, last_boundary())
    paths = program.sql(
        "SELECT string_agg(path, ' ' ORDER BY path) FROM glia.undocumented_members "
        "WHERE path LIKE 'statistics.%' AND kind = 'unknown'"
    )
    assert paths == " ".join(sorted(f"statistics.{source}[].sentiment" for source in DIMENSIONS)), paths
    simulator.fault("bad-record", path="/stats/", n=50)
    finished = read_again(program)
    assert "elements of statistics cannot be read" in finished.err, finished
    expect_statistics_equal_source(program, begin, last_boundary())
    status = program.status()
    assert status["rejected"] == sum(s["rejected"] for s in status["streams"]) == 100, status
    found = program.sql(
        "SELECT payload, count(*), bool_and(source ~ '^statistics [a-z_]+ 20[0-9-]+T[0-9:]+Z$') "
        "FROM glia.rejected_records GROUP BY 1 ORDER BY 1"
    )
    assert found == '7|50|t\n{"site_id":[]}|50|t', found
    read_again(program)
    assert program.status()["rejected"] == 0
    # Requests that fail are sent again, because the POST changes nothing.
    for kind in ("truncate", "garbage", "close", "status"):
        simulator.fault(kind, path="/stats/", n=1)
    simulator.call("/statistics-mutate", n=20, ago_s=20 * 3600)
    read_again(program)
    expect_statistics_equal_source(program, begin, last_boundary())


@test
def the_service_reads_statistics_across_a_kill_and_two_instances_share_the_sites():
    simulator, program = new_world_with_statistics()
    begin = last_boundary() - 23 * 3600
    simulator.fault("late", path="/stats/", n=1000000, ms=5)
    with program.service(expect=None) as service:
        eventually(
            lambda: program.has_schema()
            and program.sql("SELECT to_regclass('glia.statistics_readings')")
            and int(program.sql("SELECT count(*) FROM glia.statistics_readings")) > 100
        )
        service.send_signal(signal.SIGKILL)
        service.wait()
    simulator.call("/statistics-mutate", n=40, ago_s=20 * 3600)
    simulator.quick()
    with program.service(), program.service(name="other"):

        def right():
            with contextlib.suppress(AssertionError):
                expect_statistics_equal_source(program, begin, last_boundary())
                return True

        eventually(right, 60, "the agreement")
        simulator.call("/statistics-mutate", n=20, ago_s=20 * 3600)
        eventually(right, 60, "the agreement after changes")


@test
def another_length_of_intervals_counts_nothing_twice():
    simulator, program = new_world_with_statistics()
    read_again(program)
    program.settings["statistics"]["interval"] = "15m"
    program.configure(program.settings)
    begin = last_boundary() - 23 * 3600
    day = last_boundary(86400)
    read_again(program)
    expect_statistics_equal_source(program, begin, last_boundary())
    expect_success(program.run("backfill", "--only", "statistics", "--from", utc(day - 86400), "--to", utc(day)))
    expect_statistics_equal_source(program, day - 86400, day, length=900)


@test
def a_configuration_that_cannot_keep_statistics_is_refused():
    simulator, program = new_world_with_statistics(statistics__interval="7m")
    expect_refusal(program.run("run", "--once"), 78, "statistics.interval", "divide a day")
    simulator, program = new_world_with_statistics(sink__type="ndjson")
    expect_refusal(program.run("run", "--once"), 78, "statistics need the sink postgres")
