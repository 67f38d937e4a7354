#!/usr/bin/env python3
"""End to end: the built program against the simulator and a real PostgreSQL, faults included.

run.py [smoke | PART OF A NAME]     prints `ok NAME` or `FAILED NAME` for each test, of the files *_test.py here

Most tests wait more than they work, so GLIA_E2E_JOBS of them (3) run at once, each process with a cluster of its own.
"""

import glob
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from harness import TESTS, close_cluster, drop_databases
from world import Simulator


def load(wanted):
    """Imports all test files; the tests whose name contains `wanted`."""
    for file in sorted(glob.glob(HERE + "/*_test.py")):
        importlib.import_module(os.path.basename(file)[:-3])
    return [(n, f) for n, f, smoke in TESTS if (smoke if wanted == "smoke" else wanted in n)]


def work(chosen, claims=None, area="e2e"):
    """Runs the tests that no other process has taken."""
    failed = 0
    for name, function in chosen:
        try:
            if claims:
                os.close(os.open(f"{claims}/{name}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        began = time.time()
        try:
            function()
            print(f"ok {area}/{name} ({time.time() - began:.1f} s)\n", end="", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED {area}/{name}: {str(error)[-1500:]}\n", end="", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc()
        for simulator in Simulator.running[:]:
            simulator.close()
        drop_databases()
    close_cluster()
    return 1 if failed else 0


def run_here(area, wanted):
    """Runs the registered tests in this process; for other areas that use the same building blocks."""
    chosen = [(n, f) for n, f, _ in TESTS if wanted in n]
    if not chosen:
        print(f"FAILED {area}: no test is called like {wanted}")
    return work(chosen, area=area) if chosen else 1


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = load(wanted)
    if len(sys.argv) > 2:
        return work(chosen, sys.argv[2])
    if not chosen:
        print(f"FAILED e2e: no test is called like {wanted}")
        return 1
    jobs = min(len(chosen), int(os.environ.get("GLIA_E2E_JOBS", "3")))
    claims = tempfile.mkdtemp(prefix="glia-e2e-")
    try:
        codes = [p.wait() for p in [subprocess.Popen([sys.executable, __file__, wanted, claims]) for _ in range(jobs)]]
        missed = len(chosen) - len(os.listdir(claims))
        if missed or any(code not in (0, 1) for code in codes):
            print(f"FAILED e2e: a process broke off ({codes}), {missed} tests were not run")
        return max(codes)
    finally:
        shutil.rmtree(claims)


if __name__ == "__main__":
    sys.exit(main())
