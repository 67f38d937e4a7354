#!/usr/bin/env python3
"""Compares the cost of glia-sync with lower bounds for the same work, measured alternately; prints the median ratios.

run.py [ENGAGEMENTS [PAIRS]] [--json FILE]     default 200000 and 5
run.py --growth [ENGAGEMENTS]                  default 2000000: the rate of each tenth of a backfill, and of plain COPY,
                                               as the tables grow, and how long the questions of the data dictionary
                                               take then
run.py --views [ENGAGEMENTS]                   default 2000000: a month of each view, in a year of rows that SQL makes
run.py --verify [ENGAGEMENTS]                  default 200000: verify compared with a second load of the same
                                               engagements, without a rate limit and with the default one
run.py --idle                                  five minutes of a service that polls 50 sites every minute and finds
                                               nothing new

The lower bounds: psql's COPY of the same rows into the same indexed tables; a plain client that fetches the same pages
and drops them; wrk requesting single engagements from the simulator. CPU seconds are measured separately for glia-sync,
the simulator and PostgreSQL.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from world import BUILD, Cluster, DATA_TABLES, GLIA, Program, Simulator, TOP

TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """CPU seconds of a process and its children, including children that have ended."""
    try:
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return sum(int(f) for f in fields[11:15]) / TICKS


def cpu_of_postgres(cluster):
    """CPU seconds of all processes of a PostgreSQL server."""
    postmaster = int(open(cluster.dir + "/data/postmaster.pid").readline())
    children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True).stdout.split()
    return cpu(postmaster) + sum(cpu(child) for child in children)


def backfill_of(simulator, window="1d"):
    """The arguments that load all engagements of the simulator."""
    return ("backfill", "--from", simulator.start, "--to", simulator.end, "--window", window, "--concurrency", "4")


def timed(program, *arguments):
    """Runs one command; returns seconds, peak memory in MiB, and CPU seconds of glia-sync, simulator and PostgreSQL."""
    before = cpu(program.simulator.process.pid), cpu_of_postgres(program.cluster)
    began = time.time()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(
            [GLIA, "-c", program.config, *arguments], stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere
        )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.time() - began
    process.returncode = status
    assert status == 0, f"{arguments} failed: {status}"
    return {
        "seconds": seconds,
        "peak_mib": usage.ru_maxrss / 1024,
        "cpu_glia": usage.ru_utime + usage.ru_stime,
        "cpu_simulator": cpu(program.simulator.process.pid) - before[0],
        "cpu_postgres": cpu_of_postgres(program.cluster) - before[1],
    }


def copy(program, folder):
    """Plain COPY of all rows into empty tables of the same schema; seconds and CPU seconds of PostgreSQL."""
    for table in DATA_TABLES:
        program.sql(f"COPY (SELECT * FROM glia.{table}) TO '{folder}/{table}'")
    program.sql("TRUNCATE " + ", ".join(f"glia.{t}" for t in DATA_TABLES) + "; CHECKPOINT")
    before, began = cpu_of_postgres(program.cluster), time.time()
    for table in DATA_TABLES:
        program.sql(f"COPY glia.{table} FROM '{folder}/{table}'")
    return {"seconds": time.time() - began, "cpu_postgres": cpu_of_postgres(program.cluster) - before}


def plain_client(simulator):
    """Fetches every page of every site, one after the other over one connection, and drops them."""
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port)
    headers = {"Authorization": "Bearer " + simulator.token, "Accept": "application/vnd.salemove.v1+json"}
    began = time.time()
    for site in simulator.sites:
        dates = f"start_date={simulator.start}&end_date={simulator.end}"
        link = f"/engagements?site_ids[]={site}&per_page=100&order=asc&{dates}"
        while link:
            connection.request("GET", link, headers=headers)
            body = connection.getresponse().read()
            found = re.search(rb'"next_page":\s*"([^"]+)"', body)
            link = re.sub(r"^https?://[^/]+", "", found[1].decode().replace("\\/", "/")) if found else None
    return time.time() - began


def load_generator(program):
    """Single engagements per second that wrk fetches from the simulator."""
    ids = program.sql("SELECT id FROM glia.engagements ORDER BY created_at DESC LIMIT 1").split()
    answer = subprocess.run(
        [
            "wrk",
            "-t1",
            "-c8",
            "-d5",
            "-H",
            f"Authorization: Bearer {program.simulator.token}",
            "-H",
            "Accept: application/vnd.salemove.v1+json",
            f"http://127.0.0.1:{program.simulator.port}/engagements/{ids[0]}",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Non-2xx" not in answer, answer
    return float(re.search(r"Requests/sec:\s+([0-9.]+)", answer)[1])


def measure_pairs(cluster, folder, engagements, pairs, **options):
    """Measures repeatedly: a load, its lower bound, and a second load in which nothing has changed."""
    results = []
    for _ in range(pairs):
        simulator = Simulator(engagements=engagements, days=365, seed=3, **options)
        program = Program(cluster, simulator)
        assert program.run("migrate").code == 0  # the time to create the schema is not the time to load
        arguments = backfill_of(simulator)
        result = {"load": timed(program, *arguments)}
        if options:
            result["again"] = timed(program, *arguments, "--restart")
            result["client"] = plain_client(simulator)
        else:
            result["wrk"] = load_generator(program)
        result["copy"] = copy(program, folder)
        results.append(result)
        simulator.close()
        cluster.sql(f"DROP DATABASE {program.database} WITH (FORCE)")
    return results


def measure_growth(engagements):
    """Loads ten years, with legs in the list. Measures whether an engagement costs more in larger tables, for glia-sync
    and for plain COPY. Uses PostgreSQL's default settings, and settings with memory for the indexes. Each is measured
    twice, in separate databases: a new server first has to create its WAL segments."""
    for title, settings in (
        ("as PostgreSQL is installed (shared_buffers 128 MB, max_wal_size 1 GB)", ""),
        ("shared_buffers 2 GB, max_wal_size 8 GB", "shared_buffers=2GB\nmax_wal_size=8GB\n"),
    ):
        cluster = Cluster(quick=False)
        with open(cluster.dir + "/data/postgresql.conf", "a") as f:
            f.write(settings)
        cluster.stop()
        cluster.start()
        simulator = Simulator(engagements=engagements, days=3650, seed=3, legs_in_list=True)
        print(title, flush=True)
        for server in ("a new server", "one that has worked before"):
            program = Program(cluster, simulator)
            total, seconds, used = load_by_tenths(program)
            print_tenths("backfill, " + server, total, seconds)
            print(
                (
                    "    glia-sync's CPU, us an engagement:      "
                    f"{' '.join(f'{1e6 * s / (total / 10):6.1f}' for s in used)}"
                ),
                flush=True,
            )
            if server == "a new server":
                cluster.sql(f"DROP DATABASE {program.database} WITH (FORCE)")
            cluster.sql("CHECKPOINT")
        print_tenths("plain COPY of the same rows", total, copy_by_tenths(program))
        size = cluster.sql(
            (
                "SELECT pg_size_pretty(sum(pg_relation_size(c.oid))) FROM pg_class c "
                "WHERE relkind = 'i' AND relnamespace = 'glia'::regnamespace"
            ),
            program.database,
        )
        print(f"    indexes {size}", flush=True)
        if settings:
            print_question_times(program)
        simulator.close()
        cluster.close()


def load_by_tenths(program):
    """Backfills everything; returns the number of engagements, and the seconds and CPU seconds of each tenth."""
    process = program.start(*backfill_of(program.simulator, "5d"))
    began, samples = time.time(), [(0, 0, 0)]
    while process.poll() is None:
        time.sleep(0.5)  # between two measurements
        try:
            done = int(program.sql("SELECT coalesce(sum(engagements), 0) FROM glia.backfill_windows"))
        except RuntimeError:
            continue  # no schema yet
        samples.append((done, time.time() - began, cpu(process.pid)))
    assert process.returncode == 0
    total, passed = samples[-1][0], []
    for tenth in range(11):
        before, after = next((a, b) for a, b in zip(samples, samples[1:]) if b[0] >= total * tenth / 10)
        part = (total * tenth / 10 - before[0]) / max(1, after[0] - before[0])
        passed.append([a + part * (b - a) for a, b in zip(before[1:], after[1:])])
    return total, *([b[i] - a[i] for a, b in zip(passed, passed[1:])] for i in (0, 1))


def print_tenths(what, total, seconds):
    """Prints the rate of each tenth."""
    rates = [total / 10 / s for s in seconds]
    print(f"  {what}: {sum(seconds):.0f} s, last tenth / first {rates[-1] / rates[0]:.2f}")
    print(f"    engagements/s of each tenth:            {' '.join(f'{rate:6,.0f}' for rate in rates)}", flush=True)


def copy_by_tenths(program):
    """Copies all rows with plain COPY into the emptied tables, tenth by tenth of each table, in physical order; returns
    the seconds of each tenth."""
    folder = program.cluster.dir + "/data/tenths"
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    for table in DATA_TABLES:
        program.sql(f"COPY glia.{table} TO '{folder}/{table}'")
        subprocess.run(["split", "-n", "l/10", "-d", "-a", "1", f"{folder}/{table}", f"{folder}/{table}."], check=True)
        os.remove(f"{folder}/{table}")
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    program.sql("TRUNCATE " + ", ".join(f"glia.{t}" for t in DATA_TABLES) + "; CHECKPOINT")
    seconds = []
    for tenth in range(10):
        began = time.time()
        for table in DATA_TABLES:
            program.sql(f"COPY glia.{table} FROM '{folder}/{table}.{tenth}'")
        seconds.append(time.time() - began)
    shutil.rmtree(folder)
    return seconds


def print_question_times(program):
    """Runs the questions of the data dictionary; prints the time of each and which tables it reads completely."""
    sys.path.insert(0, TOP + "/config/analytics")
    import generate

    program.sql("ANALYZE")
    print("  questions of the data dictionary (median of 3)")
    for title, sql in generate.questions():
        times = []
        for _ in range(3):
            began = time.time()
            program.sql("SET search_path = glia; " + sql)
            times.append(time.time() - began)
        plan = program.sql("SET search_path = glia; EXPLAIN " + sql)
        scans = re.findall(r"Seq Scan on (\w+)", plan)
        print(
            (
                f"    {statistics.median(times):7.2f} s  {title[:70]:<70}  "
                f"{'reads all of ' + ', '.join(sorted(set(scans))) if scans else 'by indexes'}"
            ),
            flush=True,
        )


def month_of_views(engagements):
    """Reads a month of each view in a year of engagements, with default settings except for more shared_buffers."""
    import views

    cluster = Cluster(quick=False)
    with open(cluster.dir + "/data/postgresql.conf", "a") as f:
        f.write("shared_buffers=2GB\nmax_wal_size=8GB\n")
    cluster.stop()
    cluster.start()
    simulator = Simulator(engagements=10, days=30)
    program = Program(cluster, simulator)
    assert program.run("migrate").code == 0
    views.fill(program.sql, engagements)
    print(f"a month of each view, {engagements:,} engagements of a year, shared_buffers 2 GB (median of 3)", flush=True)
    views.ask(program.sql)
    simulator.close()
    cluster.close()


def measure_verify(engagements, pairs=3):
    """Compares the time that verify takes for engagements that are all right with the time to read them again: without
    a rate limit, and with the default one."""
    cluster = Cluster(quick=False)
    for title, rate_limit, repeat in (("no rate limit", 0, pairs), ("rate_limit: auto", "auto", 1)):
        results = []
        simulator = Simulator(engagements=engagements, days=365, seed=3, legs_in_list=True)
        program = Program(cluster, simulator)
        load = backfill_of(simulator)
        timed(program, *load)
        program.settings["api"]["rate_limit"] = rate_limit
        program.configure(program.settings)
        for _ in range(repeat):
            results.append(
                {
                    "again": timed(program, *load, "--restart"),
                    "verify": timed(program, "verify", "--from", simulator.start, "--to", simulator.end),
                }
            )
        print(f"\n{engagements:,} engagements, legs in the list, {title}; median of {repeat}")
        print_line("the same again", results, "again")
        print_line("verify", results, "verify")
        ratio = median_of(results, lambda r: r["verify"]["seconds"] / r["again"]["seconds"])
        print(f"  verify / the same again {ratio:6.2f}", flush=True)
        simulator.close()
    cluster.close()


def measure_idle(sites=50, minutes=5):
    """Measures an idle service. Skips the first two minutes, because the service returns unused memory after one."""
    cluster = Cluster(quick=False)
    simulator = Simulator(engagements=1000, days=30, seed=3, sites=sites, legs_in_list=True)
    program = Program(
        cluster,
        simulator,
        sync__poll_every="60s",
        sync__revisit=[{"every": "15m", "back": "24h"}, {"every": "24h", "back": "14d"}],
    )
    assert program.run("run", "--once").code == 0
    with program.service() as service:
        time.sleep(120)  # the start
        before, requests = cpu(service.pid), simulator.stats()["requests"]
        time.sleep(60 * minutes)  # the measurement
        used, requests = cpu(service.pid) - before, simulator.stats()["requests"] - requests
        memory = {
            name: int(kib) / 1024
            for name, kib in re.findall(
                r"(VmRSS|RssAnon|RssFile):\s+(\d+) kB", open(f"/proc/{service.pid}/status").read()
            )
        }
    print(
        f"idle, {sites} sites, {minutes} minutes: {used / minutes / 60:.2%} of a core, "
        f"{requests / minutes / sites:.2f} requests a minute and site, {1000 * used / requests:.1f} ms of CPU each; "
        f"{memory['VmRSS']:.1f} MiB, {memory['RssFile']:.1f} of them pages of files"
    )
    simulator.close()
    cluster.close()


def median_of(results, value):
    """The median of a value over all results."""
    return statistics.median(value(r) for r in results)


def print_line(title, results, part):
    """Prints the medians of one part of the results."""

    def figure(name):
        return median_of(results, lambda r: r[part][name])

    print(
        f"  {title:<22}{figure('seconds'):7.1f} s   CPU: glia-sync {figure('cpu_glia'):5.1f} s, simulator "
        f"{figure('cpu_simulator'):5.1f} s, PostgreSQL {figure('cpu_postgres'):5.1f} s   "
        f"peak memory {max(r[part]['peak_mib'] for r in results):5.1f} MiB"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engagements", nargs="?", type=int, default=200_000)
    parser.add_argument("pairs", nargs="?", type=int, default=5)
    parser.add_argument("--json")
    parser.add_argument("--growth", nargs="?", type=int, const=2_000_000)
    parser.add_argument("--views", nargs="?", type=int, const=2_000_000)
    parser.add_argument("--verify", nargs="?", type=int, const=200_000)
    parser.add_argument("--idle", action="store_true")
    wanted = parser.parse_args()
    if wanted.idle:
        return measure_idle()
    if wanted.verify:
        return measure_verify(wanted.verify)
    if wanted.growth:
        return measure_growth(wanted.growth)
    if wanted.views:
        return month_of_views(wanted.views)
    n = wanted.engagements
    cluster = Cluster(quick=False)
    folder = cluster.dir + "/data/dump"
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    version = cluster.sql("SHOW server_version")
    print(f"{n:,} engagements, {os.cpu_count()} cores, PostgreSQL {version}; median of {wanted.pairs}")

    listed = measure_pairs(cluster, folder, n, wanted.pairs, legs_in_list=True)
    print("\nlegs in the list")
    print_line("backfill", listed, "load")
    print_line("the same again", listed, "again")
    print(
        f"  {'plain COPY':<22}{median_of(listed, lambda r: r['copy']['seconds']):7.1f} s   CPU: PostgreSQL "
        f"{median_of(listed, lambda r: r['copy']['cpu_postgres']):5.1f} s"
    )
    print(f"  {'plain client':<22}{median_of(listed, lambda r: r['client']):7.1f} s")
    ratios = {
        "backfill / COPY": median_of(listed, lambda r: r["load"]["seconds"] / r["copy"]["seconds"]),
        "the same again / plain client": median_of(listed, lambda r: r["again"]["seconds"] / r["client"]),
        "PostgreSQL's CPU, again / load": median_of(
            listed, lambda r: r["again"]["cpu_postgres"] / r["load"]["cpu_postgres"]
        ),
    }

    single = measure_pairs(cluster, folder, n, wanted.pairs)
    print("\nlegs by one request each")
    print_line("backfill", single, "load")
    print(f"  {'wrk alone':<22}{median_of(single, lambda r: r['wrk']):7,.0f} engagements/s")
    ratios["engagements per second / wrk's"] = median_of(single, lambda r: n / r["load"]["seconds"] / r["wrk"])

    tenth = measure_pairs(cluster, folder, max(1000, n // 10), 1, legs_in_list=True)[0]["load"]["peak_mib"]
    print(f"\npeak memory of a backfill of a tenth of them: {tenth:.1f} MiB\n")
    for name, value in ratios.items():
        print(f"  {name:<34}{value:6.2f}")
    if wanted.json:
        with open(wanted.json, "w") as f:
            json.dump(
                {
                    "engagements": n,
                    "pairs": wanted.pairs,
                    "cores": os.cpu_count(),
                    "postgresql": version,
                    "ratios": ratios,
                    "listed": listed,
                    "single": single,
                },
                f,
                indent=1,
            )
    if os.path.exists(BUILD + "/tests/benchmarks"):
        print("\nmicrobenchmarks", flush=True)
        subprocess.run([BUILD + "/tests/benchmarks", "--benchmark_min_time=0.2"])


main()
