"""What analysts are given: dictionary, questions, dashboard, dbt. None of it says anything that the database does not."""
import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo
from harness import *
from views_test import average, close, grant, queue_of, time_of, wait_of

ANALYTICS = TOP + "/config/analytics"
sys.path.insert(0, ANALYTICS)
import generate


def read(path):
    with open(f"{TOP}/{path}") as f: return f.read()


def as_reader(program, sql):
    return program.sql("SET ROLE glia_reader; SET search_path = glia; " + sql)


def table(program, sql):
    return json.loads(as_reader(program, f"SELECT coalesce(json_agg(x), '[]') FROM ({sql.rstrip().rstrip(';')}) x"))


def loaded(**options):
    simulator, program = world(1200, **options)
    done(program.backfill()), done(program.run("run", "--once"))
    grant(program)
    return simulator, program


@test
def the_data_dictionary_says_what_the_database_says():
    _, program = world(10)
    done(program.run("migrate"))
    dictionary = read("config/analytics/DICTIONARY.md")
    made = generate.schema_part(program.cluster.dsn(program.database), "glia")
    assert made in dictionary, "config/analytics/DICTIONARY.md is out of date: make it anew with generate.py"
    for title, sql in generate.questions(): assert title in dictionary and sql in dictionary, title
    assert len(list(generate.questions())) == 12
    undocumented = program.sql("SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
                               "WHERE c.relnamespace = 'glia'::regnamespace AND c.relkind IN ('r', 'v') AND col_description(c.oid, a.attnum) IS NULL")
    assert not undocumented, undocumented


def queries():
    """Every query in documents and dashboards."""
    for path in ("README.md", "config/OPERATIONS.md", "config/analytics/DICTIONARY.md"):
        for block in re.findall(r"```sql\n(.*?)```", read(path), re.S):
            yield path, block[:block.index(";") + 1] if ";" in block else block
    for panel in json.loads(read("config/grafana/engagements.json"))["panels"]:
        for target in panel["targets"]:
            sql = re.sub(r"\$__timeFilter\(([^)]*)\)", r"\1 BETWEEN now() - interval '7 days' AND now()", target["rawSql"])
            yield "config/grafana/engagements.json", sql.replace("$__timeFrom()", "(now() - interval '7 days')").replace("$__timeTo()", "now()")


@test
def every_query_in_documents_and_dashboards_runs_as_the_reader():
    simulator, program = loaded()
    found = list(queries())
    assert len(found) >= 12 + 10 + 2, len(found)
    for path, sql in found:
        assert "$" not in re.sub(r"'[^']*'", "", sql), (path, sql)
        try: as_reader(program, sql)
        except RuntimeError as error: raise AssertionError(f"{path}: {error}: {sql}")


@test
def the_dbt_source_names_what_there_is():
    simulator, program = loaded()
    there = set(program.sql("SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'glia'").split())
    relation, named = None, 0
    for line in read("config/analytics/dbt/models/sources.yml").splitlines():
        if m := re.match(r"      - name: (\w+)", line): relation = m.group(1); assert any(c.startswith(relation + ".") for c in there), relation
        elif m := re.match(r"          - name: (\w+)", line): assert f"{relation}.{m.group(1)}" in there, (relation, m.group(1))
        elif m := re.match(r"        loaded_at_field: (\w+)", line): assert f"{relation}.{m.group(1)}" in there, (relation, m.group(1))
        elif "tests: [unique, not_null]" in line or "tests: [not_null]" in line: named += 1
    assert named >= 6
    # What the file has dbt test, tested.
    assert as_reader(program, "SELECT count(*) - count(DISTINCT id) FROM engagements") == "0" and as_reader(program, "SELECT count(*) - count(DISTINCT engagement_id) FROM engagement_facts") == "0"
    assert as_reader(program, "SELECT count(*) FROM legs WHERE engagement_id NOT IN (SELECT id FROM engagements)") == "0"


