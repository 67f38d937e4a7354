#!/usr/bin/env python3
"""End to end: the built program against the simulator and a real PostgreSQL, faults included.

run.py [smoke | PART OF A NAME]     prints `ok NAME` or `FAILED NAME` for each test, of the files *_test.py here
"""
import glob, importlib, os, sys, time, traceback
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import TESTS, Simulator, close_cluster


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for file in sorted(glob.glob(os.path.dirname(os.path.abspath(__file__)) + "/*_test.py")): importlib.import_module(os.path.basename(file)[:-3])
    chosen = [(n, f) for n, f, smoke in TESTS if (smoke if wanted == "smoke" else wanted in n)]
    if not chosen:
        print(f"FAILED e2e: no test is called like {wanted}")
        return 1
    failed = 0
    for name, function in chosen:
        began = time.time()
        try:
            function()
            print(f"ok e2e/{name} ({time.time() - began:.1f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED e2e/{name}: {str(error)[-1500:]}", flush=True)
            if not isinstance(error, AssertionError): traceback.print_exc()
        for simulator in Simulator.running[:]: simulator.close()
    close_cluster()
    return 1 if failed else 0


if __name__ == "__main__": sys.exit(main())
