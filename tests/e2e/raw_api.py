"""An API in raw bytes, for what no well-behaved server sends: the test decides what goes over the connection, and
when."""

import json
import socket
import ssl
import threading
import time
import urllib.parse


class Request:
    """A request as it came."""

    def __init__(self, head, body):
        lines = head.decode().split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:] if line)}
        self.path, _, query = self.target.partition("?")
        self.query = {k: v[-1] for k, v in urllib.parse.parse_qs(query).items()}
        self.body = body


def response(body, status="200 OK", headers=(), date=None):
    """The bytes of a response. `date`: the Date header's value; None: now."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if date is None:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    return (
        "\r\n".join(
            [
                f"HTTP/1.1 {status}",
                "Content-Type: application/json",
                f"Date: {date}",
                f"Content-Length: {len(body)}",
                *headers,
                "",
                "",
            ]
        ).encode()
        + body
    )


class RawApi:
    """A server that sends what `respond(request)` returns: bytes, or a list of bytes and of seconds to wait; None
    closes the connection. Has what Program asks of a simulator. `tls`: files of a certificate and its key."""

    def __init__(self, respond, sites=("site-a", "site-b"), tls=None):
        self.respond, self.sites, self.token = respond, list(sites), "raw-token"
        self.start, self.end = "2024-01-01T00:00:00Z", "2024-01-07T00:00:00Z"
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port, self.requests, self.connections = self.server.getsockname()[1], [], 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if tls:
            self.tls.load_cert_chain(*tls)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b""
        try:
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
            while True:
                while b"\r\n\r\n" not in data:
                    more = client.recv(65536)
                    if not more:
                        return
                    data += more
                head, data = data.split(b"\r\n\r\n", 1)
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length:")
                    ),
                    0,
                )
                while len(data) < length:
                    data += client.recv(65536)
                request = Request(head, data[:length])
                data = data[length:]
                self.requests.append(request)
                parts = self.respond(request)
                if parts is None:
                    return
                for part in [parts] if isinstance(parts, bytes) else parts:
                    if isinstance(part, bytes):
                        client.sendall(part)
                    else:
                        time.sleep(part)  # a pause that the test asked for
        except OSError:
            pass
        finally:
            client.close()


def engagement(number, site, created="2024-01-02T00:00:00.000Z"):
    """A record of the listing, as small as it may be."""
    return {"id": f"{site}-{number}", "created_at": created, "legs": [], "audio_recording_urls": [], "operators": []}
