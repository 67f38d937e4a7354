"""End to end: credentials, origins."""
from harness import *

@test(smoke=True)
def a_wrong_token_is_exit_code_77_and_never_shown():
    simulator, program = world(50)
    program.write("token", "wrong-secret-token\n")
    finished = program.run("run", "--once")
    refused(finished, 77, "401", "token")
    assert "wrong-secret-token" not in finished.err + finished.out
    finished = program.run("check")
    assert finished.code == 77 and "FAILED" in finished.out and "wrong-secret-token" not in finished.out + finished.err, finished


@test
def a_token_that_is_replaced_in_the_middle_is_read_again():
    simulator, program = world(3000, latency_ms=5)
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end)
    time.sleep(0.5)
    program.write("token", "second-token\n")
    simulator.call("/token", value="second-token")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err[-1500:])
    equal(program)


@test
def a_token_file_that_is_empty_for_a_moment_does_no_harm():
    simulator, program = world(2000, latency_ms=10)
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end)
    time.sleep(0.4)
    program.write("token", "")
    time.sleep(0.3)
    simulator.call("/token", value="second-token")
    time.sleep(0.3)
    program.write("token", "second-token\n")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err[-1500:])
    equal(program)


@test
def a_token_file_that_is_still_empty_at_the_start_is_waited_for():
    simulator, program = world(300)
    program.write("token", "")
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end)
    time.sleep(0.8)
    program.write("token", simulator.token + "\n")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err[-1500:])
    equal(program)


@test
def an_api_key_is_exchanged_and_renewed():
    simulator, program = world(1500, token_ttl_s=2, latency_ms=5)
    program.settings["api"]["auth"] = {"api_key": {"id_file": program.write("id", "key-id\n"), "secret_file": program.write("secret", "key-secret\n")}}
    program.configure(program.settings)
    simulator.call("/token", value="nobody-knows-this")
    done(program.backfill())
    done(program.run("run", "--once"))
    equal(program)
    assert simulator.stats()["minted"] >= 2
    program.write("secret", "wrong-key-secret\n")
    finished = program.run("run", "--once")
    refused(finished, 77)
    assert "wrong-key-secret" not in finished.err


@test
def a_refused_site_does_not_stop_the_others():
    simulator, program = world(600, sites=2)
    program.settings["api"]["sites"] = ["00000000-0000-4000-8000-000000000000", *simulator.sites]
    program.configure(program.settings)
    for finished in (program.backfill(), program.run("run", "--once")):
        refused(finished, 77, "403", "operator_ids")
    equal(program)
    assert "403" in next(s for s in program.status()["sites"] if s["site_id"].startswith("00000000"))["last_error"]


def certificate(program, name):
    key, cert = program.dir + "/key.pem", program.dir + "/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return cert, key


def tls_world(name, **changes):
    plain, program = world(50)
    cert, key = certificate(program, name)
    program.simulator = Simulator(engagements=400, days=30, tls_cert=cert, tls_key=key)
    program.settings["api"].update(base_url=f"https://localhost:{program.simulator.port}", sites=program.simulator.sites, max_retries=1, **changes)
    program.settings["sync"]["start_from"] = program.simulator.start
    return program, cert


@test
def https_is_verified():
    program, cert = tls_world("localhost")
    program.configure(program.settings)
    refused(program.run("run", "--once"), 69, "certificate", "does not verify")
    program.settings["api"]["ca_file"] = cert
    program.configure(program.settings)
    done(program.run("run", "--once"))
    equal(program)
    program, cert = tls_world("another.example")
    program.settings["api"]["ca_file"] = cert
    program.configure(program.settings)
    refused(program.run("run", "--once"), 69, "certificate", "another name")


class Tunnel(threading.Thread):
    """A CONNECT proxy for one test."""

    def __init__(self, interim=b""):
        super().__init__(daemon=True)
        self.interim = interim
        self.server, self.asked = socket.create_server(("127.0.0.1", 0)), []
        self.port = self.server.getsockname()[1]
        self.start()

    def run(self):
        while True:
            client, _ = self.server.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head: head += client.recv(4096)
        self.asked.append(head.decode())
        host, port = head.split()[1].decode().rsplit(":", 1)
        upstream = socket.create_connection((host, int(port)))
        client.sendall(self.interim + b"HTTP/1.1 200 Connection established\r\n\r\n")

        def pump(a, b):
            try:
                while data := a.recv(65536): b.sendall(data)
            except OSError: pass
            for s in (a, b):
                try: s.shutdown(socket.SHUT_RDWR)
                except OSError: pass
        threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
        pump(client, upstream)


@test
def https_goes_through_the_proxy_of_the_environment():
    program, cert = tls_world("localhost")
    program.settings["api"]["ca_file"] = cert
    program.configure(program.settings)
    tunnel = Tunnel()
    proxy = {"HTTPS_PROXY": f"http://user:proxy-secret@127.0.0.1:{tunnel.port}", "NO_PROXY": ""}
    finished = done(program.run("run", "--once", env=proxy))
    equal(program)
    assert tunnel.asked and tunnel.asked[0].startswith(f"CONNECT localhost:{program.simulator.port} ") and "Proxy-Authorization: Basic" in tunnel.asked[0], tunnel.asked[:1]
    assert "Bearer" not in "".join(tunnel.asked) and "proxy-secret" not in finished.err
    before = len(tunnel.asked)
    done(program.run("run", "--once", env={**proxy, "NO_PROXY": "localhost"}))
    assert len(tunnel.asked) == before
