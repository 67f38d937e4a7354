"""End to end: what the person on call does: SIGHUP, reset, rejects, status."""

import contextlib
import json
import os
import re
import signal
import subprocess
import urllib.request

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, shared_cluster, test
from world import GLIA, epoch_seconds, eventually, free_port, holds_for

# ------------------------------------------------------------------------------------------------ SIGHUP


@test(smoke=True)
def sighup_takes_a_new_configuration_over():
    simulator, program = new_world(600, sites=2)
    both = list(simulator.sites)
    program.settings["api"]["sites"] = both[:1]
    program.configure(program.settings)
    with program.service() as service:
        eventually(
            lambda: program.has_schema()
            and program.sql("SELECT count(*) FROM glia.sync_state WHERE synced_through IS NOT NULL") == "1"
        )
        program.settings["api"]["sites"] = both
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(program.equals_source)
        assert "the new configuration is in effect" in service.log()
        program.settings["api"]["sites"] = both[:1]
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(lambda: service.log().count("the new configuration is in effect") == 2)

        def last():
            return program.sql(f"SELECT last_success_at FROM glia.sync_state WHERE site_id = '{both[1]}'")

        before = last()
        holds_for(3, lambda: last() == before, "a site that was taken out is still polled")


@test
def sighup_in_the_middle_of_a_pass_loses_nothing_and_reads_no_page_twice():
    simulator, program = new_world(6000, sites=1, legs_in_list=True, sync__revisit=[])
    simulator.slow(400)
    with program.service() as service:
        for taken_over in range(3):
            eventually(
                lambda: program.has_schema()
                and program.sql("SELECT count(*) FROM glia.sync_state WHERE pass_next_page IS NOT NULL") == "1"
            )
            service.send_signal(signal.SIGHUP)
            eventually(lambda: service.log().count("the new configuration is in effect") == taken_over + 1)
        simulator.quick()
        eventually(lambda: program.sql("SELECT count(*) FROM glia.sync_state WHERE synced_through IS NOT NULL") == "1")
        pages = int(program.sql("SELECT pages FROM glia.sync_runs WHERE mode = 'incremental' ORDER BY id LIMIT 1"))
        assert pages == 60, pages
        assert service.log().count("the new configuration is in effect") == 3, service.log()
    expect_tables_equal_source(program)


@test
def a_first_pass_begins_again_at_another_start_from():
    simulator, program = new_world(2000, sites=1, legs_in_list=True, sync__revisit=[])
    simulator.slow(400)
    with program.service() as service:
        eventually(
            lambda: program.has_schema()
            and program.sql("SELECT count(*) FROM glia.sync_state WHERE pass_next_page IS NOT NULL") == "1"
        )
        start = program.sql("SELECT to_char(now() - interval '10 days', 'YYYY-MM-DD')") + "T00:00:00Z"
        program.settings["sync"]["start_from"] = start
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(lambda: "the new configuration is in effect" in service.log())
        simulator.quick()
        eventually(lambda: program.sql("SELECT count(*) FROM glia.sync_state WHERE synced_through IS NOT NULL") == "1")
    first = "SELECT window_from = '{}', pages < 20 FROM glia.sync_runs WHERE mode = 'incremental' ORDER BY id LIMIT 1"
    assert program.sql(first.format(start)) == "t|t"
    assert program.sql(f"SELECT synced_from <= '{start}' FROM glia.sync_state") == "t"


@test
def a_configuration_that_is_not_in_order_is_refused_and_the_old_one_goes_on():
    simulator, program = new_world(300)
    with program.service() as service:
        eventually(program.equals_source)
        for text, word in [
            ("api: {sites: [\n", "not valid YAML"),
            (
                json.dumps({**program.settings, "sync": {**program.settings["sync"], "overlp": "1m"}}),
                "did you mean overlap?",
            ),
            (
                json.dumps(
                    {**program.settings, "sink": {"postgres": {"dsn": shared_cluster().dsn("no_such_database")}}}
                ),
                "no_such_database",
            ),
        ]:
            program.write("glia-sync.yaml", text)
            refusals = service.log().count("refused")
            service.send_signal(signal.SIGHUP)
            eventually(lambda: service.log().count("refused") > refusals)
            assert word in service.log(), service.log()[-1500:]
            simulator.call("/add", n=5)
            eventually(program.equals_source)


