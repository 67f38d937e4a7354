"""Names of operators, sites and queues: the tables agree with the listings at the source, whatever those do."""
import glob
from harness import *

OPERATOR = ("name", "email", "role", "enabled", "reactive_enabled", "proactive_enabled", "observation_enabled", "audio_source", "phone", "max_engagement_count")
SITE = ("name", "time_zone", "addresses", "reactive_call_timeout", "proactive_call_timeout", "multi_engagement_max_count")
QUEUE = ("name", "site_id", "description", "status", "created_at", "updated_at", "capacity", "fallback_queue_id", "when_unstaffed")
ZONES = {"Eastern Time (US & Canada)": "America/New_York", "Tallinn": "Europe/Tallinn", "Kathmandu": "Asia/Kathmandu", "UTC": "Etc/UTC"}
TABLES = ("operators", "operator_sites", "sites", "queues", "name_history")


def named_world(**options):
    return world(100, directory__enabled=True, **options)


def rows(program, table):
    return {row["id"]: row for row in map(json.loads, program.sql(f"SELECT row_to_json(t) FROM glia.{table} t").splitlines())}


def directory(simulator): return json.loads(simulator.call("/directory"))


def named(program, missing=()):
    """Every listed record is stored as it is, and the others are missing."""
    truth = directory(program.simulator)
    for kind, columns in (("operators", OPERATOR), ("sites", SITE), ("queues", QUEUE)):
        stored = rows(program, kind)
        for record in truth[kind]:
            row = stored.pop(record["id"])
            for column in columns:
                wanted, got = record[column], row[column]
                if column.endswith("_at"): wanted, got = moment(wanted), moment(got)
                assert got == wanted, f"{kind} {record['id']}.{column}: {got!r} instead of {wanted!r}"
            assert kind == "sites" or row["missing_since"] is None, row
            if kind == "operators": assert row["picture_url"] == record["picture"]["url"], row
            if kind == "sites": assert row["iana_time_zone"] == ZONES[record["time_zone"]], row
            if kind == "queues": assert row["media"] == record["routing_policy"]["media"], row
        assert all(row["missing_since"] for row in stored.values()), stored
        assert kind == "queues" or len(stored) == len([m for m in missing if m in stored]), stored
    now = {(kind[:-1], i): row["name"] for kind in ("operators", "sites", "queues") for i, row in rows(program, kind).items()}
    history = program.sql("SELECT kind, id, name FROM glia.name_history WHERE valid_to IS NULL").splitlines()
    assert {(k, i): n for k, i, n in (line.split("|", 2) for line in history)} == now, history


def has_names(program): return program.sql("SELECT to_regclass('glia.name_history')") != ""


def versions(program):
    return [program.sql(f"SELECT md5(string_agg(ctid::text || xmin, ',' ORDER BY ctid)) FROM glia.{table}") for table in TABLES]


@test
def names_are_as_at_the_source_before_and_after_changes():
    simulator, program = named_world(privacy__operator_contact="keep")
    simulator.call("/directory-shape", largest_page=7)
    done(program.run("run", "--once"))
    named(program)
    assert program.sql("SELECT count(*) FROM glia.operators WHERE NOT enabled") != "0"
    assert program.sql("SELECT extra ->> 'available' IS NULL AND extra ->> 'industry_id' = '6' FROM glia.operators LIMIT 1") == "t"
    before = versions(program)
    for _ in range(2): done(program.run("run", "--once"))
    assert versions(program) == before, "rows were written although nothing that is stored has changed"
    simulator.call("/directory-mutate", n=12)
    simulator.call("/directory-add", n=3)
    done(program.run("run", "--once"))
    named(program)
    assert program.sql("SELECT count(*) FROM glia.name_history WHERE valid_to IS NOT NULL") != "0"
    gone = [simulator_operator["id"] for simulator_operator in directory(simulator)["operators"][:2]]
    for index in (0, 1): simulator.call("/directory-remove", kind="operators", index=index)
    simulator.call("/directory-remove", kind="queues", index=3)
    simulator.call("/directory-shape", bare=1)
    done(program.run("run", "--once"))
    named(program, missing=gone)
    simulator.call("/directory-remove", kind="operators", index=1, gone=0)
    simulator.call("/directory-remove", kind="queues", index=3, gone=0)
    done(program.run("run", "--once"))
    named(program, missing=gone[:1])
    equal(program)
    runs = program.sql("SELECT DISTINCT stream FROM glia.sync_runs WHERE mode = 'listing' AND error IS NULL ORDER BY 1")
    assert runs.split() == ["operators", "queues", "sites"], runs


