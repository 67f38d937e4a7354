"""Names of operators, sites and queues: the tables agree with the listings at the source, whatever those do."""

import glob
import json
import os
import subprocess
import urllib.request

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, test
from world import epoch_seconds, eventually, free_port, holds_for

OPERATOR = (
    "name",
    "email",
    "role",
    "enabled",
    "reactive_enabled",
    "proactive_enabled",
    "observation_enabled",
    "audio_source",
    "phone",
    "max_engagement_count",
)
SITE = (
    "name",
    "time_zone",
    "addresses",
    "reactive_call_timeout",
    "proactive_call_timeout",
    "multi_engagement_max_count",
)
QUEUE = (
    "name",
    "site_id",
    "description",
    "status",
    "created_at",
    "updated_at",
    "capacity",
    "fallback_queue_id",
    "when_unstaffed",
)
ZONES = {
    "Eastern Time (US & Canada)": "America/New_York",
    "Tallinn": "Europe/Tallinn",
    "Kathmandu": "Asia/Kathmandu",
    "UTC": "Etc/UTC",
}
TABLES = ("operators", "operator_sites", "sites", "queues", "name_history")


def new_world_with_names(**options):
    """A small world whose program reads the listings of operators, sites and queues."""
    return new_world(100, directory__enabled=True, **options)


def rows_by_id(program, table):
    """The rows of a table as dictionaries, by id."""
    return {
        row["id"]: row
        for row in map(json.loads, program.sql(f"SELECT row_to_json(t) FROM glia.{table} t").splitlines())
    }


def source_directory(simulator):
    """The listings as the simulator has them."""
    return json.loads(simulator.call("/directory"))


def expect_names_equal_source(program, missing=()):
    """Every listed record is stored as it is listed, and the others are marked as missing."""
    truth = source_directory(program.simulator)
    for kind, columns in (("operators", OPERATOR), ("sites", SITE), ("queues", QUEUE)):
        stored = rows_by_id(program, kind)
        for record in truth[kind]:
            row = stored.pop(record["id"])
            for column in columns:
                wanted, got = record[column], row[column]
                if column.endswith("_at"):
                    wanted, got = epoch_seconds(wanted), epoch_seconds(got)
                assert got == wanted, f"{kind} {record['id']}.{column}: {got!r} instead of {wanted!r}"
            assert kind == "sites" or row["missing_since"] is None, row
            if kind == "operators":
                assert row["picture_url"] == record["picture"]["url"], row
            if kind == "sites":
                assert row["iana_time_zone"] == ZONES[record["time_zone"]], row
            if kind == "queues":
                assert row["media"] == record["routing_policy"]["media"], row
        assert all(row["missing_since"] for row in stored.values()), stored
        assert kind == "queues" or len(stored) == len([m for m in missing if m in stored]), stored
    now = {
        (kind[:-1], i): row["name"]
        for kind in ("operators", "sites", "queues")
        for i, row in rows_by_id(program, kind).items()
    }
    history = program.sql("SELECT kind, id, name FROM glia.name_history WHERE valid_to IS NULL").splitlines()
    assert {(k, i): n for k, i, n in (line.split("|", 2) for line in history)} == now, history


def has_names(program):
    """Whether the tables of names exist."""
    return program.sql("SELECT to_regclass('glia.name_history')") != ""


def row_versions(program):
    """A digest of the row versions of each table: it changes when a row is written."""
    return [
        program.sql(f"SELECT md5(string_agg(ctid::text || xmin, ',' ORDER BY ctid)) FROM glia.{table}")
        for table in TABLES
    ]


