"""backfill --only legs, transcripts or recordings: what was never fetched for engagements that are stored."""

from enrich_test import enable_enrichers, expect_recordings_equal_source, expect_transcripts_equal_source
from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, test
from ndjson_test import write_lines
from world import epoch_seconds


def details(simulator):
    """How many requests for a single engagement the simulator got."""
    return simulator.stats().get("detail", 0)


def load_engagements(program):
    """Loads engagements without legs, and empties the queue of their details: the backfill has to fill it."""
    expect_success(program.backfill("--only", "engagements"))
    program.sql("DELETE FROM glia.work_items")
    assert details(program.simulator) == 0


@test(smoke=True)
def a_backfill_of_legs_completes_engagements():
    simulator, program = new_world(300, sites=2)
    load_engagements(program)
    finished = expect_success(program.backfill("--only", "legs"))
    assert "300 legs enqueued, 300 fetched" in finished.out, finished
    expect_tables_equal_source(program)
    assert details(simulator) == 300
    again = expect_success(program.backfill("--only", "legs"))
    assert "no legs of this range are left to fetch" in again.out and details(simulator) == 300, again
    expect_success(program.backfill("--only", "legs", "--restart"))
    assert details(simulator) == 600
    expect_tables_equal_source(program)


@test
def a_backfill_of_legs_goes_on_with_what_the_listing_has_enqueued():
    simulator, program = new_world(200, sites=1)
    expect_success(program.backfill("--only", "engagements"))
    program.sql("UPDATE glia.work_items SET parked = true, attempts = 9, next_attempt_at = now() + interval '1 day'")
    expect_success(program.backfill("--only", "legs"))
    expect_tables_equal_source(program)
    assert details(simulator) == 200


@test
def a_backfill_of_legs_keeps_to_its_range_and_sites():
    simulator, program = new_world(300, sites=2)
    load_engagements(program)
    truth = simulator.truth()
    times = sorted(e["created_at"] for e in truth)
    middle = times[len(times) // 2]
    site = simulator.sites[0]
    wanted = [e["id"] for e in truth if site in e["_sites"] and epoch_seconds(e["created_at"]) < epoch_seconds(middle)]
    expect_success(program.run("backfill", "--only", "legs", "--from", simulator.start, "--to", middle, "--site", site))
    known = program.sql("SELECT id FROM glia.engagements WHERE legs_fetched_at IS NOT NULL").split()
    assert sorted(known) == sorted(wanted) and details(simulator) == len(wanted)
    expect_success(program.backfill("--only", "legs"))
    expect_tables_equal_source(program)
    assert details(simulator) == 300


@test
def a_backfill_of_legs_survives_kill_9():
    simulator, program = new_world(400, sites=2)
    load_engagements(program)
    simulator.fault("late", path="/engagements/", n=1000000, ms=100)
    killed = 0
    for _ in range(3):
        killed += program.run_killed(1.2, "backfill", "--only", "legs", "--from", simulator.start).code == -9
    assert killed > 0
    simulator.quick()
    expect_success(program.backfill("--only", "legs"))
    expect_tables_equal_source(program)
    assert program.sql("SELECT count(*) FROM glia.work_items") == "0"


@test
def a_backfill_of_legs_says_what_is_still_to_come():
    simulator, program = new_world(100, sites=1)
    load_engagements(program)
    simulator.fault("status", path="/engagements/", n=3, code=404)
    finished = program.backfill("--only", "legs")
    expect_refusal(finished, 69, "3 legs of the range are not fetched yet", "run the same command again")
    expect_success(program.backfill("--only", "legs"))
    expect_tables_equal_source(program)


@test
def a_backfill_of_transcripts_fetches_those_that_were_never_fetched():
    simulator, program = new_world(150, sites=1)
    expect_success(program.backfill())
    enable_enrichers(simulator, program, transcripts={"enabled": True})
    truth = sorted(simulator.truth(), key=lambda e: epoch_seconds(e["created_at"]))
    middle = truth[75]["created_at"]
    expect_success(program.run("backfill", "--only", "transcripts", "--from", simulator.start, "--to", middle))
    stored = program.sql("SELECT count(DISTINCT engagement_id) FROM glia.chat_messages")
    earlier = sum(epoch_seconds(e["created_at"]) < epoch_seconds(middle) for e in truth)
    assert int(stored) == earlier, (stored, earlier)
    expect_success(program.backfill("--only", "transcripts"))
    expect_transcripts_equal_source(simulator, program)
    versions = "SELECT string_agg(xmin::text, ',' ORDER BY engagement_id) FROM glia.work_items"
    before = program.sql(versions)
    again = expect_success(program.backfill("--only", "transcripts"))
    assert "no transcripts of this range are left to fetch" in again.out and program.sql(versions) == before, again


@test
def a_backfill_of_recordings_downloads_those_that_are_made():
    simulator, program = new_world(60, sites=1)
    expect_success(program.backfill())
    directory = program.dir + "/recordings"
    enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
    # The simulator answers the first request for each recording with 204: it is still being made.
    expect_refusal(program.backfill("--only", "recordings"), 69, "recordings of the range are not fetched yet")
    expect_success(program.backfill("--only", "recordings"))
    expect_recordings_equal_source(simulator, program, directory)
    count = simulator.stats()["recording_files"]
    again = expect_success(program.backfill("--only", "recordings"))
    assert "no recordings of this range are left to fetch" in again.out, again
    assert simulator.stats()["recording_files"] == count


@test
def a_backfill_of_what_is_not_kept_or_not_enabled_is_refused():
    simulator, program = new_world(10, sites=1)
    for only in ("transcripts", "recordings"):
        expect_refusal(program.backfill("--only", only), 78, f"enrich.{only}.enabled")
    write_lines(simulator, program)
    for only in ("legs", "transcripts", "recordings"):
        expect_refusal(program.backfill("--only", only), 64, f"--only {only}", "sink.type")
