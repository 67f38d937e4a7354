#!/usr/bin/env python3
"""End to end: the built program against the simulator and a real PostgreSQL, faults included.

run.py [smoke | PART OF A NAME]     prints `ok NAME` or `FAILED NAME` for each test
"""
import json, os, random, re, signal, socket, subprocess, sys, threading, time, traceback
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import *

TESTS, cluster = [], None


def test(function=None, smoke=False):
    def add(f):
        TESTS.append((f.__name__, f, smoke))
        return f
    return add(function) if function else add


def world(engagements=800, **options):
    changes = {k: options.pop(k) for k in list(options) if "__" in k}
    simulator = Simulator(**{"engagements": engagements, "days": 30, "seed": 7, **options})
    return simulator, Program(cluster, simulator, **changes)


def equal(program, **options):
    found = program.differences(**options)
    assert not found, f"{len(found)} differences: " + "; ".join(found[:5])


def done(finished):
    assert finished.code == 0, finished
    return finished


def refused(finished, code, *words):
    """One clear line, the exit code, and no secret."""
    assert finished.code == code, finished
    lines = [l for l in finished.err.splitlines() if l.startswith("glia-sync: ")]
    assert len(lines) == 1, finished
    for word in words: assert word in lines[0], f"{word!r} is not in {lines[0]!r}"


