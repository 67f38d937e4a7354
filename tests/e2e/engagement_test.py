"""engagement get|end|export, queue wait: the rest of the documented API."""
import pty
from harness import *


def some(simulator, ongoing):
    return next(e["id"] for e in simulator.truth() if (e["legs"][-1]["ended_at"] is None) == ongoing)


def asked(program, answer, *arguments):
    """The command at a terminal where somebody types `answer`."""
    master, slave = pty.openpty()
    process = subprocess.Popen([GLIA, "-c", program.config, *arguments], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.write(master, answer.encode() + b"\n")
    out, err = process.communicate(timeout=30)
    os.close(master), os.close(slave)
    return Finished(process.returncode, out, err)


@test(smoke=True)
def engagement_get_prints_what_the_api_shows():
    simulator, program = world(100)
    id = some(simulator, False)
    truth = next(e for e in simulator.truth() if e["id"] == id)
    del truth["_sites"]
    for more in ((), ("--json",)): assert json.loads(done(program.run("engagement", "get", id, *more)).out) == truth


@test
def engagement_get_hides_what_privacy_hides():
    simulator, program = world(100)
    program.settings["privacy"] = {"visitor_name": "drop", "visitor_id": "hash", "key_file": program.write("key", "k" * 32)}
    program.configure(program.settings)
    shown = json.loads(done(program.run("engagement", "get", some(simulator, False))).out)
    assert "visitor_name" not in shown and shown["visitor_id"].startswith("hmac:") and shown["visitor"]["href"].endswith("/visitors/" + shown["visitor_id"]), shown


@test
def engagement_get_of_what_is_not_there_is_one_clear_line():
    simulator, program = world(50)
    refused(program.run("engagement", "get", "no-such-id"), 64, "GET /engagements/no-such-id", "404", "is the id right")
    refused(program.run("engagement", "get", "a/../b?c"), 64, "404")
    program.write("token", "wrong\n")
    refused(program.run("engagement", "get", some(simulator, False)), 77, "401", "api.auth")
    assert program.run("engagement", "get").code == 64
    refused(program.run("engagement", "get", ""), 64, "an id cannot be empty")


@test
def engagement_end_ends_it_at_the_source_and_the_tables_follow():
    simulator, program = world(200, ongoing_per_mille=1000, days=1)
    done(program.run("run", "--once"))
    first, second = [e["id"] for e in simulator.truth() if e["legs"][-1]["ended_at"] is None][:2]
    told = done(program.run("engagement", "end", first, "--yes"))
    assert f"ended engagement {first} (leg " in told.out, told
    answer = json.loads(done(program.run("engagement", "end", second, "--reason", "error", "--yes", "--json")).out)
    assert answer["id"] == second and answer["sub_engagement_id"], answer
    legs = {e["id"]: e["legs"][-1] for e in simulator.truth()}
    assert legs[first]["end_reason"] == "operator_left" and legs[second]["end_reason"] == "error", (legs[first], legs[second])
    done(program.run("run", "--once"))
    equal(program)


@test
def engagement_end_asks_first_and_does_nothing_without_a_yes():
    simulator, program = world(200, ongoing_per_mille=1000, days=1)
    id = some(simulator, True)
    refused(program.run("engagement", "end", id), 64, "end engagement " + id, "add --yes")
    no = asked(program, "n", "engagement", "end", id)
    assert no.code == 75 and "Go on? [y/N]" in no.err and "nothing was changed" in no.err, no
    assert "code:200" not in simulator.stats()
    assert program.run("engagement", "end", id, "--reason", "boredom", "--yes").code == 64
    yes = asked(program, "y", "engagement", "end", id)
    assert yes.code == 0 and "ended engagement" in yes.out, yes


@test
def what_changes_the_source_is_not_sent_twice_when_it_may_have_been_done():
    simulator, program = world(200, ongoing_per_mille=1000, days=1)
    id = some(simulator, True)
    for kind, more in (("hang", {}), ("close", {}), ("status", {"code": 500}), ("garbage", {})):
        simulator.call("/zero")
        simulator.fault(kind, path="/engagements/" + id, n=1, **more)
        refused(program.run("engagement", "end", id, "--yes"), 69, "may have been done")
        stats = simulator.stats()
        assert stats["fault:" + kind] == 1 and stats.get("requests", 0) <= 1, stats
    simulator.fault("status", path="/export", n=2, code=429, retry_after="1")
    assert "exported engagement " + id in done(program.run("engagement", "export", id, "--yes")).out


@test
def engagement_export_exports():
    simulator, program = world(50)
    id = some(simulator, False)
    refused(program.run("engagement", "export", id), 64, "export engagement " + id, "add --yes")
    assert json.loads(done(program.run("engagement", "export", id, "--yes", "--json")).out) == {"success": True}
    assert next(e for e in simulator.truth() if e["id"] == id)["crm_forwarded"] is True


@test
def queue_wait_tells_the_average():
    simulator, program = world(10)
    assert "waited 122 s on average" in done(program.run("queue", "wait")).out
    assert json.loads(done(program.run("queue", "wait", "--json")).out) == {"average_duration_in_seconds": 122}
    program.settings["enrich"] = {"queue_wait": {"token_file": program.write("visitor", "not-it\n")}}
    program.configure(program.settings)
    refused(program.run("queue", "wait"), 77, "401", "enrich.queue_wait.token_file")


@test
def these_commands_need_no_database():
    simulator, program = world(10)
    program.settings["sink"]["postgres"]["dsn"] = "host=127.0.0.1 port=1"
    program.configure(program.settings)
    done(program.run("engagement", "get", some(simulator, False)))
    done(program.run("queue", "wait"))
