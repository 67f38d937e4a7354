"""End to end: the rows of failed passes in sync_runs."""

import json

from harness import new_world, test


@test
def a_pass_that_fails_leaves_its_error_in_sync_runs_once():
    _, program = new_world(50, sites=1, sync__revisit=[], api__max_retries=0)
    program.settings["api"]["base_url"] = "http://127.0.0.1:1"
    program.configure(program.settings)
    for _ in range(3):
        assert program.run("run", "--once").code == 69
    runs = program.sql("SELECT mode, times, error <> '' FROM glia.sync_runs")
    assert runs == "incremental|3|t", runs


@test
def runs_shows_what_ran_what_it_brought_and_why_it_failed():
    _, program = new_world(50, sites=1, sync__revisit=[], api__max_retries=0)
    program.run("migrate")
    assert program.run("runs").out == "nothing has run yet\n"
    assert program.run("run", "--once").code == 0
    program.settings["api"]["base_url"] = "http://127.0.0.1:1"
    program.configure(program.settings)
    for _ in range(2):
        assert program.run("run", "--once").code == 69
    failed, done = json.loads(program.run("runs", "--json").out)["runs"]
    assert (failed["mode"], failed["times"], failed["engagements"]) == ("incremental", 2, 0), failed
    assert "127.0.0.1:1" in failed["error"], failed
    assert (done["stream"], done["engagements"], done["rejected"], done["error"]) == ("engagements", 50, 0, None), done
    assert done["requests"] >= 1 and done["started_at"] <= done["finished_at"], done
    table = program.run("runs", "--limit", "1").out.splitlines()
    assert len(table) == 2 and "failed (2 times): " in table[1], table
    assert program.run("runs", "--limit", "0").code == 64
