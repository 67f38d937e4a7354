"""End to end: faults of PostgreSQL."""

import contextlib
import os
import subprocess
import tempfile

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, shared_cluster, test
from world import Cluster, Pooler, Program, Standby, eventually, holds_for


def start_backfill(program, simulator, *more):
    """A backfill that takes a few seconds, under way."""
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "1d", *more)
    eventually(lambda: program.has_schema() and int(program.sql("SELECT count(*) FROM glia.engagements")) > 100)
    return process


def expect_backfill_success(program, process):
    """The backfill ends well and a pass makes the tables equal to the source; returns what it logged."""
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, (process.returncode, out, err[-2000:])
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    return err


def sessions(program):
    """How many connections of the program there are."""
    return int(
        program.sql(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'glia-sync'"
        )
    )


@test
def connections_that_are_cut_again_and_again_cost_nothing():
    simulator, program = new_world(3000, latency_ms=5)
    process = start_backfill(program, simulator)
    for _ in range(8):
        program.cluster.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{program.database}' AND pid <> pg_backend_pid()"
        )
        eventually(lambda: sessions(program) or process.poll() is not None, what="a new connection")
    expect_backfill_success(program, process)


def refuse_sometimes(program, code, times):
    """Makes the first `times` statements that write engagements fail with this SQLSTATE. A sequence counts them,
    because it is not rolled back."""
    program.sql(
        f"""CREATE SEQUENCE public.refusals;
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('public.refusals') <= {times} THEN
                RAISE EXCEPTION 'refused for a test' USING ERRCODE = '{code}';
            END IF;
            RETURN NULL;
        END$$;
        CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON glia.engagements EXECUTE FUNCTION public.refuse()"""
    )


for name, code, times in [
    ("a_deadlock", "40P01", 12),
    ("a_serialization_failure", "40001", 12),
    ("a_lock_timeout", "55P03", 3),
    ("a_statement_timeout", "57014", 3),
    ("too_little_memory", "53200", 3),
    ("a_crash_of_another_backend", "57P02", 3),
]:

    def run(code=code, times=times):
        simulator, program = new_world(600)
        expect_success(program.run("migrate"))
        refuse_sometimes(program, code, times)
        expect_success(program.backfill())
        expect_success(program.run("run", "--once"))
        assert int(program.sql("SELECT last_value FROM public.refusals")) >= times
        expect_tables_equal_source(program)

    run.__name__ = name + "_is_tried_again"
    test(run)


