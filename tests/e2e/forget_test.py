"""forget and retention: gone everywhere, and gone for good, whoever is killed meanwhile."""
import hashlib
from harness import *
from privacy_test import dump


def visitor_with(simulator, engagements):
    """A visitor at the source with at least so many engagements, and their ids."""
    by = {}
    for e in simulator.truth(): by.setdefault(e["visitor_id"], []).append(e["id"])
    return next((v, ids) for v, ids in by.items() if len(ids) >= engagements)


def absent(program, *words):
    text = dump(program)
    for word in words: assert word not in text, word


@test(smoke=True)
def forget_erases_a_visitor_everywhere_and_a_full_re_read_does_not_bring_it_back():
    simulator, program = world(600, sites=2)
    done(program.backfill())
    visitor, ids = visitor_with(simulator, 2)
    before = int(program.sql("SELECT count(*) FROM glia.engagements"))
    told = done(program.run("forget", "--visitor", visitor))
    assert f"{len(ids)} engagements" in told.out, told
    absent(program, visitor, *ids)
    done(program.backfill("--restart"))
    done(program.run("run", "--once"))
    absent(program, visitor, *ids)
    assert int(program.sql("SELECT count(*) FROM glia.engagements")) == before - len(ids)
    gone = set(ids)
    found = [d for d in program.differences() if not any(i in d for i in gone)]
    assert not found, found[:5]


@test
def forget_erases_an_engagement():
    simulator, program = world(300, sites=1)
    done(program.backfill())
    id = simulator.truth()[7]["id"]
    assert "1 engagements" in done(program.run("forget", "--engagement", id)).out
    absent(program, id)
    assert "0 engagements" in done(program.run("forget", "--engagement", id)).out
    done(program.run("run", "--once"))
    absent(program, id)


@test
def who_was_never_loaded_can_be_forgotten_too():
    simulator, program = world(300, sites=1)
    visitor, ids = visitor_with(simulator, 1)
    done(program.run("forget", "--visitor", visitor))
    done(program.backfill())
    absent(program, visitor, *ids)
    assert program.sql("SELECT count(*) FROM glia.engagements") == str(300 - len(ids))


@test
def forget_finds_a_visitor_whose_id_is_hashed():
    simulator, program = world(300, sites=1)
    program.settings["privacy"] = {"visitor_id": "hash", "key_file": program.write("key", "0123456789abcdef")}
    program.configure(program.settings)
    done(program.backfill())
    visitor, ids = visitor_with(simulator, 2)
    assert f"{len(ids)} engagements" in done(program.run("forget", "--visitor", visitor)).out
    program.settings["privacy"] = {"visitor_id": "drop"}
    program.configure(program.settings)
    done(program.backfill("--restart"))
    absent(program, *ids)
    assert "are not stored" in done(program.run("forget", "--visitor", visitor)).out


@test
def forget_refuses_what_makes_no_sense():
    _, program = world(10)
    refused(program.run("forget"), 64, "--visitor ID or --engagement ID")
    assert program.run("forget", "--visitor", "v", "--engagement", "e").code == 64


@test
def forget_survives_kill_9_at_any_moment():
    simulator, program = world(500, sites=1)
    done(program.backfill())
    by = {}
    for e in simulator.truth(): by.setdefault(e["visitor_id"], []).append(e["id"])
    visitors = sorted(by, key=lambda v: -len(by[v]))[:12]
    rng = random.Random(5)
    with program.service(expect=None) as service:
        for visitor in visitors:
            process = program.start("forget", "--visitor", visitor)
            time.sleep(rng.uniform(0, 0.12))
            process.kill()
            process.wait()
            simulator.call("/mutate", n=10)
        begun = [v for v in visitors if program.sql(f"SELECT count(*) FROM glia.forgotten WHERE kind = 'visitor' AND mark = substring(sha256('{v}') FOR 16)") == "1"]
        service.send_signal(signal.SIGKILL)
    done(program.run("run", "--once"))  # goes on with what was begun
    assert program.sql("SELECT count(*) FROM glia.erasures") == "0"
    absent(program, *(w for v in begun for w in (v, *by[v])))
    for visitor in visitors: done(program.run("forget", "--visitor", visitor))
    done(program.backfill("--restart"))
    gone = {w for v in visitors for w in (v, *by[v])}
    absent(program, *gone)
    assert program.sql("SELECT count(*) FROM glia.engagements") == str(sum(e["id"] not in gone for e in simulator.truth()))


