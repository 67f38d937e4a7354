"""What watches the service: metrics, health, the status page, systemd's notifications and watchdog."""

import contextlib
import html
import json
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error

from harness import expect_refusal, new_world, test
from world import Cluster, Program, Simulator, eventually, free_port, holds_for


def address(host="127.0.0.1"):
    """An address to listen on that is free."""
    return f"{host}:{free_port()}"


def fetch(listen, path="/metrics", method="GET"):
    """Status, body and headers."""
    request = urllib.request.Request(f"http://{listen}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def metrics(listen):
    """{name{labels}: value}."""
    found = {}
    for line in fetch(listen)[1].splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def expect_well_named_metrics(text):
    """promtool has no complaint about a scrape: names, units, help and types follow Prometheus' guide."""
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert checked.returncode == 0 and not checked.stdout + checked.stderr, checked


def responds(listen):
    """Whether the service responds there."""
    try:
        return fetch(listen, "/healthz")[0] == 200
    except OSError:
        return False


@test(smoke=True)
def metrics_count_what_was_done_and_pass_promtool():
    listen = address()
    simulator, program = new_world(500, sites=2, admin__listen=listen, sync__revisit=[])
    with program.service():
        eventually(program.equals_source, 60)
        eventually(lambda: metrics(listen)['glia_sync_detail_queue_depth{state="waiting"}'] == 0, 30)
        text = fetch(listen)[1]
        expect_well_named_metrics(text)
        values = metrics(listen)
        assert values['glia_sync_engagements_total{outcome="new"}'] == 500, values
        assert values["glia_sync_legs_total"] == int(program.sql("SELECT count(*) FROM glia.legs"))
        assert values['glia_sync_api_requests_total{code="200",route="engagement"}'] >= 500
        assert values['glia_sync_transactions_total{result="committed"}'] >= 2
        assert values["glia_sync_database_up"] == 1
        for site in simulator.sites:
            through = float(
                program.sql(f"SELECT extract(epoch FROM synced_through) FROM glia.sync_state WHERE site_id = '{site}'")
            )
            assert (
                abs(
                    metrics(listen)[
                        f'glia_sync_site_synced_through_timestamp_seconds{{site="{site}",stream="engagements"}}'
                    ]
                    - through
                )
                < 10
            )
            assert values[f'glia_sync_site_lag_seconds{{site="{site}",stream="engagements"}}'] < 30
            assert values[f'glia_sync_site_failing{{site="{site}",stream="engagements"}}'] == 0
        for name in set(re.findall(r"^# TYPE (\S+)", text, re.M)):
            assert name.startswith(("glia_sync_", "process_")), name


@test
def metrics_show_faults_of_the_api():
    listen = address()
    simulator, program = new_world(300, sites=1, admin__listen=listen, api__max_retries=3)
    with program.service():
        eventually(program.equals_source, 60)
        before = metrics(listen)
        simulator.fault("status", path="/engagements", n=3, code=429, retry_after=1)
        eventually(lambda: metrics(listen).get('glia_sync_api_requests_total{code="429",route="list"}', 0) >= 3, 30)
        assert (
            metrics(listen)['glia_sync_api_retries_total{route="list"}']
            > before['glia_sync_api_retries_total{route="list"}']
        )


@test
def ready_means_that_the_database_answers_and_a_site_is_in_order():
    listen = address()
    own = Cluster()
    simulator = Simulator(engagements=200, days=5, sites=2)
    nobody = "00000000-0000-4000-8000-000000000000"  # the API refuses it
    program = Program(own, simulator, admin__listen=listen, api__sites=[simulator.sites[0], nobody])
    with program.service(expect=None):
        eventually(lambda: responds(listen) and fetch(listen, "/readyz")[0] == 200, 60)
        eventually(
            lambda: metrics(listen).get(f'glia_sync_site_failing{{site="{nobody}",stream="engagements"}}') == 1, 30
        )
        status, text, _ = fetch(listen, "/readyz")
        assert status == 200 and "its last pass failed" in text, text
        # Known once the site has been read through.
        lag = f'glia_sync_site_lag_seconds{{site="{simulator.sites[0]}",stream="engagements"}}'
        eventually(lambda: lag in metrics(listen))
        own.stop("immediate")
        eventually(lambda: fetch(listen, "/readyz")[0] == 503, 30)
        assert "database: does not answer" in fetch(listen, "/readyz")[1]
        assert fetch(listen, "/healthz")[0] == 200
        # What was known before is still reported, and grows older.
        values = metrics(listen)
        assert values["glia_sync_database_up"] == 0
        eventually(lambda: metrics(listen)[lag] >= values[lag] + 1.5, 10, "the growth of the lag")
        assert "the database does not answer" in fetch(listen, "/")[1]
        own.start()
        eventually(lambda: fetch(listen, "/readyz")[0] == 200, 90)
    own.close()


@test
def a_service_that_waits_for_its_database_says_so():
    listen = address()
    simulator, program = new_world(10, admin__listen=listen)
    program.settings["sink"]["postgres"]["dsn"] = f"host=127.0.0.1 port={free_port()} user=postgres dbname=none"
    program.configure(program.settings)
    with program.service():
        eventually(lambda: responds(listen), 10)
        assert metrics(listen)["glia_sync_database_up"] == 0
        assert fetch(listen, "/readyz")[0] == 503


@test(smoke=True)
def the_admin_address_answers_only_what_it_has():
    listen = address()
    simulator, program = new_world(10, admin__listen=listen)
    host, port = listen.split(":")
    with program.service():
        eventually(lambda: responds(listen), 10)
        assert fetch(listen, "/nothing")[0] == 404
        status, _, headers = fetch(listen, "/metrics", "POST")
        assert status == 405 and headers["Allow"] == "GET, HEAD"
        status, body, headers = fetch(listen, "/metrics", "HEAD")
        assert status == 200 and body == "" and int(headers["Content-Length"]) > 1000
        # Clients that send too much, nothing, or nonsense do not keep others from being served.
        crowd = [socket.create_connection((host, int(port))) for _ in range(20)]
        crowd[0].sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 20000)
        crowd[1].sendall(b"\0\xff\r\n\r\n")
        crowd[2].sendall(b"GET /metrics HTTP/1.1\r\n")
        assert fetch(listen, "/healthz")[0] == 200
        for peer in crowd:
            peer.close()
        page, headers = fetch(listen, "/")[1:]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "http://" not in page and "https://" not in page, "the page needs nothing from outside"


