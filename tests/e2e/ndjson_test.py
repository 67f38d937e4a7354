"""The whole program without PostgreSQL: a line for each engagement, in files or on standard output."""
import glob, shutil, sqlite3
from harness import *


def without_database(simulator, program, path="engagements.ndjson", **more):
    program.settings["sink"] = {"type": "ndjson", "ndjson": {"path": path if path == "-" else f"{program.dir}/out/{path}", "state": f"{program.dir}/out/state"} | more}
    os.makedirs(program.dir + "/out", exist_ok=True)
    program.configure(program.settings)
    return program


def files(program, parts=False):
    return sorted(f for f in glob.glob(program.dir + "/out/engagements-*") if parts or f.endswith(".ndjson"))


def lines(program, parts=False):
    return [json.loads(line) for f in files(program, parts) for line in open(f) if line.endswith("\n") or not parts]


def latest(found):
    """As a reader takes them: of each engagement the line with the latest fetched_at, of those the last."""
    last = {}
    for line in found:
        if line["id"] not in last or line["fetched_at"] >= last[line["id"]]["fetched_at"]: last[line["id"]] = line
    return last


def shape(e):
    """An engagement of the truth as a line shows it, without what belongs to the line."""
    def reference(value): return {"id": value["id"]} if value else None
    def queues(value): return [{"id": q["id"], "name": clean(q["name"])} for q in value or []]
    row = clean({k: e.get(k) for k in ENGAGEMENT})
    row |= {"visitor": e["visitor"], "chat_transcript": e["chat_transcript"], "audio_recording_urls": e["audio_recording_urls"], "queues": queues(e.get("queues")),
            "operators": [{"id": o["href"].rsplit("/", 1)[1], "href": o["href"]} for o in e["operators"]], "extra": clean({k: v for k, v in e.items() if k not in KNOWN}) or None}
    row["legs"] = [clean({k: l.get(k) for k in LEG}) | {"id": l["id"], "operator": reference(l["operator"]), "site": reference(l["site"]), "request_queues": queues(l.get("request_queues")),
                                                        "extra": clean({k: v for k, v in l.items() if k not in KNOWN_LEG}) or None} for l in e["legs"]]
    for part in (row, *row["legs"]):
        for k in part:
            if k.endswith("_at"): part[k] = moment(part[k])
    return row


def told(line):
    row = {k: v for k, v in line.items() if k not in ("id", "fetched_at", "content_hash", "site_ids")}
    row["legs"] = row["legs"] and [dict(leg) for leg in row["legs"]]
    for part in (row, *(row["legs"] or [])):
        for k in part:
            if k.endswith("_at"): part[k] = moment(part[k])
    return row


def mode(path): return os.stat(path).st_mode & 0o777


def complete(simulator, found):
    have, want = latest(found), {e["id"]: e for e in simulator.truth()}
    assert set(have) == set(want), f"{len(want)} wanted, {len(have)} there"
    for id, e in want.items():
        assert told(have[id]) == shape(e), (id, [(k, v, shape(e)[k]) for k, v in told(have[id]).items() if v != shape(e)[k]][:3])
        assert set(have[id]["site_ids"]) <= set(e["_sites"]) and have[id]["site_ids"]


@test(smoke=True)
def a_backfill_into_files_tells_everything():
    simulator, program = world(800, sites=2)
    without_database(simulator, program, rotate_mb=1)
    done(program.backfill())
    assert len(files(program)) >= 1 and not [f for f in files(program, True) if f.endswith(".part")]
    complete(simulator, lines(program))
    status = program.status()
    assert status["schema_version"] == 4 and status["backfills"] == [] and status["detail_queue"] == {"waiting": 0, "parked": 0}, status
    assert "loaded completely before" in done(program.backfill()).out
    count = len(lines(program))
    done(program.backfill("--restart"))
    assert len(lines(program)) == count, "what has not changed is not told again"


