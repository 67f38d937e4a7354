"""End to end: API faults."""

import os
import signal
import socket
import subprocess
import time

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, test
from world import eventually, next_second


def survives(kind, path, n=3, **query):
    """Returns a test: a backfill and a pass succeed despite `n` such faults."""

    def run():
        simulator, program = new_world(600)
        simulator.fault(kind, path=path, n=n, **query)
        expect_success(program.backfill(timeout=120))
        expect_success(program.run("run", "--once"))
        expect_tables_equal_source(program)
        assert simulator.stats().get("fault:" + kind, 0) >= 1, "the fault was never met"

    return run


for name, kind, query in [
    ("429_without_retry_after", "status", dict(code=429)),
    ("429_with_retry_after", "status", dict(code=429, retry_after="1")),
    ("429_with_a_date", "status", dict(code=429, retry_after="Thu, 01 Jan 2015 00:00:00 GMT")),
    ("408", "status", dict(code=408)),
    ("500", "status", dict(code=500)),
    ("502", "status", dict(code=502)),
    ("503", "status", dict(code=503, retry_after="1")),
    ("504", "status", dict(code=504)),
    ("a_cut_connection", "close", {}),
    ("a_connection_that_is_reset", "reset", {}),
    ("a_cut_response", "truncate", {}),
    ("garbage", "garbage", {}),
    ("html_of_a_gateway", "html", {}),
    ("a_wrong_length", "wrong-length", {}),
    ("bad_gzip", "bad-gzip", {}),
    ("a_hanging_response", "hang", dict(n=1)),
    ("a_dripping_response", "drip", dict(n=1)),
    ("an_endless_response", "huge", dict(n=1)),
    ("items_twice_on_a_page", "dup-items", {}),
    ("a_cursor_that_ended", "cursor-gone", {}),
]:
    function = survives(kind, "/engagements", **query)
    function.__name__ = "the_listing_survives_" + name
    test(function)

for name, kind, query in [
    ("408", "status", dict(code=408)),
    ("429", "status", dict(code=429)),
    ("500", "status", dict(code=500)),
    ("a_cut_connection", "close", {}),
    ("garbage", "garbage", {}),
    ("a_cut_response", "truncate", {}),
    ("a_hanging_response", "hang", dict(n=1)),
    ("bad_gzip", "bad-gzip", {}),
    ("html_of_a_gateway", "html", {}),
]:
    function = survives(kind, "/engagements/", **query)
    function.__name__ = "the_details_survive_" + name
    test(function)


@test
def invalid_utf8_costs_nothing_once_and_characters_if_it_stays():
    simulator, program = new_world(300)
    simulator.fault("bad-utf8", path="/engagements", n=1)
    expect_success(program.backfill())
    expect_tables_equal_source(program)
    simulator, program = new_world(300)
    simulator.fault("bad-utf8", path="/engagements", n=100000)
    expect_success(program.backfill())
    assert program.sql("SELECT count(*) FROM glia.engagements") == "300"
    assert int(program.sql("SELECT count(*) FROM glia.engagements WHERE visitor_name LIKE U&'\\FFFD%'")) > 0


@test
def one_bad_record_costs_one_record():
    for how, reason in [
        ("created_at", "created_at"),
        ("no-comma", "malformed"),
        ("no-quote", "malformed"),
        ("no-id", "id is missing"),
        ("scalar", "not an object"),
    ]:
        simulator, program = new_world(400)
        simulator.fault("bad-record", path="/engagements", n=1, how=how)
        finished = program.backfill("--strict")
        assert finished.code == 65, finished
        found = program.sql(
            f"SELECT count(*), bool_and(reason LIKE '%{reason}%'), bool_and(length(payload) > 0) "
            "FROM glia.rejected_records"
        )
        assert found == "1|t|t", found
        assert int(program.sql("SELECT count(*) FROM glia.engagements")) >= 398
        assert program.status()["rejected"] == 1
        expect_success(program.run("run", "--once"))
        expect_tables_equal_source(program)


@test(smoke=True)
def a_page_with_a_broken_record_a_wrong_type_a_byte_order_mark_and_a_control_character_loads():
    simulator, program = new_world(400, sites=1)
    simulator.fault("bom", path="/engagements", n=100000)  # on details too
    simulator.fault("bad-record", path="/engagements", n=1, how="no-quote,duration,control,no-comma")
    expect_success(program.backfill())
    found = program.sql(
        "SELECT count(*), bool_and(reason LIKE 'the record is malformed%' AND payload LIKE '{\"id\"%') "
        "FROM glia.rejected_records"
    )
    assert found == "2|t", found
    assert program.sql("SELECT count(*) FROM glia.engagements") == "398"
    expect_success(program.run("run", "--once"))  # the same records, whole
    expect_tables_equal_source(program)
    assert program.status()["rejected"] == 0, program.sql(
        "SELECT reason, engagement_id, resolved_at FROM glia.rejected_records"
    )


