"""The whole program without PostgreSQL: a line for each engagement, in files or on standard output."""

import collections
import contextlib
import glob
import json
import os
import random
import re
import shutil
import signal
import sqlite3

from harness import expect_refusal, expect_success, new_world, shared_cluster, test
from world import ENGAGEMENT, KNOWN, KNOWN_LEG, LEG, Program, clean, epoch_seconds, eventually


def write_lines(simulator, program, path="engagements.ndjson", **more):
    """Configures the sink ndjson instead of postgres."""
    program.settings["sink"] = {
        "type": "ndjson",
        "ndjson": {"path": path if path == "-" else f"{program.dir}/out/{path}", "state": f"{program.dir}/out/state"}
        | more,
    }
    os.makedirs(program.dir + "/out", exist_ok=True)
    program.configure(program.settings)
    return program


def make_revisits_due(program):
    """Makes every revisit tier due: moves the start of its last read back. Nothing may be running."""
    with contextlib.closing(sqlite3.connect(program.dir + "/out/state")) as state, state:
        state.execute("UPDATE revisit_state SET last_started_at = last_started_at - 400 * 86400 * 1000000")


def files(program, parts=False):
    """The files with lines, oldest first; `parts`: also those that are not complete yet."""
    return sorted(f for f in glob.glob(program.dir + "/out/engagements-*") if parts or f.endswith(".ndjson"))


def lines(program, parts=False):
    """All lines of the files, parsed."""
    return [json.loads(line) for f in files(program, parts) for line in open(f) if line.endswith("\n") or not parts]


def latest_lines(found):
    """The valid line of each engagement, as readers choose it: the one with the latest fetched_at, the last of these if
    there are several."""
    last = {}
    for line in found:
        if line["id"] not in last or line["fetched_at"] >= last[line["id"]]["fetched_at"]:
            last[line["id"]] = line
    return last


def source_content(e):
    """An engagement of the source as a line shows it, without the members that only lines have."""

    def reference(value):
        return {"id": value["id"]} if value else None

    def queues(value):
        return [{"id": q["id"], "name": clean(q["name"])} for q in value or []]

    row = clean({k: e.get(k) for k in ENGAGEMENT})
    row |= {
        "visitor": e["visitor"],
        "chat_transcript": e["chat_transcript"],
        "audio_recording_urls": e["audio_recording_urls"],
        "queues": queues(e.get("queues")),
        "operators": [{"id": o["href"].rsplit("/", 1)[1], "href": o["href"]} for o in e["operators"]],
        "extra": clean({k: v for k, v in e.items() if k not in KNOWN}) or None,
    }
    row["legs"] = [
        clean({k: leg.get(k) for k in LEG})
        | {
            "id": leg["id"],
            "operator": reference(leg["operator"]),
            "site": reference(leg["site"]),
            "request_queues": queues(leg.get("request_queues")),
            "extra": clean({k: v for k, v in leg.items() if k not in KNOWN_LEG}) or None,
        }
        for leg in e["legs"]
    ]
    for part in (row, *row["legs"]):
        for k in part:
            if k.endswith("_at"):
                part[k] = epoch_seconds(part[k])
    return row


def line_content(line):
    """A line without the members that only lines have, and without the id."""
    row = {k: v for k, v in line.items() if k not in ("id", "fetched_at", "content_hash", "site_ids")}
    row["legs"] = row["legs"] and [dict(leg) for leg in row["legs"]]
    for part in (row, *(row["legs"] or [])):
        for k in part:
            if k.endswith("_at"):
                part[k] = epoch_seconds(part[k])
    return row


def mode(path):
    """The permissions of a file."""
    return os.stat(path).st_mode & 0o777


def expect_lines_equal_source(simulator, found):
    """The newest line of each engagement is as in the source."""
    have, want = latest_lines(found), {e["id"]: e for e in simulator.truth()}
    assert set(have) == set(want), f"{len(want)} wanted, {len(have)} there"
    for id, e in want.items():
        assert line_content(have[id]) == source_content(e), (
            id,
            [(k, v, source_content(e)[k]) for k, v in line_content(have[id]).items() if v != source_content(e)[k]][:3],
        )
        assert set(have[id]["site_ids"]) <= set(e["_sites"]) and have[id]["site_ids"]


def lines_equal_source(simulator, found):
    """Whether expect_lines_equal_source() would succeed."""
    with contextlib.suppress(AssertionError):
        expect_lines_equal_source(simulator, found)
        return True


