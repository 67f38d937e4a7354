"""End to end: times at the ends of the calendar, on the command line and in the state."""

import time

from harness import expect_success, expect_tables_equal_source, new_world, test


@test
def a_reset_to_the_beginning_of_the_calendar_does_not_wedge_the_site():
    simulator, program = new_world(50, sites=1, sync__revisit=[])
    site = simulator.sites[0]
    expect_success(program.run("run", "--once"))
    refused = program.run("reset", "--site", site, "--to", "0001-01-01")
    assert refused.code == 64 and refused.err.count("\n") == 1 and "1970-01-01" in refused.err, refused
    expect_success(program.run("run", "--once"))
    # A value that an older version stored, and then the one that the message proposes.
    program.sql("UPDATE glia.sync_state SET synced_through = '0001-01-01'")
    expect_success(program.run("run", "--once"))
    assert program.sql("SELECT synced_through > now() - interval '1 hour' FROM glia.sync_state") == "t"
    expect_success(program.run("reset", "--site", site, "--to", "1970-01-01"))
    expect_success(program.run("run", "--once"))
    assert program.equals_source()


@test
def a_backfill_of_impossible_times_is_a_usage_error():
    _, program = new_world(10, sites=1)
    expect_success(program.run("migrate"))
    for arguments, word in (
        (["--from", "0001-01-01"], "1970-01-01"),
        (["--from", "2024-01-01", "--to", "9999-12-31"], "--window"),
        (["--from", "9999-12-31"], "future"),
        (["--from", "infinity"], "not a time"),
        (["--from", "2024-01-01", "--to", "0000-01-01"], "not a time"),
    ):
        refused = program.run("backfill", *arguments)
        assert refused.code == 64 and word in refused.err and refused.err.count("\n") == 1, (arguments, refused)
    assert program.sql("SELECT count(*) FROM glia.backfills") == "0"


@test
def a_backfill_to_a_time_in_the_future_loads_what_is_new_when_it_is_run_again():
    simulator, program = new_world(50, sites=1)
    in_two_days = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400))
    arguments = ("backfill", "--from", simulator.start, "--to", in_two_days)
    expect_success(program.run(*arguments))
    assert program.sql("SELECT to_is_open, finished_at IS NOT NULL FROM glia.backfills") == "t|t"
    expect_success(program.run("run", "--once"))
    assert program.sql("SELECT upper(complete_ranges) <= now() FROM glia.freshness") == "t"
    simulator.call("/add", n=5)
    again = expect_success(program.run(*arguments))
    assert "loaded completely before" not in again.out, again
    assert program.sql("SELECT count(*) FROM glia.backfills WHERE finished_at IS NOT NULL") == "2"
    expect_tables_equal_source(program)