def eventually(condition, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        if condition(): return
        time.sleep(0.2)
    raise AssertionError("did not come true in time")


# ------------------------------------------------------------------------------------------- the main job

@test(smoke=True)
def backfill_then_run_once_equals_the_source():
    simulator, program = world(3000, sites=3)
    done(program.run("check"))
    done(program.backfill())
    done(program.run("run", "--once"))
    equal(program)
    status = program.status()
    assert len(status["sites"]) == 3 and all(s["synced_through"] and s["lag_seconds"] < 60 and s["last_error"] is None for s in status["sites"]), status
    assert status["detail_queue"] == {"waiting": 0, "parked": 0} and status["backfills"] == [] and status["schema_version"] >= 1, status


@test(smoke=True)
def the_same_again_changes_nothing():
    simulator, program = world(1500)
    done(program.backfill())
    done(program.run("run", "--once"))
    program.sql("VACUUM"), program.sql("CHECKPOINT")
    names = ",".join(f"'{t}'" for t in DATA_TABLES)
    counts = f"SELECT sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del), sum(n_dead_tup) FROM pg_stat_user_tables WHERE schemaname = 'glia' AND relname IN ({names})"
    time.sleep(1.2)
    before, wal = program.sql(counts), program.sql("SELECT pg_current_wal_lsn()")
    done(program.backfill("--restart"))
    done(program.run("run", "--once"))
    time.sleep(1.2)
    assert program.sql(counts) == before, (before, program.sql(counts))
    written = int(program.sql(f"SELECT pg_current_wal_lsn() - '{wal}'"))
    assert written < 300_000, f"{written} bytes of WAL for nothing"  # the state of 12 windows and the details of ongoing ones


@test(smoke=True)
def changes_at_the_source_arrive():
    simulator, program = world(1000)
    done(program.backfill())
    simulator.call("/mutate", n=150)
    simulator.call("/add", n=40)
    simulator.call("/rename-queue", index=2, name="Renamed queue")
    time.sleep(1)
    done(program.run("run", "--once"))
    equal(program)


@test
def ongoing_engagements_are_fetched_until_they_end():
    simulator, program = world(300)
    done(program.run("run", "--once"))
    simulator.call("/add", n=20, ongoing=1)
    done(program.run("run", "--once"))
    equal(program)
    assert int(program.sql("SELECT count(*) FROM glia.legs WHERE ended_at IS NULL")) >= 20
    simulator.call("/end-all")
    done(program.run("run", "--once"))
    equal(program)
    assert program.sql("SELECT count(*) FROM glia.ongoing_engagements") == "0"


@test
def compressed_answers_are_read():
    simulator, program = world(800, gzip=True)
    done(program.backfill())
    equal(program)


@test
def legs_in_the_list_need_no_details():
    simulator, program = world(800, legs_in_list=True)
    done(program.backfill())
    equal(program)
    assert simulator.stats().get("detail", 0) < 50


@test
def the_servers_clock_counts_not_ours():
    simulator, program = world(300, skew_s=7200)
    done(program.run("run", "--once"))
    synced = moment(program.status()["sites"][0]["synced_through"])
    assert 7100 < synced - time.time() < 7300, synced - time.time()


@test(smoke=True)
def the_service_follows_the_source_and_stops_on_sigterm():
    simulator, program = world(500)
    service = program.start("run")
    eventually(lambda: program.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'glia'") != "0" and not program.differences())
    simulator.call("/add", n=30)
    simulator.call("/mutate", n=40)
    eventually(lambda: not program.differences())
    began = time.time()
    service.send_signal(signal.SIGTERM)
    out, err = service.communicate(timeout=15)
    assert service.returncode == 0 and time.time() - began < 6, (service.returncode, time.time() - began, err[-1500:])
    assert all(s["lease_owner"] is None for s in program.status()["sites"])


@test
def programs_that_follow_each_other_at_once_miss_no_change():
    for skew in (0, 5000):
        simulator, program = world(300, skew_s=skew)
        for _ in range(4):
            done(program.run("run", "--once"))
            simulator.call("/mutate", n=30)
            done(program.backfill("--restart"))
            equal(program)


@test
def a_detail_that_is_rejected_once_is_fetched_again():
    simulator, program = world(300)
    victim = simulator.truth()[100]["id"]
    simulator.fault("bad-record", path="/engagements/" + victim)
    done(program.backfill())
    assert program.sql("SELECT source, engagement_id = '" + victim + "' FROM glia.rejected_records") == "detail|t"
    assert program.status()["detail_queue"] == {"waiting": 0, "parked": 1}
    program.sql("UPDATE glia.detail_queue SET next_attempt_at = now()")
    done(program.run("run", "--once"))
    equal(program)
    assert program.status()["rejected"] == 0


@test
def details_are_counted_once_and_newest_come_first():
    simulator, program = world(600, days=60)
    done(program.backfill())
    assert simulator.stats()["detail"] == 600, simulator.stats()


# --------------------------------------------------------------------------------------- stopping, crashing

@test(smoke=True)
def sigterm_stops_a_backfill_which_then_goes_on():
    simulator, program = world(4000, latency_ms=15)
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "2d")
    eventually(lambda: program.sql("SELECT to_regclass('glia.backfill_windows') IS NOT NULL") == "t" and
               int(program.sql("SELECT count(*) FROM glia.backfill_windows WHERE done")) >= 2)
    began = time.time()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 75 and time.time() - began < 6, (process.returncode, time.time() - began, out, err[-1500:])
    unfinished = program.status()["backfills"]
    assert len(unfinished) == 1 and 0 < unfinished[0]["windows_done"] < unfinished[0]["windows_total"], unfinished
    finished = done(program.run("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "2d"))
    assert "going on" in finished.err, finished
    equal(program)


def kill_at_random_moments(program, arguments, times, longest):
    """kill -9 after a random time, again and again; returns how often it struck before the end."""
    generator, struck = random.Random(42), 0
    for _ in range(times):
        process = program.start(*arguments)
        try:
            process.communicate(timeout=generator.uniform(0.02, longest))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            struck += 1
    return struck


@test
def kill_9_at_50_moments_of_a_backfill_loses_nothing():
    simulator, program = world(6000, latency_ms=10)
    arguments = ("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "1d")
    struck = kill_at_random_moments(program, arguments, 50, 0.25)
    assert struck == 50, struck
    done(program.run(*arguments))
    done(program.run("run", "--once"))
    equal(program)


@test
def kill_9_at_50_moments_of_run_once_loses_nothing():
    simulator, program = world(6000, latency_ms=10)
    struck = kill_at_random_moments(program, ("run", "--once"), 50, 0.25)
    assert struck == 50, struck
    done(program.run("run", "--once"))
    equal(program)
    status = program.status()
    assert status["detail_queue"] == {"waiting": 0, "parked": 0}, status


@test
def an_interrupted_pass_resumes_at_its_link():
    simulator, program = world(3000, latency_ms=20)
    process = program.start("run", "--once")
    eventually(lambda: program.sql("SELECT to_regclass('glia.sync_state') IS NOT NULL") == "t" and
               program.sql("SELECT count(*) FROM glia.sync_state WHERE pass_next_page IS NOT NULL") != "0")
    process.kill()
    process.communicate()
    assert program.status()["sites"][0]["synced_through"] is None
    pages = simulator.stats()["list"]
    done(program.run("run", "--once"))
    equal(program)


@test
def the_restart_of_postgresql_is_waited_for():
    simulator, program = world(3000, latency_ms=5)
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "1d")
    time.sleep(0.7)
    cluster.stop("immediate")
    time.sleep(1)
    cluster.start()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err[-1500:])
    done(program.run("run", "--once"))
    equal(program)


@test
def two_instances_share_the_sites_and_one_takes_over_from_the_other():
    simulator, program = world(1500, sites=4, latency_ms=5)
    first, second = program.start("run"), program.start("run")
    eventually(lambda: program.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'glia'") != "0" and not program.differences(), 60)
    first.kill()
    simulator.call("/add", n=30)
    eventually(lambda: not program.differences(), 60)
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=15)
    first.communicate()
    assert second.returncode == 0


@test
def a_backfill_and_the_service_side_by_side_end_in_the_same_tables():
    simulator, program = world(2000)
    done(program.run("migrate"))
    service = program.start("run")
    done(program.backfill())
    eventually(lambda: not program.differences(), 60)
    service.send_signal(signal.SIGTERM)
    service.communicate(timeout=15)


# --------------------------------------------------------------------------------------------- API faults

def survives(kind, path, n=3, **query):
    def run():
        simulator, program = world(600)
        simulator.fault(kind, path=path, n=n, **query)
        done(program.backfill(timeout=120))
        done(program.run("run", "--once"))
        equal(program)
        assert simulator.stats().get("fault:" + kind, 0) >= 1, "the fault was never met"
    return run


for name, kind, query in [("429_with_retry_after", "status", dict(code=429, retry_after="1")), ("429_with_a_date", "status", dict(code=429, retry_after="Thu, 01 Jan 2015 00:00:00 GMT")),
                          ("408", "status", dict(code=408)), ("500", "status", dict(code=500)), ("503", "status", dict(code=503, retry_after="1")),
                          ("a_cut_connection", "close", {}), ("a_cut_response", "truncate", {}), ("garbage", "garbage", {}), ("html_of_a_gateway", "html", {}),
                          ("a_wrong_length", "wrong-length", {}), ("bad_gzip", "bad-gzip", {}), ("a_hanging_response", "hang", dict(n=1)),
                          ("a_dripping_response", "drip", dict(n=1)), ("an_endless_response", "huge", dict(n=1)), ("items_twice_on_a_page", "dup-items", {}),
                          ("a_cursor_that_ended", "cursor-gone", {})]:
    path = "/engagements"
    function = survives(kind, path, **{"n": 3, **query})
    function.__name__ = "the_listing_survives_" + name
    test(function)

for name, kind, query in [("500", "status", dict(code=500)), ("a_cut_connection", "close", {}), ("garbage", "garbage", {})]:
    function = survives(kind, "/engagements/", **query)
    function.__name__ = "the_details_survive_" + name
    test(function)


@test
def invalid_utf8_that_passes_costs_nothing_and_that_stays_costs_characters():
    simulator, program = world(300)
    simulator.fault("bad-utf8", path="/engagements", n=1)
    done(program.backfill())
    equal(program)
    simulator, program = world(300)
    simulator.fault("bad-utf8", path="/engagements", n=100000)
    done(program.backfill())
    assert program.sql("SELECT count(*) FROM glia.engagements") == "300"
    assert int(program.sql("SELECT count(*) FROM glia.engagements WHERE visitor_name LIKE U&'\\FFFD%'")) > 0


@test
def one_bad_record_costs_one_record():
    for how, reason in [("created_at", "created_at"), ("duration", "duration"), ("no-id", "id is missing"), ("scalar", "not an object")]:
        simulator, program = world(400)
        simulator.fault("bad-record", path="/engagements", n=1, how=how)
        finished = program.backfill("--strict")
        assert finished.code == 65, finished
        assert program.sql("SELECT count(*), bool_and(reason LIKE '%" + reason + "%'), bool_and(length(payload) > 0) FROM glia.rejected_records") == "1|t|t"
        assert int(program.sql("SELECT count(*) FROM glia.engagements")) >= 398
        assert program.status()["rejected"] == 1
        done(program.run("run", "--once"))
        equal(program)


@test
def an_engagement_whose_details_fail_holds_nothing_up():
    simulator, program = world(400)
    victim = simulator.truth()[200]["id"]
    simulator.fault("status", path="/engagements/" + victim, n=100000, code=404)
    done(program.backfill())
    assert program.sql(f"SELECT parked, last_error LIKE '%404%' FROM glia.detail_queue WHERE engagement_id = '{victim}'") == "t|t"
    assert program.status()["detail_queue"] == {"waiting": 0, "parked": 1}
    assert program.sql("SELECT count(DISTINCT engagement_id) FROM glia.legs") == "399"


@test
def a_repeating_link_ends_the_pass_with_an_error_and_moves_no_watermark():
    simulator, program = world(1000, sites=1)
    simulator.fault("next-loop", path="/engagements", n=100000)
    finished = program.run("run", "--once")
    refused(finished, 69, "repeats itself")
    assert program.status()["sites"][0]["synced_through"] is None
    simulator.call("/clear")
    done(program.run("run", "--once"))
    equal(program)


@test
def a_link_to_another_origin_is_refused_and_the_token_stays_home():
    simulator, program = world(1000, sites=1)
    listener = socket.create_server(("127.0.0.2", simulator.port))
    listener.settimeout(0.1)
    simulator.fault("next-foreign", path="/engagements", n=1)
    finished = program.run("run", "--once")
    refused(finished, 78, "127.0.0.2", "trusted_origins")
    try:
        listener.accept()
        raise AssertionError("somebody asked the other origin")
    except socket.timeout: pass
    listener.close()
    done(program.run("run", "--once"))
    equal(program)


# ------------------------------------------------------------------------------------- credentials, origins

@test(smoke=True)
def a_wrong_token_is_exit_code_77_and_never_shown():
    simulator, program = world(50)
    program.write("token", "wrong-secret-token\n")
    finished = program.run("run", "--once")
    refused(finished, 77, "401", "token")
    assert "wrong-secret-token" not in finished.err + finished.out
    finished = program.run("check")
    assert finished.code == 77 and "FAILED" in finished.out and "wrong-secret-token" not in finished.out + finished.err, finished


@test
def a_token_that_is_replaced_in_the_middle_is_read_again():
    simulator, program = world(3000, latency_ms=5)
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end)
    time.sleep(0.5)
    program.write("token", "second-token\n")
    simulator.call("/token", value="second-token")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err[-1500:])
    equal(program)