@test
def the_twelve_questions_are_answered_as_the_source_would_answer_them():
    simulator, program = loaded(days=60, ongoing_per_mille=200)
    sql = {f"{n:02}": text for n, (_, text) in enumerate(generate.questions(), 1)}
    truth, now = simulator.truth(), datetime.now(timezone.utc)
    # The edges of the ranges move while the test runs: what lies there may be in or out.
    def within(days): return [e for e in truth if time_of(e["created_at"]) >= now - timedelta(days=days)]
    def names(): return {q["id"]: clean(q["name"]) for e in sorted(truth, key=lambda e: e["created_at"]) for q in [*(e.get("queues") or []), *(q for l in e["legs"] for q in l["request_queues"] or [])]}
    month, queue_names = within(30), names()
    legs = [(position, leg) for e in truth for position, leg in enumerate(e["legs"]) if time_of(leg["accepted_at"]) >= now - timedelta(days=30)]
    first_queue = lambda e: queue_of(e["legs"][0]) or ((e.get("queues") or [{}])[0].get("id"))
    ended = lambda e: all(leg["ended_at"] for leg in e["legs"])

    days = Counter((time_of(e["created_at"]).date().isoformat(), e["engagement_type"]) for e in within(7))
    for row in table(program, sql["01"]):
        assert (row["reactive"], row["proactive"]) == (days[row["day"], "reactive"], days[row["day"], "proactive"]), row
        assert row["engagements"] == sum(n for (day, _), n in days.items() if day == row["day"]), row
    by_queue = defaultdict(list)
    for position, leg in legs:
        if queue_of(leg) and position == 0: by_queue[queue_names[queue_of(leg)]].append(wait_of(leg))
    found = {row["queue"]: row for row in table(program, sql["02"])}
    assert set(found) == set(by_queue)
    for queue, waits in by_queue.items():
        assert found[queue]["answered"] == len(waits) and abs(float(found[queue]["asa"]) - average(waits)) < 0.06, (queue, found[queue])
        assert abs(float(found[queue]["service_level"]) - average([w <= 20 for w in waits])) < 0.0006, queue
    by_operator = defaultdict(list)
    for _, leg in legs: by_operator[leg["operator"]["id"]].append(leg["duration"] if leg["ended_at"] else None)
    top = sorted(by_operator.items(), key=lambda item: (-len(item[1]), item[0]))[:5]
    for row, (operator, durations) in zip(table(program, sql["03"]), top, strict=True):
        known = [d for d in durations if d is not None]
        assert (row["operator_id"], row["legs"], row["seconds"]) == (operator, len(durations), sum(known)) and abs(row["aht"] - average(known)) <= 0.51, row
    by_queue = defaultdict(list)
    for e in month:
        if first_queue(e): by_queue[queue_names[first_queue(e)]].append(len(e["legs"]) - 1)
    found = {row["queue"]: row for row in table(program, sql["04"])}
    assert set(found) == set(by_queue)
    for queue, transfers in by_queue.items():
        assert found[queue]["engagements"] == len(transfers) and found[queue]["most_transfers"] == max(transfers), queue
        assert abs(float(found[queue]["transfer_rate"]) - average([t > 0 for t in transfers])) < 0.0006, queue
    hours = Counter(time_of(e["created_at"]).astimezone(ZoneInfo("Europe/Tallinn")).strftime("%u %H") for e in month)
    busiest = sorted(hours.items(), key=lambda item: (-item[1], item[0]))[:5]
    assert [(row["weekday_hour"], row["engagements"]) for row in table(program, sql["05"])] == busiest, busiest
    waits = sorted(e["queue_wait_time"] for e in month if e.get("queue_wait_time") is not None)
    row, = table(program, sql["06"])
    def percentile(share):
        at = share * (len(waits) - 1)
        low = waits[int(at)]
        return low + (waits[min(int(at) + 1, len(waits) - 1)] - low) * (at - int(at))
    assert (row["waited"], row["longest"]) == (len(waits), waits[-1]) and close(row["median"], percentile(0.5)) and close(row["p90"], percentile(0.9)), row
    reasons = Counter(e["legs"][-1]["end_reason"] for e in month if ended(e))
    assert {row["end_reason"]: row["engagements"] for row in table(program, sql["07"])} == reasons
    media = defaultdict(list)
    for e in month: media["video" if e["video_used"] else "audio" if e.get("audio_used") else "text"].append(e["cobrowsing_used"])
    for row in table(program, sql["08"]):
        used = media[row["richest_media"]]
        assert row["engagements"] == len(used) and abs(float(row["with_cobrowsing"]) - average(used)) < 0.0006, row
    sources = defaultdict(list)
    for e in month: sources[e.get("source") or "an operator"].append(sum(l["duration"] for l in e["legs"] if l["ended_at"]) if any(l["ended_at"] for l in e["legs"]) else None)
    for row in table(program, sql["09"]):
        times = sources[row["came_by"]]
        assert row["engagements"] == len(times) and abs(row["aht"] - average([t for t in times if t is not None])) <= 0.51, row
    visitors = Counter(e["visitor_id"] for e in month)
    row, = table(program, sql["10"])
    assert (row["visitors"], row["came_again"], row["most_often"]) == (len(visitors), sum(n > 1 for n in visitors.values()), max(visitors.values())), row
    going = [e for e in within(2) if not ended(e)]
    row, = table(program, sql["11"])
    assert (row["ongoing"], row["operators"], row["transferred"]) == (len(going), len({e["legs"][-1]["operator"]["id"] for e in going}), sum(len(e["legs"]) > 1 for e in going)), row
    assert row["ongoing"] > 0
    assert table(program, sql["12"]) == [{"site_id": site, "complete": True, "fresh": True, "rejected": 0, "waiting_for_legs": 0} for site in sorted(simulator.sites)]
