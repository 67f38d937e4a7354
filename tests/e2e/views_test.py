"""End to end: what analysts read, with their role, against figures calculated from the simulator's truth."""

import json
import os
import subprocess
from collections import defaultdict
from datetime import datetime

from harness import expect_success, expect_tables_equal_source, new_world, test
from world import TOP


def time_of(text):
    """Parses an ISO 8601 time; None for None."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def queue_of(leg):
    """The queue that a leg was requested through, if any."""
    return leg["request_queues"][0]["id"] if leg["request_queues"] else None


def wait_of(leg):
    """Seconds from the request of a leg to its acceptance."""
    return (time_of(leg["accepted_at"]) - time_of(leg["requested_at"])).total_seconds()


def average(values):
    """The mean; None without values."""
    return sum(values) / len(values) if values else None


def nearly_equal(a, b):
    """Whether both are absent, or equal but for rounding."""
    return a is None and b is None or a is not None and b is not None and abs(float(a) - float(b)) < 1e-6


def apply_roles(program, **variables):
    """Runs config/postgres/roles.sql with these variables."""
    roles = os.path.join(TOP, "config", "postgres", "roles.sql")
    chosen = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
    subprocess.run(
        ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", *chosen, "-d", program.cluster.dsn(program.database), "-f", roles],
        check=True,
        capture_output=True,
    )


def rows(program, query):
    """A query's rows as dictionaries, read with the role of an analyst."""
    return json.loads(
        program.sql(
            f"SET ROLE glia_reader; SET search_path = glia; SELECT coalesce(json_agg(x), '[]') FROM ({query}) x"
        )
    )


@test
def the_views_show_what_the_source_shows():
    simulator, program = new_world(1500)
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    apply_roles(program)
    truth = simulator.truth()

    facts = {row["engagement_id"]: row for row in rows(program, "SELECT * FROM engagement_facts")}
    assert len(facts) == len(truth)
    for e in truth:
        row, legs = facts[e["id"]], e["legs"]
        ended = all(leg["ended_at"] for leg in legs)
        assert row["legs"] == len(legs) and row["transfers"] == len(legs) - 1, row
        assert (
            row["first_operator_id"] == legs[0]["operator"]["id"]
            and row["last_operator_id"] == legs[-1]["operator"]["id"]
        ), row
        assert row["queue_wait_seconds"] == e.get("queue_wait_time") and nearly_equal(
            row["seconds_to_accept"], wait_of(legs[0])
        ), row
        assert row["handle_seconds"] == (sum(leg["duration"] for leg in legs) if ended else None), row
        assert row["ongoing"] == (not ended) and row["end_reason"] == (legs[-1]["end_reason"] if ended else None), row

    hours, days = defaultdict(list), defaultdict(list)
    for e in truth:
        for position, leg in enumerate(e["legs"]):
            accepted = time_of(leg["accepted_at"])
            if queue_of(leg):
                hours[queue_of(leg), accepted.strftime("%Y-%m-%dT%H")].append((position, leg))
            days[leg["operator"]["id"], accepted.strftime("%Y-%m-%d")].append((e["id"], position, leg))
    found = rows(
        program, "SELECT *, to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24') AS hour_utc FROM queue_hourly"
    )
    assert {(row["queue_id"], row["hour_utc"]) for row in found} == set(hours) and len(found) == len(hours)
    for row in found:
        legs = hours[row["queue_id"], row["hour_utc"]]
        waits, ended = [wait_of(leg) for _, leg in legs], [leg for _, leg in legs if leg["ended_at"]]
        assert row["legs"] == len(legs) and row["engagements"] == sum(position == 0 for position, _ in legs), row
        assert nearly_equal(row["average_seconds_to_accept"], average(waits)) and row[
            "accepted_within_20_seconds"
        ] == sum(wait <= 20 for wait in waits), row
        assert nearly_equal(row["average_handle_seconds"], average([leg["duration"] for leg in ended])), row
        assert nearly_equal(row["transfer_rate"], average([leg["end_reason"] == "transfer" for leg in ended])), row
    found = rows(program, "SELECT * FROM operator_daily")
    assert {(row["operator_id"], row["day"]) for row in found} == set(days) and len(found) == len(days)
    for row in found:
        legs = days[row["operator_id"], row["day"]]
        ended = [leg for _, _, leg in legs if leg["ended_at"]]
        assert row["legs"] == len(legs) and row["engagements"] == len({engagement for engagement, _, _ in legs}), row
        assert row["transfers_in"] == sum(position > 0 for _, position, _ in legs), row
        assert nearly_equal(row["average_handle_seconds"], average([leg["duration"] for leg in ended])), row
        assert row["ended_by_visitor"] == sum(
            leg["end_reason"] in ("visitor_left", "visitor_hung_up") for leg in ended
        ), row
    for row in rows(program, "SELECT * FROM freshness"):
        assert row["complete_through"] and row["rejected"] == 0 and row["waiting_for_legs"] == 0, row


