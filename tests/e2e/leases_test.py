"""End to end: several instances over one database."""

import signal
import subprocess
import time

from harness import expect_success, expect_tables_equal_source, new_world, shared_cluster, test
from world import eventually


def lease_of(program, site=None):
    """The instance that holds the lease of a site, or of any."""
    return program.sql(
        "SELECT lease_owner FROM glia.sync_state WHERE lease_expires_at > now()"
        + (f" AND site_id = '{site}'" if site else "")
        + " LIMIT 1"
    )


@test
def an_instance_that_was_stopped_and_wakes_after_its_lease_has_gone_writes_nothing():
    simulator, program = new_world(2500, sites=1, legs_in_list=True, sync__revisit=[])
    simulator.slow(400)
    with program.service(name="first", expect=None) as first:
        eventually(
            lambda: program.has_schema()
            and program.sql("SELECT count(*) FROM glia.sync_state WHERE pass_next_page IS NOT NULL") == "1"
        )
        first.send_signal(signal.SIGSTOP)
        simulator.quick()
        pid = f"/{first.pid}/"
        assert pid in lease_of(program)
        epoch = int(program.sql("SELECT lease_epoch FROM glia.sync_state"))
        with program.service(name="second"):
            eventually(lambda: int(program.sql("SELECT lease_epoch FROM glia.sync_state")) > epoch, 45, "the takeover")
            first.send_signal(signal.SIGCONT)
            eventually(lambda: "lease lost, nothing was written after the loss" in first.log(), 30, "the refusal")
            eventually(program.equals_source, 60)
    expect_tables_equal_source(program)


@test
def the_windows_of_a_backfill_are_shared_and_those_of_a_killed_instance_taken_over():
    simulator, program = new_world(3000)
    simulator.slow(300)
    arguments = ("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "12h", "--concurrency", "2")
    first = program.start(*arguments)
    eventually(
        lambda: program.has_schema()
        and program.sql("SELECT count(*) FROM glia.backfill_windows WHERE done") not in ("", "0")
    )
    second = program.start(*arguments)
    eventually(
        lambda: int(
            program.sql("SELECT count(DISTINCT lease_owner) FROM glia.backfill_windows WHERE lease_owner IS NOT NULL")
        )
        == 2
    )
    first.kill()
    first.communicate()
    simulator.quick()
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, (out, err[-1500:])
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    assert program.status()["backfills"] == []


@test
def claims_of_an_instance_that_cannot_be_asked_run_out_within_the_lease_time():
    simulator, program = new_world(300)
    expect_success(program.backfill())
    # What a machine that is gone has left behind: nobody here can know whether its process lives.
    program.sql(
        "INSERT INTO glia.detail_queue (engagement_id, created_at, wanted_after, claimed_by, claimed_until) "
        "SELECT id, created_at, '-infinity', 'elsewhere/1/2/00000000/0', now() + interval '30 s' "
        "FROM glia.engagements LIMIT 20"
    )
    program.sql(
        "UPDATE glia.sync_state SET lease_owner = 'elsewhere/1/2/00000000/0', "
        "lease_expires_at = now() + interval '30 s', lease_epoch = lease_epoch + 1, next_poll_at = now()"
    )
    simulator.call("/add", n=10)
    with program.service():
        eventually(lambda: program.equals_source() and program.status()["detail_queue"]["waiting"] == 0, 45)


@test
def a_shorter_poll_interval_holds_at_once_after_a_restart_and_a_reload():
    simulator, program = new_world(20, sites=1, sync__poll_every="12h")
    expect_success(program.run("migrate"))

    def waits_for_hours():
        return (
            program.sql("SELECT count(*) FROM glia.sync_state WHERE next_poll_at > now() + interval '10 hours'") == "1"
        )

    def poll_every(duration):
        program.settings["sync"]["poll_every"] = duration
        program.configure(program.settings)

    with program.service():
        eventually(waits_for_hours)
    poll_every("1s")
    simulator.call("/add", n=5)
    with program.service():
        eventually(program.equals_source, 30)
    poll_every("12h")
    with program.service() as service:
        eventually(waits_for_hours)
        poll_every("1s")
        simulator.call("/add", n=5)
        service.send_signal(signal.SIGHUP)
        eventually(program.equals_source, 30)


@test
def an_instance_that_was_stopped_in_the_middle_of_a_transaction_does_not_keep_its_site():
    simulator, program = new_world(300, sites=2)
    expect_success(program.run("run", "--once"))
    simulator.call("/add", n=10)
    # As seen from outside: the lease ran out long ago, and its row is still being written by a statement that does not
    # end.
    program.sql(
        "UPDATE glia.sync_state SET lease_owner = 'elsewhere/1/2/00000000/0', "
        "lease_expires_at = now() - interval '5 minutes', next_poll_at = now()"
    )
    stuck = subprocess.Popen(
        [
            "psql",
            "-Xq",
            "-d",
            shared_cluster().dsn(program.database),
            "-c",
            f"BEGIN; UPDATE glia.sync_state SET lease_epoch = lease_epoch + 1 WHERE site_id = '{simulator.sites[0]}'; "
            "SELECT pg_sleep(600)",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    eventually(lambda: program.sql(held) == "1", what="the statement that does not end")
    finished = expect_success(program.run("run", "--once"))
    assert "ended transactions of instances that stopped" in finished.err, finished
    assert stuck.wait(10) != 0
    expect_tables_equal_source(program)


@test
def a_stop_at_any_moment_of_a_commit_is_taken_over_within_the_lease_time():
    """The first instance is stopped while PostgreSQL waits for the rest of a COPY: none of the server's timeouts
    applies there."""
    simulator, program = new_world(
        3000, sites=1, latency_ms=1, legs_in_list=True, sync__revisit=[], api__max_in_flight=1
    )
    with program.service(name="first", expect=None) as first:

        def copying():
            return (
                program.sql(
                    "SELECT count(*) FROM pg_stat_activity "
                    f"WHERE datname = '{program.database}' AND query LIKE 'COPY%' AND state = 'active'"
                )
                == "1"
            )

        end = time.time() + 20
        while time.time() < end and not copying():
            pass
        first.send_signal(signal.SIGSTOP)
        epoch = int(program.sql("SELECT lease_epoch FROM glia.sync_state"))
        with program.service(name="second"):
            eventually(lambda: int(program.sql("SELECT lease_epoch FROM glia.sync_state")) > epoch, 45, "the takeover")
            first.send_signal(signal.SIGCONT)
            eventually(program.equals_source, 60)


@test
def a_transaction_whose_client_falls_silent_is_ended_by_the_server():
    simulator, program = new_world(10)
    expect_success(program.run("migrate"))
    with program.service():
        eventually(program.equals_source)
        program.sql(
            "CREATE FUNCTION public.seen() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.limits "
            "VALUES (current_setting('idle_in_transaction_session_timeout')); RETURN NULL; END$$;"
            "CREATE TABLE public.limits (value text); CREATE TRIGGER seen AFTER INSERT ON glia.engagements "
            "EXECUTE FUNCTION public.seen()"
        )
        simulator.call("/add", n=1)
        eventually(lambda: program.sql("SELECT DISTINCT value FROM public.limits") == "20s")
