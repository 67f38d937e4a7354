"""Volume: what the view and the metrics say of series that the simulator makes, and `status --check`."""

import hashlib
import re
import time

from harness import expect_refusal, expect_success, new_world, test
from monitoring_test import address, metrics, responds
from world import epoch_seconds, eventually, free_port

DAYS, HOURLY = 66, 6


def series(zone_hours_ahead=0, **options):
    """A site with six engagements an hour for nine weeks, none of which is loaded yet: the caller may remove some
    first."""
    simulator, program = new_world(
        DAYS * 24 * HOURLY,
        sites=1,
        days=DAYS,
        legs_in_list=True,
        admin__listen=address(),
        sync__revisit=[],
        ongoing_per_mille=0,
        **options,
    )
    return simulator, program


def local_midnight_was(program, hours):
    """Gives the site a time zone in which the day is `hours` hours old, give or take half an hour."""
    now = time.gmtime()
    ahead = round(hours - (now.tm_hour + now.tm_min / 60))
    if ahead > 14:
        ahead -= 24
    if ahead < -12:
        ahead += 24
    zone = "Etc/GMT" + (f"-{ahead}" if ahead >= 0 else f"+{-ahead}")
    program.sql(
        "INSERT INTO glia.sites (id, name, iana_time_zone, fetched_at, content_hash, first_seen_at, changed_at) "
        f"VALUES ('{program.simulator.sites[0]}', 'Bank', '{zone}', now(), '', now(), now()) "
        f"ON CONFLICT (id) DO UPDATE SET iana_time_zone = '{zone}'"
    )