@test
def names_are_as_at_the_source_before_and_after_changes():
    simulator, program = new_world_with_names(privacy__operator_contact="keep")
    simulator.call("/directory-shape", largest_page=7)
    expect_success(program.run("run", "--once"))
    expect_names_equal_source(program)
    assert program.sql("SELECT count(*) FROM glia.operators WHERE NOT enabled") != "0"
    found = program.sql(
        "SELECT extra ->> 'available' IS NULL AND extra ->> 'industry_id' = '6' FROM glia.operators LIMIT 1"
    )
    assert found == "t", found
    named = dict(line.split("|") for line in program.sql("SELECT site_id, site_name FROM glia.freshness").splitlines())
    assert named == {s["id"]: s["name"] for s in source_directory(simulator)["sites"]}, named
    before = row_versions(program)
    for _ in range(2):
        expect_success(program.run("run", "--once"))
    assert row_versions(program) == before, "rows were written although nothing that is stored has changed"
    simulator.call("/directory-mutate", n=12)
    simulator.call("/directory-add", n=3)
    expect_success(program.run("run", "--once"))
    expect_names_equal_source(program)
    assert program.sql("SELECT count(*) FROM glia.name_history WHERE valid_to IS NOT NULL") != "0"
    gone = [simulator_operator["id"] for simulator_operator in source_directory(simulator)["operators"][:2]]
    for index in (0, 1):
        simulator.call("/directory-remove", kind="operators", index=index)
    simulator.call("/directory-remove", kind="queues", index=3)
    simulator.call("/directory-shape", bare=1)
    expect_success(program.run("run", "--once"))
    expect_names_equal_source(program, missing=gone)
    simulator.call("/directory-remove", kind="operators", index=1, gone=0)
    simulator.call("/directory-remove", kind="queues", index=3, gone=0)
    expect_success(program.run("run", "--once"))
    expect_names_equal_source(program, missing=gone[:1])
    expect_tables_equal_source(program)
    runs = program.sql("SELECT DISTINCT stream FROM glia.sync_runs WHERE mode = 'listing' AND error IS NULL ORDER BY 1")
    assert runs.split() == ["operators", "queues", "sites"], runs


@test
def a_listing_that_is_refused_costs_one_warning_a_day_and_nothing_else():
    simulator, program = new_world_with_names()
    expect_success(program.run("run", "--once"))
    for kind, code in (("operators", 403), ("queues", 404), ("sites", 422)):
        simulator.call("/directory-refuse", kind=kind, code=code)
    simulator.call("/directory-mutate", n=5)
    before = row_versions(program)
    first, second = (program.run("run", "--once") for _ in range(2))
    assert first.code == second.code == 0, (first, second)
    warning = "the API refuses a listing"
    assert first.err.count(warning) == 3 and warning not in second.err, (first, second)
    assert row_versions(program) == before
    assert program.sql("SELECT count(*) FROM glia.sync_runs WHERE error IS NOT NULL") == "0"
    at_start = simulator.stats()["directory"] + 3 * len(simulator.sites)
    with program.service():
        eventually(lambda: simulator.stats()["directory"] == at_start)
        holds_for(3, lambda: simulator.stats()["directory"] == at_start, "a refused listing was asked for again")
    found = program.sql(
        "SELECT count(*) FROM glia.sync_state WHERE refusal <> '' AND next_poll_at > now() + interval '23 hours'"
    )
    assert found == str(3 * len(simulator.sites)), found
    status = program.status()
    assert [s["site_id"] for s in status["sites"]] == sorted(simulator.sites), status
    assert len(status["streams"]) == 3 * len(simulator.sites) and all(
        "HTTP 4" in s["refusal"] and s["last_error"] is None for s in status["streams"]
    ), status
    for kind in ("operators", "queues", "sites"):
        simulator.call("/directory-refuse", kind=kind, code=0)
    expect_success(program.run("run", "--once"))
    truth = {o["id"]: o["name"] for o in source_directory(simulator)["operators"]}
    assert {i: row["name"] for i, row in rows_by_id(program, "operators").items()} == truth


@test
def the_configuration_names_sites_that_may_not_be_read():
    simulator, program = new_world_with_names()
    site = simulator.sites[0]
    program.settings["directory"]["sites"] = {site: {"name": "Main street", "time_zone": "Tallinn"}}
    program.configure(program.settings)
    simulator.call("/directory-refuse", kind="sites", code=403)
    expect_success(program.run("run", "--once"))
    assert (
        program.sql("SELECT id, name, iana_time_zone, fetched_at IS NULL FROM glia.sites")
        == f"{site}|Main street|Europe/Tallinn|t"
    )
    simulator.call("/directory-refuse", kind="sites", code=0)
    expect_success(program.run("run", "--once"))
    assert program.sql("SELECT count(*), count(fetched_at) FROM glia.sites WHERE name <> 'Main street'") == "2|2"


