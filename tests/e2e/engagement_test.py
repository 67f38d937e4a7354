"""engagement get|end|export, queue wait: the rest of the documented API."""

import json
import os
import pty
import subprocess

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, test
from world import Finished, GLIA


def an_engagement(simulator, ongoing):
    """The id of an engagement that is ongoing, or of one that has ended."""
    return next(e["id"] for e in simulator.truth() if (e["legs"][-1]["ended_at"] is None) == ongoing)


def run_and_type(program, answer, *arguments):
    """The command at a terminal where somebody types `answer`."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [GLIA, "-c", program.config, *arguments], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    os.write(master, answer.encode() + b"\n")
    out, err = process.communicate(timeout=30)
    os.close(master)
    os.close(slave)
    return Finished(process.returncode, out, err)


@test(smoke=True)
def engagement_get_prints_what_the_api_shows():
    simulator, program = new_world(100)
    id = an_engagement(simulator, False)
    truth = next(e for e in simulator.truth() if e["id"] == id)
    del truth["_sites"]
    assert json.loads(expect_success(program.run("engagement", "get", id)).out) == truth


@test
def engagement_get_hides_what_privacy_hides():
    simulator, program = new_world(100)
    program.settings["privacy"] = {
        "visitor_name": "drop",
        "visitor_id": "hash",
        "key_file": program.write("key", "k" * 32),
    }
    program.configure(program.settings)
    shown = json.loads(expect_success(program.run("engagement", "get", an_engagement(simulator, False))).out)
    assert (
        "visitor_name" not in shown
        and shown["visitor_id"].startswith("hmac:")
        and shown["visitor"]["href"].endswith("/visitors/" + shown["visitor_id"])
    ), shown


@test
def engagement_get_of_what_is_not_there_is_one_clear_line():
    simulator, program = new_world(50)
    expect_refusal(
        program.run("engagement", "get", "no-such-id"), 64, "GET /engagements/no-such-id", "404", "is the id right"
    )
    expect_refusal(program.run("engagement", "get", "a/../b?c"), 64, "404")
    program.write("token", "wrong\n")
    expect_refusal(program.run("engagement", "get", an_engagement(simulator, False)), 77, "401", "api.auth")
    assert program.run("engagement", "get").code == 64
    expect_refusal(program.run("engagement", "get", ""), 64, "an id cannot be empty")


@test
def engagement_end_ends_it_at_the_source_and_the_tables_follow():
    simulator, program = new_world(200, ongoing_per_mille=1000, days=1)
    expect_success(program.run("run", "--once"))
    first, second = [e["id"] for e in simulator.truth() if e["legs"][-1]["ended_at"] is None][:2]
    result = expect_success(program.run("engagement", "end", first, "--yes"))
    assert f"ended engagement {first} (leg " in result.out, result
    answer = json.loads(
        expect_success(program.run("engagement", "end", second, "--reason", "error", "--yes", "--json")).out
    )
    assert answer["id"] == second and answer["sub_engagement_id"], answer
    legs = {e["id"]: e["legs"][-1] for e in simulator.truth()}
    assert legs[first]["end_reason"] == "operator_left" and legs[second]["end_reason"] == "error", (
        legs[first],
        legs[second],
    )
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def engagement_end_asks_first_and_does_nothing_without_a_yes():
    simulator, program = new_world(200, ongoing_per_mille=1000, days=1)
    id = an_engagement(simulator, True)
    expect_refusal(program.run("engagement", "end", id), 64, "end engagement " + id, "add --yes")
    no = run_and_type(program, "n", "engagement", "end", id)
    assert no.code == 75 and "Go on? [y/N]" in no.err and "nothing was changed" in no.err, no
    assert "code:200" not in simulator.stats()
    assert program.run("engagement", "end", id, "--reason", "boredom", "--yes").code == 64
    yes = run_and_type(program, "y", "engagement", "end", id)
    assert yes.code == 0 and "ended engagement" in yes.out, yes


@test
def what_changes_the_source_is_not_sent_twice_when_it_may_have_been_done():
    simulator, program = new_world(200, ongoing_per_mille=1000, days=1)
    id = an_engagement(simulator, True)
    for kind, more in (("hang", {}), ("close", {}), ("status", {"code": 500}), ("garbage", {})):
        simulator.call("/zero")
        simulator.fault(kind, path="/engagements/" + id, n=1, **more)
        expect_refusal(program.run("engagement", "end", id, "--yes"), 69, "may have carried it out")
        stats = simulator.stats()
        assert stats["fault:" + kind] == 1 and stats.get("requests", 0) <= 1, stats
    simulator.fault("status", path="/export", n=2, code=429, retry_after="1")
    assert "exported engagement " + id in expect_success(program.run("engagement", "export", id, "--yes")).out


@test
def engagement_export_exports():
    simulator, program = new_world(50)
    id = an_engagement(simulator, False)
    expect_refusal(program.run("engagement", "export", id), 64, "export engagement " + id, "add --yes")
    assert json.loads(expect_success(program.run("engagement", "export", id, "--yes", "--json")).out) == {
        "success": True
    }
    assert next(e for e in simulator.truth() if e["id"] == id)["crm_forwarded"] is True


@test
def queue_wait_shows_the_average():
    simulator, program = new_world(10)
    assert "waited 122 s on average" in expect_success(program.run("queue", "wait")).out
    assert json.loads(expect_success(program.run("queue", "wait", "--json")).out) == {
        "average_duration_in_seconds": 122
    }
    program.settings["enrich"] = {"queue_wait": {"token_file": program.write("visitor", "not-it\n")}}
    program.configure(program.settings)
    expect_refusal(program.run("queue", "wait"), 77, "401", "enrich.queue_wait.token_file")


@test
def these_commands_need_no_database():
    simulator, program = new_world(10)
    program.settings["sink"]["postgres"]["dsn"] = "host=127.0.0.1 port=1"
    program.configure(program.settings)
    expect_success(program.run("engagement", "get", an_engagement(simulator, False)))
    expect_success(program.run("queue", "wait"))
