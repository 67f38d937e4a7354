"""End to end: what analysts read, as the role they read it with, against figures worked out from the simulator's truth."""
from collections import defaultdict
from datetime import datetime
from harness import *


def time_of(text): return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
def queue_of(leg): return leg["request_queues"][0]["id"] if leg["request_queues"] else None
def wait_of(leg): return (time_of(leg["accepted_at"]) - time_of(leg["requested_at"])).total_seconds()
def average(values): return sum(values) / len(values) if values else None
def close(a, b): return a is None and b is None or a is not None and b is not None and abs(float(a) - float(b)) < 1e-6


def grant(program, **variables):
    roles = os.path.join(TOP, "config", "postgres", "roles.sql")
    chosen = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
    subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", *chosen, "-d", program.cluster.dsn(program.database), "-f", roles], check=True, capture_output=True)


def rows(program, query):
    """A query's rows as dictionaries, asked as an analyst may ask."""
    return json.loads(program.sql(f"SET ROLE glia_reader; SET search_path = glia; SELECT coalesce(json_agg(x), '[]') FROM ({query}) x"))


@test
def the_views_tell_what_the_source_tells():
    simulator, program = world(1500)
    done(program.backfill())
    done(program.run("run", "--once"))
    equal(program)
    grant(program)
    truth = simulator.truth()

    facts = {row["engagement_id"]: row for row in rows(program, "SELECT * FROM engagement_facts")}
    assert len(facts) == len(truth)
    for e in truth:
        row, legs = facts[e["id"]], e["legs"]
        ended = all(leg["ended_at"] for leg in legs)
        assert row["legs"] == len(legs) and row["transfers"] == len(legs) - 1, row
        assert row["first_operator_id"] == legs[0]["operator"]["id"] and row["last_operator_id"] == legs[-1]["operator"]["id"], row
        assert row["queue_wait_seconds"] == e.get("queue_wait_time") and close(row["seconds_to_accept"], wait_of(legs[0])), row
        assert row["handle_seconds"] == (sum(leg["duration"] for leg in legs if leg["ended_at"]) if any(leg["ended_at"] for leg in legs) else None), row
        assert row["ongoing"] == (not ended) and row["end_reason"] == (legs[-1]["end_reason"] if ended else None), row

    hours, days = defaultdict(list), defaultdict(list)
    for e in truth:
        for position, leg in enumerate(e["legs"]):
            accepted = time_of(leg["accepted_at"])
            if queue_of(leg): hours[queue_of(leg), accepted.strftime("%Y-%m-%dT%H")].append((position, leg))
            days[leg["operator"]["id"], accepted.strftime("%Y-%m-%d")].append((e["id"], position, leg))
    found = rows(program, "SELECT *, to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24') AS hour_utc FROM queue_hourly")
    assert {(row["queue_id"], row["hour_utc"]) for row in found} == set(hours) and len(found) == len(hours)
    for row in found:
        legs = hours[row["queue_id"], row["hour_utc"]]
        waits, ended = [wait_of(leg) for _, leg in legs], [leg for _, leg in legs if leg["ended_at"]]
        assert row["legs"] == len(legs) and row["engagements"] == sum(position == 0 for position, _ in legs), row
        assert close(row["average_seconds_to_accept"], average(waits)) and row["accepted_within_20_seconds"] == sum(wait <= 20 for wait in waits), row
        assert close(row["average_handle_seconds"], average([leg["duration"] for leg in ended])), row
        assert close(row["transfer_rate"], average([leg["end_reason"] == "transfer" for leg in ended])), row
    found = rows(program, "SELECT * FROM operator_daily")
    assert {(row["operator_id"], row["day"]) for row in found} == set(days) and len(found) == len(days)
    for row in found:
        legs = days[row["operator_id"], row["day"]]
        ended = [leg for _, _, leg in legs if leg["ended_at"]]
        assert row["legs"] == len(legs) and row["engagements"] == len({engagement for engagement, _, _ in legs}), row
        assert row["transfers_in"] == sum(position > 0 for _, position, _ in legs), row
        assert close(row["average_handle_seconds"], average([leg["duration"] for leg in ended])), row
        assert row["ended_by_visitor"] == sum(leg["end_reason"] in ("visitor_left", "visitor_hung_up") for leg in ended), row
    for row in rows(program, "SELECT * FROM freshness"):
        assert row["complete_through"] and row["rejected"] == 0 and row["waiting_for_legs"] == 0, row


@test
def analysts_read_the_data_and_nothing_else():
    simulator, program = world(100)
    done(program.backfill())
    grant(program)
    names = program.sql("SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind IN ('r', 'v')").split()
    state = {"sync_state", "revisit_state", "sync_runs", "backfills", "backfill_windows", "detail_queue", "ongoing_engagements", "rejected_records", "server_clocks",
             "schema_version", "forgotten", "erasures", "enrichments", "enrichers"}
    may = program.sql("SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege('glia_reader', oid, 'SELECT')").split()
    assert set(may) == set(names) - state, may
    assert program.sql("SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege('glia_reader', oid, 'INSERT')") == ""


PERSONAL = {"engagements": {"visitor_name", "visitor_id", "visitor_href", "extra"}, "legs": {"extra"}, "audio_recordings": {"url"},
            "chat_messages": {"message", "sender_name", "sender_href", "attachment", "metadata", "extra"}}


@test
def the_reader_may_be_kept_from_visitor_data_column_by_column():
    simulator, program = world(50)
    done(program.backfill())
    columns = lambda: program.sql("SELECT table_name || '.' || column_name FROM information_schema.columns c WHERE table_schema = 'glia' "
                                  "AND has_column_privilege('glia_reader', format('glia.%I', table_name)::regclass, column_name, 'SELECT')").split()
    grant(program)
    everything = set(columns())
    grant(program, visitor_data="no")
    assert everything - set(columns()) == {f"{table}.{column}" for table, hidden in PERSONAL.items() for column in hidden}, everything - set(columns())
    assert rows(program, "SELECT count(*) AS n FROM engagement_facts") == [{"n": 50}]
    for query in ("SELECT visitor_name FROM engagements", "SELECT * FROM engagements", "SELECT url FROM audio_recordings"):
        try: rows(program, query)
        except RuntimeError as error: assert "permission denied" in str(error), error
        else: raise AssertionError(query)
    grant(program)
    assert set(columns()) == everything