@test
def standard_output_is_for_lines_only():
    simulator, program = world(300, sites=1)
    without_database(simulator, program, "-")
    finished = done(program.backfill())
    complete(simulator, [json.loads(line) for line in finished.out.splitlines()])
    assert "backfill: done" in finished.err
    assert done(program.run("run", "--once")).out == "", "nothing new"
    simulator.call("/mutate", n=30)
    time.sleep(2.1)  # until the widest revisit is due
    more = done(program.run("run", "--once"))
    complete(simulator, [json.loads(line) for line in (finished.out + more.out).splitlines()])


@test
def the_service_follows_the_source_and_hands_over_files_by_time():
    simulator, program = world(400, sites=2, ongoing_per_mille=300)
    without_database(simulator, program, rotate_every="2s")
    with program.service() as service:
        eventually(lambda: len(latest(lines(program))) == 400)
        assert len(program.status()["sites"]) == 2
        simulator.call("/mutate", n=60), simulator.call("/add", n=20)
        service.send_signal(signal.SIGHUP)
        time.sleep(3)
        simulator.call("/end-all")
        eventually(lambda: "in effect" in service.log())

        def followed():
            try: complete(simulator, lines(program))
            except AssertionError: return False
            return True
        eventually(followed, 40)
    assert len(files(program)) >= 2
    complete(simulator, lines(program))


