"""forget and retention: data is erased everywhere and for good, even if processes are killed meanwhile."""

import hashlib
import json
import os
import random
import signal
import subprocess
import time

from harness import expect_refusal, expect_success, new_world, shared_cluster, test
from privacy_test import database_dump
from world import Program, epoch_seconds, eventually


def visitor_with(simulator, engagements):
    """A visitor at the source with at least `engagements` engagements, and their ids."""
    by = {}
    for e in simulator.truth():
        by.setdefault(e["visitor_id"], []).append(e["id"])
    return next((v, ids) for v, ids in by.items() if len(ids) >= engagements)


def expect_absent(program, *words):
    """None of the words is anywhere in the database."""
    text = database_dump(program)
    for word in words:
        assert word not in text, word


@test(smoke=True)
def forget_erases_a_visitor_everywhere_and_a_full_re_read_does_not_bring_it_back():
    simulator, program = new_world(600, sites=2)
    expect_success(program.backfill())
    visitor, ids = visitor_with(simulator, 2)
    before = int(program.sql("SELECT count(*) FROM glia.engagements"))
    result = expect_success(program.run("forget", "--visitor", visitor))
    assert f"{len(ids)} engagements" in result.out, result
    expect_absent(program, visitor, *ids)
    expect_success(program.backfill("--restart"))
    expect_success(program.run("run", "--once"))
    expect_absent(program, visitor, *ids)
    assert int(program.sql("SELECT count(*) FROM glia.engagements")) == before - len(ids)
    gone = set(ids)
    found = [d for d in program.differences() if not any(i in d for i in gone)]
    assert not found, found[:5]


@test
def forget_erases_an_engagement():
    simulator, program = new_world(300, sites=1)
    expect_success(program.backfill())
    id = simulator.truth()[7]["id"]
    assert "1 engagements" in expect_success(program.run("forget", "--engagement", id)).out
    expect_absent(program, id)
    assert "0 engagements" in expect_success(program.run("forget", "--engagement", id)).out
    expect_success(program.run("run", "--once"))
    expect_absent(program, id)


@test
def who_was_never_loaded_can_be_forgotten_too():
    simulator, program = new_world(300, sites=1)
    visitor, ids = visitor_with(simulator, 1)
    expect_success(program.run("forget", "--visitor", visitor))
    expect_success(program.backfill())
    expect_absent(program, visitor, *ids)
    assert program.sql("SELECT count(*) FROM glia.engagements") == str(300 - len(ids))


@test
def forget_finds_a_visitor_whose_id_is_hashed():
    simulator, program = new_world(300, sites=1)
    program.settings["privacy"] = {"visitor_id": "hash", "key_file": program.write("key", "0123456789abcdef")}
    program.configure(program.settings)
    expect_success(program.backfill())
    visitor, ids = visitor_with(simulator, 2)
    assert f"{len(ids)} engagements" in expect_success(program.run("forget", "--visitor", visitor)).out
    program.settings["privacy"] = {"visitor_id": "drop"}
    program.configure(program.settings)
    expect_success(program.backfill("--restart"))
    expect_absent(program, *ids)
    assert "are not stored" in expect_success(program.run("forget", "--visitor", visitor)).out


@test
def forget_refuses_what_makes_no_sense():
    _, program = new_world(10)
    expect_refusal(program.run("forget"), 64, "--visitor ID or --engagement ID")
    assert program.run("forget", "--visitor", "v", "--engagement", "e").code == 64
    for option in ("--visitor", "--engagement", "--operator"):
        for command in ("export", "import"):
            expect_refusal(program.run("forget", option, "x", command, program.dir + "/file"), 64, option)


@test
def forget_survives_kill_9_at_any_moment():
    simulator, program = new_world(500, sites=1)
    expect_success(program.backfill())
    by = {}
    for e in simulator.truth():
        by.setdefault(e["visitor_id"], []).append(e["id"])
    visitors = sorted(by, key=lambda v: -len(by[v]))[:12]
    rng = random.Random(5)
    with program.service(expect=None) as service:
        for visitor in visitors:
            program.run_killed(rng.uniform(0, 0.12), "forget", "--visitor", visitor)
            simulator.call("/mutate", n=10)
        begun = [
            v
            for v in visitors
            if program.sql(
                f"SELECT count(*) FROM glia.forgotten WHERE kind = 'visitor' AND mark = substring(sha256('{v}') FOR 16)"
            )
            == "1"
        ]
        service.send_signal(signal.SIGKILL)
    expect_success(program.run("run", "--once"))  # continues the erasures that were begun
    assert program.sql("SELECT count(*) FROM glia.erasures") == "0"
    expect_absent(program, *(w for v in begun for w in (v, *by[v])))
    for visitor in visitors:
        expect_success(program.run("forget", "--visitor", visitor))
    expect_success(program.backfill("--restart"))
    gone = {w for v in visitors for w in (v, *by[v])}
    expect_absent(program, *gone)
    assert program.sql("SELECT count(*) FROM glia.engagements") == str(
        sum(e["id"] not in gone for e in simulator.truth())
    )