@test
def sighup_ends_the_waiting_for_an_api_that_was_wrong():
    simulator, program = new_world(300, api__base_url="http://127.0.0.1:1", api__max_retries=20)
    with program.service() as service:
        eventually(lambda: "will be tried again" in service.log())
        program.settings["api"]["base_url"] = f"http://127.0.0.1:{simulator.port}"
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(program.equals_source, 10)


@test
def sighup_helps_a_service_that_waits_for_a_database_which_is_not_there():
    simulator, program = new_world(200)
    right = program.settings["sink"]["postgres"]["dsn"]
    program.settings["sink"]["postgres"]["dsn"] = "host=127.0.0.1 port=1 dbname=x connect_timeout=2"
    program.configure(program.settings)
    with program.service() as service:
        eventually(lambda: "PostgreSQL cannot be reached" in service.log())
        program.settings["sink"]["postgres"]["dsn"] = right
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(program.equals_source)


@test
def a_reload_keeps_the_minted_token_the_connections_and_the_rate_that_was_found():
    listen = f"127.0.0.1:{free_port()}"
    simulator, program = new_world(
        2500, sites=1, rps=4, admin__listen=listen, api__rate_limit="auto", api__max_retries=20
    )
    program.settings["api"]["auth"] = {
        "api_key": {"id_file": program.write("id", "key-id\n"), "secret_file": program.write("secret", "key-secret\n")}
    }
    program.settings["sync"]["revisit"] = []
    program.configure(program.settings)

    def rate():
        text = urllib.request.urlopen(f"http://{listen}/metrics", timeout=30).read().decode()
        return float(re.search(r"^glia_sync_api_rate_limit (\S+)$", text, re.M).group(1))

    with program.service() as service:
        eventually(lambda: simulator.stats().get("code:429", 0) >= 1 and rate() < 5, 60, "the limit")
        for count in (1, 2, 3):
            found, before = rate(), simulator.stats()
            program.settings["sync"]["overlap"] = f"{10 + count}m"
            program.configure(program.settings)
            service.send_signal(signal.SIGHUP)
            eventually(lambda: service.log().count("in effect") == count, 20)
            assert rate() < 6, (found, rate())  # a new limiter begins with 10
        after = simulator.stats()
        assert after["minted"] == 1, after
        assert after["connections"] == before["connections"], (before, after)
        # With another key, another token; the limit stays.
        program.settings["api"]["auth"]["api_key"]["id_file"] = program.write("id2", "key-id\n")
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(lambda: simulator.stats()["minted"] == 2, 20)
        assert rate() < 6, rate()
        program.settings["api"]["rate_limit"] = 7
        program.configure(program.settings)
        service.send_signal(signal.SIGHUP)
        eventually(lambda: rate() == 7, 20)
        assert simulator.stats()["minted"] == 2


# ------------------------------------------------------------------------------------------------- reset


@test(smoke=True)
def reset_moves_a_checkpoint_back_and_the_next_pass_reads_from_there():
    simulator, program = new_world(800, sites=2, sync__revisit=[])
    expect_success(program.run("run", "--once"))
    victims = [e["id"] for e in simulator.truth()][:200]
    program.sql("DELETE FROM glia.engagements WHERE id IN (" + ",".join(f"'{v}'" for v in victims) + ")")
    for site in simulator.sites:
        result = expect_success(program.run("reset", "--site", site, "--to", simulator.start))
        assert "moved from" in result.out and simulator.start in result.out, result
    assert all(epoch_seconds(s["synced_through"]) == epoch_seconds(simulator.start) for s in program.status()["sites"])
    expect_success(program.run("run", "--once"))
    assert program.sql("SELECT count(*) FROM glia.engagements") == "800"
    assert all(s["lag_seconds"] < 60 for s in program.status()["sites"])