@test
def analysts_read_the_data_and_nothing_else():
    simulator, program = new_world(100)
    expect_success(program.backfill())
    apply_roles(program)
    names = program.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind IN ('r', 'v')"
    ).split()
    state = {
        "sync_state",
        "revisit_state",
        "sync_runs",
        "backfills",
        "backfill_windows",
        "work_items",
        "claiming_instances",
        "detail_queue",
        "ongoing_engagements",
        "rejected_records",
        "server_clocks",
        "schema_version",
        "statistics_state",
        "forgotten",
        "erasures",
        "enrichments",
        "enrichers",
        "verifications",
        "volume_hours",
    }
    may = program.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind IN ('r', 'v') "
        "AND has_table_privilege('glia_reader', oid, 'SELECT')"
    ).split()
    assert set(may) == set(names) - state, may
    found = program.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind IN ('r', 'v') "
        "AND has_table_privilege('glia_reader', oid, 'INSERT')"
    )
    assert found == "", found


PERSONAL = {
    "engagements": {"visitor_name", "visitor_id", "visitor_href", "extra"},
    "legs": {"extra"},
    "audio_recordings": {"url"},
    "chat_messages": {"message", "sender_name", "sender_href", "attachment", "metadata", "extra"},
    "undocumented_members": {"example"},
    "operators": {"email", "phone", "picture_url", "extra"},
}


@test
def the_reader_may_be_kept_from_visitor_data_column_by_column():
    simulator, program = new_world(50)
    expect_success(program.backfill())

    def columns():
        return program.sql(
            "SELECT table_name || '.' || column_name FROM information_schema.columns c WHERE table_schema = 'glia' "
            "AND has_column_privilege('glia_reader', format('glia.%I', table_name)::regclass, column_name, 'SELECT')"
        ).split()

    apply_roles(program)
    everything = set(columns())
    apply_roles(program, visitor_data="no")
    assert everything - set(columns()) == {
        f"{table}.{column}" for table, hidden in PERSONAL.items() for column in hidden
    }, everything - set(columns())
    assert rows(program, "SELECT count(*) AS n FROM engagement_facts") == [{"n": 50}]
    for query in (
        "SELECT visitor_name FROM engagements",
        "SELECT * FROM engagements",
        "SELECT url FROM audio_recordings",
    ):
        try:
            rows(program, query)
        except RuntimeError as error:
            assert "permission denied" in str(error), error
        else:
            raise AssertionError(query)
    apply_roles(program, visitor_data="yes")
    assert set(columns()) == everything


def reader_may_read(program, column, schema="glia"):
    """Whether analysts may read `column` (TABLE.COLUMN)."""
    table, name = column.split(".")
    return program.sql(f"SELECT has_column_privilege('glia_reader', '{schema}.{table}', '{name}', 'SELECT')") == "t"


