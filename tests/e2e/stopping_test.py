"""End to end: stopping, crashing."""

import random
import signal
import time

from harness import expect_success, expect_tables_equal_source, new_world, shared_cluster, test
from world import eventually


@test(smoke=True)
def sigterm_stops_a_backfill_which_then_goes_on():
    simulator, program = new_world(4000)
    simulator.slow(500)
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "2d")
    eventually(
        lambda: program.sql("SELECT to_regclass('glia.backfill_windows') IS NOT NULL") == "t"
        and int(program.sql("SELECT count(*) FROM glia.backfill_windows WHERE done")) >= 2
    )
    began = time.time()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 75 and time.time() - began < 6, (
        process.returncode,
        time.time() - began,
        out,
        err[-1500:],
    )
    unfinished = program.status()["backfills"]
    assert len(unfinished) == 1 and 0 < unfinished[0]["windows_done"] < unfinished[0]["windows_total"], unfinished
    simulator.quick()
    finished = expect_success(
        program.run("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "2d")
    )
    assert "going on" in finished.err, finished
    expect_tables_equal_source(program)


def kill_at_random_moments(program, arguments, times, longest):
    """kill -9 after a random time, again and again; returns how often it struck before the end."""
    generator = random.Random(42)
    ends = [program.run_killed(generator.uniform(0.02, longest), *arguments) for _ in range(times)]
    return sum(finished.code == -signal.SIGKILL for finished in ends)


@test
def kill_9_at_50_moments_of_a_backfill_loses_nothing():
    simulator, program = new_world(6000, latency_ms=10)
    arguments = ("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "1d")
    struck = kill_at_random_moments(program, arguments, 50, 0.25)
    assert struck == 50, struck
    expect_success(program.run(*arguments))
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def kill_9_at_50_moments_of_run_once_loses_nothing():
    simulator, program = new_world(6000, latency_ms=10)
    struck = kill_at_random_moments(program, ("run", "--once"), 50, 0.25)
    assert struck == 50, struck
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    status = program.status()
    assert status["detail_queue"] == {"waiting": 0, "parked": 0}, status


@test
def an_interrupted_pass_resumes_at_its_link():
    # Slow enough to be killed in the middle.
    simulator, program = new_world(3000, latency_ms=150, legs_in_list=True)
    process = program.start("run", "--once")
    eventually(
        lambda: program.sql("SELECT to_regclass('glia.sync_state') IS NOT NULL") == "t"
        and program.sql("SELECT count(*) FROM glia.sync_state WHERE pass_next_page IS NOT NULL") != "0"
    )
    process.kill()
    process.communicate()
    assert program.status()["sites"][0]["synced_through"] is None
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def the_restart_of_postgresql_is_waited_for():
    simulator, program = new_world(3000, latency_ms=5)
    arguments = ("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "1d")
    process = program.start_logged(*arguments, name="backfill")
    eventually(lambda: program.has_schema() and program.sql("SELECT count(*) FROM glia.engagements") != "0")
    shared_cluster().stop("immediate")
    eventually(lambda: "sink not available, will be tried again" in process.log(), what="the loss of PostgreSQL")
    shared_cluster().start()
    assert process.wait(120) == 0, process.log()[-1500:]
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def two_instances_share_the_sites_and_one_takes_over_from_the_other():
    simulator, program = new_world(1500, sites=4, latency_ms=5)
    first, second = program.start("run"), program.start("run")
    eventually(
        lambda: program.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'glia'") != "0"
        and not program.differences(),
        60,
    )
    first.kill()
    simulator.call("/add", n=30)
    eventually(lambda: not program.differences(), 60)
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=15)
    first.communicate()
    assert second.returncode == 0


@test
def a_stop_gives_the_lease_back_although_the_connections_have_been_cut_meanwhile():
    simulator, program = new_world(20, sites=1)
    expect_success(program.run("run", "--once"))
    simulator.slow(5000)
    program.sql("UPDATE glia.sync_state SET next_poll_at = now()")
    with program.service() as service:

        def lease():
            return program.sql("SELECT count(lease_owner) FROM glia.sync_state")

        eventually(lambda: lease() == "1")
        program.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'glia-sync'")
        service.send_signal(signal.SIGTERM)
        service.wait(15)
        assert lease() == "0"


@test
def a_backfill_and_the_service_side_by_side_end_in_the_same_tables():
    simulator, program = new_world(2000)
    expect_success(program.run("migrate"))
    service = program.start("run")
    expect_success(program.backfill())
    eventually(lambda: not program.differences(), 60)
    service.send_signal(signal.SIGTERM)
    service.communicate(timeout=15)
