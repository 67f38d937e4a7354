"""End to end: credentials, origins."""

import socket
import subprocess
import threading

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, test
from world import Simulator, eventually, holds_for


@test(smoke=True)
def a_wrong_token_is_exit_code_77_and_never_shown():
    simulator, program = new_world(50)
    program.write("token", "wrong-secret-token\n")
    finished = program.run("run", "--once")
    expect_refusal(finished, 77, "401", "token")
    assert "wrong-secret-token" not in finished.err + finished.out
    finished = program.run("check")
    assert (
        finished.code == 77 and "FAILED" in finished.out and "wrong-secret-token" not in finished.out + finished.err
    ), finished


@test
def a_token_that_is_replaced_in_the_middle_is_read_again():
    simulator, program = new_world(3000, latency_ms=5)
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end)
    eventually(lambda: simulator.stats().get("detail", 0) > 20, what="the middle")
    program.write("token", "second-token\n")
    simulator.call("/token", value="second-token")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err[-1500:])
    expect_tables_equal_source(program)


@test
def a_token_file_that_is_empty_for_a_moment_does_no_harm():
    simulator, program = new_world(2000, latency_ms=10)
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end)
    eventually(lambda: simulator.stats().get("detail", 0) > 20, what="the middle")
    program.write("token", "")
    requests_before = simulator.stats()["requests"]
    eventually(lambda: simulator.stats()["requests"] > requests_before + 20, what="requests with the old token")
    simulator.call("/token", value="second-token")
    eventually(lambda: simulator.stats().get("code:401", 0) > 0, what="a refusal")
    program.write("token", "second-token\n")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err[-1500:])
    expect_tables_equal_source(program)


@test
def a_token_file_that_is_still_empty_at_the_start_is_waited_for():
    simulator, program = new_world(300)
    program.write("token", "")
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end)
    holds_for(0.8, lambda: process.poll() is None, "the empty file ended the program")
    program.write("token", simulator.token + "\n")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err[-1500:])
    expect_tables_equal_source(program)


@test
def an_api_key_is_exchanged_and_renewed():
    simulator, program = new_world(1500, token_ttl_s=2, latency_ms=5)
    program.settings["api"]["auth"] = {
        "api_key": {"id_file": program.write("id", "key-id\n"), "secret_file": program.write("secret", "key-secret\n")}
    }
    program.configure(program.settings)
    simulator.call("/token", value="nobody-knows-this")
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    assert simulator.stats()["minted"] >= 2
    program.write("secret", "wrong-key-secret\n")
    finished = program.run("run", "--once")
    expect_refusal(finished, 77)
    assert "wrong-key-secret" not in finished.err


@test
def a_refused_site_does_not_stop_the_others():
    simulator, program = new_world(600, sites=2)
    program.settings["api"]["sites"] = ["00000000-0000-4000-8000-000000000000", *simulator.sites]
    program.configure(program.settings)
    for finished in (program.backfill(), program.run("run", "--once")):
        expect_refusal(finished, 77, "403", "operator_ids")
    expect_tables_equal_source(program)
    assert "403" in next(s for s in program.status()["sites"] if s["site_id"].startswith("00000000"))["last_error"]


def certificate(program, name):
    """Makes a certificate for a name; returns its file and that of its key."""
    key, cert = program.dir + "/key.pem", program.dir + "/cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key,
            "-out",
            cert,
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
            "-addext",
            f"subjectAltName=DNS:{name}",
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


def new_tls_world(name, **changes):
    """A program whose simulator speaks TLS with a certificate for `name`, and the file of the certificate."""
    plain, program = new_world(50)
    cert, key = certificate(program, name)
    program.simulator = Simulator(engagements=400, days=30, tls_cert=cert, tls_key=key)
    program.settings["api"].update(
        base_url=f"https://localhost:{program.simulator.port}", sites=program.simulator.sites, max_retries=1, **changes
    )
    program.settings["sync"]["start_from"] = program.simulator.start
    return program, cert


@test
def https_is_verified():
    program, cert = new_tls_world("localhost")
    program.configure(program.settings)
    expect_refusal(program.run("run", "--once"), 69, "certificate", "does not verify")
    program.settings["api"]["ca_file"] = cert
    program.configure(program.settings)
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    program, cert = new_tls_world("another.example")
    program.settings["api"]["ca_file"] = cert
    program.configure(program.settings)
    expect_refusal(program.run("run", "--once"), 69, "certificate", "another name")


class Tunnel(threading.Thread):
    """A CONNECT proxy for one test."""

    def __init__(self, interim=b""):
        super().__init__(daemon=True)
        self.interim = interim
        self.server, self.requests = socket.create_server(("127.0.0.1", 0)), []
        self.port = self.server.getsockname()[1]
        self.start()

    def run(self):
        while True:
            client, _ = self.server.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.requests.append(head.decode())
        host, port = head.split()[1].decode().rsplit(":", 1)
        upstream = socket.create_connection((host, int(port)))
        client.sendall(self.interim + b"HTTP/1.1 200 Connection established\r\n\r\n")

        def pump(a, b):
            try:
                while data := a.recv(65536):
                    b.sendall(data)
            except OSError:
                pass
            for s in (a, b):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
        pump(client, upstream)


@test
def https_goes_through_the_proxy_of_the_environment():
    program, cert = new_tls_world("localhost")
    program.settings["api"]["ca_file"] = cert
    program.configure(program.settings)
    tunnel = Tunnel()
    proxy = {"HTTPS_PROXY": f"http://user:proxy-secret@127.0.0.1:{tunnel.port}", "NO_PROXY": ""}
    finished = expect_success(program.run("run", "--once", env=proxy))
    expect_tables_equal_source(program)
    assert (
        tunnel.requests
        and tunnel.requests[0].startswith(f"CONNECT localhost:{program.simulator.port} ")
        and "Proxy-Authorization: Basic" in tunnel.requests[0]
    ), tunnel.requests[:1]
    assert "Bearer" not in "".join(tunnel.requests) and "proxy-secret" not in finished.err
    before = len(tunnel.requests)
    expect_success(program.run("run", "--once", env={**proxy, "NO_PROXY": "localhost"}))
    assert len(tunnel.requests) == before
