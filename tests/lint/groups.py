#!/usr/bin/env python3
"""Compiles each group of sources of a unity build without generating code, and prints the compiler's complaints.

groups.py BUILD-FOLDER      configured with CMAKE_UNITY_BUILD and CMAKE_UNITY_BUILD_BATCH_SIZE=0, so a group is a target

Two sources of a target that use one name in their unnamed namespaces compile alone, but not in one group. The fault
would appear later, in another change that regroups the sources.
"""

import concurrent.futures
import json
import os
import shlex
import subprocess
import sys


def compile_group(entry):
    """Returns the compiler's complaints about one group; empty if there are none."""
    command = [*shlex.split(entry["command"]), "-fsyntax-only", "-w"]
    run = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return "" if run.returncode == 0 else run.stderr or f"{entry['file']}: exit code {run.returncode}"


def main():
    with open(f"{sys.argv[1]}/compile_commands.json", encoding="utf-8") as file:
        groups = [entry for entry in json.load(file) if "/Unity/unity_" in entry["file"]]
    assert groups, "the build folder has no unity build"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [complaint for complaint in pool.map(compile_group, groups) if complaint]
    print("\n".join(complaints), end="")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