@test
def an_api_key_is_exchanged_and_renewed():
    simulator, program = world(1500, token_ttl_s=2, latency_ms=5)
    program.settings["api"]["auth"] = {"api_key": {"id_file": program.write("id", "key-id\n"), "secret_file": program.write("secret", "key-secret\n")}}
    program.configure(program.settings)
    simulator.call("/token", value="nobody-knows-this")
    done(program.backfill())
    done(program.run("run", "--once"))
    equal(program)
    assert simulator.stats()["minted"] >= 2
    program.write("secret", "wrong-key-secret\n")
    finished = program.run("run", "--once")
    refused(finished, 77)
    assert "wrong-key-secret" not in finished.err


@test
def a_refused_site_does_not_stop_the_others():
    simulator, program = world(600, sites=2)
    program.settings["api"]["sites"] = ["00000000-0000-4000-8000-000000000000", *simulator.sites]
    program.configure(program.settings)
    for finished in (program.backfill(), program.run("run", "--once")):
        refused(finished, 77, "403", "operator_ids")
    equal(program)
    assert "403" in next(s for s in program.status()["sites"] if s["site_id"].startswith("00000000"))["last_error"]


def certificate(program, name):
    key, cert = program.dir + "/key.pem", program.dir + "/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return cert, key


def tls_world(name, **changes):
    plain, program = world(50)
    cert, key = certificate(program, name)
    program.simulator = Simulator(engagements=400, days=30, tls_cert=cert, tls_key=key)
    program.settings["api"].update(base_url=f"https://localhost:{program.simulator.port}", sites=program.simulator.sites, max_retries=1, **changes)
    program.settings["sync"]["start_from"] = program.simulator.start
    return program, cert