@test
def kill_9_loses_no_line_and_repeats_none_in_files():
    simulator, program = world(1500, sites=2)
    without_database(simulator, program)
    for _ in range(12):
        process = program.start("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "3d")
        time.sleep(random.uniform(0.05, 0.5))
        process.kill()
        process.wait()
    done(program.run("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "3d"))
    found = lines(program)
    complete(simulator, found)
    repeated = [key for key, n in __import__("collections").Counter((l["id"], l["fetched_at"], l["content_hash"]) for l in found).items() if n > 1]
    assert not repeated, repeated[:3]


@test
def kill_9_repeats_at_most_one_commit_on_standard_output():
    simulator, program = world(600, sites=1)
    without_database(simulator, program, "-")
    out = ""
    for attempt in range(9):
        process = program.start("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "3d")
        if attempt < 8:
            time.sleep(random.uniform(0.05, 0.4))
            process.kill()
        text, err = process.communicate(timeout=60)
        assert attempt < 8 or process.returncode == 0, err
        out += text[:text.rfind("\n") + 1]  # what a reader has of a broken line is no line
    complete(simulator, [json.loads(line) for line in out.splitlines()])


@test
def faults_of_the_api_lose_no_line():
    simulator, program = world(500, sites=1)
    without_database(simulator, program)
    for kind in ("hang", "truncate", "garbage", "close", "bad-utf8"): simulator.fault(kind, path="/engagements", n=3)
    simulator.fault("status", path="/engagements", n=5, code=503)
    simulator.fault("bad-record", path="/engagements", n=1, how="created_at")
    done(program.backfill())
    listed = done(program.run("rejects", "list")).out
    assert "created_at" in listed or "no rejected" in listed, listed
    done(program.run("rejects", "retry"))
    done(program.run("run", "--once"))
    complete(simulator, lines(program))


@test
def a_second_program_is_refused_and_the_commands_work():
    simulator, program = world(200, sites=1)
    without_database(simulator, program)
    with program.service():
        eventually(lambda: os.path.exists(program.dir + "/out/state") and program.status()["sites"][0]["synced_through"])
        refused(program.run("reset", "--site", simulator.sites[0], "--to", simulator.start), 69, "another glia-sync writes to")
        assert done(program.run("rejects", "list")).out == "no rejected records\n"
        assert "state" in done(program.run("check")).out
    assert "moved from" in done(program.run("reset", "--site", simulator.sites[0], "--to", simulator.start)).out
    done(program.run("run", "--once"))
    victim = simulator.truth()[3]
    done(program.run("forget", "--visitor", victim["visitor_id"]))
    count = len(lines(program))
    done(program.backfill())
    assert not [l for l in lines(program)[count:] if l["visitor_id"] == victim["visitor_id"]]
    refused(program.run("migrate", "--print"), 64, "has no schema")
    program.settings["enrich"] = {"transcripts": {"enabled": True}}
    program.configure(program.settings)
    refused(program.run("status"), 78, "enrichers need the sink postgres")


@test
def what_was_forgotten_stays_away_from_a_new_state_file():
    """And from a database: the tombstones of both are the same."""
    simulator, program = world(200, sites=1)
    without_database(simulator, program)
    done(program.backfill())
    victim, other = simulator.truth()[3], next(e for e in simulator.truth() if e["visitor_id"] != simulator.truth()[3]["visitor_id"])
    ids = {e["id"] for e in simulator.truth() if e["visitor_id"] == victim["visitor_id"]}
    shutil.copy(program.dir + "/out/state", program.dir + "/backup")
    done(program.run("forget", "--visitor", victim["visitor_id"]))
    done(program.run("forget", "--engagement", other["id"]))
    file = program.dir + "/forgotten.jsonl"
    with program.service(): done(program.run("forget", "export", file))
    with open(file) as f: assert len(f.readlines()) == 2 + 2 + len(ids)

    shutil.copy(program.dir + "/backup", program.dir + "/out/state")
    for more in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError): os.remove(program.dir + "/out/state" + more)
    told = done(program.run("forget", "import", file))
    assert f"{len(ids) + 1} engagements" in told.out, told
    count = len(lines(program))
    done(program.backfill("--restart"))
    assert not [l for l in lines(program)[count:] if l["id"] in ids | {other["id"]}]
    assert "0 of them new: 0 engagements" in done(program.run("forget", "import", file)).out

    database = Program(cluster(), simulator)
    done(database.backfill())
    assert f"{len(ids) + 1} engagements" in done(database.run("forget", "import", file)).out
    exported = lambda p: {l for l in done(p.run("forget", "export")).out.splitlines()}
    strip = lambda found: {re.sub(',"forgotten_at":"[^"]*"', "", l) for l in found}
    assert strip(exported(database)) == exported(program)


@test
def a_folder_that_is_not_there_is_one_clear_line():
    simulator, program = world(20, sites=1)
    without_database(simulator, program)
    shutil.rmtree(program.dir + "/out")
    refused(program.run("run", "--once"), 78, "No such file or directory", "sink.ndjson")
    assert "FAILED" in program.run("check").out


@test(smoke=True)
def sighup_takes_a_new_path_and_rotation_over():
    simulator, program = world(200, sites=1)
    without_database(simulator, program, rotate_every="1h")
    other = program.dir + "/other"
    os.makedirs(other)

    def all_told(*folders):
        found = [json.loads(l) for folder in folders for f in glob.glob(folder + "/*.ndjson*") for l in open(f) if l.endswith("\n")]
        try: complete(simulator, found)
        except AssertionError: return False
        return True
    names = lambda folder: sorted(os.path.basename(f) for f in glob.glob(folder + "/*.ndjson*"))
    with program.service() as service:
        def reload(**more):
            program.settings["sink"]["ndjson"].update(more)
            program.configure(program.settings)
            count = service.log().count("in effect")
            service.send_signal(signal.SIGHUP)
            eventually(lambda: service.log().count("in effect") > count)
        eventually(lambda: all_told(program.dir + "/out"))
        assert [f for f in names(program.dir + "/out") if f.endswith(".part")], "it is still being written"
        # Another folder and another name: what was written so far is complete, also where nothing new comes.
        reload(path=other + "/calls.ndjson")
        eventually(lambda: not [f for f in names(program.dir + "/out") if f.endswith(".part")])
        complete(simulator, lines(program))
        simulator.call("/mutate", n=40)
        eventually(lambda: names(other))
        assert all(f.startswith("calls-") and f.endswith(".part") for f in names(other)), names(other)
        # Rotation alone goes on with the file.
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

        eventually(lambda: all_told(program.dir + "/out", other), 40)
        # Another state file knows nothing, so all is told again.
        reload(path=other + "/anew.ndjson", state=program.dir + "/out/state2")
        eventually(lambda: len(latest([json.loads(l) for f in glob.glob(other + "/anew*") for l in open(f) if l.endswith("\n")])) == 200)
    assert not glob.glob(other + "/*.part"), names(other)


@test
def sighup_moves_the_lines_to_standard_output_and_back():
    simulator, program = world(100, sites=1)
    without_database(simulator, program)
    out = open(program.dir + "/stdout", "w+")
    log = open(program.dir + "/service.log", "w+")
    process = program.start("run", stdout=out, stderr=log)
    told = lambda: [json.loads(l) for l in open(program.dir + "/stdout") if l.endswith("\n")]
    try:
        eventually(lambda: len(latest(lines(program, True))) == 100)
        path = program.settings["sink"]["ndjson"]["path"]
        for count, where in ((1, "-"), (2, path)):
            program.settings["sink"]["ndjson"]["path"] = where
            program.configure(program.settings)
            process.send_signal(signal.SIGHUP)
            eventually(lambda: open(program.dir + "/service.log").read().count("in effect") == count)
            before = len(told()), len(lines(program, True))
            simulator.call("/mutate", n=30)
            grown = 0 if where == "-" else 1
            eventually(lambda: (len(told()), len(lines(program, True)))[grown] > before[grown])
    finally:
        process.terminate()
        assert process.wait(15) == 0
    complete(simulator, lines(program) + told())
    assert told() and not [f for f in files(program, True) if f.endswith(".part")]


@test
def files_with_personal_data_are_not_for_everybody():
    simulator, program = world(60, sites=1)
    without_database(simulator, program)
    old = os.umask(0)
    try:
        with program.service() as service:
            eventually(lambda: len(latest(lines(program, True))) == 60)
            held = {f: mode(f) for f in glob.glob(program.dir + "/out/*")}
            assert {m for f, m in held.items() if "engagements" in f} == {0o640} and {m for f, m in held.items() if "state" in f} == {0o600}, held
            assert {"state", "state-wal", "state-shm", "state.lock"} <= {os.path.basename(f) for f in held}, held
            assert "others could read" not in service.log()
            process_killed = service.kill(), service.wait()
    except AssertionError as error:
        if "ended with -9" not in str(error): raise
    finally: os.umask(old)
    for f in held: os.chmod(f, 0o666)
    with program.service(name="again") as again:
        eventually(lambda: mode(program.dir + "/out/state") == 0o600)
        eventually(lambda: not files(program, True) or all(mode(f) & 0o7 == 0 for f in files(program, True)))
        eventually(lambda: again.log().count("others could read this file") >= 3)
    assert 'mode=0600' in again.log() and 'was=0666' in again.log()
    assert all(mode(f) == 0o600 for f in glob.glob(program.dir + "/out/state*")), {f: oct(mode(f)) for f in glob.glob(program.dir + "/out/*")}
    old = os.umask(0o077)  # a stricter umask holds
    try:
        simulator.call("/mutate", n=20)
        time.sleep(2.1)
        done(program.run("run", "--once"))
    finally: os.umask(old)
    assert mode(sorted(files(program), key=os.path.getmtime)[-1]) == 0o600


@test
def what_the_api_sends_beyond_its_documentation_is_told():
    simulator, program = world(400, sites=1)
    without_database(simulator, program)
    done(program.run("run", "--once"))
    def told():
        return {m["path"]: m["times_seen"] for m in json.loads(done(program.run("status", "--json")).out)["undocumented_members"]}
    found = told()
    assert "language" in found and "legs[].sentiment" in found, found
    assert "members are not as documented" in done(program.run("status")).out
    check = program.run("check")
    assert "the API began to send what its documentation does not say" in check.out + check.err and "language (unknown)" in check.out + check.err, check.out + check.err
    def examples():
        with sqlite3.connect(program.dir + "/out/state") as state:
            return dict(state.execute("SELECT path, example FROM undocumented_members"))
    assert examples()["language"] == '"pt-BR"', examples()
    program.settings["privacy"] = {"extra": "drop"}
    program.configure(program.settings)
    done(program.run("run", "--once"))
    assert set(examples()) >= set(found) and not any(examples().values()), examples()
