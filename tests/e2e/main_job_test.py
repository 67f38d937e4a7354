"""End to end: the main job."""

import signal
import time

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, test
from world import Cluster, DATA_TABLES, Program, epoch_seconds, eventually, next_second


@test(smoke=True)
def backfill_then_run_once_equals_the_source():
    simulator, program = new_world(3000, sites=3)
    expect_success(program.run("check"))
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    status = program.status()
    assert len(status["sites"]) == 3 and all(
        s["synced_through"] and s["lag_seconds"] < 60 and s["last_error"] is None for s in status["sites"]
    ), status
    assert (
        status["detail_queue"] == {"waiting": 0, "parked": 0}
        and status["backfills"] == []
        and status["schema_version"] >= 1
    ), status


@test(smoke=True)
def the_same_again_changes_nothing():
    simulator, program = new_world(1500)
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    # Switches off what PostgreSQL writes by itself: full pages after a checkpoint, and the statistics of autovacuum.
    quiet = ("full_page_writes", "autovacuum")
    for setting in quiet:
        program.sql(f"ALTER SYSTEM SET {setting} = off")
    program.sql("SELECT pg_reload_conf()")
    workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
    eventually(lambda: program.sql("SHOW autovacuum") == "off" and program.sql(workers) == "0", what="no autovacuum")
    program.sql("VACUUM ANALYZE")
    program.sql("CHECKPOINT")
    names = ",".join(f"'{t}'" for t in DATA_TABLES)
    counts = (
        "SELECT sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del), sum(n_dead_tup) FROM pg_stat_user_tables "
        f"WHERE schemaname = 'glia' AND relname IN ({names})"
    )
    program.wait_until_counted()
    before, wal = program.sql(counts), program.sql("SELECT pg_current_wal_lsn()")
    expect_success(program.backfill("--restart"))
    expect_success(program.run("run", "--once"))
    program.wait_until_counted()
    assert program.sql(counts) == before, (before, program.sql(counts))
    written = int(program.sql(f"SELECT pg_current_wal_lsn() - '{wal}'"))
    for setting in quiet:
        program.sql(f"ALTER SYSTEM RESET {setting}")
    program.sql("SELECT pg_reload_conf()")
    assert (
        written < 60_000
    ), f"{written} bytes of WAL for nothing"  # the state of 12 windows, and details of ongoing engagements


@test(smoke=True)
def changes_at_the_source_arrive():
    simulator, program = new_world(1000)
    expect_success(program.backfill())
    simulator.call("/mutate", n=150)
    simulator.call("/add", n=40)
    simulator.call("/rename-queue", index=2, name="Renamed queue")
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def ongoing_engagements_are_fetched_until_they_end():
    simulator, program = new_world(300)
    expect_success(program.run("run", "--once"))
    simulator.call("/add", n=20, ongoing=1)
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    assert int(program.sql("SELECT count(*) FROM glia.legs WHERE ended_at IS NULL")) >= 20
    simulator.call("/end-all")
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    assert program.sql("SELECT count(*) FROM glia.ongoing_engagements") == "0"


@test
def compressed_responses_are_read():
    simulator, program = new_world(800, gzip=True)
    expect_success(program.backfill())
    expect_tables_equal_source(program)


@test
def legs_in_the_list_need_no_details():
    simulator, program = new_world(800, legs_in_list=True)
    expect_success(program.backfill())
    expect_tables_equal_source(program)
    assert simulator.stats().get("detail", 0) < 50


@test
def a_backfill_writes_every_row_once_although_two_sites_share_engagements():
    simulator, program = new_world(12000, legs_in_list=True)
    expect_success(program.backfill())
    expect_tables_equal_source(program)
    shared = int(
        program.sql(
            "SELECT count(*) FROM (SELECT FROM glia.engagement_sites GROUP BY engagement_id HAVING count(*) > 1) s"
        )
    )
    assert shared > 100, shared
    program.row_versions_written()  # waits until the counts are complete
    for table in set(DATA_TABLES) - {"queues"}:  # a queue's row is written again for a newer name
        rows, written = program.sql(
            f"SELECT (SELECT count(*) FROM glia.{table}), n_tup_ins + n_tup_upd FROM pg_stat_user_tables "
            f"WHERE schemaname = 'glia' AND relname = '{table}'"
        ).split("|")
        assert rows == written, (table, rows, written)


@test
def the_servers_clock_counts_but_never_more_than_a_minute_ahead_of_ours():
    for skew, least, most in ((-7200, -7300, -7100), (30, 15, 31), (7200, 30, 61)):
        simulator, program = new_world(300, skew_s=skew)
        expect_success(program.run("run", "--once"))
        ahead = epoch_seconds(program.status()["sites"][0]["synced_through"]) - time.time()
        assert least < ahead < most, (skew, ahead)


