#!/usr/bin/env python3
"""Hours with everything enabled: the service, a verification and a backfill now and then, a source that changes and an
API that fails. Memory, file descriptors, connections and the sizes of tables are sampled, and must not grow towards the
end.

endurance.py [HOURS]     default two; a tenth of an hour shows that it runs, but is too short to show growth
"""

import os
import random
import signal
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from long_run import report
from world import Cluster, DATA_TABLES, Program, Simulator, free_port

SITES = 3
SAMPLES = 240
RECORD = "/tmp/glia-sync-endurance.csv"
# Tables that grow with the activity of the contact centre; they are measured per engagement, or not at all.
DATA = {
    *DATA_TABLES,
    "chat_messages",
    "work_items",
    "queue_wait_samples",
    "queue_wait_intervals",
    "handle_intervals",
    "wrap_up_intervals",
    "operator_state_intervals",
    "statistics_readings",
    "operators",
    "operator_sites",
    "sites",
    "name_history",
}
# Tables whose rows are kept for a bounded time, which is longer than this runs.
KEPT = {"sync_runs", "verifications", "volume_hours", "backfills", "backfill_windows"}


class Endurance:
    def __init__(self, seconds):
        self.seconds, self.random = seconds, random.Random(1)
        self.cluster = Cluster()
        self.simulator = Simulator(engagements=2000, sites=SITES, days=30, seed=5, latency_ms=2)
        self.program = Program(
            self.cluster,
            self.simulator,
            api__max_retries=6,
            api__request_timeout="3s",
            api__connect_timeout="3s",
            api__rate_limit=100,
            sync__poll_every="5s",
            sync__revisit=[{"every": "30s", "back": "24h"}, {"every": "120s", "back": "400d"}],
            directory__enabled=True,
            directory__every="60s",
            statistics__enabled=True,
            statistics__revisit=[{"every": "30s", "back": "4h"}],
            enrich__transcripts={"enabled": True},
            enrich__queue_wait={"enabled": True, "every": "10s"},
        )
        recordings = self.program.dir + "/recordings"
        os.mkdir(recordings)
        self.program.settings["enrich"]["recordings"] = {"enabled": True, "directory": recordings}
        self.listen = f"127.0.0.1:{free_port()}"
        self.program.settings["admin"] = {"listen": self.listen}
        self.program.configure(self.program.settings)
        self.log = open(self.program.dir + "/endurance.log", "a")
        self.jobs, self.samples, self.results = {}, [], []
        self.service = self.program.start("run", stdout=self.log, stderr=self.log)

    # ------------------------------------------------------------------------------------------ what happens

    def change(self):
        self.simulator.call("/mutate", n=2)
        self.simulator.call("/add", n=1, ongoing=int(self.random.random() < 0.1))
        if self.random.random() < 0.05:
            self.simulator.call("/end-all")
        if self.random.random() < 0.02:
            self.simulator.call("/remove", id=self.random.choice(self.ids()))

    def ids(self):
        return self.program.sql("SELECT id FROM glia.engagements ORDER BY random() LIMIT 20").split() or ["none"]

    def fault(self):
        kind = self.random.choice(
            [
                "status",
                "status",
                "close",
                "truncate",
                "garbage",
                "html",
                "late",
                "cursor-gone",
                "bad-record",
                "dup-items",
            ]
        )
        query = dict(n=self.random.choice([1, 1, 3]), path=self.random.choice(["/engagements", "/engagements/"]))
        if kind in ("cursor-gone", "dup-items"):
            query["path"] = "/engagements"
        if kind == "status":
            query.update(code=self.random.choice([429, 500, 502, 503]))
        if kind == "late":
            query.update(ms=1500)
        if kind == "bad-record":
            query["how"] = self.random.choice(["created_at", "duration", "control"])
        self.simulator.fault(kind, **query)

    def job(self, name, *arguments):
        """Starts a command unless the last one of that name still runs; checks the result of the last one."""
        last = self.jobs.get(name)
        if last and last.poll() is None:
            return
        self.ended(name)
        self.jobs[name] = self.program.start(*arguments, stdout=self.log, stderr=self.log)

    def ended(self, name):
        if name not in self.jobs:
            return
        code = self.jobs.pop(name).wait(300)
        self.results.append((name, code))
        # 65: a verification finds what faults of the API kept out of the tables. 69: a fault outlasts the retries.
        assert code in ((0, 65, 69) if name == "verify" else (0, 69)), f"{name} ended with {code}"

    # --------------------------------------------------------------------------------------------- sampling

    def sample(self, now):
        status = dict(line.split(":", 1) for line in open(f"/proc/{self.service.pid}/status") if ":" in line)
        sizes = dict(
            line.split("|")
            for line in self.program.sql(
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
                "WHERE relnamespace = 'glia'::regnamespace AND relkind = 'r'"
            ).splitlines()
        )
        sizes = {table: int(size) for table, size in sizes.items()}
        engagements = int(self.program.sql("SELECT count(*) FROM glia.engagements"))
        one = {
            "seconds": round(now),
            "rss_kb": int(status["VmRSS"].split()[0]),
            "fds": len(os.listdir(f"/proc/{self.service.pid}/fd")),
            "threads": int(status["Threads"]),
            "connections": int(
                self.program.sql(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name = 'glia-sync'"
                )
            ),
            "engagements": engagements,
            "data_bytes_each": sum(sizes.get(t, 0) for t in DATA_TABLES) // max(1, engagements),
            "state_bytes": sum(size for table, size in sizes.items() if table not in DATA | KEPT),
            "kept_bytes": sum(sizes.get(t, 0) for t in KEPT),
        }
        self.samples.append(one)
        with open(RECORD, "w") as f:
            f.write(",".join(one) + "\n")
            for each in self.samples:
                f.write(",".join(str(v) for v in each.values()) + "\n")

    def run(self):
        began = time.time()
        every = {
            "change": 0.5,
            "fault": 8,
            "verify": max(15, self.seconds / 60),
            "backfill": max(20, self.seconds / 40),
            "sample": self.seconds / SAMPLES,
        }
        due = dict.fromkeys(every, 1.0)
        due.update(verify=10.0, backfill=15.0, sample=5.0)
        while (now := time.time() - began) < self.seconds:
            assert self.service.poll() is None, "the service has ended"
            for name in [n for n in due if due[n] <= now]:
                due[name] = max(due[name] + every[name], now)
                if name == "change":
                    self.change()
                if name == "fault":
                    self.fault()
                if name == "verify":
                    self.job("verify", "verify", "--from", self.simulator.start, "--legs", "5%", "--repair")
                # Without statistics: a month of them takes twenty thousand requests.
                if name == "backfill":
                    self.job(
                        "backfill",
                        "backfill",
                        "--from",
                        self.simulator.start,
                        "--window",
                        "4d",
                        "--restart",
                        "--only",
                        "engagements",
                    )
                if name == "sample":
                    self.sample(now)
            time.sleep(0.1)
        self.simulator.quick()
        for name in list(self.jobs):
            self.ended(name)

    # ------------------------------------------------------------------------------------------ the verdict

    def flat(self):
        """Compares the last quarter with the second one: everything has been started and loaded when that begins."""
        quarter = len(self.samples) // 4
        assert quarter >= 3, f"{len(self.samples)} samples are too few"

        def middle(part, name):
            return statistics.median(s[name] for s in part)

        early, late, found = self.samples[quarter : 2 * quarter], self.samples[-quarter:], []
        # A figure may grow by this factor plus this number. The tables of the state have dead row versions until
        # vacuum frees their space.
        for name, share, more in (
            ("rss_kb", 1.10, 6000),
            ("fds", 1.0, 6),
            ("threads", 1.0, 2),
            ("connections", 1.0, 4),
            ("data_bytes_each", 1.25, 300),
            ("state_bytes", 1.25, 2_000_000),
        ):
            before, after = middle(early, name), middle(late, name)
            print(f"   {name}: {before:.0f}, at the end {after:.0f}", flush=True)
            if after > before * share + more:
                found.append(f"{name} has grown from {before:.0f} to {after:.0f}")
        assert not found, "; ".join(found)
        assert {name for name, _ in self.results} == {"verify", "backfill"}, self.results

    def equal_at_last(self):
        self.simulator.call("/end-all")

        def gone():
            return set(self.program.sql("SELECT id FROM glia.engagements WHERE missing_since IS NOT NULL").split())

        end = time.time() + 300
        while self.program.differences(ignore=gone()):
            if time.time() > end:
                raise AssertionError("; ".join(self.program.differences(ignore=gone())[:5]))
            time.sleep(3)

    def close(self):
        for process in [self.service, *self.jobs.values()]:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.simulator.close()
        self.cluster.close()


def main():
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 2
    print(f"endurance: {hours:g} hours; samples: {RECORD}", flush=True)
    endurance = Endurance(hours * 3600)

    def perform():
        endurance.run()
        endurance.flat()
        endurance.equal_at_last()
        endurance.service.send_signal(signal.SIGTERM)
        assert endurance.service.wait(30) == 0, "the service did not end well"
        return f"{len(endurance.samples)} samples, {len(endurance.results)} verifications and backfills"

    return report(f"endurance/{hours:g}_hours", endurance, perform)


if __name__ == "__main__":
    sys.exit(main())
