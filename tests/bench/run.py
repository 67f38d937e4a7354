#!/usr/bin/env python3
"""What glia-sync costs, beside what the same work costs at the least, in one run: alternately, and the median.

run.py [ENGAGEMENTS [PAIRS]]     default 200000 and 3
Prints engagements per second, peak memory, and the ratio to plain COPY of the same rows into the same tables by psql.
"""
import os, resource, statistics, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from world import *


def timed(program, *arguments):
    """Seconds, CPU seconds and peak memory in MiB of one call."""
    began = time.time()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen([GLIA, "-c", program.config, *arguments], stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    assert status == 0, f"{arguments} failed: {status}"
    return time.time() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def dump(program, folder):
    for table in DATA_TABLES: program.sql(f"COPY (SELECT * FROM glia.{table}) TO '{folder}/{table}'")


def copy(program, folder):
    """Plain COPY of all rows into empty tables of the same schema."""
    program.sql("TRUNCATE " + ", ".join(f"glia.{t}" for t in DATA_TABLES) + "; CHECKPOINT")
    began = time.time()
    for table in DATA_TABLES: program.sql(f"COPY glia.{table} FROM '{folder}/{table}'")
    return time.time() - began


def main():
    engagements = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    cluster = Cluster()
    folder = cluster.dir + "/data"
    subprocess.run(["mkdir", "-p", folder + "/dump"]), subprocess.run(["chmod", "777", folder + "/dump"])
    print(f"{engagements:,} engagements, {os.cpu_count()} cores, PostgreSQL {cluster.sql('SHOW server_version')}; median of {pairs}")
    for title, options in (("legs in the list", dict(legs_in_list=True)), ("legs by one request each", {})):
        loads, copies, again = [], [], []
        for _ in range(pairs):
            simulator = Simulator(engagements=engagements, days=365, seed=3, **options)
            program = Program(cluster, simulator)
            arguments = ("backfill", "--from", simulator.start, "--to", simulator.end, "--window", "1d", "--concurrency", "4")
            loads.append(timed(program, *arguments))
            if not copies or options: again.append(timed(program, *arguments, "--restart"))
            dump(program, folder + "/dump")
            copies.append(copy(program, folder + "/dump"))
            simulator.close()
            cluster.sql(f"DROP DATABASE {program.database} WITH (FORCE)")
        load = statistics.median(l[0] for l in loads)
        print(f"\n{title}")
        print(f"  backfill            {load:7.1f} s   {engagements / load:8,.0f} engagements/s   CPU {statistics.median(l[1] for l in loads):5.1f} s   peak memory {max(l[2] for l in loads):5.1f} MiB")
        print(f"  the same again      {statistics.median(a[0] for a in again):7.1f} s   nothing written            CPU {statistics.median(a[1] for a in again):5.1f} s   peak memory {max(a[2] for a in again):5.1f} MiB")
        print(f"  plain COPY          {statistics.median(copies):7.1f} s   the same rows by psql into the same tables")
        print(f"  backfill / COPY     {statistics.median(l[0] / c for l, c in zip(loads, copies)):7.2f}")
    simulator = Simulator(engagements=max(1000, engagements // 10), days=365, seed=3, legs_in_list=True)
    program = Program(cluster, simulator)
    tenth = timed(program, "backfill", "--from", simulator.start, "--to", simulator.end)
    print(f"\npeak memory of a backfill of a tenth of them: {tenth[2]:.1f} MiB")
    print("\nmicrobenchmarks", flush=True)
    subprocess.run([BUILD + "/tests/benchmarks", "--benchmark_min_time=0.2"])


main()