@test
def https_is_verified():
    program, cert = tls_world("localhost")
    program.configure(program.settings)
    refused(program.run("run", "--once"), 69, "certificate", "does not verify")
    program.settings["api"]["ca_file"] = cert
    program.configure(program.settings)
    done(program.run("run", "--once"))
    equal(program)
    program, cert = tls_world("another.example")
    program.settings["api"]["ca_file"] = cert
    program.configure(program.settings)
    refused(program.run("run", "--once"), 69, "certificate", "another name")


class Tunnel(threading.Thread):
    """A CONNECT proxy for one test."""

    def __init__(self):
        super().__init__(daemon=True)
        self.server, self.asked = socket.create_server(("127.0.0.1", 0)), []
        self.port = self.server.getsockname()[1]
        self.start()

    def run(self):
        while True:
            client, _ = self.server.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head: head += client.recv(4096)
        self.asked.append(head.decode())
        host, port = head.split()[1].decode().rsplit(":", 1)
        upstream = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

        def pump(a, b):
            try:
                while data := a.recv(65536): b.sendall(data)
            except OSError: pass
            for s in (a, b):
                try: s.shutdown(socket.SHUT_RDWR)
                except OSError: pass
        threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
        pump(client, upstream)


@test
def https_goes_through_the_proxy_of_the_environment():
    program, cert = tls_world("localhost")
    program.settings["api"]["ca_file"] = cert
    program.configure(program.settings)
    tunnel = Tunnel()
    proxy = {"HTTPS_PROXY": f"http://user:proxy-secret@127.0.0.1:{tunnel.port}", "NO_PROXY": ""}
    finished = done(program.run("run", "--once", env=proxy))
    equal(program)
    assert tunnel.asked and tunnel.asked[0].startswith(f"CONNECT localhost:{program.simulator.port} ") and "Proxy-Authorization: Basic" in tunnel.asked[0], tunnel.asked[:1]
    assert "Bearer" not in "".join(tunnel.asked) and "proxy-secret" not in finished.err
    before = len(tunnel.asked)
    done(program.run("run", "--once", env={**proxy, "NO_PROXY": "localhost"}))
    assert len(tunnel.asked) == before