@test
def a_field_of_another_type_costs_itself_until_it_is_sent_rightly():
    simulator, program = new_world(300, sites=1)
    victims = "extra->>'duration' = 'ten' AND duration IS NULL"
    simulator.fault("bad-record", path="/engagements", n=1, how="duration,control")
    simulator.fault("status", path="/engagements/", n=100000, code=404)  # so that no detail corrects it
    expect_success(program.backfill())
    found = program.sql(
        f"SELECT count(*) FILTER (WHERE {victims}), count(*) FILTER (WHERE extra->>'t' = E'tab\\there'), count(*) "
        "FROM glia.engagements"
    )
    assert found == "1|1|300", found
    assert program.status()["rejected"] == 0, program.sql(
        "SELECT reason, engagement_id, resolved_at FROM glia.rejected_records"
    )
    simulator.call("/clear")
    expect_success(program.run("run", "--once"))
    assert program.sql("SELECT count(*) FROM glia.engagements WHERE " + victims + " OR extra ? 't'") == "0"


@test
def an_engagement_whose_details_fail_holds_nothing_up():
    simulator, program = new_world(400)
    victim = simulator.truth()[200]["id"]
    simulator.fault("status", path="/engagements/" + victim, n=100000, code=404)
    expect_success(program.backfill())
    assert (
        program.sql(f"SELECT parked, last_error LIKE '%404%' FROM glia.detail_queue WHERE engagement_id = '{victim}'")
        == "t|t"
    )
    assert program.status()["detail_queue"] == {"waiting": 0, "parked": 1}
    assert program.sql("SELECT count(DISTINCT engagement_id) FROM glia.legs") == "399"


@test
def a_repeating_link_ends_the_pass_with_an_error_and_moves_no_watermark():
    simulator, program = new_world(1000, sites=1)
    simulator.fault("next-loop", path="/engagements", n=100000)
    finished = program.run("run", "--once")
    expect_refusal(finished, 69, "repeats itself")
    assert program.status()["sites"][0]["synced_through"] is None
    simulator.call("/clear")
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def a_link_to_another_origin_is_refused_and_the_token_stays_home():
    simulator, program = new_world(1000, sites=1)
    listener = socket.create_server(("127.0.0.2", simulator.port))
    listener.settimeout(0.1)
    simulator.fault("next-foreign", path="/engagements", n=1)
    finished = program.run("run", "--once")
    expect_refusal(finished, 78, "127.0.0.2", "trusted_origins")
    try:
        listener.accept()
        raise AssertionError("somebody asked the other origin")
    except socket.timeout:
        pass
    listener.close()
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def an_absurdly_long_retry_after_neither_stalls_the_program_nor_keeps_it_from_stopping():
    simulator, program = new_world(300)
    simulator.fault("status", path="/engagements", n=1, code=429, retry_after="99999999999")
    with program.service() as service:
        eventually(lambda: "next=1m" in service.log(), 10, "the wait of a minute")
        began = time.time()
        service.send_signal(signal.SIGTERM)
        assert service.wait(10) == 0 and time.time() - began < 6
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def a_host_that_has_no_address_is_exit_code_69_and_the_service_goes_on_trying():
    simulator, program = new_world(10, api__base_url="https://no-such-host.invalid", api__max_retries=1)
    expect_refusal(program.run("run", "--once"), 69, "no-such-host.invalid", "looking up")
    with program.service() as service:
        eventually(lambda: service.log().count("site failed") >= 3, 40)
        assert "no-such-host.invalid" in program.status()["sites"][0]["last_error"]


@test
def a_token_that_ends_stops_the_site_until_there_is_a_new_one():
    simulator, program = new_world(800, latency_ms=5)
    with program.service() as service:
        eventually(program.equals_source)
        simulator.call("/token", value="the-next-token")
        simulator.call("/add", n=10)
        eventually(lambda: all("401" in (s["last_error"] or "") for s in program.status()["sites"]))
        assert service.poll() is None
        program.write("token", "the-next-token\n")
        eventually(program.equals_source)


