"""The building blocks of the end-to-end tests: a private PostgreSQL, the simulator, the built program, and the
comparison of every table with the simulator's truth. Standard library only."""

import atexit
import contextlib
import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from datetime import datetime

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("GLIA_BUILD", TOP + "/build/release")
GLIA = BUILD + "/daemon/glia-sync"
SIMULATOR = os.environ.get("GLIA_SIMULATOR", BUILD + "/tests/glia-simulator")
PG_BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: float(p.split("/")[-2]))[-1]
DATA_TABLES = (
    "engagements",
    "engagement_sites",
    "engagement_operators",
    "engagement_queues",
    "audio_recordings",
    "queues",
    "legs",
    "leg_queues",
)


def eventually(condition, seconds=30, what="it"):
    """Waits until the condition holds; fails after `seconds`."""
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise AssertionError(f"{what} did not come true in {seconds} s")
        time.sleep(0.1)


def holds_for(seconds, condition, what):
    """Checks for `seconds` that the condition holds, and fails at once if not: for what must not happen."""
    end = time.time() + seconds
    while time.time() < end:
        assert condition(), what
        time.sleep(0.1)


def next_second():
    """Waits until the next whole second: the resolution of the API's Date header."""
    began = int(time.time())
    eventually(lambda: int(time.time()) > began, what="the next second")


def wait_until_caught(process, number):
    """Waits until the process has a handler for the signal, or has ended: before that, the signal kills it."""

    def catches():
        try:
            caught = int(re.search(r"SigCgt:\s+(\S+)", open(f"/proc/{process.pid}/status").read())[1], 16)
        except (OSError, TypeError):
            caught = 0
        return caught >> (number - 1) & 1 or process.poll() is not None

    eventually(catches, what=f"a handler for signal {number}")


def free_port():
    """A TCP port of the loopback address that nothing listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cluster:
    """A private PostgreSQL on a free port, removed when the tests end.

    `quick`: without fsync, which matters only in a power cut, and without JIT, which takes longer than our queries.
    """

    def __init__(self, quick=True):
        self.dir = tempfile.mkdtemp(prefix="glia-pg-")
        os.chmod(self.dir, 0o755)
        self.prefix = []
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
            self.prefix = ["runuser", "-u", "postgres", "--"]
        self._pg("initdb", "-D", self.dir + "/data", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres")
        with open(self.dir + "/data/postgresql.conf", "a") as f:
            f.write(
                f"\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{self.dir}'\n"
                "max_connections=80\n" + ("fsync=off\njit=off\n" if quick else "")
            )
        atexit.register(self.close)
        self.start(on_a_free_port=True)

    def _pg(self, program, *arguments):
        """Runs one of PostgreSQL's programs; as the user postgres if the tests run as root."""
        subprocess.run(
            [*self.prefix, f"{PG_BIN}/{program}", *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def start(self, on_a_free_port=False):
        """Starts the server; returns when it accepts connections. `on_a_free_port`: on another one at each attempt,
        because somebody may take it meanwhile."""
        for attempt in range(10):
            if on_a_free_port:
                self.port = free_port()
                with open(self.dir + "/data/postgresql.conf", "a") as f:
                    f.write(f"port={self.port}\n")  # the last one counts
            try:
                return self._pg(
                    "pg_ctl", "-D", self.dir + "/data", "-l", self.dir + "/data/log", "-w", "-t", "60", "start"
                )
            except subprocess.CalledProcessError:
                if attempt == 9:
                    raise
                time.sleep(1)  # between attempts: pg_ctl does not say what it waits for

    def stop(self, mode="fast"):
        """Stops the server; `mode` is pg_ctl's: smart, fast or immediate."""
        self._pg("pg_ctl", "-D", self.dir + "/data", "-m", mode, "-w", "stop")

    def dsn(self, database, user="postgres"):
        """A connection string for a database of this cluster."""
        return f"host=127.0.0.1 port={self.port} user={user} dbname={database}"

    def sql(self, text, database="postgres", user="postgres"):
        """Runs SQL with psql; returns one line per row, columns separated by |. RuntimeError with psql's error."""
        run = subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(database, user), "-c", text],
            capture_output=True,
            text=True,
        )
        if run.returncode:
            raise RuntimeError(run.stderr)
        return run.stdout.strip()

    def log_statements(self):
        """Makes the server log every statement from now on; log() returns them."""
        self.sql("ALTER SYSTEM SET log_statement = 'all'")
        self.sql("SELECT pg_reload_conf()")

    def log(self):
        """What the server has logged so far."""
        with open(self.dir + "/data/log") as f:
            return f.read()

    def fresh_database(self):
        """Makes an empty database; returns its name."""
        name = "t" + os.urandom(4).hex()
        self.sql(f"CREATE DATABASE {name}")
        return name

    def close(self):
        """Ends the server and removes its files."""
        with contextlib.suppress(Exception):
            self.stop("immediate")
        shutil.rmtree(self.dir, ignore_errors=True)


