"""What the test files share: the decorator, a world of simulator and program, and the words of the assertions."""
import contextlib, json, os, random, re, signal, socket, subprocess, sys, tempfile, threading, time
from world import *

TESTS = []


def test(function=None, smoke=False):
    """Registers a test; the docstring of the runner says how it is called."""
    def add(f):
        TESTS.append((f.__name__, f, smoke))
        return f
    return add(function) if function else add


_cluster = None


def cluster():
    """The PostgreSQL that all tests of a run share, each with a database of its own."""
    global _cluster
    if not _cluster: _cluster = Cluster()
    return _cluster


def close_worlds():
    """Drops what a test leaves behind: all of them together would fill a small disk."""
    if not _cluster: return
    for database in _cluster.sql("SELECT datname FROM pg_database WHERE datname ~ '^t[0-9a-f]{8}$'").split():
        with contextlib.suppress(RuntimeError): _cluster.sql(f"DROP DATABASE {database} WITH (FORCE)")


def close_cluster():
    if _cluster: _cluster.close()


def world(engagements=800, **options):
    changes = {k: options.pop(k) for k in list(options) if "__" in k}
    simulator = Simulator(**{"engagements": engagements, "days": 30, "seed": 7, **options})
    return simulator, Program(cluster(), simulator, **changes)


def equal(program, **options):
    found = program.differences(**options)
    assert not found, f"{len(found)} differences: " + "; ".join(found[:5])


def done(finished):
    assert finished.code == 0, finished
    return finished


def refused(finished, code, *words):
    """One clear line, the exit code, and no secret."""
    assert finished.code == code, finished
    lines = [l for l in finished.err.splitlines() if l.startswith("glia-sync: ")]
    assert len(lines) == 1, finished
    for word in words: assert word in lines[0], f"{word!r} is not in {lines[0]!r}"


def eventually(condition, seconds=30, what="it"):
    end = time.time() + seconds
    while time.time() < end:
        if condition(): return
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come true in {seconds} s")