@test(smoke=True)
def a_backfill_into_files_reports_everything():
    simulator, program = new_world(800, sites=2)
    write_lines(simulator, program, rotate_mb=1)
    expect_success(program.backfill())
    assert len(files(program)) >= 1 and not [f for f in files(program, True) if f.endswith(".part")]
    expect_lines_equal_source(simulator, lines(program))
    status = program.status()
    assert (
        status["schema_version"] == 4
        and status["backfills"] == []
        and status["detail_queue"] == {"waiting": 0, "parked": 0}
    ), status
    assert "loaded completely before" in expect_success(program.backfill()).out
    count = len(lines(program))
    expect_success(program.backfill("--restart"))
    assert len(lines(program)) == count, "what has not changed is not written again"


@test
def standard_output_is_for_lines_only():
    simulator, program = new_world(300, sites=1)
    write_lines(simulator, program, "-")
    finished = expect_success(program.backfill())
    expect_lines_equal_source(simulator, [json.loads(line) for line in finished.out.splitlines()])
    assert "backfill: done" in finished.err
    assert expect_success(program.run("run", "--once")).out == "", "nothing new"
    simulator.call("/mutate", n=30)
    make_revisits_due(program)
    more = expect_success(program.run("run", "--once"))
    expect_lines_equal_source(simulator, [json.loads(line) for line in (finished.out + more.out).splitlines()])


@test
def the_service_follows_the_source_and_hands_over_files_by_time():
    simulator, program = new_world(400, sites=2, ongoing_per_mille=300)
    write_lines(simulator, program, rotate_every="2s")
    with program.service() as service:
        eventually(lambda: len(latest_lines(lines(program))) == 400)
        assert len(program.status()["sites"]) == 2
        simulator.call("/mutate", n=60)
        simulator.call("/add", n=20)
        service.send_signal(signal.SIGHUP)
        eventually(lambda: "in effect" in service.log() and files(program), what="the first file that is handed over")
        simulator.call("/end-all")
        eventually(lambda: lines_equal_source(simulator, lines(program)), 40)
    assert len(files(program)) >= 2
    expect_lines_equal_source(simulator, lines(program))


