#!/usr/bin/env python3
"""Hours in minutes: several instances, a source that changes, and everything that can go wrong at random.

Then the world calms down, and the tables must equal the source, every queue be empty and every lease free.

soak.py [SECONDS [SEED]]     the seed is printed; the same seed gives the same sequence of events (not the same timing)
"""

import os
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from long_run import report
from world import Cluster, Program, Simulator, eventually

INSTANCES, SITES = 3, 3


class Soak:
    """Instances, a source and a PostgreSQL, and what may happen to them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.cluster = Cluster()
        self.simulator = Simulator(engagements=600, sites=SITES, days=30, seed=seed % 1000 + 1, latency_ms=2)
        self.program = Program(
            self.cluster, self.simulator, api__max_retries=6, api__request_timeout="3s", api__connect_timeout="3s"
        )
        self.instances, self.backfill, self.events = {}, None, []
        self.log = open(self.program.dir + "/soak.log", "a")
        assert self.program.run("migrate").code == 0
        for name in range(INSTANCES):
            self.start(name)

    def start(self, name):
        self.instances[name] = self.program.start("run", stdout=self.log, stderr=self.log)

    def stop(self, name, how):
        process = self.instances[name]
        process.send_signal(how)
        if how == signal.SIGTERM:
            process.send_signal(signal.SIGCONT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            raise AssertionError("SIGTERM did not end an instance in 20 s")
        # -15: it had only just been started, and was not yet listening for signals.
        if how == signal.SIGTERM:
            assert process.returncode in (0, 75, -15), f"an instance ended with {process.returncode}"

    # -------------------------------------------------------------------------------------- what may happen

    def source_changes(self):
        what = self.random.choice(["mutate", "mutate", "add", "add", "ongoing", "end", "rename"])
        if what == "mutate":
            self.simulator.call("/mutate", n=self.random.randint(1, 60))
        if what == "add":
            self.simulator.call("/add", n=self.random.randint(1, 40))
        if what == "ongoing":
            self.simulator.call("/add", n=self.random.randint(1, 5), ongoing=1)
        if what == "end":
            self.simulator.call("/end-all")
        if what == "rename":
            self.simulator.call(
                "/rename-queue", index=self.random.randint(0, 3), name=f"Queue {self.random.randint(1, 10**6)}"
            )
        return what

    def api_fault(self):
        kind = self.random.choice(
            [
                "status",
                "status",
                "close",
                "truncate",
                "garbage",
                "html",
                "wrong-length",
                "bad-gzip",
                "hang",
                "drip",
                "late",
                "next-loop",
                "cursor-gone",
                "bad-record",
                "dup-items",
            ]
        )
        path = (
            "/engagements"
            if self.random.random() < 0.5
            else self.random.choice(
                ["/engagements/", "/engagements/" + self.random.choice(self.simulator.truth())["id"]]
            )
        )
        if kind in ("next-loop", "cursor-gone", "dup-items"):
            path = "/engagements"
        query = dict(n=self.random.choice([1, 1, 3, 15]))
        if kind == "status":
            query.update(
                code=self.random.choice([401, 403, 404, 408, 429, 429, 500, 502, 503]),
                retry_after=self.random.choice(["", "1", "2"]),
            )
        if kind in ("hang", "drip"):
            query["n"] = 1
        if kind == "late":
            query.update(n=3, ms=self.random.randint(500, 2500))
        if kind == "bad-record":
            query["how"] = self.random.choice(["created_at", "duration", "control", "no-comma"])
        self.simulator.fault(kind, path=path, **query)
        return f"{kind} {path} {query}"

    def cursors_end(self):
        self.simulator.call("/drop-cursors")

    def instance_dies(self):
        name = self.random.randrange(INSTANCES)
        self.stop(name, signal.SIGKILL)
        time.sleep(self.random.uniform(0, 2))  # how long it is away is part of the sequence
        self.start(name)
        return str(name)

    def instance_is_restarted(self):
        name = self.random.randrange(INSTANCES)
        self.stop(name, signal.SIGTERM)
        self.start(name)
        return str(name)

    def instance_is_paused(self):
        name, length = self.random.randrange(INSTANCES), self.random.choice([1, 3, 34])
        self.instances[name].send_signal(signal.SIGSTOP)
        self.later(
            length, lambda process=self.instances[name]: process.poll() is None and process.send_signal(signal.SIGCONT)
        )
        return f"{name} for {length} s"

    def instance_reads_its_configuration(self):
        name = self.random.randrange(INSTANCES)
        # An instance that has only just been started does not handle the signal yet, and would be ended by it.
        process = self.instances[name]

        def listens():
            return (
                int(re.search(r"SigCgt:\s+([0-9a-f]+)", open(f"/proc/{process.pid}/status").read())[1], 16)
                & 1 << signal.SIGHUP - 1
            )

        if process.poll() is not None or not listens():
            return f"{name} does not listen"
        process.send_signal(signal.SIGHUP)
        return str(name)

    def database_restarts(self):
        mode = self.random.choice(["fast", "immediate"])
        self.cluster.stop(mode)
        time.sleep(self.random.uniform(0, 2))  # how long it is away is part of the sequence
        self.cluster.start()
        return mode

    def connections_are_cut(self):
        self.cluster.sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.program.database}'"
        )

    def backfill_runs(self):
        if self.backfill and self.backfill.poll() is None:
            self.backfill.send_signal(self.random.choice([signal.SIGKILL, signal.SIGTERM]))
            self.backfill.wait(20)
            return "ended"
        self.backfill = self.program.start(
            "backfill",
            "--from",
            self.simulator.start,
            "--window",
            "4d",
            *(["--restart"] if self.random.random() < 0.5 else []),
            stdout=self.log,
            stderr=self.log,
        )
        return "started"

    def a_site_is_reset(self):
        self.program.run("reset", "--site", self.random.choice(self.simulator.sites), "--to", self.simulator.start)

    # ---------------------------------------------------------------------------------------------- the run

    def later(self, seconds, what):
        self.events.append((time.time() + seconds, what))

    def due(self):
        now = time.time()
        for _, what in [e for e in self.events if e[0] <= now]:
            what()
        self.events = [e for e in self.events if e[0] > now]

    def run(self, seconds):
        kinds = [
            (self.source_changes, 12),
            (self.api_fault, 8),
            (self.cursors_end, 1),
            (self.instance_dies, 2),
            (self.instance_is_restarted, 1),
            (self.instance_is_paused, 2),
            (self.instance_reads_its_configuration, 1),
            (self.database_restarts, 1),
            (self.connections_are_cut, 1),
            (self.backfill_runs, 2),
            (self.a_site_is_reset, 1),
        ]
        end, happened = time.time() + seconds, 0
        while time.time() < end:
            kind = self.random.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
            what = kind() or ""
            happened += 1
            print(f"{time.strftime('%H:%M:%S')} {kind.__name__.replace('_', ' ')} {what}", file=self.log, flush=True)
            self.due()
            time.sleep(self.random.uniform(0.05, 0.9))  # until the next event of the sequence
        return happened

    def calm_down(self):
        self.simulator.call("/clear")
        self.simulator.call("/end-all")
        for name, process in self.instances.items():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
            else:
                self.start(name)
        if self.backfill:
            self.backfill.wait(180)
        assert self.program.run("backfill", "--from", self.simulator.start, "--window", "4d").code == 0

        def quiet():
            status = self.program.status()
            # A site that was reset reads again once its backoff from earlier failures is over.
            fresh = len(status["sites"]) == SITES and all(
                s["lag_seconds"] is not None and s["lag_seconds"] < 60 for s in status["sites"]
            )
            return (
                fresh
                and status["detail_queue"] == {"waiting": 0, "parked": 0}
                and status["rejected"] == 0
                and self.program.equals_source()
            )

        try:
            eventually(quiet, 300, "rest")
        except AssertionError as error:
            differences = "; ".join(self.program.differences()[:5])
            raise AssertionError(f"{error}: {self.program.status()}; {differences}") from None
        for name in list(self.instances):
            self.stop(name, signal.SIGTERM)
        clean = self.program.sql(
            "SELECT (SELECT count(*) FROM glia.sync_state WHERE lease_owner IS NOT NULL) + (SELECT count(*) "
            "FROM glia.detail_queue) + "
            "(SELECT count(*) FROM glia.ongoing_engagements) + (SELECT count(*) FROM glia.backfill_windows "
            "WHERE lease_owner IS NOT NULL AND lease_expires_at > now())"
        )
        assert clean == "0", f"leases or queues are not clean: {clean}"
        status = self.program.status()
        assert all(s["lag_seconds"] < 60 for s in status["sites"]) and len(status["sites"]) == SITES, status

    def close(self):
        for process in self.instances.values():
            if process.poll() is None:
                process.kill()
        if self.backfill and self.backfill.poll() is None:
            self.backfill.kill()
        self.simulator.close()
        self.cluster.close()


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 90
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    print(f"soak: {seconds:.0f} s with seed {seed}", flush=True)
    soak = Soak(seed)

    def perform():
        happened = soak.run(seconds)
        soak.calm_down()
        return f"{happened} events"

    return report(f"soak/seed_{seed}", soak, perform, again=f"tests/e2e/soak.py {seconds:.0f} {seed}")


if __name__ == "__main__":
    sys.exit(main())
