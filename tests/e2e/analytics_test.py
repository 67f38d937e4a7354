"""What analysts are given: dictionary, questions, dashboard, dbt. All of it agrees with the database."""

import glob
import json
import math
import os
import re
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal, ROUND_HALF_UP
from zoneinfo import ZoneInfo

from harness import expect_success, expect_tables_equal_source, new_world, test
from statistics_test import source_statistics
from views_test import apply_roles, average, nearly_equal, queue_of, time_of, wait_of
from world import TOP, clean

ANALYTICS = TOP + "/config/analytics"
sys.path.insert(0, ANALYTICS)

import generate


def read_file(path):
    """The text of a file of the repository."""
    with open(f"{TOP}/{path}") as f:
        return f.read()


def sql_as_reader(program, sql):
    """Runs SQL with the role of an analyst."""
    return program.sql("SET ROLE glia_reader; SET search_path = glia; " + sql)


def rows_as_reader(program, sql):
    """A query's rows as dictionaries, read with the role of an analyst."""
    return json.loads(sql_as_reader(program, f"SELECT coalesce(json_agg(x), '[]') FROM ({sql.rstrip().rstrip(';')}) x"))


def new_loaded_world(**options):
    """A program whose tables are complete and may be read by analysts."""
    simulator, program = new_world(1200, **options)
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    apply_roles(program)
    return simulator, program


@test
def the_data_dictionary_says_what_the_database_says():
    _, program = new_world(10)
    expect_success(program.run("migrate"))
    dictionary = read_file("config/analytics/DICTIONARY.md")
    made = generate.schema_part(program.cluster.dsn(program.database), "glia")
    assert made in dictionary, "config/analytics/DICTIONARY.md is out of date: make it again with generate.py"
    for title, sql in generate.questions():
        assert title in dictionary and sql in dictionary, title
    assert len(list(generate.questions())) == 24
    uncommented = program.sql(
        "SELECT c.relname || '.' || a.attname FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relnamespace = 'glia'::regnamespace AND c.relkind IN ('r', 'v') AND col_description(c.oid, "
        "a.attnum) IS NULL"
    )
    assert not uncommented, uncommented


def queries():
    """Every query in documents and dashboards."""
    for path in ("README.md", "config/OPERATIONS.md", "config/analytics/DICTIONARY.md"):
        for block in re.findall(r"```sql\n(.*?)```", read_file(path), re.S):
            yield path, block[: block.index(";") + 1] if ";" in block else block
    for panel in json.loads(read_file("config/grafana/engagements.json"))["panels"]:
        for target in panel["targets"]:
            sql = re.sub(
                r"\$__timeFilter\(([^)]*)\)", r"\1 BETWEEN now() - interval '7 days' AND now()", target["rawSql"]
            )
            # All sites, queues and operators, and two of each.
            for chosen in ("'*'", "'x', 'y'"):
                picked = re.sub(r"\$\{(site|queue|operator):sqlstring\}", chosen, sql).replace(
                    "${time_zone:sqlstring}", "'Europe/Tallinn'"
                )
                yield "config/grafana/engagements.json", picked.replace(
                    "$__timeFrom()", "(now() - interval '7 days')"
                ).replace("$__timeTo()", "now()")


@test
def every_query_in_documents_and_dashboards_runs_as_the_reader():
    simulator, program = new_loaded_world()
    found = list(queries())
    assert len(found) >= 24 + 2 * 17 + 2, len(found)
    for path, sql in found:
        assert "$" not in re.sub(r"'[^']*'", "", sql), (path, sql)
        try:
            sql_as_reader(program, sql)
        except RuntimeError as error:
            raise AssertionError(f"{path}: {error}: {sql}")