@test
def forget_under_a_running_service_holds():
    simulator, program = world(1500, sites=2, sync__revisit=[{"every": "1s", "back": "400d"}])
    visitor, ids = visitor_with(simulator, 2)
    with program.service():
        eventually(lambda: program.stored() and int(program.sql("SELECT count(*) FROM glia.engagements")) > 400)
        done(program.run("forget", "--visitor", visitor))
        absent(program, visitor, *ids)
        eventually(lambda: program.sql("SELECT count(*) FROM glia.engagements") == str(1500 - len(ids)) and program.sql("SELECT count(*) FROM glia.detail_queue") == "0", 60)
        simulator.call("/mutate", n=50)
        time.sleep(4)
    absent(program, visitor, *ids)


def another(program, simulator):
    """A program with an empty database."""
    other = Program(cluster(), simulator)
    other.settings["privacy"] = program.settings.get("privacy", {})
    other.configure(other.settings)
    return other


@test(smoke=True)
def what_was_forgotten_stays_away_from_a_new_database():
    simulator, program = world(400, sites=2)
    done(program.backfill())
    visitor, ids = visitor_with(simulator, 2)
    engagement = next(e["id"] for e in simulator.truth() if e["id"] not in ids)
    done(program.run("forget", "--visitor", visitor))
    done(program.run("forget", "--engagement", engagement))
    file = program.dir + "/forgotten.jsonl"
    told = done(program.run("forget", "export", file))
    assert f"exported {len(ids) + 2} tombstones" in told.out, told
    with open(file) as f: text = f.read()
    assert not any(word in text for word in (visitor, engagement, *ids)) and os.stat(file).st_mode & 0o777 == 0o600
    assert done(program.run("forget", "export")).out == text

    other = another(program, simulator)
    told = done(other.run("forget", "import", file))
    assert f"imported {len(ids) + 2} tombstones, {len(ids) + 2} of them new: 0 engagements" in told.out, told
    done(other.backfill())
    done(other.run("run", "--once"))
    absent(other, visitor, engagement, *ids)
    assert other.sql("SELECT count(*) FROM glia.engagements") == str(400 - len(ids) - 1)
    assert "0 of them new: 0 engagements" in done(other.run("forget", "import", file)).out
    assert done(other.run("forget", "export")).out == text, "when it was forgotten comes along"


@test
def an_import_erases_what_a_backup_brought_back():
    """Engagements and visitors that are stored, the rejected records that name them, and recordings."""
    simulator, program = world(400, sites=1)
    done(program.backfill())
    visitor, ids = visitor_with(simulator, 2)
    other_visitor, other_ids = next((e["visitor_id"], [e["id"]]) for e in simulator.truth() if e["visitor_id"] != visitor)
    program.sql("INSERT INTO glia.rejected_records (site_id, engagement_id, source, reason, payload, payload_hash) VALUES "
                f"('s', NULL, 'list', 'bad', '{{\"visitor_id\":\"{visitor}\",', 'a'), ('s', NULL, 'list', 'bad', '{{\"href\":\"https://x/visitors/{visitor}\"}}', 'b'), "
                f"('s', '{other_ids[0]}', 'detail', 'bad', '{{}}', 'c'), ('s', NULL, 'list', 'bad', '{{\"visitor_id\":\"x{visitor}\"}}', 'd')")
    backup = subprocess.run(["pg_dump", program.cluster.dsn(program.database)], check=True, capture_output=True).stdout
    done(program.run("forget", "--visitor", visitor))
    done(program.run("forget", "--engagement", other_ids[0]))
    # Of the visitor only: so that it is found by the visitor's id, not by those of the engagements.
    lines = done(program.run("forget", "export")).out.splitlines()
    kept = [l for l in lines[1:-1] if '"visitor"' in l or hashlib.sha256(other_ids[0].encode()).hexdigest()[:32] in l]
    assert len(kept) == 2
    file = program.write("some.jsonl", "\n".join([lines[0], *kept, '{"tombstones":2}', ""]))

    restored = another(program, simulator)
    subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", restored.cluster.dsn(restored.database)], check=True, capture_output=True, input=backup)
    assert restored.sql(f"SELECT count(*) FROM glia.engagements WHERE visitor_id = '{visitor}'") == str(len(ids))
    told = done(restored.run("forget", "import", file))
    assert f"{len(ids) + 1} engagements and 3 rejected records erased" in told.out, told
    assert restored.sql("SELECT count(*) FROM glia.rejected_records") == "1"
    absent(restored, *ids, *other_ids, f'"{visitor}"', f"/{visitor}")
    done(restored.backfill("--restart"))
    absent(restored, *ids, *other_ids, f'"{visitor}"', f"/{visitor}")