@test
def a_listing_that_is_refused_costs_one_warning_a_day_and_nothing_else():
    simulator, program = named_world()
    done(program.run("run", "--once"))
    for kind, code in (("operators", 403), ("queues", 404), ("sites", 422)): simulator.call("/directory-refuse", kind=kind, code=code)
    simulator.call("/directory-mutate", n=5)
    before = versions(program)
    first, second = (program.run("run", "--once") for _ in range(2))
    assert first.code == second.code == 0, (first, second)
    warning = "the API refuses a listing"
    assert first.err.count(warning) == 3 and warning not in second.err, (first, second)
    assert versions(program) == before
    assert program.sql("SELECT count(*) FROM glia.sync_runs WHERE error IS NOT NULL") == "0"
    at_start = simulator.stats()["directory"] + 3 * len(simulator.sites)
    with program.service():
        eventually(lambda: simulator.stats()["directory"] == at_start)
        time.sleep(3)
        assert simulator.stats()["directory"] == at_start, "a refused listing was asked for again"
    assert program.sql("SELECT count(*) FROM glia.sync_state WHERE refusal <> '' AND next_poll_at > now() + interval '23 hours'") == str(3 * len(simulator.sites))
    status = program.status()
    assert [s["site_id"] for s in status["sites"]] == sorted(simulator.sites), status
    assert len(status["streams"]) == 3 * len(simulator.sites) and all("HTTP 4" in s["refusal"] and s["last_error"] is None for s in status["streams"]), status
    for kind in ("operators", "queues", "sites"): simulator.call("/directory-refuse", kind=kind, code=0)
    done(program.run("run", "--once"))
    truth = {o["id"]: o["name"] for o in directory(simulator)["operators"]}
    assert {i: row["name"] for i, row in rows(program, "operators").items()} == truth


@test
def the_configuration_names_sites_that_may_not_be_read():
    simulator, program = named_world()
    site = simulator.sites[0]
    program.settings["directory"]["sites"] = {site: {"name": "Main street", "time_zone": "Tallinn"}}
    program.configure(program.settings)
    simulator.call("/directory-refuse", kind="sites", code=403)
    done(program.run("run", "--once"))
    assert program.sql("SELECT id, name, iana_time_zone, fetched_at IS NULL FROM glia.sites") == f"{site}|Main street|Europe/Tallinn|t"
    simulator.call("/directory-refuse", kind="sites", code=0)
    done(program.run("run", "--once"))
    assert program.sql("SELECT count(*), count(fetched_at) FROM glia.sites WHERE name <> 'Main street'") == "2|2"


@test
def a_record_without_an_id_costs_itself_and_makes_nobody_missing():
    simulator, program = named_world()
    done(program.run("run", "--once"))
    simulator.fault("bad-record", path="/operators", n=2)
    simulator.call("/directory-rename", kind="operators", index=1, name="Renamed")
    finished = done(program.run("run", "--once"))
    assert "records of a listing cannot be read" in finished.err, finished
    assert program.sql("SELECT count(missing_since), count(*) FILTER (WHERE name = 'Renamed') FROM glia.operators") == "0|1"


@test
def instances_share_the_listings():
    simulator, program = named_world(directory__every="2s")
    with program.service(name="one"), program.service(name="two"):
        eventually(lambda: has_names(program) and program.sql("SELECT count(*) FROM glia.sites") == "2")
        for round in range(3):
            simulator.call("/directory-mutate", n=3)
            truth = {o["id"]: o["name"] for o in directory(simulator)["operators"]}
            eventually(lambda: {i: row["name"] for i, row in rows(program, "operators").items()} == truth)
    assert program.sql("SELECT count(*) FROM glia.sync_runs WHERE error IS NOT NULL") == "0"


@test
def with_privacy_at_drop_nothing_tells_who_an_operator_is():
    port = free_port()
    simulator, program = named_world(privacy__operator_name="drop", privacy__extra="drop", log__level="debug", admin__listen=f"127.0.0.1:{port}", directory__every="1s")
    simulator.fault("bad-record", path="/operators", n=1)
    simulator.fault("truncate", path="/operators", n=1)
    simulator.fault("garbage", path="/operators", n=1)
    def words():
        return {o[m] for o in directory(simulator)["operators"] for m in ("name", "email", "phone")}
    secret = words()
    with program.service() as service:
        eventually(lambda: has_names(program) and program.sql("SELECT count(*) FROM glia.operators") == "40")
        simulator.call("/directory-mutate", n=10)
        secret |= words()
        time.sleep(3)
        pages = "".join(urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20).read().decode() for path in ("/", "/metrics", "/healthz", "/readyz"))
        log = service.log()
    dump = subprocess.run(["pg_dump", "-d", program.cluster.dsn(program.database), "--inserts"], check=True, capture_output=True, text=True).stdout
    for place, text in (("the dump", dump), ("the log", log), ("the pages", pages)):
        found = [word for word in secret if word in text]
        assert not found, f"{place} holds {found[:3]}"