@test
def the_dbt_source_names_what_there_is():
    simulator, program = new_loaded_world()
    there = set(
        program.sql(
            "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'glia'"
        ).split()
    )
    relation, named = None, 0
    for line in read_file("config/analytics/dbt/models/sources.yml").splitlines():
        if m := re.match(r"      - name: (\w+)", line):
            relation = m.group(1)
            assert any(c.startswith(relation + ".") for c in there), relation
        elif m := re.match(r"          - name: (\w+)", line):
            assert f"{relation}.{m.group(1)}" in there, (relation, m.group(1))
        elif m := re.match(r"        loaded_at_field: (\w+)", line):
            assert f"{relation}.{m.group(1)}" in there, (relation, m.group(1))
        elif "tests: [unique, not_null]" in line or "tests: [not_null]" in line:
            named += 1
    assert named >= 6
    # What the file tells dbt to test.
    assert (
        sql_as_reader(program, "SELECT count(*) - count(DISTINCT id) FROM engagements") == "0"
        and sql_as_reader(program, "SELECT count(*) - count(DISTINCT engagement_id) FROM engagement_facts") == "0"
    )
    assert (
        sql_as_reader(program, "SELECT count(*) FROM legs WHERE engagement_id NOT IN (SELECT id FROM engagements)")
        == "0"
    )


def medium(e):
    """The value of engagement_facts.media: the richest medium in the flags or in a leg."""

    def of(leg):
        for kinds in (("video",), ("audio", "phone")):
            if {leg["highest_visitor_media_type"], leg["highest_operator_media_type"]} & set(kinds):
                return kinds[0]
        return "text"

    legs = {of(leg) for leg in e["legs"]}
    return (
        "video" if e["video_used"] or "video" in legs else "audio" if e.get("audio_used") or "audio" in legs else "text"
    )