# ------------------------------------------------------------------------------------------ one clear line

@test
def an_unreachable_host_is_exit_code_69():
    simulator, program = world(10, api__base_url="http://127.0.0.1:1", api__max_retries=1)
    refused(program.run("run", "--once"), 69, "127.0.0.1:1", "connecting")
    finished = program.run("check")
    assert finished.code == 69 and "base_url" in finished.out, finished


@test
def a_missing_database_is_exit_code_78():
    simulator, program = world(10, sink__postgres={"dsn": cluster.dsn("no_such_database")})
    for command in (("migrate",), ("run", "--once"), ("status",)): refused(program.run(*command), 78, "no_such_database")


@test
def an_unreachable_database_is_exit_code_69():
    simulator, program = world(10, sink__postgres={"dsn": "host=127.0.0.1 port=1 dbname=x"})
    refused(program.run("migrate"), 69, "PostgreSQL cannot be reached")


@test
def a_missing_privilege_is_exit_code_78():
    role = "r" + os.urandom(4).hex()
    cluster.sql(f"CREATE ROLE {role} LOGIN")
    simulator, program = world(10)
    program.settings["sink"]["postgres"]["dsn"] = cluster.dsn(program.database, role)
    program.configure(program.settings)
    refused(program.run("migrate"), 78, "permission denied")
    finished = program.run("check")
    assert finished.code == 78 and "migrate --print" in finished.out, finished


