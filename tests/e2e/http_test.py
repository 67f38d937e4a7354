"""End to end: HTTP as servers and proxies in front of them speak it, byte by byte: interim responses, links, codings,
addresses, limits."""

import gzip
import json
import os
import socket
import subprocess
import time
import zlib
from datetime import datetime, timezone

from credentials_test import Tunnel, certificate, new_tls_world
from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, shared_cluster, test
from raw_api import RawApi, engagement, response
from world import Program, eventually


def new_raw_world(respond, **changes):
    """An API that sends what `respond(request)` returns, and a program for it."""
    api = RawApi(respond)
    return api, Program(
        shared_cluster(), api, **{"sync__revisit": [], "api__max_in_flight": 1, "api__max_retries": 2, **changes}
    )


def page(records, next_page=None):
    """A page of the listing."""
    return {"engagements": records, "next_page": next_page}


def site_of(request):
    """The site that a request asks for."""
    return request.query["site_ids[]"]


def sites_stored(program):
    """{engagement: its sites} as stored."""
    return dict(
        line.split("|")
        for line in program.sql(
            "SELECT engagement_id, string_agg(site_id, ',') FROM glia.engagement_sites GROUP BY 1"
        ).splitlines()
    )


# ------------------------------------------------------------------------------------------- interim responses

INTERIM = {
    "early_hints": [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0.3],
    "a_continue_without_headers": [b"HTTP/1.1 100 Continue\r\n\r\n", 0.3],
    "several_with_and_without_headers": [
        b"HTTP/1.1 102 Processing\r\n\r\n",
        0.1,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n",
        0.1,
    ],
    "one_that_is_split": [b"HTTP/1.1 10", 0.1, b"3 Early Hints\r\nLink:", 0.1, b" </x>\r\n\r", 0.1, b"\n"],
    "one_in_the_same_segment": [],
    "one_with_a_length": [b"HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\n", 0.2],
}


def interim_is_skipped(parts):
    """Returns a test: these parts before the response change nothing."""

    def run():
        def respond(request):
            final = response(page([engagement(1, site_of(request))]))
            return [*parts, final] if parts else b"HTTP/1.1 103 Early Hints\r\n\r\n" + final

        api, program = new_raw_world(respond)
        expect_success(program.run("run", "--once"))
        assert sites_stored(program) == {"site-a-1": "site-a", "site-b-1": "site-b"}, sites_stored(program)
        assert api.connections == 1, api.connections

    return run


for name, parts in INTERIM.items():
    function = interim_is_skipped(parts)
    function.__name__ = "an_interim_answer_is_skipped_" + name
    test(function)


@test
def early_hints_on_the_first_of_two_sites_do_not_shift_the_responses():
    def respond(request):
        final = response(page([engagement(1, site_of(request))]))
        return (
            [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0.3, final] if site_of(request) == "site-a" else final
        )

    api, program = new_raw_world(respond)
    expect_success(program.run("run", "--once"))
    assert sites_stored(program) == {"site-a-1": "site-a", "site-b-1": "site-b"}, sites_stored(program)


@test
def a_request_on_a_kept_connection_that_is_not_answered_is_sent_once_for_each_retry():
    def respond(request):
        final = response(page([engagement(1, site_of(request))]))
        return final if site_of(request) == site_of(api.requests[0]) else [3.0, final]

    api, program = new_raw_world(respond, api__max_retries=1, api__request_timeout="1s")
    expect_refusal(program.run("run", "--once"), 69, "timed out")
    answered, *others = [site_of(r) for r in api.requests]
    assert len(others) == 2 and others[0] == others[1] != answered, (answered, others)


@test
def early_hints_in_a_backfill_do_not_give_a_window_its_neighbours_page():
    def respond(request):
        lo, hi = (datetime.fromisoformat(request.query[k].replace("Z", "+00:00")) for k in ("start_date", "end_date"))
        days = [datetime(2024, 1, d, 12, tzinfo=timezone.utc) for d in range(1, 7)]
        records = [
            engagement(d.day, site_of(request), d.isoformat().replace("+00:00", "Z")) for d in days if lo <= d < hi
        ]
        return [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0.1, response(page(records))]

    api, program = new_raw_world(respond)
    expect_success(program.run("backfill", "--from", api.start, "--to", api.end, "--window", "1d"))
    want = {f"{site}-{day}": site for site in api.sites for day in range(1, 7)}
    assert sites_stored(program) == want, sites_stored(program)
    # If a window got the page of another one, the number of its engagements would be wrong.
    assert program.sql("SELECT count(*) FROM glia.backfill_windows WHERE done AND engagements = 1") == "12"