@test
def the_choice_about_visitor_data_is_kept_until_another_is_made():
    """Across migrations, for each schema separately, and even if it was made before the tables existed."""
    _, program = new_world(10)
    apply_roles(program, visitor_data="no")
    expect_success(program.run("migrate"))
    apply_roles(program)
    for table, columns in PERSONAL.items():
        assert not any(reader_may_read(program, f"{table}.{c}") for c in columns), table
    assert reader_may_read(program, "engagements.created_at")
    # A later migration: columns, and a table that is recreated.
    program.sql(
        "ALTER TABLE glia.engagements ADD visitor_phone text, ADD colour text, ADD nobody_described_it text;"
        "COMMENT ON COLUMN glia.engagements.visitor_phone IS 'Telephone. Holds personal data.'; "
        "COMMENT ON COLUMN glia.engagements.colour IS 'Colour.'"
    )
    program.sql(
        "DROP TABLE glia.chat_messages CASCADE; CREATE TABLE glia.chat_messages (engagement_id text, message text);"
        "COMMENT ON COLUMN glia.chat_messages.message IS 'The text. Personal data.'; "
        "COMMENT ON COLUMN glia.chat_messages.engagement_id IS 'The engagement.'"
    )
    for _ in range(2):
        apply_roles(program)
        assert [
            reader_may_read(program, f"engagements.{c}")
            for c in ("visitor_phone", "nobody_described_it", "colour", "visitor_id")
        ] == [False, False, True, False]
        assert not reader_may_read(program, "chat_messages.message") and reader_may_read(
            program, "chat_messages.engagement_id"
        )
    # Another schema has its own choice.
    program.settings["sink"]["postgres"]["schema"] = "second"
    program.configure(program.settings)
    expect_success(program.run("migrate"))
    apply_roles(program, schema="second")
    apply_roles(program)
    assert reader_may_read(program, "engagements.visitor_name", "second") and not reader_may_read(
        program, "engagements.visitor_name"
    )
    apply_roles(program, visitor_data="yes")
    apply_roles(program, schema="second", visitor_data="no")
    apply_roles(program)
    apply_roles(program, schema="second")
    assert reader_may_read(program, "engagements.visitor_name") and not reader_may_read(
        program, "engagements.visitor_name", "second"
    )


@test
def the_choice_about_visitor_data_is_known_by_the_privileges_where_nothing_else_shows_it():
    """An earlier version of roles.sql did not record the choice, or somebody narrowed the privileges by hand."""
    _, program = new_world(10)
    expect_success(program.run("migrate"))
    apply_roles(program)
    program.sql(
        "REVOKE ALL ON glia.engagements FROM glia_reader; GRANT "
        "SELECT (id, created_at) ON glia.engagements TO glia_reader"
    )
    apply_roles(program)
    apply_roles(program)
    assert (
        not reader_may_read(program, "engagements.visitor_name")
        and not reader_may_read(program, "legs.extra")
        and reader_may_read(program, "engagements.duration")
    )


@test
def the_choice_about_visitor_data_leaves_the_schemas_comment_alone():
    _, program = new_world(10)
    expect_success(program.run("migrate"))

    def comment():
        return program.sql("SELECT obj_description('glia'::regnamespace, 'pg_namespace')")

    program.sql("COMMENT ON SCHEMA glia IS 'Ask Ann.'")
    for choice in ("no", "yes", "no", "no"):
        apply_roles(program, visitor_data=choice)
        assert comment() == f"Ask Ann. [glia_reader: visitor_data={choice}]", comment()
    try:
        apply_roles(program, visitor_data="maybe")
    except subprocess.CalledProcessError as error:
        assert b"must be yes or no" in error.stderr, error.stderr
    else:
        raise AssertionError("maybe was accepted")


@test
def the_choice_about_visitor_data_is_in_a_dump():
    """With the privileges, and without."""
    _, program = new_world(10)
    expect_success(program.run("migrate"))
    apply_roles(program, visitor_data="no")
    for options in ([], ["--no-privileges"]):
        dump = subprocess.run(
            ["pg_dump", *options, program.cluster.dsn(program.database)], check=True, capture_output=True
        ).stdout
        _, restored = new_world(10)
        subprocess.run(
            ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", restored.cluster.dsn(restored.database)],
            check=True,
            capture_output=True,
            input=dump,
        )
        apply_roles(restored)
        assert not reader_may_read(restored, "engagements.visitor_name") and reader_may_read(
            restored, "engagements.duration"
        ), options


@test
def no_view_is_made_of_visitor_data():
    """A view reads with its owner's privileges: what it is made of reaches every analyst."""
    _, program = new_world(10)
    expect_success(program.run("migrate"))
    made_of = program.sql(
        "SELECT DISTINCT v.relname || ': ' || t.relname || '.' || a.attname FROM pg_class v "
        "JOIN pg_rewrite r ON r.ev_class = v.oid "
        "JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = "
        "'pg_class'::regclass "
        "JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid "
        "WHERE v.relnamespace = 'glia'::regnamespace AND v.relkind IN ('v', 'm') AND (t.relname = "
        "'rejected_records' AND a.attname IN ('payload', 'reason') "
        "OR col_description(t.oid, a.attnum) ~* 'personal data')"
    )
    # It compares visitors' ids with each other and shows none.
    assert made_of == "repeat_contacts: engagements.visitor_id", made_of