@test
def a_writer_without_ddl_rights_can_work():
    role = "w" + os.urandom(4).hex()
    simulator, program = world(200)
    done(program.run("migrate"))
    program.sql(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA glia TO {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA glia TO {role}")
    program.settings["sink"]["postgres"] = {"dsn": cluster.dsn(program.database, role), "migrate": "manual"}
    program.configure(program.settings)
    done(program.run("check"))
    done(program.backfill())
    equal(program)


@test
def configuration_mistakes_are_exit_code_78_with_their_place():
    simulator, program = world(10)
    for text, words in [("api:\n  bas_url: x\n", (":2:3:", "did you mean base_url?")), ("sync: {start_from: 2024-13-01}\n", (":1:20:", "start_from")), ("api: [\n", ("not valid YAML",))]:
        program.config = program.write("bad.yaml", text)
        for command in (("config", "check"), ("run", "--once")):
            finished = program.run(*command)
            assert finished.code == 78 and all(any(w in l for l in finished.err.splitlines()) for w in words), finished
    program.config = program.dir + "/missing.yaml"
    refused(program.run("run"), 78, "missing.yaml")


@test
def usage_mistakes_are_exit_code_64():
    simulator, program = world(10)
    for command in ((), ("nonsense",), ("backfill",), ("backfill", "--from", "yesterday"), ("backfill", "--from", "2024-02-01", "--to", "2024-01-01"),
                    ("backfill", "--from", "2024-01-01", "--window", "5"), ("backfill", "--from", "2024-01-01", "--site", "nobody")):
        refused(program.run(*command), 64)
    for command in (("--help",), ("--version",), ("backfill", "--help")): done(program.run(*command))


@test
def the_effective_configuration_is_shown_without_secrets():
    simulator, program = world(10, sink__postgres={"dsn": "host=h password='se cret' dbname=d"})
    shown = done(program.run("config", "show")).out
    assert "se cret" not in shown and "per_page: 100" in shown and simulator.token not in shown, shown


@test
def no_secret_is_logged_even_at_debug_level():
    simulator, program = world(200)
    program.settings["log"] = {"level": "debug", "format": "json"}
    program.configure(program.settings)
    simulator.fault("status", path="/engagements", n=2, code=500)
    finished = done(program.run("run", "--once"))
    assert simulator.token not in finished.err
    lines = [json.loads(line) for line in finished.err.splitlines()]
    assert any(l["event"] == "request failed, will be tried again" for l in lines), lines[:3]


@test
def a_finished_backfill_is_not_loaded_again_unless_asked():
    simulator, program = world(200)
    done(program.backfill())
    requests = simulator.stats()["requests"]
    assert "before" in done(program.backfill()).out
    assert simulator.stats()["requests"] == requests
    done(program.backfill("--restart"))
    assert simulator.stats()["requests"] > requests


@test
def progress_is_a_bar_on_a_terminal():
    import pty
    simulator, program = world(1500, latency_ms=10)
    master, slave = pty.openpty()
    process = subprocess.Popen([GLIA, "-c", program.config, "backfill", "--from", simulator.start, "--to", simulator.end], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    seen = b""
    while True:
        try: data = os.read(master, 4096)
        except OSError: break
        if not data: break
        seen += data
    assert process.wait(30) == 0
    process.stdout.close()
    assert re.search(rb"\[#+\.*\] \d+%  windows \d+/\d+  engagements [\d,]+  [\d,]+/s", seen), seen[-500:]


def main():
    global cluster
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [(n, f) for n, f, smoke in TESTS if (smoke if wanted == "smoke" else wanted in n)]
    if not chosen:
        print(f"FAILED e2e: no test is called like {wanted}")
        return 1
    cluster = Cluster()
    failed = 0
    for name, function in chosen:
        began = time.time()
        try:
            function()
            print(f"ok e2e/{name} ({time.time() - began:.1f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED e2e/{name}: {str(error)[-1500:]}", flush=True)
            if not isinstance(error, AssertionError): traceback.print_exc()
        for simulator in Simulator.running[:]: simulator.close()
    cluster.close()
    return 1 if failed else 0


if __name__ == "__main__": sys.exit(main())