@test
def a_time_zone_that_is_not_known_is_utc_with_a_warning():
    simulator, program = new_world_with_names()
    site, other = simulator.sites
    for index, zone in enumerate(("Nowhere (Noplace)", "Mars/Olympus")):
        simulator.call("/directory-set", kind="sites", index=index, member="time_zone", value=json.dumps(zone))
    finished = expect_success(program.run("run", "--once"))
    for name, zone in ((site, "Nowhere (Noplace)"), (other, "Mars/Olympus")):
        (warning,) = [line for line in finished.err.splitlines() if "its local times are UTC" in line and name in line]
        assert zone in warning, warning
    stored = program.sql("SELECT time_zone, iana_time_zone IS NULL FROM glia.sites ORDER BY 1")
    assert stored == "Mars/Olympus|t\nNowhere (Noplace)|t", stored
    local = program.sql("SELECT DISTINCT created_at_local = created_at AT TIME ZONE 'UTC' FROM glia.engagement_facts")
    assert local == "t", local
    assert "its local times are UTC" not in program.run("run", "--once").err, "the same again"


@test
def a_configured_time_zone_that_is_not_known_is_utc_with_a_warning():
    simulator, program = new_world_with_names()
    program.settings["directory"]["sites"] = {simulator.sites[0]: {"name": "Main street", "time_zone": "Europe/Talinn"}}
    program.configure(program.settings)
    simulator.call("/directory-refuse", kind="sites", code=403)
    finished = expect_success(program.run("run", "--once"))
    (warning,) = [line for line in finished.err.splitlines() if "its local times are UTC" in line]
    assert "Europe/Talinn" in warning and "directory.sites" in warning, warning


@test
def a_record_without_an_id_costs_itself_and_makes_nobody_missing():
    simulator, program = new_world_with_names()
    expect_success(program.run("run", "--once"))
    simulator.fault("bad-record", path="/operators", n=2)
    simulator.call("/directory-rename", kind="operators", index=1, name="Renamed")
    expect_refusal(program.run("run", "--once", "--strict"), 65, "2 records were rejected", "rejects list")
    assert (
        program.sql("SELECT count(missing_since), count(*) FILTER (WHERE name = 'Renamed') FROM glia.operators")
        == "0|1"
    )
    status = program.status()
    assert status["rejected"] == 2, status
    assert {(s["stream"], s["rejected"]) for s in status["streams"]} == {("operators", 1), ("queues", 0), ("sites", 0)}
    assert {s["rejected"] for s in status["sites"]} == {0}, status
    records = json.loads(expect_success(program.run("rejects", "list", "--json")).out)
    assert [r["source"] for r in records] == ["operators"] * 2, records
    assert {r["site_id"] for r in records} == set(simulator.sites), records
    listed = {o["href"]: o for o in source_directory(simulator)["operators"]}
    for record in records:
        payload = json.loads(record["payload"])
        assert payload["name"] == listed[payload["href"]]["name"] and "email" not in payload, payload
    shown = expect_success(program.run("rejects", "show", str(records[0]["id"]))).out
    assert "id is missing" in shown and "operators" in shown, shown
    result = expect_success(program.run("rejects", "retry", str(records[0]["id"])))
    assert "no longer rejected by operators" in result.out and "1 loaded, 0 still rejected" in result.out, result
    assert expect_success(program.run("rejects", "list")).out == "no rejected records\n"


@test
def a_rejected_record_of_a_listing_ends_with_the_next_listing():
    simulator, program = new_world_with_names()
    simulator.fault("bad-record", path="/operators", n=1)
    expect_success(program.run("run", "--once"))
    assert program.status()["rejected"] == 1
    simulator.fault("bad-record", path="/operators", n=2)
    result = program.run("rejects", "retry")
    assert "0 loaded, 1 still rejected" in result.out, result
    record = json.loads(program.run("rejects", "list", "--json").out)[-1]
    whom = json.loads(record["payload"])["href"].split("/")[-1]
    finished = expect_success(program.run("forget", "--operator", whom, "--yes"))
    assert "name and contact are erased" in finished.out, finished
    simulator.fault("bad-record", path="/operators", n=2)
    expect_success(program.run("run", "--once"))
    assert program.sql(f"SELECT count(*) FROM glia.rejected_records WHERE payload LIKE '%{whom}%'") == "0"
    expect_success(program.run("run", "--once"))
    assert program.status()["rejected"] == 0