@test
def reset_under_a_running_service_holds():
    simulator, program = new_world(3000, sites=1, latency_ms=20, sync__revisit=[])
    with program.service():
        eventually(
            lambda: program.has_schema()
            and program.sql("SELECT count(*) FROM glia.sync_state WHERE synced_through IS NOT NULL") == "1",
            60,
        )
        program.sql("DELETE FROM glia.engagements WHERE id IN (SELECT id FROM glia.engagements LIMIT 500)")
        expect_success(program.run("reset", "--site", simulator.sites[0], "--to", simulator.start))
        eventually(lambda: program.sql("SELECT count(*) FROM glia.engagements") == "3000", 60)


@test
def reset_refuses_what_makes_no_sense():
    simulator, program = new_world(50, sites=1)
    site = simulator.sites[0]
    expect_success(program.run("migrate"))
    assert "no checkpoint yet" in expect_success(program.run("reset", "--site", site, "--to", "2024-01-01")).out
    expect_success(program.run("run", "--once"))
    synced = program.status()["sites"][0]["synced_through"]
    expect_refusal(program.run("reset", "--site", site, "--to", "2099-01-01"), 64, "only be moved back")
    expect_refusal(program.run("reset", "--site", site, "--to", "yesterday"), 64, "not a time")
    expect_refusal(program.run("reset", "--site", site[:-1], "--to", "2024-01-01"), 64, "did you mean " + site)
    assert epoch_seconds(program.status()["sites"][0]["synced_through"]) == epoch_seconds(synced)


# ------------------------------------------------------------------------------------------------ rejects


@test(smoke=True)
def a_rejected_record_is_listed_shown_and_loaded_again():
    simulator, program = new_world(400, sites=1)
    simulator.fault("bad-record", path="/engagements", n=1, how="created_at")
    expect_success(program.backfill())
    lines = expect_success(program.run("rejects", "list")).out.splitlines()
    assert len(lines) == 1 and "created_at" in lines[0] and simulator.sites[0] in lines[0], lines
    number = lines[0].split()[0]
    shown = expect_success(program.run("rejects", "show", number)).out
    assert '"created_at":"not a date"' in shown, shown
    (record,) = json.loads(expect_success(program.run("rejects", "list", "--json")).out)
    assert (
        record["id"] == int(number)
        and record["times_seen"] == 1
        and record["resolved_at"] is None
        and json.loads(record["payload"])["id"] == record["engagement_id"]
    ), record
    result = expect_success(program.run("rejects", "retry", number))
    assert "1 loaded, 0 still rejected" in result.out, result
    assert program.status()["rejected"] == 0
    assert expect_success(program.run("rejects", "list")).out == "no rejected records\n"
    (record,) = json.loads(expect_success(program.run("rejects", "list", "--all", "--json")).out)
    assert record["resolved_at"]
    expect_tables_equal_source(program)


@test
def a_record_that_still_cannot_be_loaded_stays_rejected():
    simulator, program = new_world(400, sites=1)
    simulator.fault("bad-record", path="/engagements", n=1, how="no-id")
    expect_success(program.backfill())
    result = expect_success(program.run("rejects", "retry"))
    assert "0 loaded, 1 still rejected" in result.out and "id is missing" in result.out, result
    expect_refusal(program.run("rejects", "retry", "--strict"), 65, "still rejected")
    assert program.status()["rejected"] == 1
    expect_refusal(program.run("rejects", "show", "999"), 64, "no rejected record 999")
    expect_refusal(program.run("rejects", "retry", "999"), 64, "999")