@test
def interim_answers_come_before_tokens_refusals_and_changes_too():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    refused_once = []

    def respond(request):
        if request.path.endswith("/tokens"):
            return [hints, 0.1, response({"token": f"minted-{len(refused_once)}", "expires_in": 3600})]
        if request.method == "PATCH":
            return [
                b"HTTP/1.1 100 Continue\r\n\r\n",
                0.1,
                hints,
                response({"id": "site-a-1", "sub_engagement_id": None}),
            ]
        if not refused_once:
            return refused_once.append(1) or [hints, 0.1, response({"error": "expired"}, "401 Unauthorized")]
        return [hints, 0.1, response(page([engagement(1, site_of(request))]))]

    api, program = new_raw_world(respond)
    program.settings["api"]["auth"] = {
        "api_key": {"id_file": program.write("id", "key\n"), "secret_file": program.write("secret", "secret\n")}
    }
    program.configure(program.settings)
    expect_success(program.run("run", "--once"))
    assert sites_stored(program) == {"site-a-1": "site-a", "site-b-1": "site-b"}, sites_stored(program)
    assert "ended engagement site-a-1" in expect_success(program.run("engagement", "end", "site-a-1", "--yes")).out


@test
def interim_answers_of_a_proxy_are_skipped():
    program, cert = new_tls_world("localhost", proxy="")
    tunnel = Tunnel(interim=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
    program.settings["api"].update(ca_file=cert, proxy=f"http://127.0.0.1:{tunnel.port}")
    program.configure(program.settings)
    expect_success(program.run("run", "--once"))
    assert tunnel.requests
    expect_tables_equal_source(program)


@test
def a_switch_of_protocols_and_endless_interim_answers_are_errors():
    api, program = new_raw_world(
        lambda request: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", api__max_retries=0
    )
    expect_refusal(program.run("run", "--once"), 69, "101", "not asked for")
    api, program = new_raw_world(lambda request: [b"HTTP/1.1 102 Processing\r\n\r\n"] * 5000, api__max_retries=0)
    expect_refusal(program.run("run", "--once"), 69, "larger than glia-sync accepts")
    api, program = new_raw_world(
        lambda request: [b"HTTP/1.1 102 Processing\r\n\r\n", 0.5] * 100, api__max_retries=0, api__request_timeout="2s"
    )
    began = time.time()
    expect_refusal(program.run("run", "--once"), 69, "timed out")
    assert time.time() - began < 10, time.time() - began


# ---------------------------------------------------------------------------------------------- connections


@test
def bytes_that_nobody_asked_for_are_never_an_answer():
    stray = response(page([engagement(666, "site-x")]))
    # With one site, the connection is idle between two polls. Bytes that a server sends after it has received the next
    # request cannot be distinguished from a response.
    for sites, parts in [
        (("site-a", "site-b"), lambda final: final + stray),
        (("site-a",), lambda final: [final, 0.05, stray]),
        (("site-a",), lambda final: [final, 0.05, b"\r\n"]),
    ]:

        def respond(request):
            return parts(response(page([engagement(request.query["start_date"][:10], site_of(request))])))

        api = RawApi(respond, sites=sites)
        program = Program(shared_cluster(), api, sync__revisit=[], api__max_in_flight=1, api__max_retries=0)
        with program.service() as service:
            eventually(lambda: len(api.requests) >= 4, 20, "some polls")
            assert "failed" not in service.log(), service.log()
        stored = sites_stored(program)
        assert stored and all(i.startswith(site) for i, site in stored.items()), stored
        assert api.connections >= 4, api.connections


@test
def a_body_where_there_can_be_none_does_not_shift_the_responses():
    requests = []

    def respond(request):
        requests.append(request)
        if len(requests) == 1:
            return [
                b"HTTP/1.1 204 No Content\r\nContent-Length: 400\r\n\r\n",
                0.1,
                response(page([engagement(666, "site-x")])),
            ]
        return response(page([engagement(1, site_of(request))]))

    api, program = new_raw_world(respond)
    expect_success(program.run("run", "--once"))
    assert sites_stored(program) == {"site-a-1": "site-a", "site-b-1": "site-b"}, sites_stored(program)


@test
def a_connection_is_used_again_also_with_tls():
    def respond(request):
        number = int(request.query.get("cursor", 0))
        return response(
            page(
                [engagement(number, site_of(request))],
                f"?cursor={number + 1}&site_ids[]={site_of(request)}" if number < 9 else None,
            )
        )

    for tls in (False, True):
        plain, program = new_raw_world(respond)
        files = certificate(program, "localhost") if tls else None
        api = RawApi(respond, tls=files)
        program.settings["api"].update(
            base_url=f"{'https' if tls else 'http'}://localhost:{api.port}", **({"ca_file": files[0]} if tls else {})
        )
        program.configure(program.settings)
        expect_success(program.run("run", "--once", env={"NO_PROXY": "*"}))
        assert len(api.requests) == 20 and api.connections == 1, (tls, len(api.requests), api.connections)


# ---------------------------------------------------------------------------------------------------- links

LINKS = {
    "a_query": "?cursor={n}&site_ids[]={s}",
    "a_name": "engagements?cursor={n}&site_ids[]={s}",
    "a_dot": "./engagements?cursor={n}&site_ids[]={s}",
    "two_dots": "../v1/engagements?cursor={n}&site_ids[]={s}",
    "a_path": "/api/v1/engagements?cursor={n}&site_ids[]={s}",
    "no_scheme": "//127.0.0.1:{p}/api/v1/engagements?cursor={n}&site_ids[]={s}",
    "nothing_missing": "http://127.0.0.1:{p}/api/v1/engagements?cursor={n}&site_ids[]={s}",
    "a_deeper_page": "engagements/pages?cursor={n}&site_ids[]={s}",
}


def link_is_followed(link):
    """Returns a test: pages that are linked in this way are read to the end."""

    def run():
        def respond(request):
            number = int(request.query.get("cursor", 0))
            following = link.format(n=number + 1, s=site_of(request), p=api.port) if number < 3 else None
            # On a deeper page the same link means another URL: it is resolved against the page that carries it.
            if following and following.startswith("engagements/pages") and number:
                following = f"pages/{number}/../../pages?cursor={number + 1}&site_ids[]={site_of(request)}"
            return response(page([engagement(number, site_of(request))], following))

        api = RawApi(respond, sites=["site-a"])
        program = Program(
            shared_cluster(),
            api,
            sync__revisit=[],
            api__base_url=f"http://127.0.0.1:{api.port}/api/v1",
            api__max_retries=0,
        )
        expect_success(program.run("run", "--once"))
        assert len(sites_stored(program)) == 4, sites_stored(program)
        assert all(
            r.path.startswith("/api/v1/engagements") and "site_ids[]=site-a" in r.target.replace("%5B%5D", "[]")
            for r in api.requests
        ), [r.target for r in api.requests]
        assert all(
            r.target.endswith(f"cursor={n}&site_ids[]=site-a") for n, r in enumerate(api.requests) if n
        ), "the query was not kept byte for byte"

    return run


for name, link in LINKS.items():
    function = link_is_followed(link)
    function.__name__ = "a_next_page_is_followed_that_is_" + name
    test(function)


@test
def a_recording_is_followed_through_relative_redirects_and_interim_answers():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    audio = b"ID3" + b"sound" * 1000
    steps = {
        "/v1/sub_engagements/1/recording": "files/a?signature=[s]",
        "/v1/sub_engagements/1/files/a": "./b",
        "/v1/sub_engagements/1/files/b": "../c",
    }

    def respond(request):
        if request.path in steps:
            return [
                hints,
                0.05,
                response(b"moved", "302 Found", ["Location: " + steps[request.path], "Content-Encoding: br"]),
            ]
        if request.path == "/v1/sub_engagements/1/c":
            return [
                hints,
                0.05,
                hints,
                b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: %d\r\n\r\n" % len(audio),
                audio,
            ]
        record = engagement(1, "site-a")
        record["audio_recording_urls"] = [f"http://127.0.0.1:{api.port}/v1/sub_engagements/1/recording"]
        return response(page([record]))

    api = RawApi(respond, sites=["site-a"])
    program = Program(shared_cluster(), api, sync__revisit=[], api__base_url=f"http://127.0.0.1:{api.port}/v1")
    os.makedirs(program.dir + "/recordings")
    program.settings["enrich"] = {"recordings": {"enabled": True, "directory": program.dir + "/recordings"}}
    program.configure(program.settings)
    expect_success(program.run("run", "--once"))
    files = [f"{folder}/{name}" for folder, _, names in os.walk(program.dir + "/recordings") for name in names]
    assert len(files) == 1 and open(files[0], "rb").read() == audio, (files, [r.target for r in api.requests])
    assert [r.target for r in api.requests][-3:] == [
        "/v1/sub_engagements/1/files/a?signature=[s]",
        "/v1/sub_engagements/1/files/b",
        "/v1/sub_engagements/1/c",
    ]
    assert not any("authorization" in r.headers for r in api.requests[-3:])


@test
def a_pass_that_was_stopped_goes_on_at_a_relative_link():
    broken = [True]

    def respond(request):
        number = int(request.query.get("cursor", 0))
        if number == 2 and broken[0]:
            return response({"error": "down"}, "503 Service Unavailable")
        return response(page([engagement(number, "site-a")], f"more?cursor={number + 1}" if number < 3 else None))

    api = RawApi(respond, sites=["site-a"])
    program = Program(
        shared_cluster(), api, sync__revisit=[], api__base_url=f"http://127.0.0.1:{api.port}/v1", api__max_retries=0
    )
    assert program.run("run", "--once").code == 69
    assert program.sql("SELECT pass_next_page FROM glia.sync_state") == f"http://127.0.0.1:{api.port}/v1/more?cursor=2"
    broken[0] = False
    requests_before = len(api.requests)
    expect_success(program.run("run", "--once"))
    assert [r.target for r in api.requests[requests_before:]] == ["/v1/more?cursor=2", "/v1/more?cursor=3"], [
        r.target for r in api.requests[requests_before:]
    ]
    assert len(sites_stored(program)) == 4


@test
def a_relative_link_to_another_origin_is_refused_and_named():
    api, program = new_raw_world(
        lambda request: response(page([engagement(1, site_of(request))], "//127.0.0.2:1/engagements?cursor=1"))
    )
    expect_refusal(program.run("run", "--once"), 78, "http://127.0.0.2:1", "trusted_origins")


@test
def a_relative_link_that_repeats_itself_ends_the_pass():
    api, program = new_raw_world(
        lambda request: response(page([engagement(1, site_of(request))], "?cursor=1&site_ids[]=" + site_of(request)))
    )
    expect_refusal(program.run("run", "--once"), 69, "repeats itself")


@test
def what_the_server_sends_is_shown_without_control_characters():
    api, program = new_raw_world(
        lambda request: response(page([engagement(1, site_of(request))], "http://\x1b]0;owned\x07\u009b2J\n/")),
        api__max_retries=0,
    )
    finished = program.run("run", "--once")
    expect_refusal(finished, 78, "next_page is not a link")
    api, program = new_raw_world(
        lambda request: response({"error": "no \u009b2J"}, "403 Forbidden", ["x-request-id: id-\x9b2J"]),
        api__max_retries=0,
    )
    finished = program.run("check")
    assert finished.code == 77 and "id-" in finished.out, finished
    assert not any(ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160 for c in finished.out + finished.err), finished


# -------------------------------------------------------------------------------------------------- codings


def raw_deflate(data):
    """The data deflated, without the header that zlib writes."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


CODINGS = {
    "gzip_of_two_members": (["gzip"], lambda d: gzip.compress(d[:40]) + gzip.compress(d[40:])),
    "gzip_of_many_members_and_empty_ones": (
        ["X-GZip"],
        lambda d: b"".join(gzip.compress(d[i : i + 7]) + gzip.compress(b"") for i in range(0, len(d), 7)),
    ),
    "gzip_with_padding": (["gzip"], lambda d: gzip.compress(d) + b"\0" * 512),
    "deflate_as_zlib": (["deflate"], zlib.compress),
    "deflate_without_a_header": (["deflate"], raw_deflate),
    "gzip_twice": (["gzip, gzip"], lambda d: gzip.compress(gzip.compress(d))),
    "deflate_then_gzip": (["deflate", "gzip"], lambda d: gzip.compress(zlib.compress(d))),
    "nothing_by_many_names": (["identity, ,none", ""], lambda d: d),
}


def coding_is_read(headers, encode):
    """Returns a test: a response with these headers and this encoding is read."""

    def run():
        def respond(request):
            return response(
                encode(json.dumps(page([engagement(1, site_of(request))])).encode()),
                headers=[f"Content-Encoding: {h}" for h in headers],
            )

        api, program = new_raw_world(respond, api__max_retries=0)
        expect_success(program.run("run", "--once"))
        assert sites_stored(program) == {"site-a-1": "site-a", "site-b-1": "site-b"}, sites_stored(program)

    return run


for name, (headers, encode) in CODINGS.items():
    function = coding_is_read(headers, encode)
    function.__name__ = "a_body_is_read_that_is_" + name
    test(function)


@test
def a_coding_that_is_not_known_is_named_and_does_not_hide_a_refusal():
    api, program = new_raw_world(
        lambda request: response(b"\x0b\x02\x80", headers=["Content-Encoding: br"]), api__max_retries=0
    )
    expect_refusal(program.run("run", "--once"), 69, "encoded as br")
    api, program = new_raw_world(
        lambda request: response(b"\x0b\x02\x80", "401 Unauthorized", ["Content-Encoding: br"]), api__max_retries=0
    )
    expect_refusal(program.run("run", "--once"), 77, "401")


@test
def a_bomb_of_many_members_or_codings_is_refused():
    zeros = gzip.compress(b" " * (8 << 20))
    for headers, body in [("gzip", zeros * 20), ("gzip, gzip", gzip.compress(zeros * 20))]:
        api, program = new_raw_world(
            lambda request: response(body, headers=["Content-Encoding: " + headers]), api__max_retries=0
        )
        expect_refusal(program.run("run", "--once"), 69, "larger than glia-sync accepts")


# ------------------------------------------------------------------------------------- proxies and addresses


@test
def a_proxy_of_a_kind_that_is_not_spoken_is_a_configuration_error_without_its_password():
    simulator, program = new_world(10, api__base_url="https://api.example", api__max_retries=0)
    for variable, value in [
        ("HTTPS_PROXY", "socks5://user:proxy-secret@127.0.0.1:1080"),
        ("https_proxy", "https://user:proxy-secret@127.0.0.1:3128"),
        ("ALL_PROXY", "socks5h://127.0.0.1:1080"),
        ("all_proxy", "::garbage proxy-secret::"),
    ]:
        clean = {name: "" for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")}
        for command in (["run", "--once"], ["check"]):
            finished = program.run(*command, env={**clean, variable: value})
            assert finished.code == 78, finished
            text = finished.out + finished.err
            assert variable in text and "api.proxy" in text and "proxy-secret" not in text, finished
        finished = program.run("run", "--once", env={**clean, variable: value, "NO_PROXY": "api.example"})
        assert finished.code == 69 and variable not in finished.err, finished


@test
def an_address_that_is_a_black_hole_costs_a_moment_and_the_next_one_is_used():
    simulator, program = new_world(50, sites=1)
    hole = socket.socket()
    hole.bind(("127.0.0.3", simulator.port))
    hole.listen(0)  # never accepts: once the backlog is full, the system drops what comes
    fill = [socket.socket() for _ in range(4)]
    for s in fill:
        s.setblocking(False)
        s.connect_ex(("127.0.0.3", simulator.port))
    source = program.write(
        "two.c",
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <netdb.h>\n#include <string.h>\n"
        "typedef int (*Real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);\n"
        "int getaddrinfo(const char *n, const char *s, const struct addrinfo *h, struct addrinfo **r) {\n"
        '  Real real = (Real)dlsym(RTLD_NEXT, "getaddrinfo");\n'
        '  if (!n || strcmp(n, "two.example")) return real(n, s, h, r);\n'
        '  struct addrinfo *second; int code = real("127.0.0.3", s, h, r);\n'
        '  if (!code) code = real("127.0.0.1", s, h, &second);\n  if (code) return code;\n'
        "  struct addrinfo *last = *r; while (last->ai_next) last = last->ai_next;\n"
        "  last->ai_next = second; return 0;\n}\n",
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", program.dir + "/two.so", source, "-ldl"], check=True)
    program.settings["api"].update(
        base_url=f"http://two.example:{simulator.port}",
        trusted_origins=[f"http://127.0.0.1:{simulator.port}"],
        allow_insecure=True,
        connect_timeout="3s",
        max_retries=0,
    )
    program.configure(program.settings)
    expect_success(
        program.run(
            "run", "--once", env={"LD_PRELOAD": program.dir + "/two.so", "ASAN_OPTIONS": "verify_asan_link_order=0"}
        )
    )
    expect_tables_equal_source(program)
    for s in [hole, *fill]:
        s.close()


# --------------------------------------------------------------------------------------------------- limits


@test
def a_lifetime_beyond_all_measure_does_not_mint_a_token_for_every_request():
    for life in (31536000000, 1e300, -5, 0, 0.2, "3600", "soon", 9223372036854775807, None):
        minted = []

        def respond(request):
            if request.path.endswith("/tokens"):
                return minted.append(1) or response({"token": f" minted-{len(minted)}\r\n", "expires_in": life})
            number = int(request.query.get("cursor", 0))
            return response(
                page(
                    [engagement(number, site_of(request))],
                    f"?cursor={number + 1}&site_ids[]={site_of(request)}" if number < 9 else None,
                )
            )

        api, program = new_raw_world(respond)
        program.settings["api"]["auth"] = {
            "api_key": {
                "id_file": program.write("id", "\r\nkey\r\n"),
                "secret_file": program.write("secret", " secret \n"),
            }
        }
        program.configure(program.settings)
        expect_success(program.run("run", "--once"))
        assert len(minted) <= 3, (life, len(minted))
        assert all(r.headers["authorization"].startswith("Bearer minted-") for r in api.requests if r.method == "GET")


@test
def a_reset_in_another_unit_neither_stalls_nor_overflows():
    for reset in (
        lambda: int(time.time() * 1000) + 500,
        lambda: int(time.time() * 1e6) + 500_000,
        lambda: "1e300",
        lambda: -5,
        lambda: "nan",
        lambda: "inf",
        lambda: 9223372036854775807,
    ):

        def respond(request):
            return response(
                page([engagement(1, site_of(request))]),
                headers=["x-rate-limit-remaining: 0", f"x-rate-limit-reset: {reset()}"],
            )

        api, program = new_raw_world(respond)
        began = time.time()
        expect_success(program.run("run", "--once"))
        assert time.time() - began < 8, (reset(), time.time() - began)


@test
def a_token_that_would_make_a_header_is_refused_and_not_shown():
    api, program = new_raw_world(lambda request: response(page([engagement(1, site_of(request))])))
    for token in (
        "tok-secret\r\nX-Evil: 1",
        "tok-secret\nX-Evil: 1",
        "tok-secret with blanks",
        "tok-secret\x01x",
        "tok-secret\x7f",
        "tok-secret-\u00fc",
    ):
        program.settings["api"]["auth"] = {"token_env": "RAW_TOKEN"}
        program.configure(program.settings)
        finished = program.run("run", "--once", env={"RAW_TOKEN": token})
        expect_refusal(finished, 77, "api.auth.token_env", "RAW_TOKEN")
        assert "tok-secret" not in finished.out + finished.err and not api.requests, finished
    expect_success(program.run("run", "--once", env={"RAW_TOKEN": " \ttok-good\r\n"}))
    program.settings["api"]["auth"] = {"token_file": program.write("long", "tok-secret" * 10_000)}
    program.configure(program.settings)
    finished = program.run("run", "--once")
    expect_refusal(finished, 77, "api.auth.token_file", "16 KiB")
    assert "tok-secret" not in finished.out + finished.err, finished
    program.settings["api"]["auth"] = {"token_file": program.write("marked", "\ufefftok-good\r\n")}
    program.configure(program.settings)
    expect_success(program.run("run", "--once"))
    program.settings["api"]["auth"] = {"token_file": program.write("odd", "\n\n tok-good \r\nand a remark\n")}
    program.configure(program.settings)
    expect_success(program.run("run", "--once"))
    assert {r.headers["authorization"] for r in api.requests} == {"Bearer tok-good"} and not any(
        "x-evil" in r.headers for r in api.requests
    )