def newest(simulator, hours):
    """The ids of the engagements created in the current hour and in the `hours` hours before it."""
    begin = (time.time() // 3600 - hours) * 3600
    return [e["id"] for e in simulator.truth() if epoch_seconds(e["created_at"]) >= begin]


def volume(simulator, program):
    """Loads, counts, and returns what the status says of the site."""
    expect_success(program.run("run", "--once"))
    (site,) = program.status()["sites"]
    listen = program.settings["admin"]["listen"]
    with program.service():
        eventually(lambda: responds(listen), 10)
        values = metrics(listen)
    label = f'{{site="{simulator.sites[0]}"}}'
    seen, low = (
        values["glia_sync_volume_seen_engagements" + label],
        values["glia_sync_volume_low_threshold_engagements" + label],
    )
    assert (seen < low) == site["volume"]["is_low"] and seen == site["volume"]["seen"], (site, seen, low)
    assert abs(values["glia_sync_volume_expected_engagements" + label] - site["volume"]["expected"]) <= 1
    return site["volume"]


@test
def the_usual_volume_is_what_is_expected():
    simulator, program = series()
    found = volume(simulator, program)
    assert (
        not found["is_low"]
        and 12 <= found["hours"] <= 24
        and 80 <= found["expected"] <= 125
        and 80 <= found["seen"] <= 130
    ), found
    # The view against the tables.
    wrong = program.sql(
        "SELECT count(*) FROM glia.volume v WHERE v.engagements <> (SELECT count(*) FROM glia.engagements e "
        "WHERE date_trunc('hour', e.created_at) = v.hour_start)"
    )
    rows, known = map(int, program.sql("SELECT count(*), count(expected_engagements) FROM glia.volume").split("|"))
    assert wrong == "0" and rows >= 58 * 24 and known >= 20 * 24, (wrong, rows, known)
    checked = program.run("status", "--check")
    assert (
        checked.code == 0
        and checked.out.startswith("GLIA-SYNC OK: ")
        and checked.out.count("\n") == 1
        and " | lag=" in checked.out
    ), checked


@test
def an_outage_at_the_source_is_unusual():
    simulator, program = series()
    expect_success(program.run("migrate"))
    local_midnight_was(program, 23)
    for i in newest(simulator, 12):
        simulator.call("/remove", id=i)
    found = volume(simulator, program)
    assert found["is_low"] and found["seen"] < 0.5 * found["expected"], found
    assert "usually" in expect_success(program.run("status")).out
    checked = program.run("status", "--check")
    assert checked.code == 1 and "usually" in checked.out, checked


@test
def a_filter_that_silently_returns_less_is_unusual():
    simulator, program = series()
    expect_success(program.run("migrate"))
    local_midnight_was(program, 23)
    for i in newest(simulator, 18):
        if int(hashlib.md5(i.encode()).hexdigest(), 16) % 10 < 6:
            simulator.call("/hide", id=i)
    found = volume(simulator, program)
    assert found["is_low"] and found["seen"] > 0, found


@test
def a_holiday_is_not_unusual_whether_it_is_known_or_not():
    simulator, program = series()
    expect_success(program.run("migrate"))
    local_midnight_was(program, 16)
    for i in newest(simulator, 17):
        simulator.call("/remove", id=i)
    found = volume(simulator, program)
    assert not found["is_low"], found
    # Once the day is named as a holiday, nothing is expected of it, and the weeks after do not count it.
    day = program.sql("SELECT max(hour_start_local)::date FROM glia.volume")
    program.sql(f"INSERT INTO glia.holidays VALUES ('{simulator.sites[0]}', '{day}')")
    stored = program.sql(
        f"SELECT count(*) FROM glia.volume WHERE hour_start_local::date = '{day}' "
        "AND (expected_engagements IS NOT NULL OR NOT is_holiday)"
    )
    assert stored == "0", stored
    assert not program.status()["sites"][0]["volume"]["is_low"]


@test
def a_new_site_expects_nothing():
    simulator, program = new_world(
        10 * 24 * HOURLY, sites=1, days=10, legs_in_list=True, admin__listen=address(), sync__revisit=[]
    )
    for i in newest(simulator, 12):
        simulator.call("/remove", id=i)
    found = volume(simulator, program)
    assert not found["is_low"] and found["expected"] == 0, found


@test
def status_check_tells_by_its_exit_code():
    simulator, program = new_world(50, api__max_retries=0)
    assert program.run("status", "--check").code in (1, 2, 3)  # nobody has read anything, nor made the tables
    expect_success(program.run("run", "--once"))
    assert program.run("status", "--check").code == 0
    simulator.fault("status", path="/engagements", n=1000, code=500)
    assert program.run("run", "--once").code == 69
    failing = program.run("status", "--check")
    assert failing.code == 1 and "failed at its last pass" in failing.out and failing.out.count("\n") == 1, failing
    program.sql("UPDATE glia.sync_state SET synced_through = now() - interval '2 hours'")
    assert program.run("status", "--check").code == 2
    program.settings["sink"]["postgres"]["dsn"] = f"host=127.0.0.1 port={free_port()} user=postgres dbname=none"
    program.configure(program.settings)
    away = program.run("status", "--check")
    assert away.code == 2 and away.out == "GLIA-SYNC CRITICAL: the database does not answer\n", away
    program.write("glia-sync.yaml", "nonsense: [")
    wrong = program.run("status", "--check")
    assert wrong.code == 3 and wrong.out.startswith("GLIA-SYNC UNKNOWN: "), wrong
    assert program.run("status", "--check", "--json").code == 64


@test
def a_dry_run_of_a_backfill_tells_what_it_takes_and_writes_nothing():
    simulator, program = new_world(3000, sites=2, days=30)
    dsn, program.settings["sink"]["postgres"]["dsn"] = (
        program.settings["sink"]["postgres"]["dsn"],
        "host=127.0.0.1 port=1",
    )
    program.configure(program.settings)
    output = expect_success(program.run("backfill", "--from", simulator.start, "--to", simulator.end, "--dry-run")).out
    windows, pages, requests, engagements = [
        int(re.search(p, output)[1].replace(",", ""))
        for p in (r"is ([\d,]+) windows", r"\(([\d,]+) pages", r"([\d,]+) requests \(", r"about ([\d,]+) engagements")
    ]
    listed = sum(len(e["_sites"]) for e in simulator.truth())
    assert windows in (60, 62) and abs(engagements - listed) < 0.25 * listed and requests == pages + engagements, output
    assert (
        "requests a second" in output
        and "nothing was written" in output
        and program.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'glia'") == "0"
    )
    # The requests that it really takes.
    program.settings["sink"]["postgres"]["dsn"] = dsn
    program.configure(program.settings)
    simulator.call("/zero")
    expect_success(program.run("backfill", "--from", simulator.start, "--to", simulator.end))
    requests = int(program.sql("SELECT sum(requests) FROM glia.sync_runs"))
    assert 0.7 * pages <= requests <= 1.4 * pages, (pages, requests)
    assert (
        " 0 for legs"
        in expect_success(program.run("backfill", "--from", simulator.start, "--only", "engagements", "--dry-run")).out
    )
    for only in ("statistics", "legs", "transcripts", "recordings"):
        finished = program.run("backfill", "--from", simulator.start, "--only", only, "--dry-run")
        expect_refusal(finished, 64, "--dry-run", only)
    expect_refusal(program.run("backfill", "--from", simulator.start, "--site", "elsewhere", "--dry-run"), 64, "--site")


@test
def verifications_that_are_old_and_superseded_go():
    simulator, program = new_world(50)
    expect_success(program.run("run", "--once"))
    row = (
        "INSERT INTO glia.verifications (range_from, range_to, site_id, day, listed, stored, missing, different, "
        "gone, repaired, legs_read, verified_at) SELECT now(), now(), 's1', d, 1, 1, 0, 0, 0, 0, 0, now() - a FROM "
    )
    program.sql(
        f"{row}(VALUES ('2024-01-01'::date, interval '410 days'), ('2024-01-01', interval '401 days'), "
        "('2024-01-01', interval '390 days'), ('2024-01-02', interval '410 days')) v (d, a)"
    )
    with program.service():
        eventually(lambda: program.sql("SELECT count(*) FROM glia.verifications") == "2", 20)
    assert program.sql(
        "SELECT day, verified_at < now() - interval '400 days' FROM glia.verifications ORDER BY 1"
    ).split() == ["2024-01-01|f", "2024-01-02|t"]


@test
def run_once_prunes_runs_and_verifications_as_the_service_does():
    simulator, program = new_world(50)
    expect_success(program.run("migrate"))
    program.sql(
        "INSERT INTO glia.sync_runs (mode, site_id, window_from, started_at, finished_at) SELECT 'incremental', 'old', "
        "now(), now() - a, now() - a FROM (VALUES (interval '31 days'), ('29 days')) v (a)"
    )
    program.sql(
        "INSERT INTO glia.verifications (range_from, range_to, site_id, day, listed, stored, missing, different, "
        "gone, repaired, legs_read, verified_at) SELECT now(), now(), 's1', '2024-01-01', 1, 1, 0, 0, 0, 0, 0, "
        "now() - a FROM (VALUES (interval '410 days'), ('390 days')) v (a)"
    )
    expect_success(program.run("run", "--once"))
    assert (
        program.sql("SELECT finished_at > now() - interval '30 days' FROM glia.sync_runs WHERE site_id = 'old'") == "t"
    )
    assert program.sql("SELECT verified_at > now() - interval '400 days' FROM glia.verifications") == "t"