def reject(program, ids):
    """Adds a rejected record of each engagement, the first one the newest. None: a record without an id."""
    values = ", ".join(f"({n}, {'NULL' if i is None else repr(i)})" for n, i in enumerate(ids))
    program.sql(
        "INSERT INTO glia.rejected_records (source, engagement_id, reason, payload, payload_hash, last_seen_at) "
        "SELECT 'detail', id, 'why', '{}', sha256(n::text::bytea), now() - n * interval '1 s' "
        f"FROM (VALUES {values}) AS r (n, id)"
    )


@test
def a_record_that_fails_does_not_keep_rejects_retry_from_the_others():
    simulator, program = new_world(100, sites=1, api__max_retries=0)
    expect_success(program.run("run", "--once"))
    ids = [e["id"] for e in simulator.truth()][:6]
    reject(program, ids)
    simulator.fault("status", path="/engagements/" + ids[0], n=1000000, code=500)
    simulator.fault("status", path="/engagements/" + ids[1], n=1000000, code=403)
    result = program.run("rejects", "retry")
    expect_refusal(result, 77, "HTTP 403")
    assert "rejects: 4 loaded, 2 still rejected\n" in result.out, result
    # An API that is down ends the command.
    simulator.call("/clear")
    program.sql("UPDATE glia.rejected_records SET resolved_at = NULL")
    simulator.fault("status", path="/engagements/", n=1000000, code=503)
    result = program.run("rejects", "retry")
    expect_refusal(result, 69, "HTTP 503")
    assert "rejects: 0 loaded, 4 still rejected, 2 not tried\n" in result.out, result
    simulator.call("/clear")
    assert "6 loaded, 0 still rejected" in expect_success(program.run("rejects", "retry")).out
    expect_tables_equal_source(program)


@test
def rejects_retry_tries_all_records_and_rejects_list_says_that_it_does_not_show_all():
    simulator, program = new_world(100, sites=1)
    expect_success(program.run("run", "--once"))
    reject(program, [None] * 1001 + [simulator.truth()[0]["id"]])
    for options in ([], ["--json"]):
        listed = expect_success(program.run("rejects", "list", *options))
        assert "only the newest 1000 of 1002 records are shown" in listed.err, listed.err
    result = expect_success(program.run("rejects", "retry"))
    assert "rejects: 1 loaded, 1001 still rejected\n" in result.out, result.out[-500:]
    assert program.status()["rejected"] == 1001
    program.sql("UPDATE glia.rejected_records SET resolved_at = now() WHERE id % 2 = 0")
    assert "only the newest" not in expect_success(program.run("rejects", "list")).err


@test
def a_rejected_record_that_loads_later_is_resolved_by_itself():
    simulator, program = new_world(300, sites=1)
    expect_success(program.backfill())
    simulator.fault("bad-record", path="/engagements", n=1, how="no-comma")
    expect_success(program.backfill("--restart"))
    assert program.status()["rejected"] == 1
    expect_success(program.run("run", "--once"))  # the same record, whole and unchanged
    assert program.status()["rejected"] == 0
    expect_tables_equal_source(program)


# ------------------------------------------------------------------------------------------------- status


@test
def status_shows_the_truth_about_a_site_that_fails_and_recovers():
    simulator, program = new_world(200, sites=2)
    before = expect_success(program.run("migrate")) and program.status()
    assert [s["site_id"] for s in before["sites"]] == sorted(simulator.sites) or len(before["sites"]) == 2
    assert all(
        s["synced_through"] is None and s["lag_seconds"] is None and s["last_error"] is None for s in before["sites"]
    ), before

    def watermarks():
        return {s["site_id"]: s["synced_through"] for s in program.status()["sites"]}

    with program.service():
        eventually(program.equals_source)
        assert any(s["lease_owner"] is None for s in program.status()["sites"])
        simulator.fault("status", path="/engagements", n=1000000, code=403)
        eventually(lambda: all(s["last_error"] and "403" in s["last_error"] for s in program.status()["sites"]))
        held = watermarks()
        failing = program.status()["sites"]
        assert all(s["last_error_at"] and s["next_poll_at"] and s["synced_through"] for s in failing), failing
        simulator.call("/add", n=5)
        holds_for(2, lambda: watermarks() == held, "the watermark moved without a pass")
        simulator.call("/clear")
        eventually(
            lambda: program.equals_source() and all(s["lag_seconds"] < 10 for s in program.status()["sites"]), 60
        )