@test(smoke=True)
def the_service_follows_the_source_and_stops_on_sigterm():
    simulator, program = new_world(500)
    service = program.start("run")
    eventually(
        lambda: program.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'glia'") != "0"
        and not program.differences()
    )
    simulator.call("/add", n=30)
    simulator.call("/mutate", n=40)
    eventually(lambda: not program.differences())
    began = time.time()
    service.send_signal(signal.SIGTERM)
    out, err = service.communicate(timeout=15)
    assert service.returncode == 0 and time.time() - began < 6, (service.returncode, time.time() - began, err[-1500:])
    assert all(s["lease_owner"] is None for s in program.status()["sites"])


@test
def a_poll_with_nothing_new_is_one_request_and_two_statements():
    simulator, _ = new_world(300)
    own = Cluster()
    program = Program(own, simulator, sync__revisit=[], sync__overlap="1s")
    expect_success(program.run("run", "--once"))
    own.log_statements()

    def pages():
        return simulator.stats()["list"]

    def passes():
        return int(program.sql("SELECT count(*) FROM glia.sync_runs"))

    begun_with = passes(), pages()
    with program.service():
        eventually(lambda: passes() >= begun_with[0] + 20)
    polls = passes() - begun_with[0]
    # The service may be stopped in the middle of a pass of each of the two sites.
    assert polls <= pages() - begun_with[1] <= polls + 2
    log = own.log()
    own.close()
    # At its start the service tries to acquire each of the two sites before it is due; a pass that is stopped in the
    # middle acquires and releases its site.
    assert (
        log.count("INSERT INTO sync_runs") == polls and 2 * polls <= log.count("UPDATE sync_state") <= 2 * polls + 6
    ), (polls, log.count("UPDATE sync_state"))
    assert "FROM engagements" not in log, "engagements were read although there was nothing new"


@test
def programs_that_follow_each_other_at_once_miss_no_change():
    for skew in (0, 5000):
        simulator, program = new_world(300, skew_s=skew)
        for _ in range(4):
            expect_success(program.run("run", "--once"))
            simulator.call("/mutate", n=30)
            expect_success(program.backfill("--restart"))
            expect_tables_equal_source(program)


@test
def a_detail_that_is_rejected_once_is_fetched_again():
    simulator, program = new_world(300)
    victim = simulator.truth()[100]["id"]
    simulator.fault("bad-record", path="/engagements/" + victim)
    expect_success(program.backfill())
    assert program.sql("SELECT source, engagement_id = '" + victim + "' FROM glia.rejected_records") == "detail|t"
    assert program.status()["detail_queue"] == {"waiting": 0, "parked": 1}
    program.sql("UPDATE glia.detail_queue SET next_attempt_at = now()")
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    assert program.status()["rejected"] == 0


@test
def a_detail_that_is_rejected_is_exit_code_65_with_strict():
    simulator, program = new_world(60)
    victim = simulator.truth()[10]["id"]
    simulator.fault("bad-record", path="/engagements/" + victim)
    expect_refusal(program.run("run", "--once", "--strict"), 65, "rejected")
    expect_success(program.run("run", "--once"))


@test
def a_detail_that_is_rejected_in_a_backfill_is_exit_code_65_with_strict():
    simulator, program = new_world(60)
    victim = simulator.truth()[10]["id"]
    simulator.fault("bad-record", path="/engagements/" + victim)
    refused = program.backfill("--strict")
    expect_refusal(refused, 65, "1 records were rejected")
    assert "done: " in refused.out and ", 1 records rejected" in refused.out, refused
    expect_success(program.backfill("--strict", "--restart"))


@test
def details_are_counted_once_and_newest_come_first():
    simulator, program = new_world(600, days=60)
    expect_success(program.backfill())
    assert simulator.stats()["detail"] == 600, simulator.stats()


@test
def a_revisit_that_became_due_while_nothing_ran_is_read_at_the_start_and_moves_no_watermark():
    simulator, program = new_world(400, sites=1, sync__revisit=[{"every": "24h", "back": "400d"}], sync__overlap="1m")
    expect_success(program.run("run", "--once"))
    simulator.call("/mutate", n=300)
    expect_success(program.run("run", "--once"))
    assert program.differences(), "the pass read old changes although no revisit was due"
    program.sql("UPDATE glia.revisit_state SET last_started_at = last_started_at - interval '25 hours'")
    before = epoch_seconds(program.status()["sites"][0]["synced_through"])
    next_second()  # the next pass begins in another second of the API's clock
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    runs = program.sql(
        "SELECT mode, extract(epoch FROM started_at) FROM glia.sync_runs ORDER BY id DESC LIMIT 2"
    ).splitlines()
    assert [r.split("|")[0] for r in runs] == ["revisit", "incremental"], runs
    assert (
        before <= epoch_seconds(program.status()["sites"][0]["synced_through"]) <= float(runs[1].split("|")[1]) + 0.001
    )


@test
def what_is_listed_late_within_the_overlap_is_found():
    simulator, program = new_world(300, sites=2, sync__revisit=[], sync__overlap="10m")
    expect_success(program.run("run", "--once"))
    simulator.call("/add", n=20, ago_s=300)
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