@test
def an_import_finds_a_visitor_whose_id_is_hashed():
    simulator, program = world(300, sites=1)
    program.settings["privacy"] = {"visitor_id": "hash", "key_file": program.write("key", "0123456789abcdef")}
    program.configure(program.settings)
    visitor, ids = visitor_with(simulator, 2)
    done(program.run("forget", "--visitor", visitor))
    file = program.dir + "/forgotten.jsonl"
    done(program.run("forget", "export", file))
    other = another(program, simulator)
    done(other.backfill())
    assert f"{len(ids)} engagements" in done(other.run("forget", "import", file)).out
    absent(other, *ids)


@test
def an_import_that_was_killed_is_gone_on_with():
    simulator, program = world(500, sites=1)
    done(program.backfill())
    visitors = {e["visitor_id"] for e in simulator.truth()}
    lines = [json.dumps({"kind": "visitor", "digest": hashlib.sha256(v.encode()).hexdigest()[:32]}) for v in sorted(visitors)[:len(visitors) // 2]]
    gone = {e["id"] for e in simulator.truth() if e["visitor_id"] in sorted(visitors)[:len(visitors) // 2]}
    file = program.write("forgotten.jsonl", "\n".join(['{"format":"glia-sync-tombstones","version":1}', *lines, f'{{"tombstones":{len(lines)}}}']))
    process = program.start("forget", "import", file)
    eventually(lambda: process.poll() is not None or program.sql("SELECT count(*) FROM glia.forgotten") != "0")
    process.kill()
    process.wait()
    done(program.run("run", "--once"))
    assert program.sql("SELECT count(*) FROM glia.erasures") == "0"
    absent(program, *gone)
    assert program.sql("SELECT count(*) FROM glia.engagements") == str(500 - len(gone))


@test
def a_file_that_is_none_of_export_is_refused_whole():
    _, program = world(10)
    done(program.run("migrate"))
    good = ['{"format":"glia-sync-tombstones","version":1}', '{"kind":"visitor","digest":"' + "ab" * 16 + '"}', '{"tombstones":1}']
    for lines, words in ((good[:2], "cut off"), ([*good[:2], '{"kind":"visitor"}', '{"tombstones":2}'], "line 3: "), (["visitor-1"], "line 1: "),
                         ([good[0].replace(":1", ":2"), *good[1:]], "version")):
        refused(program.run("forget", "import", program.write("some.jsonl", "\n".join(lines))), 65, "some.jsonl: ", words, "nothing was imported")
    refused(program.run("forget", "import", program.dir + "/absent"), 66, "No such file")
    refused(program.run("forget", "import", program.dir), 66, "Is a directory")
    refused(program.run("forget", "export", program.dir + "/absent/file"), 74, "absent/file: No such file")
    refused(program.run("forget", "export", "/dev/full"), 74, "/dev/full: No space left")
    for arguments in (["--visitor", "v", "export"], ["export", "--visitor", "v"], ["--engagement", "e", "import", "f"], ["import"], ["erase"]):
        assert program.run("forget", *arguments).code == 64, arguments
    assert program.sql("SELECT count(*) FROM glia.forgotten") == "0"
    file = program.write("kept.jsonl", "as it was")
    program.settings["sink"]["postgres"]["dsn"] = "host=127.0.0.1 port=1 connect_timeout=2"
    program.configure(program.settings)
    refused(program.run("forget", "export", file), 69)
    with open(file) as f: assert f.read() == "as it was"
    assert not [n for n in os.listdir(program.dir) if n.endswith(".new")]


@test
def retention_erases_what_is_older_and_a_re_read_does_not_bring_it_back():
    simulator, program = world(900, sites=2, days=30)
    done(program.backfill())
    assert program.sql("SELECT count(*) FROM glia.engagements") == "900"
    program.settings["retention"] = "10d"
    program.configure(program.settings)
    old = lambda: {e["id"] for e in simulator.truth() if moment(e["created_at"]) < time.time() - 10 * 86400 - 60}
    for _ in range(5):  # killed again and again, it comes to its end
        process = program.start("run", "--once")
        time.sleep(random.uniform(0.05, 0.3))
        process.kill()
        process.wait()
    done(program.run("run", "--once"))
    absent(program, *old())
    done(program.backfill("--restart"))
    absent(program, *old())
    kept = {e["id"] for e in simulator.truth()} - old()
    assert abs(int(program.sql("SELECT count(*) FROM glia.engagements")) - len(kept)) <= 1
    assert program.sql("SELECT count(*) FROM glia.forgotten") == "0"
    orphans = program.sql("SELECT count(*) FROM glia.legs WHERE engagement_id NOT IN (SELECT id FROM glia.engagements)")
    assert orphans == "0", orphans