class Standby(Cluster):
    """A streaming replica of a cluster, until it is promoted."""

    def __init__(self, primary):
        self.dir = tempfile.mkdtemp(prefix="glia-standby-")
        os.chmod(self.dir, 0o755)
        self.prefix = primary.prefix
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
        # Tablespaces of other tests are not ours to copy into place.
        self._pg(
            "pg_basebackup", "-D", self.dir + "/data", "-R", "-X", "stream", "-c", "fast", "-d", primary.dsn("postgres")
        )
        with open(self.dir + "/data/postgresql.conf", "a") as f:
            f.write(f"\nunix_socket_directories='{self.dir}'\n")
        atexit.register(self.close)
        self.start(on_a_free_port=True)

    def promote(self):
        """Makes it a server that accepts writes."""
        self._pg("pg_ctl", "-D", self.dir + "/data", "-w", "promote")


class Pooler:
    """PgBouncer in transaction mode in front of a cluster."""

    def __init__(self, behind):
        self.dir, self.port = tempfile.mkdtemp(prefix="glia-pooler-"), free_port()
        os.chmod(self.dir, 0o777)
        with open(self.dir + "/pgbouncer.ini", "w") as f:
            f.write(
                f"[databases]\n* = host=127.0.0.1 port={behind.port} user=postgres\n[pgbouncer]\n"
                f"listen_addr=127.0.0.1\nlisten_port={self.port}\nunix_socket_dir=\nauth_type=any\n"
                f"pool_mode=transaction\ndefault_pool_size=3\nignore_startup_parameters=extra_float_digits\n"
            )
        self.behind = behind
        user = ["-u", "postgres"] if os.getuid() == 0 else []
        self.process = subprocess.Popen(
            ["/usr/sbin/pgbouncer", "-q", *user, self.dir + "/pgbouncer.ini"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(self.accepts_connections, 10, "the start of PgBouncer")

    def accepts_connections(self):
        """Whether connections are accepted."""
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True

    def dsn(self, database):
        """A connection string of the pooler for a database."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def close(self):
        """Ends the pooler and removes its files."""
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Simulator:
    """The API simulator; options become arguments (`glia-simulator --help`)."""

    running = []

    def __init__(self, **options):
        arguments = [SIMULATOR]
        for key, value in options.items():
            key = "--" + key.replace("_", "-")
            if value is True:
                arguments.append(key)
            elif value is not False:
                arguments += [key, str(value)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        Simulator.running.append(self)
        ready = json.loads(self.process.stdout.readline())
        self.port, self.control = ready["port"], ready["control"]
        self.sites, self.token = ready["sites"], ready["token"]
        self.start, self.end = ready["from"], ready["to"]

    def call(self, path, /, **query):
        """Sends a request to the control port; returns the body of the response."""
        url = f"http://127.0.0.1:{self.control}{path}?{urllib.parse.urlencode(query)}"
        return urllib.request.urlopen(url, timeout=60).read().decode()

    def fault(self, kind, /, **query):
        """Makes the next `n` responses for paths that contain `path` fail in the way `kind`."""
        self.call("/fault", kind=kind, **query)

    def slow(self, ms):
        """Makes every listing take `ms` until quick(), so that a test can interrupt the program during its work."""
        self.fault("late", path="/engagements", n=1000000, ms=ms)

    def quick(self):
        """Ends all faults."""
        self.call("/clear")

    def stats(self):
        """Returns the number of requests, by kind."""
        return json.loads(self.call("/stats"))

    def truth(self):
        """Returns every engagement as it is at the source."""
        return [json.loads(line) for line in self.call("/truth").splitlines()]

    def close(self):
        """Ends the simulator."""
        self.process.kill()
        self.process.communicate()
        Simulator.running.remove(self)


@atexit.register
def close_simulators():
    """Ends the simulators that still run."""
    for simulator in Simulator.running[:]:
        simulator.close()


class Program:
    """The built program with a configuration and a database of its own."""

    def __init__(self, cluster, simulator, **changes):
        self.cluster, self.simulator, self.database = cluster, simulator, cluster.fresh_database()
        self.dir = tempfile.mkdtemp(prefix="glia-test-")
        atexit.register(shutil.rmtree, self.dir, True)
        self.write("token", simulator.token + "\n")
        self.settings = {
            "api": {
                "base_url": f"http://127.0.0.1:{simulator.port}",
                "auth": {"token_file": self.dir + "/token"},
                "sites": simulator.sites,
                "rate_limit": 0,
                "request_timeout": "5s",
                "max_retries": 5,
            },
            "sync": {
                "start_from": simulator.start,
                "poll_every": "1s",
                "revisit": [{"every": "1s", "back": "24h"}, {"every": "2s", "back": "400d"}],
            },
            "sink": {"postgres": {"dsn": cluster.dsn(self.database)}},
            "admin": {"listen": ""},
            "directory": {"enabled": False},  # tests count requests
        }
        for path, value in changes.items():
            section, key = path.split("__", 1)
            self.settings.setdefault(section, {})[key] = value
        self.configure(self.settings)

    def write(self, name, text):
        """Writes a file into the folder of this program; returns its path."""
        with open(f"{self.dir}/{name}", "w") as f:
            f.write(text)
        return f"{self.dir}/{name}"

    def configure(self, settings):
        """Writes the configuration; a running service reads it at SIGHUP."""
        self.config = self.write("glia-sync.yaml", json.dumps(settings, indent=1))  # JSON is YAML

    def start(self, *arguments, env=None, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        """Starts the program and does not wait for it."""
        environment = dict(os.environ, **(env or {}))
        return subprocess.Popen(
            [GLIA, "-c", self.config, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            env=environment,
        )

    def start_logged(self, *arguments, name):
        """start() with the output in a file; log() of the process returns what it has written so far."""
        path = f"{self.dir}/{name}.log"
        with open(path, "a") as log:
            process = self.start(*arguments, stdout=log, stderr=log)
        process.log = lambda: open(path).read()
        return process

    @contextlib.contextmanager
    def service(self, *arguments, name="service", expect=0):
        """`run` in the background, its log in a file; stopped with SIGTERM at the end, unless the test did. If the test
        or the service fails, the end of the log is printed."""
        process = self.start_logged("run", *arguments, name=name)
        try:
            yield process
            if process.poll() is None:
                wait_until_caught(process, signal.SIGTERM)
                process.send_signal(signal.SIGTERM)
            code = process.wait(15)
            assert expect is None or code == expect, f"the service ended with {code}: {process.log()[-2000:]}"
        except AssertionError:
            print(f"the log of {name} ends with:", *process.log().splitlines()[-20:], sep="\n  ", flush=True)
            raise
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()

    def run(self, *arguments, timeout=180, env=None):
        """Runs the program to its end."""
        process = self.start(*arguments, env=env)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{arguments} did not end in {timeout} s: {err[-2000:]}")
        return Finished(process.returncode, out, err)

    def run_killed(self, seconds, *arguments):
        """Runs the program and kills it with SIGKILL after `seconds`, unless it has ended before."""
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        return Finished(process.returncode, out, err)

    def backfill(self, *more, **options):
        """Runs a backfill of the simulator's whole range."""
        return self.run(
            "backfill", "--from", self.simulator.start, "--to", self.simulator.end, "--window", "5d", *more, **options
        )

    def sql(self, text):
        """Cluster.sql() in the database of this program."""
        return self.cluster.sql(text, self.database)

    def status(self):
        """What `status --json` prints."""
        return json.loads(self.run("status", "--json").out)

    def wait_until_counted(self):
        """Waits until all other sessions have ended: a session's counts reach pg_stat_user_tables when it ends."""
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        eventually(lambda: self.sql(others) == "0", what="the end of all sessions")

    def row_versions_written(self):
        """How many row versions were ever written to the data tables; waits until all sessions have ended."""
        self.wait_until_counted()
        names = ",".join(f"'{t}'" for t in DATA_TABLES)
        return int(
            self.sql(
                "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables "
                f"WHERE schemaname = 'glia' AND relname IN ({names})"
            )
            or 0
        )

    def has_schema(self):
        """True once the schema is there."""
        return self.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'glia'") != "0"

    def passes(self):
        """How many passes have ended."""
        return int(self.sql("SELECT count(*) FROM glia.sync_runs"))

    def wait_for_passes(self, more=4):
        """Waits until the service has ended `more` further passes."""
        enough = self.passes() + more
        eventually(lambda: self.passes() >= enough, 60, f"{more} passes")

    def make_revisits_due(self):
        """Makes every revisit tier due: moves the start of its last read 400 days back."""
        self.sql("UPDATE glia.revisit_state SET last_started_at = last_started_at - interval '400 days'")

    def equals_source(self):
        """Whether every table equals the source."""
        return self.has_schema() and not self.differences()

    def differences(self, ignore=()):
        """Returns the differences from the source, as texts; `ignore`: ids of engagements."""
        return differences(self, ignore)


class Finished:
    """How the program ended and what it wrote."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit code {self.code}\n{self.out[-1500:]}\n{self.err[-2500:]}"


# ------------------------------------------------------------------------------------------------ the comparison

ENGAGEMENT = [
    "engagement_type",
    "created_at",
    "duration",
    "visitor_name",
    "visitor_browser",
    "visitor_device_type",
    "visitor_id",
    "cobrowsing_used",
    "video_used",
    "audio_used",
    "flagged",
    "queue_wait_time",
    "crm_forwarded",
    "summary_forwarded",
    "platform",
    "source",
]
LEG = [
    "requested_at",
    "accepted_at",
    "request_type",
    "request_source",
    "offered_media_type",
    "accepted_media_type",
    "duration",
    "highest_visitor_media_type",
    "highest_operator_media_type",
    "used_cobrowsing",
    "ended_at",
    "end_reason",
]
KNOWN = set(ENGAGEMENT) | {
    "id",
    "audio_recording_urls",
    "visitor",
    "chat_transcript",
    "operators",
    "queues",
    "legs",
    "_sites",
}
KNOWN_LEG = set(LEG) | {"id", "operator", "site", "request_queues"}
KEY = {
    "engagements": ["id"],
    "queues": ["id"],
    "legs": ["engagement_id", "id"],
    "leg_queues": ["engagement_id", "leg_id", "position"],
    "engagement_sites": ["engagement_id", "site_id"],
}


def clean(value):
    """Returns the value as it is stored: U+FFFD instead of U+0000."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [clean(v) for v in value]
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items()}
    return value


def epoch_seconds(text):
    """Returns the seconds since 1970 of an ISO 8601 time; None for None."""
    return text and datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def columns(item, names):
    """Returns these members of a record as columns; times in seconds since 1970."""
    return {n: epoch_seconds(item.get(n)) if n.endswith("_at") else clean(item.get(n)) for n in names}


def expected(truth):
    """Returns the expected data tables for `truth`, the simulator's: {table: {key: {column: value}}}."""
    tables = {name: {} for name in DATA_TABLES}
    names = {}
    for e in sorted(truth, key=lambda e: epoch_seconds(e["created_at"])):
        i = e["id"]
        tables["engagements"][(i,)] = {
            **columns(e, ENGAGEMENT),
            "visitor_href": e["visitor"]["href"],
            "chat_transcript_href": e["chat_transcript"]["href"],
            "extra": clean({k: v for k, v in e.items() if k not in KNOWN}) or None,
        }
        for site in e["_sites"]:
            tables["engagement_sites"][i, site] = {}
        for p, o in enumerate(e["operators"]):
            tables["engagement_operators"][i, p] = {"href": o["href"], "operator_id": o["href"].split("/")[-1]}
        for p, u in enumerate(e["audio_recording_urls"]):
            tables["audio_recordings"][i, p] = {"url": u}
        carried = list(e.get("queues") or [])
        for p, q in enumerate(e.get("queues") or []):
            tables["engagement_queues"][i, p] = {"queue_id": q["id"]}
        for p, leg in enumerate(e["legs"]):
            tables["legs"][i, leg["id"]] = {
                **columns(leg, LEG),
                "position": p,
                "operator_id": leg["operator"]["id"],
                "site_id": leg["site"]["id"],
                "extra": clean({k: v for k, v in leg.items() if k not in KNOWN_LEG}) or None,
            }
            for k, q in enumerate(leg["request_queues"] or []):
                tables["leg_queues"][i, leg["id"], k] = {"queue_id": q["id"]}
                carried.append(q)
        for q in carried:
            names[q["id"]] = q["name"]
    for queue, name in names.items():
        tables["queues"][(queue,)] = {"name": name}
    return tables


def differences(program, ignore=()):
    """Returns the differences between the data tables and the source; empty if there are none."""
    found = []
    for table, rows in expected(e for e in program.simulator.truth() if e["id"] not in ignore).items():
        key = KEY.get(table, ["engagement_id", "position"])
        stored = {}
        for line in program.sql(f"SELECT row_to_json(t) FROM glia.{table} t").splitlines():
            row = json.loads(line)
            stored[tuple(row[k] for k in key)] = row
        for k in ignore:
            stored = {s: r for s, r in stored.items() if s[0] != k}
        found += [f"{table} {k}: missing" for k in rows.keys() - stored.keys()]
        found += [f"{table} {k}: not in the source" for k in stored.keys() - rows.keys()]
        for k in rows.keys() & stored.keys():
            for column, wanted in rows[k].items():
                got = stored[k][column]
                if column.endswith("_at"):
                    got = epoch_seconds(got)
                if got != wanted:
                    found.append(f"{table} {k}.{column}: {got!r} instead of {wanted!r}")
    orphans = program.sql(
        "SELECT count(*) FROM (SELECT engagement_id FROM glia.legs UNION "
        "SELECT engagement_id FROM glia.engagement_sites UNION "
        "SELECT engagement_id FROM glia.engagement_operators) c "
        "WHERE NOT EXISTS (SELECT FROM glia.engagements e WHERE e.id = c.engagement_id)"
    )
    if orphans != "0":
        found.append(f"{orphans} children without their engagement")
    return found