@test
def forget_under_a_running_service_holds():
    simulator, program = new_world(1500, sites=2, sync__revisit=[{"every": "1s", "back": "400d"}])
    visitor, ids = visitor_with(simulator, 2)
    with program.service():
        eventually(lambda: program.has_schema() and int(program.sql("SELECT count(*) FROM glia.engagements")) > 400)
        expect_success(program.run("forget", "--visitor", visitor))
        expect_absent(program, visitor, *ids)
        eventually(
            lambda: program.sql("SELECT count(*) FROM glia.engagements") == str(1500 - len(ids))
            and program.sql("SELECT count(*) FROM glia.detail_queue") == "0",
            60,
        )
        simulator.call("/mutate", n=50)
        program.wait_for_passes(4 * len(simulator.sites))
    expect_absent(program, visitor, *ids)


def another(program, simulator):
    """A program with an empty database."""
    other = Program(shared_cluster(), simulator)
    other.settings["privacy"] = program.settings.get("privacy", {})
    other.configure(other.settings)
    return other


@test(smoke=True)
def what_was_forgotten_stays_away_from_a_new_database():
    simulator, program = new_world(400, sites=2)
    expect_success(program.backfill())
    visitor, ids = visitor_with(simulator, 2)
    engagement = next(e["id"] for e in simulator.truth() if e["id"] not in ids)
    expect_success(program.run("forget", "--visitor", visitor))
    expect_success(program.run("forget", "--engagement", engagement))
    file = program.dir + "/forgotten.jsonl"
    result = expect_success(program.run("forget", "export", file))
    assert f"exported {len(ids) + 2} tombstones" in result.out, result
    with open(file) as f:
        text = f.read()
    assert not any(word in text for word in (visitor, engagement, *ids)) and os.stat(file).st_mode & 0o777 == 0o600
    assert expect_success(program.run("forget", "export")).out == text

    other = another(program, simulator)
    result = expect_success(other.run("forget", "import", file))
    assert f"imported {len(ids) + 2} tombstones, {len(ids) + 2} of them new: 0 engagements" in result.out, result
    expect_success(other.backfill())
    expect_success(other.run("run", "--once"))
    expect_absent(other, visitor, engagement, *ids)
    assert other.sql("SELECT count(*) FROM glia.engagements") == str(400 - len(ids) - 1)
    assert "0 of them new: 0 engagements" in expect_success(other.run("forget", "import", file)).out
    assert expect_success(other.run("forget", "export")).out == text, "when it was forgotten comes along"


@test
def an_import_erases_what_a_backup_brought_back():
    """Engagements and visitors that are stored, the rejected records that name them, and recordings."""
    simulator, program = new_world(400, sites=1)
    expect_success(program.backfill())
    visitor, ids = visitor_with(simulator, 2)
    other_visitor, other_ids = next(
        (e["visitor_id"], [e["id"]]) for e in simulator.truth() if e["visitor_id"] != visitor
    )
    program.sql(
        "INSERT INTO glia.rejected_records (site_id, engagement_id, source, reason, payload, payload_hash) VALUES "
        f"('s', NULL, 'list', 'bad', '{{\"visitor_id\":\"{visitor}\",', 'a'), ('s', NULL, 'list', 'bad', "
        f"'{{\"href\":\"https://x/visitors/{visitor}\"}}', 'b'), "
        f"('s', '{other_ids[0]}', 'detail', 'bad', '{{}}', 'c'), ('s', NULL, 'list', 'bad', "
        f"'{{\"visitor_id\":\"x{visitor}\"}}', 'd')"
    )
    backup = subprocess.run(["pg_dump", program.cluster.dsn(program.database)], check=True, capture_output=True).stdout
    expect_success(program.run("forget", "--visitor", visitor))
    expect_success(program.run("forget", "--engagement", other_ids[0]))
    # Keeps two tombstones: that of the visitor and that of the other engagement. Without those of the visitor's
    # engagements, the import has to find these by the visitor's id.
    lines = expect_success(program.run("forget", "export")).out.splitlines()
    kept = [
        line
        for line in lines[1:-1]
        if '"visitor"' in line or hashlib.sha256(other_ids[0].encode()).hexdigest()[:32] in line
    ]
    assert len(kept) == 2
    file = program.write("some.jsonl", "\n".join([lines[0], *kept, '{"tombstones":2}', ""]))

    restored = another(program, simulator)
    subprocess.run(
        ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", restored.cluster.dsn(restored.database)],
        check=True,
        capture_output=True,
        input=backup,
    )
    assert restored.sql(f"SELECT count(*) FROM glia.engagements WHERE visitor_id = '{visitor}'") == str(len(ids))
    result = expect_success(restored.run("forget", "import", file))
    assert f"{len(ids) + 1} engagements and 3 rejected records erased" in result.out, result
    assert restored.sql("SELECT count(*) FROM glia.rejected_records") == "1"
    expect_absent(restored, *ids, *other_ids, f'"{visitor}"', f"/{visitor}")
    expect_success(restored.backfill("--restart"))
    expect_absent(restored, *ids, *other_ids, f'"{visitor}"', f"/{visitor}")


