"""End to end: `sample` shows what would be stored, and stores nothing."""

import json

from harness import new_world, test
from ndjson_test import expect_lines_equal_source


def run_sample(program, *options):
    """Runs `sample`; how it ended and its lines, parsed."""
    run = program.run("sample", *options)
    return run, [json.loads(line) for line in run.out.splitlines()]


@test
def sample_prints_engagements_as_they_would_be_stored_without_a_database():
    simulator, program = new_world(40, sites=2)
    program.settings["sink"] = {"postgres": {"dsn": "host=127.0.0.1 port=1"}}
    program.configure(program.settings)
    run, lines = run_sample(program, "--limit", "1000")
    assert run.code == 0, run
    expect_lines_equal_source(simulator, lines)
    _, some = run_sample(program, "--limit", "3", "--site", simulator.sites[1])
    assert len(some) == 3 and all(line["site_ids"] == [simulator.sites[1]] for line in some), some


@test
def sample_applies_the_settings_of_privacy():
    simulator, program = new_world(20, sites=1)
    program.settings["privacy"] = {"visitor_name": "drop"}
    program.configure(program.settings)
    names = {e["visitor_name"] for e in simulator.truth() if e.get("visitor_name")}
    run, lines = run_sample(program, "--limit", "20")
    assert run.code == 0 and len(lines) == 20 and names, run
    assert not any(f'"{name}"' in run.out for name in names)


@test
def sample_goes_on_with_the_other_sites_when_one_is_refused():
    simulator, program = new_world(20, sites=2)
    program.settings["api"]["sites"] = ["no-such-site", *simulator.sites]
    program.configure(program.settings)
    run, lines = run_sample(program, "--limit", "1000")
    assert run.code not in (0, 64) and "no-such-site" in run.err and len(lines) == 20, run
    assert program.run("sample", "--site", "elsewhere").code == 64
    assert program.run("sample", "--limit", "0").code == 64