def on_a_terminal(program, *arguments, **env):
    """What the program writes to a terminal."""
    import pty

    main, side = pty.openpty()
    process = subprocess.Popen(
        [GLIA, "-c", program.config, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=side,
        stderr=side,
        env={**os.environ, "TERM": "xterm", **env},
    )
    os.close(side)
    text = b""
    with contextlib.suppress(OSError):  # EIO: the program has ended
        while chunk := os.read(main, 65536):
            text += chunk
    process.wait()
    os.close(main)
    return text.decode()


@test
def colour_is_for_terminals_that_want_it():
    simulator, program = new_world(20, sites=1)
    expect_success(program.run("run", "--once"))
    assert "\033[32min order" in on_a_terminal(program, "status")
    assert "\033[32mok" in on_a_terminal(program, "check")
    for text in (
        on_a_terminal(program, "status", NO_COLOR="1"),
        on_a_terminal(program, "status", TERM="dumb"),
        program.run("status").out,
        program.run("check").out,
    ):
        assert "\033" not in text and text, text


@test
def status_distinguishes_the_streams_of_a_site():
    simulator, program = new_world(20, sites=1)
    expect_success(program.run("run", "--once"))
    site = simulator.sites[0]
    program.sql(
        "INSERT INTO glia.sync_state (site_id, stream, last_error, last_error_at) "
        f"VALUES ('{site}', 'operators', 'HTTP 403', now())"
    )
    status = program.status()
    (engagements,), (operators,) = status["sites"], status["streams"]
    assert (engagements["stream"], operators["stream"]) == ("engagements", "operators") and engagements[
        "site_id"
    ] == operators["site_id"] == site
    assert (
        engagements["synced_through"]
        and engagements["last_error"] is None
        and operators["last_error"] == "HTTP 403"
        and operators["lag_seconds"] is None
    ), operators
    assert f"site {site} (operators) last error" in program.run("status").out
    expect_success(program.run("run", "--once"))  # which reads the engagements
    found = program.sql(
        f"SELECT stream, count(*) FROM glia.sync_runs WHERE site_id = '{site}' AND mode = 'incremental' GROUP BY 1"
    )
    assert found == "engagements|2", found


@test
def status_is_an_aligned_table():
    simulator, program = new_world(20, sites=3)
    expect_success(program.run("run", "--once"))
    lines = program.run("status").out.splitlines()[:4]
    for title in ("state", "synced through", "last success", "next poll"):
        column = lines[0].index(title)
        assert all(line[column - 1] == " " and line[column] != " " for line in lines), lines


@test
def log_levels_are_set_by_topic():
    simulator, program = new_world(20, sites=1, sync__revisit=[])
    program.settings["log"] = {"level": "error", "topics": {"sync": "debug"}, "format": "json"}
    program.configure(program.settings)
    with program.service() as service:
        eventually(lambda: "pass complete" in service.log(), 30)
    lines = [json.loads(line) for line in service.log().splitlines()]
    assert {line["topic"] for line in lines} == {"sync"}, lines
    assert lines[0]["event"] == "pass complete" and lines[0]["new"] == "20" and lines[0]["level"] == "info", lines[0]


@test
def status_shows_how_long_a_backfill_still_takes():
    simulator, program = new_world(3000, latency_ms=50)
    expect_success(program.run("migrate"))
    process = program.start("backfill", "--from", simulator.start, "--to", simulator.end)
    eventually(lambda: any(b["seconds_left"] is not None for b in program.status()["backfills"]), 60)
    assert "to go" in expect_success(program.run("status")).out
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 75