@test
def the_questions_about_engagements_are_answered_as_the_source_would_answer_them():
    simulator, program = new_loaded_world(days=60, ongoing_per_mille=200)
    truth, now = simulator.truth(), datetime.now(timezone.utc)
    # Every question is asked at the same moment: otherwise the edges of the ranges move while the test runs.
    moment = f"timestamptz '{now.isoformat()}'"
    sql = {f"{n:02}": text.replace("now()", moment) for n, (_, text) in enumerate(generate.questions(), 1)}

    def within(days):
        return [e for e in truth if time_of(e["created_at"]) >= now - timedelta(days=days)]

    def names():
        return {
            q["id"]: clean(q["name"])
            for e in sorted(truth, key=lambda e: e["created_at"])
            for q in [*(e.get("queues") or []), *(q for line in e["legs"] for q in line["request_queues"] or [])]
        }

    month, queue_names = within(30), names()
    legs = [
        (position, leg)
        for e in truth
        for position, leg in enumerate(e["legs"])
        if time_of(leg["accepted_at"]) >= now - timedelta(days=30)
    ]

    def first_queue(e):
        return queue_of(e["legs"][0]) or ((e.get("queues") or [{}])[0].get("id"))

    def ended(e):
        return all(leg["ended_at"] for leg in e["legs"])

    days = Counter((time_of(e["created_at"]).date().isoformat(), e["engagement_type"]) for e in within(8))
    found = rows_as_reader(program, sql["01"])
    assert [row["day"] for row in found] == [(now.date() - timedelta(days=n)).isoformat() for n in range(7, 0, -1)]
    for row in found:
        assert (row["reactive"], row["proactive"]) == (days[row["day"], "reactive"], days[row["day"], "proactive"]), row
        assert row["engagements"] == sum(n for (day, _), n in days.items() if day == row["day"]), row
        assert row["engagements"] == row["reactive"] + row["proactive"] + row["other_types"], row
    by_queue = defaultdict(list)
    for position, leg in legs:
        if queue_of(leg) and leg["request_type"] == "reactive":
            by_queue[queue_names[queue_of(leg)]].append(wait_of(leg))
    found = {row["queue"]: row for row in rows_as_reader(program, sql["02"])}
    assert set(found) == set(by_queue)
    for queue, waits in by_queue.items():
        assert found[queue]["accepted"] == len(waits) and abs(float(found[queue]["seconds"]) - average(waits)) < 0.06, (
            queue,
            found[queue],
        )
        assert abs(float(found[queue]["within_20_seconds"]) - average([w <= 20 for w in waits])) < 0.0006, (
            queue,
            found[queue],
            waits,
        )
    by_operator = defaultdict(list)
    for _, leg in legs:
        by_operator[leg["operator"]["id"]].append(leg["duration"] if leg["ended_at"] else None)
    top = sorted(by_operator.items(), key=lambda item: (-len(item[1]), item[0]))[:5]
    for row, (operator, durations) in zip(rows_as_reader(program, sql["03"]), top, strict=True):
        known = [d for d in durations if d is not None]
        assert (row["operator_id"], row["legs"], row["seconds"]) == (operator, len(durations), sum(known)) and abs(
            row["aht"] - average(known)
        ) <= 0.51, row
    by_queue = defaultdict(list)
    for e in month:
        if first_queue(e):
            by_queue[queue_names[first_queue(e)]].append(len(e["legs"]) - 1)
    found = {row["queue"]: row for row in rows_as_reader(program, sql["04"])}
    assert set(found) == set(by_queue)
    for queue, transfers in by_queue.items():
        row = found[queue]
        assert (row["engagements"], row["most_transfers"]) == (len(transfers), max(transfers)), (queue, row, transfers)
        assert abs(float(row["transfer_rate"]) - average([t > 0 for t in transfers])) < 0.0006, (queue, row, transfers)
    hours = Counter(
        time_of(e["created_at"]).astimezone(timezone.utc).strftime("%u %H") for e in month
    )  # UTC, because no site's time zone is known
    busiest = sorted(hours.items(), key=lambda item: (-item[1], item[0]))[:5]
    assert [(row["weekday_hour"], row["engagements"]) for row in rows_as_reader(program, sql["05"])] == busiest, busiest
    waits = sorted(
        e["queue_wait_time"]
        for e in month
        if e["engagement_type"] == "reactive" and e.get("queue_wait_time") is not None
    )
    (row,) = rows_as_reader(program, sql["06"])

    def percentile(share):
        at = share * (len(waits) - 1)
        low = waits[int(at)]
        return low + (waits[min(int(at) + 1, len(waits) - 1)] - low) * (at - int(at))

    assert (
        (row["waited"], row["longest"]) == (len(waits), waits[-1])
        and nearly_equal(row["median"], percentile(0.5))
        and nearly_equal(row["p90"], percentile(0.9))
    ), row
    reasons = Counter(e["legs"][-1]["end_reason"] for e in month if ended(e))
    assert {row["end_reason"]: row["engagements"] for row in rows_as_reader(program, sql["07"])} == reasons
    media = defaultdict(list)
    for e in month:
        media[medium(e)].append(e["cobrowsing_used"] or any(line["used_cobrowsing"] for line in e["legs"]))
    found = rows_as_reader(program, sql["08"])
    assert {row["media"] for row in found} == set(media)
    for row in found:
        used = media[row["media"]]
        assert row["engagements"] == len(used) and abs(float(row["with_cobrowsing"]) - average(used)) < 0.0006, row
    sources = defaultdict(list)
    for e in month:
        sources[e.get("source") or "unknown"].append(sum(line["duration"] for line in e["legs"]) if ended(e) else None)
    for row in rows_as_reader(program, sql["09"]):
        times = sources[row["came_by"]]
        assert (
            row["engagements"] == len(times) and abs(row["aht"] - average([t for t in times if t is not None])) <= 0.51
        ), row
    visitors = Counter(e["visitor_id"] for e in month)
    (row,) = rows_as_reader(program, sql["10"])
    assert (row["visitors"], row["came_again"], row["most_often"]) == (
        len(visitors),
        sum(n > 1 for n in visitors.values()),
        max(visitors.values()),
    ), row
    going = [e for e in within(2) if not ended(e)]
    (row,) = rows_as_reader(program, sql["11"])
    assert (row["ongoing"], row["operators"], row["transferred"]) == (
        len(going),
        len({e["legs"][-1]["operator"]["id"] for e in going}),
        sum(len(e["legs"]) > 1 for e in going),
    ), row
    assert row["ongoing"] > 0
    assert rows_as_reader(program, sql["12"]) == [
        {
            "site": site,
            "complete": True,
            "without_gaps": True,
            "fresh": True,
            "rejected": 0,
            "waiting_for_legs": 0,
            "statistics_from": None,
            "statistics_through": None,
        }
        for site in sorted(simulator.sites)
    ]

    before, again = {}, {}
    for e in sorted(truth, key=lambda e: (time_of(e["created_at"]), e["id"])):
        if one := before.get(e["visitor_id"]):
            again[one["id"]] = (time_of(e["created_at"]) - time_of(one["created_at"])) / timedelta(days=1)
        before[e["visitor_id"]] = e
    contacts = defaultdict(list)
    for e in truth:
        if timedelta(days=7) < now - time_of(e["created_at"]) <= timedelta(days=37):
            queue = queue_names[first_queue(e)] if first_queue(e) else "no queue"
            contacts[queue].append(again.get(e["id"], math.inf))
    found = {row["queue"]: row for row in rows_as_reader(program, sql["17"])}
    assert set(found) == set(contacts)
    for queue, days in contacts.items():
        row = found[queue]
        assert row["contacts"] == len(days), (queue, row)
        for column, limit in (("again_within_1_day", 1), ("again_within_7_days", 7)):
            assert abs(float(row[column]) - average([d <= limit for d in days])) < 0.0006, (queue, column, row)
        assert abs(float(row["fcr"]) - average([d > 7 for d in days])) < 0.0006, (queue, row)
    assert {d <= 1 for d in again.values()} == {True, False}, "some come again after hours, some after days"
    transfers = defaultdict(list)
    for e in truth:
        for one, next in zip(e["legs"], e["legs"][1:]):
            if time_of(next["accepted_at"]) < now - timedelta(days=30):
                continue
            transfers[one["operator"]["id"], next["operator"]["id"]].append(
                (
                    queue_of(next) is None,
                    max(0, (time_of(next["accepted_at"]) - time_of(one["ended_at"])).total_seconds()),
                )
            )
    top = sorted(transfers.items(), key=lambda item: (-len(item[1]), item[0]))[:5]
    for row, (operators, lost) in zip(rows_as_reader(program, sql["18"]), top, strict=True):
        assert (row["from_operator"], row["to_operator"], row["transfers"], row["without_a_queue"]) == (
            *operators,
            len(lost),
            sum(n for n, _ in lost),
        ), row
        assert abs(float(row["seconds_lost"]) - average([s for _, s in lost])) < 0.051, row
    sites = defaultdict(list)
    for e in month:
        sites[e["legs"][0]["site"]["id"]].append(len({line["site"]["id"] for line in e["legs"]}) > 1)
    assert rows_as_reader(program, sql["23"]) == [
        {"site": site, "engagements": len(of), "of_several_sites": sum(of)} for site, of in sorted(sites.items())
    ]
    assert sum(map(len, sites.values())) == len(month) and any(
        map(any, sites.values())
    ), "each once, and some of several sites"
    assert rows_as_reader(program, sql["24"]) == []