@test
def a_404_on_one_site_costs_that_site():
    simulator, program = new_world(600, sites=2)
    simulator.fault("status", path="/engagements", n=1, code=404)
    finished = program.run("run", "--once")
    expect_refusal(finished, 78, "404")
    assert sum(s["synced_through"] is not None for s in program.status()["sites"]) == 1
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def engagements_whose_details_keep_failing_never_hold_up_the_rest():
    simulator, program = new_world(400, api__max_retries=30)
    poisoned = [e["id"] for e in simulator.truth()][-20:]
    for victim in poisoned:
        simulator.fault("status", path="/engagements/" + victim, n=1000000, code=500)
    with program.service(expect=None):
        eventually(
            lambda: program.has_schema()
            and program.sql("SELECT count(DISTINCT engagement_id) FROM glia.legs") == "380",
            40,
            "the legs of all the others",
        )


@test
def a_403_on_one_engagement_parks_it_and_it_is_tried_again():
    simulator, program = new_world(300)
    victim = simulator.truth()[10]["id"]
    simulator.fault("status", path="/engagements/" + victim, n=1, code=403)
    expect_success(program.run("run", "--once"))
    assert program.status()["detail_queue"] == {"waiting": 0, "parked": 1}
    row = program.sql("SELECT attempts, last_error LIKE '%403%', next_attempt_at > now() FROM glia.detail_queue")
    assert row == "1|t|t", row
    program.sql("UPDATE glia.detail_queue SET next_attempt_at = now()")
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    assert program.status()["detail_queue"] == {"waiting": 0, "parked": 0}


@test
def an_older_response_that_comes_late_does_not_overwrite_a_newer_one():
    simulator, program = new_world(300, sites=1, api__request_timeout="30s", sync__revisit=[], legs_in_list=True)
    expect_success(program.run("run", "--once"))
    # The backfill's page is made now and arrives in eight seconds; meanwhile everything changes and is read.
    simulator.fault("late", path="/engagements", n=1, ms=8000)
    backfill = program.start("backfill", "--from", simulator.start, "--window", "60d")
    eventually(lambda: simulator.stats().get("fault:late"))
    next_second()
    for number in range(3):
        simulator.call("/mutate", n=200)
        simulator.call("/rename-queue", index=number, name=f"New name {number}")
    simulator.call("/add", n=20)
    program.settings["sync"]["revisit"] = [{"every": "1s", "back": "400d"}]
    program.configure(program.settings)
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    out, err = backfill.communicate(timeout=60)
    assert backfill.returncode == 0, (out, err)
    expect_tables_equal_source(program)


@test
def an_engagement_whose_details_are_always_cut_does_not_fail_the_backfill():
    simulator, program = new_world(400, api__max_retries=2)
    victim = simulator.truth()[200]["id"]
    simulator.fault("truncate", path="/engagements/" + victim, n=100000)
    expect_success(program.backfill())
    assert program.sql("SELECT count(DISTINCT engagement_id) FROM glia.legs") == "399"
    assert (
        program.sql("SELECT engagement_id, attempts > 0, last_error IS NOT NULL FROM glia.detail_queue")
        == victim + "|t|t"
    )


SLOW_LOOKUP = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    if (name && !strcmp(name, "slow.example")) {
        close(creat("MARKER", 0600));
        sleep(60);
    }
    return ((lookup *)dlsym(RTLD_NEXT, "getaddrinfo"))(name, service, hints, result);
}
"""


@test
def a_lookup_that_hangs_ends_in_time_and_does_not_keep_the_program_from_stopping():
    simulator, program = new_world(
        10, api__base_url="https://slow.example", api__connect_timeout="1s", api__max_retries=1
    )
    marker = program.dir + "/lookup-began"  # made when the lookup begins
    source = program.write("slow.c", SLOW_LOOKUP.replace("MARKER", marker))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", program.dir + "/slow.so", source, "-ldl"], check=True)
    slow = {"LD_PRELOAD": program.dir + "/slow.so", "ASAN_OPTIONS": "verify_asan_link_order=0"}
    began = time.time()
    expect_refusal(program.run("run", "--once", env=slow), 69, "timed out while looking up slow.example")
    assert time.time() - began < 20, time.time() - began
    os.remove(marker)
    process = program.start("run", env=slow)
    eventually(lambda: os.path.exists(marker), what="the lookup")
    began = time.time()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0 and time.time() - began < 4, (process.returncode, time.time() - began, err)