@test
def an_import_finds_a_visitor_whose_id_is_hashed():
    simulator, program = new_world(300, sites=1)
    program.settings["privacy"] = {"visitor_id": "hash", "key_file": program.write("key", "0123456789abcdef")}
    program.configure(program.settings)
    visitor, ids = visitor_with(simulator, 2)
    expect_success(program.run("forget", "--visitor", visitor))
    file = program.dir + "/forgotten.jsonl"
    expect_success(program.run("forget", "export", file))
    other = another(program, simulator)
    expect_success(other.backfill())
    assert f"{len(ids)} engagements" in expect_success(other.run("forget", "import", file)).out
    expect_absent(other, *ids)


@test
def an_import_that_was_killed_is_gone_on_with():
    simulator, program = new_world(500, sites=1)
    expect_success(program.backfill())
    visitors = {e["visitor_id"] for e in simulator.truth()}
    lines = [
        json.dumps({"kind": "visitor", "digest": hashlib.sha256(v.encode()).hexdigest()[:32]})
        for v in sorted(visitors)[: len(visitors) // 2]
    ]
    gone = {e["id"] for e in simulator.truth() if e["visitor_id"] in sorted(visitors)[: len(visitors) // 2]}
    file = program.write(
        "forgotten.jsonl",
        "\n".join(['{"format":"glia-sync-tombstones","version":1}', *lines, f'{{"tombstones":{len(lines)}}}']),
    )
    process = program.start("forget", "import", file)
    eventually(lambda: process.poll() is not None or program.sql("SELECT count(*) FROM glia.forgotten") != "0")
    process.kill()
    process.wait()
    expect_success(program.run("run", "--once"))
    assert program.sql("SELECT count(*) FROM glia.erasures") == "0"
    expect_absent(program, *gone)
    assert program.sql("SELECT count(*) FROM glia.engagements") == str(500 - len(gone))


@test
def a_file_that_export_did_not_write_is_refused_whole():
    _, program = new_world(10)
    expect_success(program.run("migrate"))
    good = [
        '{"format":"glia-sync-tombstones","version":1}',
        '{"kind":"visitor","digest":"' + "ab" * 16 + '"}',
        '{"tombstones":1}',
    ]
    for lines, words in (
        (good[:2], "cut off"),
        ([*good[:2], '{"kind":"visitor"}', '{"tombstones":2}'], "line 3: "),
        (["visitor-1"], "line 1: "),
        ([good[0].replace(":1", ":2"), *good[1:]], "version"),
    ):
        expect_refusal(
            program.run("forget", "import", program.write("some.jsonl", "\n".join(lines))),
            65,
            "some.jsonl: ",
            words,
            "nothing was imported",
        )
    expect_refusal(program.run("forget", "import", program.dir + "/absent"), 66, "No such file")
    expect_refusal(program.run("forget", "import", program.dir), 66, "Is a directory")
    expect_refusal(program.run("forget", "export", program.dir + "/absent/file"), 74, "absent/file: No such file")
    expect_refusal(program.run("forget", "export", "/dev/full"), 74, "/dev/full: No space left")
    for arguments in (
        ["--visitor", "v", "export"],
        ["export", "--visitor", "v"],
        ["--engagement", "e", "import", "f"],
        ["import"],
        ["erase"],
    ):
        assert program.run("forget", *arguments).code == 64, arguments
    assert program.sql("SELECT count(*) FROM glia.forgotten") == "0"
    file = program.write("kept.jsonl", "as it was")
    program.settings["sink"]["postgres"]["dsn"] = "host=127.0.0.1 port=1 connect_timeout=2"
    program.configure(program.settings)
    expect_refusal(program.run("forget", "export", file), 69)
    with open(file) as f:
        assert f.read() == "as it was"
    assert not [n for n in os.listdir(program.dir) if n.endswith(".new")]


@test
def retention_erases_what_is_older_and_a_re_read_does_not_bring_it_back():
    simulator, program = new_world(900, sites=2, days=30)
    expect_success(program.backfill())
    assert program.sql("SELECT count(*) FROM glia.engagements") == "900"
    program.settings["retention"] = "10d"
    program.configure(program.settings)

    def old():
        return {e["id"] for e in simulator.truth() if epoch_seconds(e["created_at"]) < time.time() - 10 * 86400 - 60}

    for _ in range(5):  # it completes although it is killed again and again
        program.run_killed(random.uniform(0.05, 0.3), "run", "--once")
    expect_success(program.run("run", "--once"))
    expect_absent(program, *old())
    expect_success(program.backfill("--restart"))
    expect_absent(program, *old())
    kept = {e["id"] for e in simulator.truth()} - old()
    assert abs(int(program.sql("SELECT count(*) FROM glia.engagements")) - len(kept)) <= 1
    assert program.sql("SELECT count(*) FROM glia.forgotten") == "0"
    orphans = program.sql("SELECT count(*) FROM glia.legs WHERE engagement_id NOT IN (SELECT id FROM glia.engagements)")
    assert orphans == "0", orphans
