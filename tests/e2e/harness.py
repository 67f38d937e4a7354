"""Shared by the test files: the decorator, a simulator and a program for each test, and assertions.

A test is a function with @test. Most begin with

    simulator, program = new_world(800, sites=2, sync__overlap="1m")

which returns a simulator with that many engagements, and a program with a database of its own. A keyword with two
underscores is a setting of the program; the others are options of the simulator. The simulator runs, the program does
not: `program.run("run", "--once")` runs a command to its end, `program.service()` runs the service in the background.
To wait for a condition, use `eventually(condition)`; to check that it holds for a while, `holds_for(seconds, condition,
what)` (both in world.py).
"""

import contextlib

from world import Cluster, Program, Simulator

TESTS = []


def test(function=None, smoke=False):
    """Registers a test. `smoke`: it is one of those that `run.py smoke` runs."""

    def add(f):
        TESTS.append((f.__name__, f, smoke))
        return f

    return add(function) if function else add


_cluster = None


def shared_cluster():
    """Returns the PostgreSQL that all tests of a run share, each with a database of its own."""
    global _cluster
    if not _cluster:
        _cluster = Cluster()
    return _cluster


def drop_databases():
    """Drops the databases of the finished tests: all of them together would fill a small disk."""
    if not _cluster:
        return
    for database in _cluster.sql("SELECT datname FROM pg_database WHERE datname ~ '^t[0-9a-f]{8}$'").split():
        with contextlib.suppress(RuntimeError):
            _cluster.sql(f"DROP DATABASE {database} WITH (FORCE)")


def close_cluster():
    """Ends the PostgreSQL of this run."""
    if _cluster:
        _cluster.close()


def new_world(engagements=800, **options):
    """Returns a simulator, and a program for it. `options`: those of the simulator, or settings as section__key."""
    changes = {k: options.pop(k) for k in list(options) if "__" in k}
    simulator = Simulator(**{"engagements": engagements, "days": 30, "seed": 7, **options})
    return simulator, Program(shared_cluster(), simulator, **changes)


def expect_tables_equal_source(program, **options):
    """Asserts that every table equals the source."""
    found = program.differences(**options)
    assert not found, f"{len(found)} differences: " + "; ".join(found[:5])


def expect_success(finished):
    """Asserts exit code 0; returns `finished`."""
    assert finished.code == 0, finished
    return finished


def expect_refusal(finished, code, *words):
    """Asserts the exit code and a single error line that contains each of `words`."""
    assert finished.code == code, finished
    lines = [line for line in finished.err.splitlines() if line.startswith("glia-sync: ")]
    assert len(lines) == 1, finished
    for word in words:
        assert word in lines[0], f"{word!r} is not in {lines[0]!r}"