@test
def an_operator_who_was_forgotten_stays_away():
    simulator, program = named_world(privacy__operator_contact="keep")
    done(program.run("run", "--once"))
    whom = directory(simulator)["operators"][3]
    finished = done(program.run("forget", "--operator", whom["id"], "--yes"))
    assert "name and contact are erased" in finished.out, finished
    simulator.call("/directory-rename", kind="operators", index=3, name="Somebody else")
    done(program.run("run", "--once"))
    dump = subprocess.run(["pg_dump", "-d", program.cluster.dsn(program.database), "--inserts"], check=True, capture_output=True, text=True).stdout
    assert not [w for w in (whom["name"], whom["email"], whom["phone"], "Somebody else") if w in dump]
    assert program.sql(f"SELECT count(*) FROM glia.legs WHERE operator_id = '{whom['id']}'") != "0"
    assert program.sql("SELECT count(*) FROM glia.operators") == "39"
    refused(program.run("forget", "--operator", "x", "--visitor", "y"), 64)


@test
def a_site_is_named_where_a_command_takes_its_id():
    simulator, program = named_world()
    port = free_port()
    program.settings["admin"] = {"listen": f"127.0.0.1:{port}"}
    program.configure(program.settings)
    done(program.run("run", "--once"))
    site = directory(simulator)["sites"][0]
    finished = done(program.run("reset", "--site", site["name"], "--to", "2024-01-01"))
    assert site["id"] in finished.out, finished
    refused(program.run("reset", "--site", "Nobody's", "--to", "2024-01-01"), 64, "Nobody's", "none of those has that name")
    done(program.run("backfill", "--site", site["name"], "--from", simulator.start, "--to", simulator.end, "--window", "30d"))
    assert program.sql("SELECT DISTINCT site_id FROM glia.backfill_windows") == site["id"]
    assert site["name"] in program.run("status").out and program.status()["sites"][0]["name"]
    with program.service():
        def page(path):
            try: return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20).read().decode()
            except OSError: return ""  # not up yet
        eventually(lambda: site["name"] in page("/") and f'glia_sync_site_info{{site="{site["id"]}",name="{site["name"]}"}} 1' in page("/metrics"))
    simulator.call("/directory-rename", kind="sites", index=1, name=site["name"])
    done(program.run("run", "--once"))
    refused(program.run("reset", "--site", site["name"], "--to", "2024-01-01"), 64, "several sites are called")


@test
def files_have_lines_of_their_own_kind_for_names():
    simulator, program = named_world()
    os.makedirs(program.dir + "/out")
    program.settings["sink"] = {"type": "ndjson", "ndjson": {"path": program.dir + "/out/lines.ndjson", "state": program.dir + "/out/state"}}
    program.configure(program.settings)
    def lines():
        found = [json.loads(line) for f in sorted(glob.glob(program.dir + "/out/lines-*")) for line in open(f)]
        return [line for line in found if "kind" in line]
    done(program.run("run", "--once"))
    first = lines()
    newest = {(l["kind"], l["id"]): l for l in first}
    for o in directory(simulator)["operators"]:
        assert newest["operator", o["id"]]["name"] == o["name"] and "email" in newest["operator", o["id"]] and newest["operator", o["id"]]["email"] is None
    for q in directory(simulator)["queues"]: assert newest["queue", q["id"]]["media"] == q["routing_policy"]["media"]
    for s in directory(simulator)["sites"]: assert newest["site", s["id"]]["iana_time_zone"] == ZONES[s["time_zone"]]
    done(program.run("run", "--once"))
    assert lines() == first
    gone = directory(simulator)["operators"][0]["id"]
    simulator.call("/directory-remove", kind="operators", index=0)
    simulator.call("/directory-rename", kind="sites", index=0, name="Elsewhere")
    done(program.run("run", "--once"))
    more = lines()[len(first):]
    assert {(l["kind"], l["id"], l["missing"]) for l in more} == {("operator", gone, True), ("site", simulator.sites[0], False)}, more
    simulator.call("/directory-refuse", kind="operators", code=403)
    finished = [done(program.run("run", "--once")).err for _ in range(2)]
    assert [e.count("the API refuses a listing") for e in finished] == [1, 0], finished