@test
def kill_9_loses_no_line_and_repeats_none_in_files():
    simulator, program = new_world(1500, sites=2)
    write_lines(simulator, program)
    arguments = ("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "3d")
    for _ in range(12):
        program.run_killed(random.uniform(0.05, 0.5), *arguments)
    expect_success(program.run(*arguments))
    found = lines(program)
    expect_lines_equal_source(simulator, found)
    repeated = [
        key
        for key, n in collections.Counter(
            (line["id"], line["fetched_at"], line["content_hash"]) for line in found
        ).items()
        if n > 1
    ]
    assert not repeated, repeated[:3]


@test
def kill_9_repeats_at_most_one_commit_on_standard_output():
    simulator, program = new_world(600, sites=1)
    write_lines(simulator, program, "-")
    arguments = ("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "3d")
    texts = [program.run_killed(random.uniform(0.05, 0.4), *arguments).out for _ in range(8)]
    texts.append(expect_success(program.run(*arguments)).out)
    # A line that was cut off does not count.
    out = "".join(text[: text.rfind("\n") + 1] for text in texts)
    expect_lines_equal_source(simulator, [json.loads(line) for line in out.splitlines()])


@test
def faults_of_the_api_lose_no_line():
    simulator, program = new_world(500, sites=1)
    write_lines(simulator, program)
    for kind in ("hang", "truncate", "garbage", "close", "bad-utf8"):
        simulator.fault(kind, path="/engagements", n=3)
    simulator.fault("status", path="/engagements", n=5, code=503)
    simulator.fault("bad-record", path="/engagements", n=1, how="created_at")
    expect_success(program.backfill())
    listed = expect_success(program.run("rejects", "list")).out
    assert "created_at" in listed or "no rejected" in listed, listed
    expect_success(program.run("rejects", "retry"))
    expect_success(program.run("run", "--once"))
    expect_lines_equal_source(simulator, lines(program))


@test
def a_second_program_is_refused_and_the_commands_work():
    simulator, program = new_world(200, sites=1)
    write_lines(simulator, program)
    with program.service():
        eventually(
            lambda: os.path.exists(program.dir + "/out/state") and program.status()["sites"][0]["synced_through"]
        )
        expect_refusal(
            program.run("reset", "--site", simulator.sites[0], "--to", simulator.start),
            69,
            "another glia-sync writes to",
        )
        assert expect_success(program.run("rejects", "list")).out == "no rejected records\n"
        assert "state" in expect_success(program.run("check")).out
    assert (
        "moved from" in expect_success(program.run("reset", "--site", simulator.sites[0], "--to", simulator.start)).out
    )
    expect_success(program.run("run", "--once"))
    victim = simulator.truth()[3]
    expect_success(program.run("forget", "--visitor", victim["visitor_id"]))
    count = len(lines(program))
    expect_success(program.backfill())
    assert not [line for line in lines(program)[count:] if line["visitor_id"] == victim["visitor_id"]]
    expect_refusal(program.run("migrate", "--print"), 64, "has no schema")
    program.settings["enrich"] = {"transcripts": {"enabled": True}}
    program.configure(program.settings)
    expect_refusal(program.run("status"), 78, "enrichers need the sink postgres")


@test
def what_was_forgotten_stays_away_from_a_new_state_file():
    """And from a database: the tombstones of both are the same."""
    simulator, program = new_world(200, sites=1)
    write_lines(simulator, program)
    expect_success(program.backfill())
    victim, other = simulator.truth()[3], next(
        e for e in simulator.truth() if e["visitor_id"] != simulator.truth()[3]["visitor_id"]
    )
    ids = {e["id"] for e in simulator.truth() if e["visitor_id"] == victim["visitor_id"]}
    shutil.copy(program.dir + "/out/state", program.dir + "/backup")
    expect_success(program.run("forget", "--visitor", victim["visitor_id"]))
    expect_success(program.run("forget", "--engagement", other["id"]))
    file = program.dir + "/forgotten.jsonl"
    with program.service():
        expect_success(program.run("forget", "export", file))
    with open(file) as f:
        assert len(f.readlines()) == 2 + 2 + len(ids)

    shutil.copy(program.dir + "/backup", program.dir + "/out/state")
    for more in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(program.dir + "/out/state" + more)
    result = expect_success(program.run("forget", "import", file))
    assert f"{len(ids) + 1} engagements" in result.out, result
    count = len(lines(program))
    expect_success(program.backfill("--restart"))
    assert not [line for line in lines(program)[count:] if line["id"] in ids | {other["id"]}]
    assert "0 of them new: 0 engagements" in expect_success(program.run("forget", "import", file)).out

    database = Program(shared_cluster(), simulator)
    expect_success(database.backfill())
    assert f"{len(ids) + 1} engagements" in expect_success(database.run("forget", "import", file)).out

    def exported(p):
        return {line for line in expect_success(p.run("forget", "export")).out.splitlines()}

    def strip(found):
        return {re.sub(',"forgotten_at":"[^"]*"', "", line) for line in found}

    assert strip(exported(database)) == exported(program)


@test
def a_folder_that_is_not_there_is_one_clear_line():
    simulator, program = new_world(20, sites=1)
    write_lines(simulator, program)
    shutil.rmtree(program.dir + "/out")
    expect_refusal(program.run("run", "--once"), 78, "No such file or directory", "sink.ndjson")
    assert "FAILED" in program.run("check").out


@test(smoke=True)
def sighup_takes_a_new_path_and_rotation_over():
    simulator, program = new_world(200, sites=1)
    write_lines(simulator, program, rotate_every="1h")
    other = program.dir + "/other"
    os.makedirs(other)

    def all_written(*folders):
        found = [
            json.loads(line)
            for folder in folders
            for f in glob.glob(folder + "/*.ndjson*")
            for line in open(f)
            if line.endswith("\n")
        ]
        return lines_equal_source(simulator, found)

    def names(folder):
        return sorted(os.path.basename(f) for f in glob.glob(folder + "/*.ndjson*"))

    with program.service() as service:

        def reload(**more):
            program.settings["sink"]["ndjson"].update(more)
            program.configure(program.settings)
            count = service.log().count("in effect")
            service.send_signal(signal.SIGHUP)
            eventually(lambda: service.log().count("in effect") > count)

        eventually(lambda: all_written(program.dir + "/out"))
        assert [f for f in names(program.dir + "/out") if f.endswith(".part")], "it is still being written"
        # Another folder and another name: the current files are completed, even if nothing new arrives.
        reload(path=other + "/calls.ndjson")
        eventually(lambda: not [f for f in names(program.dir + "/out") if f.endswith(".part")])
        expect_lines_equal_source(simulator, lines(program))
        simulator.call("/mutate", n=40)
        eventually(lambda: names(other))
        assert all(f.startswith("calls-") and f.endswith(".part") for f in names(other)), names(other)
        # If only the rotation changes, the same file is continued.
        reload(rotate_every="1s")
        eventually(lambda: [f for f in names(other) if f.endswith(".ndjson")])
        simulator.call("/mutate", n=40)
        # A path that cannot be written is refused.
        refusals = service.log().count("refused")
        program.settings["sink"]["ndjson"]["path"] = program.dir + "/nowhere/x.ndjson"
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(lambda: service.log().count("refused") > refusals)
        assert "the folder " + program.dir + "/nowhere cannot be written" in service.log()

        eventually(lambda: all_written(program.dir + "/out", other), 40)
        # Another state file is empty, so all is written again.
        reload(path=other + "/anew.ndjson", state=program.dir + "/out/state2")
        eventually(
            lambda: len(
                latest_lines(
                    [json.loads(line) for f in glob.glob(other + "/anew*") for line in open(f) if line.endswith("\n")]
                )
            )
            == 200
        )
    assert not glob.glob(other + "/*.part"), names(other)


@test
def sighup_moves_the_lines_to_standard_output_and_back():
    simulator, program = new_world(100, sites=1)
    write_lines(simulator, program)
    out = open(program.dir + "/stdout", "w+")
    log = open(program.dir + "/service.log", "w+")
    process = program.start("run", stdout=out, stderr=log)

    def written():
        return [json.loads(line) for line in open(program.dir + "/stdout") if line.endswith("\n")]

    try:
        eventually(lambda: len(latest_lines(lines(program, True))) == 100)
        path = program.settings["sink"]["ndjson"]["path"]
        for count, where in ((1, "-"), (2, path)):
            program.settings["sink"]["ndjson"]["path"] = where
            program.configure(program.settings)
            process.send_signal(signal.SIGHUP)
            eventually(lambda: open(program.dir + "/service.log").read().count("in effect") == count)
            before = len(written()), len(lines(program, True))
            simulator.call("/mutate", n=30)
            grown = 0 if where == "-" else 1
            eventually(lambda: (len(written()), len(lines(program, True)))[grown] > before[grown])
            eventually(lambda: lines_equal_source(simulator, lines(program, True) + written()), what="all changes")
    finally:
        process.terminate()
        assert process.wait(15) == 0
    expect_lines_equal_source(simulator, lines(program) + written())
    assert written() and not [f for f in files(program, True) if f.endswith(".part")]


@test
def files_with_personal_data_are_not_for_everybody():
    simulator, program = new_world(60, sites=1)
    write_lines(simulator, program)
    old = os.umask(0)
    try:
        with program.service() as service:
            eventually(lambda: len(latest_lines(lines(program, True))) == 60)
            held = {f: mode(f) for f in glob.glob(program.dir + "/out/*")}
            assert {m for f, m in held.items() if "engagements" in f} == {0o640} and {
                m for f, m in held.items() if "state" in f
            } == {0o600}, held
            assert {"state", "state-wal", "state-shm", "state.lock"} <= {os.path.basename(f) for f in held}, held
            assert "others could read" not in service.log()
            service.kill()
            service.wait()
    except AssertionError as error:
        if "ended with -9" not in str(error):
            raise
    finally:
        os.umask(old)
    for f in held:
        os.chmod(f, 0o666)
    with program.service(name="again") as again:
        eventually(lambda: mode(program.dir + "/out/state") == 0o600)
        eventually(lambda: not files(program, True) or all(mode(f) & 0o7 == 0 for f in files(program, True)))
        eventually(lambda: again.log().count("others could read this file") >= 3)
    assert "mode=0600" in again.log() and "was=0666" in again.log()
    assert all(mode(f) == 0o600 for f in glob.glob(program.dir + "/out/state*")), {
        f: oct(mode(f)) for f in glob.glob(program.dir + "/out/*")
    }
    old = os.umask(0o077)  # a stricter umask applies
    try:
        simulator.call("/mutate", n=20)
        make_revisits_due(program)
        expect_success(program.run("run", "--once"))
    finally:
        os.umask(old)
    assert mode(sorted(files(program), key=os.path.getmtime)[-1]) == 0o600


@test
def what_the_api_sends_beyond_its_documentation_is_reported():
    simulator, program = new_world(400, sites=1)
    write_lines(simulator, program)
    expect_success(program.run("run", "--once"))

    def members():
        return {
            m["path"]: m["times_seen"]
            for m in json.loads(expect_success(program.run("status", "--json")).out)["undocumented_members"]
        }

    found = members()
    assert "language" in found and "legs[].sentiment" in found, found
    assert "members are not as documented" in expect_success(program.run("status")).out
    check = program.run("check")
    assert (
        "the API began to send undocumented members or types" in check.out + check.err
        and "language (unknown)" in check.out + check.err
    ), (check.out + check.err)

    def examples():
        with sqlite3.connect(program.dir + "/out/state") as state:
            return dict(state.execute("SELECT path, example FROM undocumented_members"))

    assert examples()["language"] == '"pt-BR"', examples()
    program.settings["privacy"] = {"extra": "drop"}
    program.configure(program.settings)
    expect_success(program.run("run", "--once"))
    assert set(examples()) >= set(found) and not any(examples().values()), examples()