@test
def instances_share_the_listings():
    simulator, program = new_world_with_names(directory__every="2s")
    with program.service(name="one"), program.service(name="two"):
        eventually(lambda: has_names(program) and program.sql("SELECT count(*) FROM glia.sites") == "2")
        for round in range(3):
            simulator.call("/directory-mutate", n=3)
            truth = {o["id"]: o["name"] for o in source_directory(simulator)["operators"]}
            eventually(lambda: {i: row["name"] for i, row in rows_by_id(program, "operators").items()} == truth)
    assert program.sql("SELECT count(*) FROM glia.sync_runs WHERE error IS NOT NULL") == "0"


@test
def with_privacy_at_drop_nothing_shows_who_an_operator_is():
    port = free_port()
    simulator, program = new_world_with_names(
        privacy__operator_name="drop",
        privacy__extra="drop",
        log__level="debug",
        admin__listen=f"127.0.0.1:{port}",
        directory__every="1s",
    )
    simulator.fault("bad-record", path="/operators", n=1)
    simulator.fault("truncate", path="/operators", n=1)
    simulator.fault("garbage", path="/operators", n=1)

    def words():
        return {o[m] for o in source_directory(simulator)["operators"] for m in ("name", "email", "phone")}

    secret = words()
    with program.service() as service:
        eventually(lambda: has_names(program) and program.sql("SELECT count(*) FROM glia.operators") == "40")
        simulator.call("/directory-mutate", n=10)
        secret |= words()
        requests_before = simulator.stats()["directory"]
        eventually(
            lambda: simulator.stats()["directory"] > requests_before + 2 * 3 * len(simulator.sites),
            what="the new names",
        )
        pages = "".join(
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20).read().decode()
            for path in ("/", "/status.json", "/metrics", "/healthz", "/readyz")
        )
        log = service.log()
    dump = subprocess.run(
        ["pg_dump", "-d", program.cluster.dsn(program.database), "--inserts"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for place, text in (("the dump", dump), ("the log", log), ("the pages", pages)):
        found = [word for word in secret if word in text]
        assert not found, f"{place} holds {found[:3]}"


@test
def an_operator_who_was_forgotten_stays_away():
    simulator, program = new_world_with_names(privacy__operator_contact="keep")
    expect_success(program.run("run", "--once"))
    whom = source_directory(simulator)["operators"][3]
    finished = expect_success(program.run("forget", "--operator", whom["id"], "--yes"))
    assert "name and contact are erased" in finished.out, finished
    simulator.call("/directory-rename", kind="operators", index=3, name="Somebody else")
    expect_success(program.run("run", "--once"))
    dump = subprocess.run(
        ["pg_dump", "-d", program.cluster.dsn(program.database), "--inserts"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert not [w for w in (whom["name"], whom["email"], whom["phone"], "Somebody else") if w in dump]
    assert program.sql(f"SELECT count(*) FROM glia.legs WHERE operator_id = '{whom['id']}'") != "0"
    assert program.sql("SELECT count(*) FROM glia.operators") == "39"
    expect_refusal(program.run("forget", "--operator", "x", "--visitor", "y"), 64)


@test
def a_site_is_named_where_a_command_takes_its_id():
    simulator, program = new_world_with_names()
    port = free_port()
    program.settings["admin"] = {"listen": f"127.0.0.1:{port}"}
    program.settings["log"] = {"level": "debug"}
    program.configure(program.settings)
    site, other = source_directory(simulator)["sites"]
    printed = expect_success(program.run("sample", "--site", site["name"], "--limit", "2")).out.splitlines()
    assert [json.loads(line)["site_ids"] for line in printed] == [[site["id"]]] * 2, printed
    simulator.fault("bad-record", path="/engagements", n=1)
    expect_success(program.run("run", "--once"))
    finished = expect_success(program.run("run", "--once"))
    assert all(f'site={s["id"]} site_name="{s["name"]}"' in finished.err for s in (site, other)), finished
    program.sql("UPDATE glia.rejected_records SET resolved_at = NULL")
    found = [
        program.run("rejects", "list", "--site", s["name"], "--json").out.count('"site_id"') for s in (site, other)
    ]
    assert sorted(found) == [0, 1], found
    finished = expect_success(program.run("reset", "--site", site["name"], "--to", "2024-01-01"))
    assert site["id"] in finished.out, finished
    expect_refusal(
        program.run("reset", "--site", "Nobody's", "--to", "2024-01-01"), 64, "Nobody's", "none of those has that name"
    )
    expect_success(
        program.run(
            "backfill", "--site", site["name"], "--from", simulator.start, "--to", simulator.end, "--window", "30d"
        )
    )
    assert program.sql("SELECT DISTINCT site_id FROM glia.backfill_windows") == site["id"]
    assert site["name"] in program.run("status").out and program.status()["sites"][0]["name"]
    with program.service():

        def page(path):
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20).read().decode()
            except OSError:
                return ""  # not up yet

        eventually(
            lambda: site["name"] in page("/")
            and f'glia_sync_site_info{{site="{site["id"]}",name="{site["name"]}"}} 1' in page("/metrics")
        )
    simulator.call("/directory-rename", kind="sites", index=1, name=site["name"])
    expect_success(program.run("run", "--once"))
    expect_refusal(program.run("reset", "--site", site["name"], "--to", "2024-01-01"), 64, "several sites are called")


@test
def files_have_lines_of_their_own_kind_for_names():
    simulator, program = new_world_with_names()
    os.makedirs(program.dir + "/out")
    program.settings["sink"] = {
        "type": "ndjson",
        "ndjson": {"path": program.dir + "/out/lines.ndjson", "state": program.dir + "/out/state"},
    }
    program.configure(program.settings)

    def lines():
        found = [json.loads(line) for f in sorted(glob.glob(program.dir + "/out/lines-*")) for line in open(f)]
        return [line for line in found if "kind" in line]

    expect_success(program.run("run", "--once"))
    first = lines()
    newest = {(entry["kind"], entry["id"]): entry for entry in first}
    for o in source_directory(simulator)["operators"]:
        assert (
            newest["operator", o["id"]]["name"] == o["name"]
            and "email" in newest["operator", o["id"]]
            and newest["operator", o["id"]]["email"] is None
        )
    for q in source_directory(simulator)["queues"]:
        assert newest["queue", q["id"]]["media"] == q["routing_policy"]["media"]
    for s in source_directory(simulator)["sites"]:
        assert newest["site", s["id"]]["iana_time_zone"] == ZONES[s["time_zone"]]
    expect_success(program.run("run", "--once"))
    assert lines() == first
    gone = source_directory(simulator)["operators"][0]["id"]
    simulator.call("/directory-remove", kind="operators", index=0)
    simulator.call("/directory-rename", kind="sites", index=0, name="Elsewhere")
    expect_success(program.run("run", "--once"))
    more = lines()[len(first) :]
    assert {(entry["kind"], entry["id"], entry["missing"]) for entry in more} == {
        ("operator", gone, True),
        ("site", simulator.sites[0], False),
    }, more
    simulator.call("/directory-refuse", kind="operators", code=403)
    finished = [expect_success(program.run("run", "--once")).err for _ in range(2)]
    assert [e.count("the API refuses a listing") for e in finished] == [1, 0], finished
    refused = [s["stream"] for s in program.status()["streams"] if s["refusal"]]
    assert refused == ["operators"] * len(simulator.sites), program.status()
    assert program.run("status").out.count("refused by the API") == len(simulator.sites)
    simulator.call("/directory-refuse", kind="operators", code=0)
    simulator.fault("bad-record", path="/operators", n=1)
    expect_success(program.run("run", "--once"))
    assert not [s for s in program.status()["streams"] if s["refusal"]]
    assert sum(s["rejected"] for s in program.status()["streams"]) == program.status()["rejected"] == 1
    (record,) = json.loads(program.run("rejects", "list", "--json").out)
    assert record["source"] == "operators" and "id is missing" in record["reason"], record