@test
def a_table_that_somebody_locks_is_waited_for():
    simulator, program = new_world(2000, latency_ms=5)
    process = start_backfill(program, simulator)
    subprocess.run(
        [
            "psql",
            "-XAtq",
            "-d",
            shared_cluster().dsn(program.database),
            "-c",
            "BEGIN; LOCK TABLE glia.engagements; SELECT pg_sleep(13); COMMIT",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    err = expect_backfill_success(program, process)
    assert "lock timeout" in err, err[-1500:]


@test
def two_writers_at_the_isolation_level_serializable_end_in_the_same_tables():
    simulator, program = new_world(1500)
    expect_success(program.run("migrate"))
    program.settings["sink"]["postgres"]["dsn"] += " options='-c default_transaction_isolation=serializable'"
    program.configure(program.settings)
    with program.service():
        expect_success(program.backfill())
        eventually(program.equals_source, 60)


@test
def a_disk_that_fills_up_is_waited_for():
    simulator, program = new_world(4000, latency_ms=3)
    root = [] if os.getuid() == 0 else ["sudo", "-n"]
    place = tempfile.mkdtemp(prefix="glia-disk-")
    subprocess.run([*root, "mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", place], check=True)
    try:
        subprocess.run([*root, "chown", "postgres" if os.getuid() == 0 else str(os.getuid()), place], check=True)
        name = "disk" + os.urandom(3).hex()
        shared_cluster().sql(f"CREATE TABLESPACE {name} LOCATION '{place}'")
        shared_cluster().sql(f"ALTER DATABASE {program.database} SET TABLESPACE {name}")
        process = program.start(
            "backfill",
            "--from",
            simulator.start,
            "--to",
            simulator.end,
            "--window",
            "1d",
            stderr=open(program.dir + "/log", "w"),
        )

        def log():
            return open(program.dir + "/log").read()

        eventually(lambda: "No space left on device" in log(), 60)
        subprocess.run([*root, "mount", "-o", "remount,size=200m", place], check=True)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (out, log()[-2000:])
        expect_success(program.run("run", "--once"))
        expect_tables_equal_source(program)
    finally:
        with contextlib.suppress(RuntimeError):
            shared_cluster().sql(f"DROP DATABASE {program.database} WITH (FORCE)")
            shared_cluster().sql(f"DROP TABLESPACE {name}")
        subprocess.run([*root, "umount", "-l", place])
        os.rmdir(place)


@test
def a_read_only_standby_is_not_written_to_and_waited_for_until_it_is_promoted():
    simulator, program = new_world(400)
    expect_success(program.backfill())
    standby = Standby(shared_cluster())
    try:
        program.settings["sink"]["postgres"]["dsn"] = standby.dsn(program.database)
        program.configure(program.settings)
        finished = program.run("check")
        assert finished.code == 78 and "standby" in finished.out, finished
        with program.service() as service:
            eventually(lambda: "read-only transaction" in service.log() or "standby" in service.log())
            simulator.call("/add", n=20)
            standby.promote()
            program.cluster = standby
            eventually(program.equals_source, 60)
    finally:
        program.cluster = shared_cluster()
        standby.close()


@test
def a_pooler_in_transaction_mode_in_between_does_not_matter():
    simulator, _ = new_world(2000)
    own = Cluster()
    own.log_statements()
    program = Program(own, simulator)
    pooler = Pooler(own)

    def named():
        return own.log().count("execute glia_")

    try:
        program.settings["sink"]["postgres"]["dsn"] = pooler.dsn(program.database)
        program.configure(program.settings)
        expect_success(program.run("check"))
        with program.service():
            expect_success(program.backfill())
            eventually(program.equals_source, 60)
        assert named() == 0, "a statement was prepared in a session that the pooler shares between clients"
        program.settings["sink"]["postgres"]["dsn"] = own.dsn(program.database)
        program.configure(program.settings)
        expect_success(program.backfill("--restart"))
        assert named() > 0
    finally:
        pooler.close()
        own.close()


@test
def the_service_waits_for_a_database_that_is_not_up_yet():
    simulator, program = new_world(300)
    other = Cluster()
    try:
        name = other.fresh_database()
        other.stop()
        program.settings["sink"]["postgres"]["dsn"] = other.dsn(name)
        program.configure(program.settings)
        program.cluster, program.database = other, name
        with program.service() as service:
            eventually(lambda: "will be tried again" in service.log(), what="that it waits")
            assert service.poll() is None, service.log()
            other.start()
            eventually(program.equals_source, 60)
    finally:
        other.close()


@test
def the_service_goes_on_after_each_restart_of_postgresql():
    simulator, program = new_world(800)
    with program.service() as service:
        eventually(lambda: program.has_schema() and program.sql("SELECT count(*) FROM glia.engagements") != "0")
        for mode in ("fast", "immediate", "immediate"):
            noticed = service.log().count("sink not available, will be tried again")
            shared_cluster().stop(mode)
            simulator.call("/add", n=10)
            eventually(lambda: service.log().count("sink not available, will be tried again") > noticed)
            shared_cluster().start()
            eventually(program.equals_source, 60)
        assert service.poll() is None


@test
def a_schema_that_is_newer_is_refused_and_one_that_is_missing_is_reported():
    simulator, program = new_world(50)
    program.settings["sink"]["postgres"]["migrate"] = "manual"
    program.configure(program.settings)
    expect_refusal(program.run("run", "--once"), 78, "no schema glia", "glia-sync migrate")
    expect_success(program.run("migrate"))
    expect_success(program.run("run", "--once"))
    with program.service() as service:
        eventually(program.equals_source)
        program.sql("INSERT INTO glia.schema_version (version) VALUES (999)")
        for command in (("run", "--once"), ("backfill", "--from", simulator.start), ("migrate",), ("rejects", "list")):
            expect_refusal(program.run(*command), 78, "version 999", "upgrade glia-sync")
        eventually(lambda: "upgrade glia-sync" in service.log(), 30, "that the running service refuses it too")
        versions = "SELECT md5(string_agg(ctid::text || xmin, ',' ORDER BY ctid)) FROM glia.engagements"
        before = program.sql(versions)
        simulator.call("/add", n=10)
        holds_for(3, lambda: program.sql(versions) == before, "the service wrote into a schema that it does not know")
        program.sql("DELETE FROM glia.schema_version WHERE version = 999")
        eventually(program.equals_source)