@test
def the_busiest_hours_are_those_of_the_clock_of_each_site():
    simulator, program = new_loaded_world(days=60, directory__enabled=True)
    month = [
        e for e in simulator.truth() if time_of(e["created_at"]) >= datetime.now(timezone.utc) - timedelta(days=30)
    ]
    zones = {
        row["id"]: ZoneInfo(row["iana_time_zone"])
        for row in rows_as_reader(program, "SELECT id, iana_time_zone FROM sites")
    }
    assert len(set(map(str, zones.values()))) == 2, zones
    hours = Counter(
        time_of(e["created_at"]).astimezone(zones[e["legs"][0]["site"]["id"]]).strftime("%u %H") for e in month
    )
    busiest = sorted(hours.items(), key=lambda item: (-item[1], item[0]))[:5]
    sql = [text for _, text in generate.questions()][4]
    assert [(row["weekday_hour"], row["engagements"]) for row in rows_as_reader(program, sql)] == busiest, busiest


def rounded(part, whole, digits=3):
    return None if not whole else float(Decimal(repr(part / whole)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


class Counted:
    """The simulator's statistics from `begin` to `end`, added up by any key of (start, site, queue or operator)."""

    def __init__(self, simulator, begin, end):
        self.tables = source_statistics(simulator, begin.timestamp(), end.timestamp())

    def waits(self, key):
        """{key: {offered, answered, abandoned, short, within, wait, longest}}"""
        sums = defaultdict(lambda: dict(offered=0, answered=0, abandoned=0, short=0, within=0, wait=0, longest=0))
        for (at, site, queue, outcome, *_), row in self.tables["queue_wait_intervals"].items():
            into = sums[key(at, site, queue)]
            into["offered"] += row["count"]
            into["longest"] = max(into["longest"], row["maximum_seconds"])
            if outcome == "finished":
                for name, column in (
                    ("answered", "count"),
                    ("within", "within_service_level"),
                    ("wait", "total_seconds"),
                ):
                    into[name] += row[column]
            if outcome in ("canceled", "disconnected"):
                for name, column in (("abandoned", "count"), ("short", "short")):
                    into[name] += row[column]
        return sums

    def sums(self, table, key, column):
        found = defaultdict(int)
        for (at, site, who, *more), row in self.tables[table].items():
            found[key(at, site, who, *more)] += row[column]
        return found


@test
def the_questions_about_statistics_are_answered_as_the_source_would_answer_them():
    simulator, program = new_world(600, days=20, directory__enabled=True, statistics__enabled=True)
    midnight = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    week = midnight - timedelta(days=7)
    expect_success(program.backfill("--only", "engagements"))
    expect_success(
        program.run(
            "backfill", "--only", "statistics", "--from", (week - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        )
    )
    expect_success(program.run("run", "--once"))
    apply_roles(program)
    sql = {f"{n:02}": text for n, (_, text) in enumerate(generate.questions(), 1)}
    sites = {row["id"]: row for row in rows_as_reader(program, "SELECT id, name, iana_time_zone FROM sites")}
    queues = {row["id"]: row["name"] for row in rows_as_reader(program, "SELECT id, name FROM queues")}
    operators = {row["id"]: row["name"] for row in rows_as_reader(program, "SELECT id, name FROM operators")}

    def local(at, site):
        return datetime.fromtimestamp(at, ZoneInfo(sites[site]["iana_time_zone"]))

    one, other = sorted(sites)
    program.sql(
        f"INSERT INTO glia.business_hours SELECT '{one}', d, '09:00', '17:00' FROM generate_series(1, 5) d; "
        f"INSERT INTO glia.holidays VALUES ('{one}', '{week.date()}')"
    )

    of_week = Counted(simulator, week, midnight)
    halves = of_week.waits(lambda at, site, queue: (queue, local(at, site).strftime("%H:%M")))
    expected = [
        (queues[queue], half, s["offered"], s["abandoned"], rounded(s["abandoned"], s["offered"]))
        for (queue, half), s in halves.items()
        if queue and s["offered"] >= 3
    ]
    expected.sort(key=lambda row: (-row[4], -row[2], row[0], row[1]))
    found = rows_as_reader(program, sql["13"])
    assert [
        (r["queue"], r["half_hour"], r["offered"], r["abandoned"], r["abandonment_rate"]) for r in found
    ] == expected[:8], (found, expected[:8])
    assert all(r["all_read"] for r in found), found

    zone = ZoneInfo("Europe/Tallinn")
    end = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = end - timedelta(days=7)
    days = Counted(simulator, begin, end).waits(
        lambda at, site, queue: (queue, datetime.fromtimestamp(at, zone).date())
    )
    for row in rows_as_reader(program, sql["14"]):
        mine = [s for (queue, _), s in days.items() if queue and queues[queue] == row["queue"]]
        levels = [s["within"] / (s["offered"] - s["short"]) for s in mine if s["offered"] > s["short"]]
        assert (row["days"], row["on_target"]) == (len(levels), sum(level >= 0.8 for level in levels)), row
        assert row["service_level"] == rounded(
            sum(s["within"] for s in mine), sum(s["offered"] - s["short"] for s in mine)
        ), row

    waits = of_week.waits(lambda at, site, queue: queue)

    def by_queue(at, site, queue, *_):
        return queue

    handled, handle, wrap = (
        of_week.sums(t, by_queue, c)
        for t, c in (
            ("handle_intervals", "count"),
            ("handle_intervals", "total_seconds"),
            ("wrap_up_intervals", "total_seconds"),
        )
    )
    found = {row["queue"]: row for row in rows_as_reader(program, sql["15"])}
    for queue, s in waits.items():
        if not queue:
            continue
        row = found[queues[queue]]
        assert (row["answered"], row["asa"], row["longest_wait"]) == (
            s["answered"],
            rounded(s["wait"], s["answered"], 1),
            s["longest"],
        ), (row, s)
        assert row["aht"] == rounded(handle[queue] + wrap[queue], handled[queue], 1), row

    states = of_week.sums("operator_state_intervals", lambda at, site, operator, state: (operator, state), "seconds")

    def time(operator, *names):
        return sum(n for (who, state), n in states.items() if who == operator and (not names or state in names))

    expected = []
    for operator in {who for who, _ in states}:
        busy, waiting = time(operator, "engaged", "post-engagement"), time(operator, "video", "audio", "chat")
        if busy + waiting:
            expected.append((operator, time(operator), busy + waiting, rounded(busy, busy + waiting)))
    expected.sort(key=lambda row: (-row[3], -row[2], row[0]))
    assert [
        (r["operator"], r["logged_in"], r["available"], r["occupancy"]) for r in rows_as_reader(program, sql["16"])
    ] == [(operators[o], *rest) for o, *rest in expected[:5]]

    requested, busy, logged_in = (
        defaultdict(int),
        defaultdict(set),
        of_week.sums("operator_state_intervals", lambda at, *_: at, "seconds"),
    )
    for e in simulator.truth():
        for leg in e["legs"]:
            at = time_of(leg["requested_at"]).timestamp() // 1800 * 1800
            if queue_of(leg) and week.timestamp() <= at < midnight.timestamp():
                requested[at] += 1
            last = time_of(leg["ended_at"]).timestamp() if leg["ended_at"] else datetime.now(timezone.utc).timestamp()
            half = (first := time_of(leg["accepted_at"]).timestamp()) // 1800 * 1800
            while half < last and half < first + 86400:
                if last > first:
                    busy[half].add(leg["operator"]["id"])
                half += 1800

    def half_of_queue(at, site, queue, *_):
        return at if queue else None

    offered = of_week.waits(half_of_queue)
    all_halves = {
        *requested,
        *offered,
        *of_week.sums("handle_intervals", half_of_queue, "count"),
        *of_week.sums("wrap_up_intervals", half_of_queue, "count"),
    } - {None}
    expected = sorted(all_halves, key=lambda at: (-requested[at], at))[:5]
    for row, at in zip(rows_as_reader(program, sql["19"]), expected, strict=True):
        assert datetime.fromisoformat(row["half_hour"]) == datetime.fromtimestamp(at, zone).replace(tzinfo=None), (
            row,
            at,
        )
        assert (row["requested"], row["busy_operators"]) == (requested[at], len(busy[at])), row
        assert row["offered"] == offered[at]["offered"] and float(row["logged_in"]) == rounded(
            logged_in[at], 1800, 1
        ), row

    def is_open(at, site):
        clock = local(at, site)
        return None if site != one else clock.isoweekday() <= 5 and 9 <= clock.hour < 17 and clock.date() != week.date()

    hours = of_week.waits(lambda at, site, queue: (site, is_open(at, site)) if queue else None)
    hours.pop(None)
    found = {(row["site"], row["in_business_hours"]): row for row in rows_as_reader(program, sql["21"])}
    for (site, open_then), s in hours.items():
        row = found[sites[site]["name"], open_then]
        assert (row["offered"], row["abandonment_rate"]) == (s["offered"], rounded(s["abandoned"], s["offered"])), (
            row,
            s,
        )
    assert len(hours) == 3


@test
def what_changed_after_the_day_was_closed_and_what_is_gone_can_be_asked():
    simulator, program = new_world(400, days=12)
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    apply_roles(program)
    sql = [text for _, text in generate.questions()]
    assert all(
        (row["complete_at_midnight"], row["changed_since"]) == (0, None) for row in rows_as_reader(program, sql[19])
    ), "nothing is known about days that were loaded after their end"
    # As if each engagement had been loaded half an hour after it began.
    program.sql(
        "UPDATE glia.engagements SET first_complete_at = created_at + interval '30 minutes', "
        "changed_at = created_at + interval '30 minutes' WHERE first_complete_at IS NOT NULL"
    )
    assert sum(row["changed_since"] for row in rows_as_reader(program, sql[19])) == 0
    before = {e["id"]: e for e in simulator.truth()}
    simulator.call("/mutate", n=60)
    program.make_revisits_due()
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    zone = ZoneInfo("Europe/Tallinn")
    midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    days, complete, changed = Counter(), Counter(), Counter()
    for e in simulator.truth():
        day = time_of(e["created_at"]).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        if not midnight - timedelta(days=14) <= day < midnight:
            continue
        days[day.replace(tzinfo=None)] += 1
        in_time = time_of(e["created_at"]) + timedelta(minutes=30) < datetime.combine(
            day.date() + timedelta(days=1), day.timetz()
        )
        was_complete = in_time and all(leg["ended_at"] for leg in before[e["id"]]["legs"])
        complete[day.replace(tzinfo=None)] += was_complete
        changed[day.replace(tzinfo=None)] += e != before[e["id"]] and was_complete
    found = {datetime.fromisoformat(row["day"]): row for row in rows_as_reader(program, sql[19])}
    assert {
        day: (row["engagements"], row["complete_at_midnight"], row["changed_since"]) for day, row in found.items()
    } == {day: (n, complete[day], changed[day]) for day, n in days.items()}
    assert sum(changed.values()) > 10

    one, other = sorted(before)[:2]
    expect_success(program.run("forget", "--engagement", one, "--yes"))
    program.sql(f"UPDATE glia.engagements SET missing_since = now() WHERE id = '{other}'")
    month = datetime.now(zone).strftime("%Y-%m")
    assert rows_as_reader(program, sql[23]) == [
        {"month": month, "kind": "erased engagement", "removed": 1},
        {"month": month, "kind": "missing", "removed": 1},
    ]
    assert sql_as_reader(program, "SELECT count(*) FROM engagement_facts") == "398"


@test
def first_responses_in_chats_are_those_of_the_transcripts():
    simulator, program = new_world(600, days=20, enrich__transcripts={"enabled": True})
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    apply_roles(program)
    sql = [text for _, text in generate.questions()][21]
    chats, queues = defaultdict(list), {}
    for e in sorted(simulator.truth(), key=lambda e: e["created_at"]):
        for q in [*(e.get("queues") or []), *(q for line in e["legs"] for q in line["request_queues"] or [])]:
            queues[q["id"]] = clean(q["name"])
    for e in simulator.truth():
        if medium(e) != "text":
            continue  # a call, whatever was written during it
        found = program.sql(f"SELECT count(*) FROM glia.chat_messages WHERE engagement_id = '{e['id']}'")
        if found == "0":
            continue
        written = [
            m
            for m in json.loads(simulator.call("/transcript", id=e["id"]))
            if m["sender"]["type"] in ("visitor", "operator") and m.get("created_at")
        ]
        times = sorted((time_of(m["created_at"]), n, m["sender"]["type"]) for n, m in enumerate(written))
        if not times:
            continue
        queue = queue_of(e["legs"][0]) or ((e.get("queues") or [{}])[0].get("id"))
        first = min((at for at, _, sender in times if sender == "visitor"), default=None)
        answers = [at for at, _, sender in times if sender == "operator" and first and at >= first]
        responses, turn = [], None
        for at, _, sender in times:
            if sender == "visitor":
                turn = turn or at
            elif turn:
                responses.append((at - turn).total_seconds())
                turn = None
        chats[queues[queue] if queue else "no queue"].append(
            (len(written), (min(answers) - first).total_seconds() if answers else None, responses)
        )
    found = {row["queue"]: row for row in rows_as_reader(program, sql)}
    assert set(found) == set(chats) and chats
    for queue, all_of_it in chats.items():
        row, firsts = found[queue], sorted(r for _, r, _ in all_of_it if r is not None)
        middle = None if not firsts else (firsts[(len(firsts) - 1) // 2] + firsts[len(firsts) // 2]) / 2
        assert row["chats"] == len(all_of_it) and nearly_equal(row["median_first_response"], middle), (
            queue,
            row,
            middle,
        )
        assert float(row["messages"]) == rounded(sum(n for n, _, _ in all_of_it), len(all_of_it), 1), (queue, row)
        responses = [r for _, _, of in all_of_it for r in of]
        assert nearly_equal(row["longest_response"], max(responses, default=None)), (queue, row)
        mean = sum(responses) / len(responses) if responses else None
        assert mean is row["average_response"] is None or abs(float(row["average_response"]) - mean) < 0.051, (
            queue,
            row,
        )


def dbt_models():
    """{name: SQL} of the models and tests of the dbt package, each after those that it refers to; unknown Jinja is an
    error."""
    texts = {
        os.path.basename(file)[:-4]: open(file).read()
        for file in glob.glob(ANALYTICS + "/dbt/models/*/*.sql") + glob.glob(ANALYTICS + "/dbt/tests/*.sql")
    }
    refs = {name: re.findall(r"\{\{ ref\('(\w+)'\) \}\}", text) for name, text in texts.items()}
    ordered = []
    while len(ordered) < len(texts):
        ready = sorted(n for n in texts if n not in ordered and all(r in ordered for r in refs[n]))
        assert ready, "models refer to each other in a circle, or to a model that does not exist"
        ordered += ready
    for name in ordered:
        sql = re.sub(r"\{\{ source\('glia', '(\w+)'\) \}\}", r"glia.\1", texts[name])
        sql = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", sql).replace('{{ var("glia_from") }}', "2024-01-01")
        assert "{" not in sql, (name, sql)
        yield name, sql


@test
def the_dbt_package_is_made_of_what_there_is_and_its_tests_hold():
    """dbt itself is not a Debian package: its SQL runs here, in the order in which dbt would run it."""
    simulator, program = new_world(300, days=10, directory__enabled=True, statistics__enabled=True)
    expect_success(program.backfill("--only", "engagements"))
    expect_success(program.run("run", "--once"))
    apply_roles(program)
    program.sql("CREATE SCHEMA marts; GRANT ALL ON SCHEMA marts TO glia_reader")

    def run(sql):
        return program.sql("SET ROLE glia_reader; SET search_path = marts; " + sql)

    names = []
    for name, sql in dbt_models():
        run(f"CREATE {'VIEW' if name.startswith('stg_') else 'TABLE'} {name} AS {sql}")
        names.append(name)
    assert len([n for n in names if n.startswith(("fct_", "agg_", "dim_"))]) == 6 and len(names) >= 14, names
    for test_name in (n for n in names if os.path.exists(f"{ANALYTICS}/dbt/tests/{n}.sql")):
        assert run(f"SELECT count(*) FROM {test_name}") == "0", test_name
    assert (
        run("SELECT count(*) FROM fct_engagements") == "300"
        and int(run("SELECT sum(offered) FROM agg_queue_daily")) > 0
    )
    # The models and columns that the files describe exist, and those that must be unique and not NULL are.
    for file in glob.glob(ANALYTICS + "/dbt/models/*/*.yml"):
        model = None
        for line in open(file):
            if m := re.match(r"  - name: (\w+)", line):
                model = m.group(1)
                assert model in names, model
            elif m := re.match(r"      - name: (\w+)", line):
                column = m.group(1)
                run(f"SELECT {column} FROM {model} LIMIT 1")
            elif "tests: [unique, not_null]" in line:
                assert run(f"SELECT count(*) = count(DISTINCT {column}) FROM {model}") == "t", (model, column)
            elif "tests: [not_null]" in line:
                assert run(f"SELECT count(*) FROM {model} WHERE {column} IS NULL") == "0", (model, column)