def ask(listen, request):
    """What comes back for these bytes until the connection is closed."""
    host, port = listen.rsplit(":", 1)
    with socket.create_connection((host.strip("[]"), int(port)), timeout=30) as peer:
        peer.sendall(request)
        response = b""
        with contextlib.suppress(ConnectionResetError):
            while data := peer.recv(65536):
                response += data
        return response.decode()


@test(smoke=True)
def only_names_that_lead_here_are_answered():
    listen = address()
    simulator, program = new_world(10, admin__listen=listen)
    program.settings["admin"]["allowed_hosts"] = ["Metrics.example.com"]
    program.configure(program.settings)

    def status(*hosts, version="1.1", path="/"):
        fields = "".join(f"Host: {host}\r\n" for host in hosts)
        return int(ask(listen, f"GET {path} HTTP/{version}\r\n{fields}Connection: close\r\n\r\n".encode()).split()[1])

    with program.service() as service:
        eventually(lambda: responds(listen), 10)
        for host in (
            listen,
            "127.0.0.1",
            "10.0.0.1:1",
            "[::1]:9464",
            "localhost",
            "LOCALHOST.:80",
            "metrics.example.com",
            "METRICS.example.com.:9464",
        ):
            assert status(host) == 200, host
        for host in ("evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.nip.io", "127.1"):
            for path in ("/", "/status.json", "/metrics", "/healthz", "/readyz", "/nothing"):
                assert status(host, path=path) == 421, (host, path)
        for hosts in ((), ("localhost", "localhost"), ("localhost", "evil.example"), ("",), ("a b",), ("[::1",)):
            assert status(*hosts) == 400, hosts
        assert status(version="1.0") == 200 and status("evil.example", version="1.0") == 421
        response = ask(listen, b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert "admin.allowed_hosts" in response and "evil.example" not in response, response
        program.settings["admin"]["allowed_hosts"] = ["evil.example"]
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(lambda: status("evil.example") == 200, 20)
        assert status("metrics.example.com") == 421
    program.settings["admin"]["allowed_hosts"] = ["metrics.example.com:9464"]
    program.configure(program.settings)
    expect_refusal(program.run("config", "check"), 78, "admin.allowed_hosts", "without a port")


@test
def a_crowd_that_asks_slowly_or_reads_slowly_keeps_nobody_out():
    listen = address()
    simulator, program = new_world(10, admin__listen=listen)
    host, port = listen.split(":")
    with program.service():
        eventually(lambda: responds(listen), 10)
        crowd = [socket.create_connection((host, int(port))) for _ in range(200)]
        over = threading.Event()

        def trickle():
            while not over.is_set():
                for peer in crowd:
                    with contextlib.suppress(OSError):
                        peer.sendall(b"G")
                over.wait(0.2)

        thread = threading.Thread(target=trickle)
        thread.start()
        try:

            def responds_soon():
                began = time.time()
                return fetch(listen)[0] == 200 and time.time() - began < 5

            holds_for(2, responds_soon, "the crowd keeps others out")
            # The newest connections are closed in time too, whatever they send.
            crowd[-1].settimeout(25)
            with contextlib.suppress(ConnectionResetError):
                assert crowd[-1].recv(1) in (b"", b"H")
        finally:
            over.set()
            thread.join()
        for peer in crowd:
            peer.close()
        readers = [socket.create_connection((host, int(port))) for _ in range(40)]
        for peer in readers:
            peer.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        assert fetch(listen, "/healthz")[0] == 200
        assert (
            ask(
                listen,
                b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2
                + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            ).count("alive")
            == 3
        )
        assert (
            " 431 "
            in ask(listen, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100000 + b"\r\n\r\n").splitlines()[0]
        )
        for peer in readers:
            peer.close()


@test
def a_reload_switches_the_admin_address_off_and_on():
    listen, other = address(), address()
    simulator, program = new_world(100, admin__listen=listen)
    with program.service() as service:
        count = 0
        for where in (listen, "", "", listen, other, "", other, listen):
            program.settings["admin"]["listen"] = where
            program.configure(program.settings)
            if where != listen or count:
                pages = [threading.Thread(target=fetch_quietly, args=(listen, other)) for _ in range(8)]
                for thread in pages:
                    thread.start()
                service.send_signal(signal.SIGHUP)
                count += 1
                eventually(lambda: service.log().count("in effect") == count, 20)
                for thread in pages:
                    thread.join()
            for each in (listen, other):
                eventually(lambda: responds(each) == (each == where), 20, f"{each} after {where!r}")
        eventually(program.equals_source, 60)


def fetch_quietly(*listens):
    """Requests the page from each address once, and ignores errors."""
    for listen in listens:
        with contextlib.suppress(OSError):
            fetch(listen, "/")


@test
def the_status_page_beyond_loopback_leaves_out_what_errors_say():
    listen, secret = address("0.0.0.0"), "Jane Visitor <jane@example.com>"
    simulator, program = new_world(100, sites=1, admin__listen=listen, api__max_retries=0)
    inside = listen.replace("0.0.0.0", "127.0.0.1")
    with program.service() as service:
        eventually(program.equals_source, 60)
        program.sql(f"UPDATE glia.sync_state SET last_error = '{secret}', last_error_at = now()")
        program.sql(f"INSERT INTO glia.sync_runs (mode, error) VALUES ('revisit', '{secret}')")
        for path in ("/", "/status.json"):
            page = fetch(inside, path)[1]
            assert "Jane" not in page and "its text is shown on the loopback address only" in page, path
        assert "can be reached from other machines" in service.log()
    program.settings["admin"]["listen"] = inside
    program.configure(program.settings)
    with program.service(name="loopback"):
        eventually(lambda: responds(inside), 10)
        page = fetch(inside, "/")[1]
        assert html.escape(secret) in page and secret not in page, "errors are shown, escaped"
        status = json.loads(fetch(inside, "/status.json")[1])
        assert status["sites"][0]["last_error"] == status["failed_runs"][0]["error"] == secret, status


@test
def instances_that_share_an_admin_address_take_turns():
    listen = address()
    simulator, program = new_world(100, admin__listen=listen)
    with program.service(name="first") as first:
        eventually(lambda: responds(listen), 10)
        with program.service(name="second") as second:
            eventually(lambda: "cannot listen on the admin address" in second.log(), 10)
            eventually(program.equals_source, 60)
            first.send_signal(signal.SIGTERM)
            first.wait(15)
            eventually(lambda: responds(listen), 20)


@test
def a_new_configuration_moves_the_admin_address():
    listen, other = address(), address()
    simulator, program = new_world(100, admin__listen=listen)
    with program.service() as service:
        eventually(lambda: responds(listen), 10)
        eventually(program.equals_source, 60)
        before = metrics(listen)["glia_sync_pages_total"]
        program.settings["admin"]["listen"] = other
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(lambda: responds(other), 20)
        assert not responds(listen)
        values = metrics(other)
        assert values["glia_sync_pages_total"] >= before, "counters outlive a change of the configuration"
        assert values['glia_sync_config_reloads_total{result="accepted"}'] == 1
        program.write("glia-sync.yaml", "nonsense")
        service.send_signal(signal.SIGHUP)
        eventually(lambda: metrics(other)['glia_sync_config_reloads_total{result="refused"}'] == 1, 20)


class Notified:
    """A stand-in for systemd's end of the notify socket."""

    def __init__(self, watchdog=None):
        self.dir = tempfile.mkdtemp(prefix="glia-notify-")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.dir + "/notify")
        self.socket.setblocking(False)
        self.env = {"NOTIFY_SOCKET": self.dir + "/notify"}
        if watchdog:
            self.env["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        self.heard = []

    def messages(self):
        """All that came so far, as [(time, {name: value})]."""
        with contextlib.suppress(BlockingIOError):
            while True:
                text = self.socket.recv(65536).decode()
                self.heard.append((time.time(), dict(line.split("=", 1) for line in text.splitlines())))
        return self.heard

    def received(self, name, part=""):
        return any(part in m.get(name, "\0") for _, m in self.messages())


@contextlib.contextmanager
def notifying(program, notified, expect=0):
    """`run` in the background with a notify socket; stopped with SIGTERM at the end."""
    with open(program.dir + "/service.log", "a") as log:
        process = program.start("run", env=notified.env, stdout=log, stderr=log)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == expect
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


@test(smoke=True)
def systemd_is_notified_of_readiness_state_reloading_and_stopping():
    simulator, program = new_world(200, sites=1)
    notified = Notified(watchdog=3)
    with notifying(program, notified) as service:
        eventually(lambda: notified.received("READY", "1"), 20)
        eventually(lambda: notified.received("STATUS", "1 site in order"), 20)
        simulator.fault("status", path="/engagements", n=1000000, code=403)
        eventually(lambda: notified.received("STATUS", "1 of 1 site failing; site"), 30)
        program.write("glia-sync.yaml", "nonsense: [")
        service.send_signal(signal.SIGHUP)
        eventually(
            lambda: notified.received("RELOADING", "1")
            and notified.received("STATUS", "the new configuration is refused"),
            20,
        )
        reloading = next(m for _, m in notified.heard if "RELOADING" in m)
        assert int(reloading["MONOTONIC_USEC"]) > 0
        ready = [i for i, (_, m) in enumerate(notified.messages()) if "READY" in m]
        assert ready[-1] > next(
            i for i, (_, m) in enumerate(notified.heard) if "RELOADING" in m
        ), "READY ends the reloading"
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(lambda: len([m for _, m in notified.messages() if "READY" in m]) > len(ready), 20)
        simulator.call("/clear")

        def last():
            return [m["STATUS"] for _, m in notified.messages() if "STATUS" in m][-1]

        eventually(lambda: last() == "1 site in order", 30)
        eventually(lambda: len([m for _, m in notified.messages() if "WATCHDOG" in m]) > 3, 20)
    assert notified.received("STOPPING", "1")


@test
def a_database_that_is_away_does_not_delay_readiness_for_ever():
    simulator, program = new_world(10)
    program.settings["sink"]["postgres"]["dsn"] = f"host=127.0.0.1 port={free_port()} user=postgres dbname=none"
    program.configure(program.settings)
    notified = Notified()
    with notifying(program, notified):
        eventually(
            lambda: notified.received("READY", "1") and notified.received("STATUS", "waiting for the database"), 30
        )


@test
def the_watchdog_hears_nothing_of_a_service_that_is_stopped():
    simulator, program = new_world(10)
    notified = Notified(watchdog=1)
    with notifying(program, notified) as service:
        eventually(lambda: notified.received("WATCHDOG", "1"), 20)
        service.send_signal(signal.SIGSTOP)
        eventually(lambda: "State:\tT" in open(f"/proc/{service.pid}/status").read(), what="the stop")
        count = len(notified.messages())
        holds_for(2, lambda: len(notified.messages()) == count, "a service that is stopped notifies systemd")
        service.send_signal(signal.SIGCONT)
        eventually(lambda: len(notified.messages()) > count, 10)


@test
def the_watchdog_hears_nothing_of_a_service_whose_statement_never_ends():
    """PostgreSQL's process is stopped in the middle of a statement: the connection stays, and none of the server's
    timeouts applies."""
    simulator, program = new_world(3000, sites=1, legs_in_list=True, api__max_in_flight=1)
    notified = Notified(watchdog=2)
    backends = []
    try:
        with notifying(program, notified, expect=75):
            eventually(lambda: notified.received("READY", "1"), 20)

            def connected():
                return program.sql(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                    "AND application_name = 'glia-sync'"
                ).split()

            eventually(connected, 20)
            backends = connected()
            subprocess.run(["kill", "-STOP", *backends], check=True)
            eventually(
                lambda: time.time() - max([t for t, m in notified.messages() if "WATCHDOG" in m] or [time.time()]) > 10,
                130,
                "the silence",
            )
            assert "a statement does not end" in open(program.dir + "/service.log").read()
    finally:
        if backends:
            subprocess.run(["kill", "-CONT", *backends])
