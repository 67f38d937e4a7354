"""forget and retention: gone everywhere, and gone for good, whoever is killed meanwhile."""
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
