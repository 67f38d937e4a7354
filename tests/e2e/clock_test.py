"""Clocks that are wrong do no harm (DESIGN.md §3.10), and neither does a response that arrives late (§3.2)."""

import re
import time
import urllib.request

from harness import expect_success, expect_tables_equal_source, new_world, shared_cluster, test
from raw_api import RawApi, engagement, response
from world import Program, eventually, free_port, next_second

DAY_MS = 86_400_000


def lag(program):
    """How far each site is behind, in seconds."""
    return [site["lag_seconds"] for site in program.status()["sites"]]


@test
def one_date_a_day_ahead_does_not_hide_what_comes_later():
    for first_of_all in (True, False):
        simulator, program = new_world(200, sync__revisit=[])
        if not first_of_all:
            expect_success(program.run("run", "--once"))
        simulator.fault("date", path="/engagements", n=1, ms=DAY_MS)
        expect_success(program.run("run", "--once"))
        assert simulator.stats().get("fault:date") == 1
        assert all(-61 <= seconds < 600 for seconds in lag(program)), lag(program)
        simulator.call("/add", n=10)
        expect_success(program.run("run", "--once"))
        expect_tables_equal_source(program)


@test
def one_date_a_day_ahead_does_not_keep_later_changes_out():
    simulator, program = new_world(200, sites=1, legs_in_list=True)
    simulator.fault("date", path="/engagements", n=1, ms=DAY_MS)
    expect_success(program.run("run", "--once"))
    simulator.call("/mutate", n=100)
    # Until the revisit is due.
    eventually(lambda: expect_success(program.run("run", "--once")) and program.equals_source())


@test
def a_service_ignores_dates_that_jump_and_counts_them():
    port = free_port()
    simulator, program = new_world(200, sites=1, sync__revisit=[], admin__listen=f"127.0.0.1:{port}")
    with program.service():
        eventually(program.equals_source)
        for number, ms in enumerate((DAY_MS, -DAY_MS, 3_600_000), 1):
            simulator.fault("date", path="/engagements", n=1, ms=ms)
            eventually(lambda: simulator.stats().get("fault:date") == number)
        simulator.call("/add", n=10)
        eventually(program.equals_source)
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    ignored = re.search(r"^glia_sync_api_dates_ignored_total (\d+)", metrics, re.M)
    assert ignored and int(ignored[1]) == 3, metrics[-2000:]
    offset = re.search(r"^glia_sync_api_clock_offset_seconds (\S+)", metrics, re.M)
    assert offset and abs(float(offset[1])) < 5, offset
    assert all(-61 <= seconds < 600 for seconds in lag(program)), lag(program)


@test
def an_api_whose_clock_is_hours_off_is_reported_everywhere_and_loses_nothing():
    for skew in (7200, -7200):
        port = free_port()
        simulator, program = new_world(200, skew_s=skew, admin__listen=f"127.0.0.1:{port}")
        check = expect_success(program.run("check"))
        words = "ahead of" if skew > 0 else "behind"
        assert "clock: the API's is 2h" in check.out and words in check.out, check
        with program.service() as service:
            eventually(program.equals_source)
            simulator.call("/add", n=10)
            simulator.call("/mutate", n=50)
            eventually(program.equals_source)
            metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
            log = service.log()
        offset = re.search(r"^glia_sync_api_clock_offset_seconds (\S+)", metrics, re.M)
        assert offset and abs(float(offset[1]) - skew) < 5, offset
        assert log.count("the clocks of the API and of this machine differ") == 1, log[-2000:]
        status = expect_success(program.run("status")).out
        assert "the API's is 2h" in status and words in status, status
        clocks = program.status()["clocks"]
        assert len(clocks) == 1 and abs(clocks[0]["api_ahead_seconds"] - skew) < 5, clocks
        if skew > 0:
            assert all(seconds >= -61 for seconds in lag(program)), lag(program)


@test
def a_watermark_that_a_wrong_clock_put_into_the_future_is_set_back_and_reported():
    simulator, program = new_world(200, sites=1, sync__revisit=[])
    expect_success(program.run("run", "--once"))
    program.sql("UPDATE glia.sync_state SET synced_through = now() + interval '1 day'")
    assert "watermark in the future" in expect_success(program.run("status")).out
    simulator.call("/add", n=10)
    again = expect_success(program.run("run", "--once"))
    assert "the watermark was ahead of the clock" in again.err + again.out, again
    assert all(-61 <= seconds < 600 for seconds in lag(program)), lag(program)
    expect_tables_equal_source(program)


@test
def what_changed_and_changed_back_is_not_overwritten_by_an_answer_that_comes_late():
    simulator, program = new_world(300, sites=1, api__request_timeout="30s", sync__revisit=[], legs_in_list=True)
    expect_success(program.run("run", "--once"))
    # The backfill's page shows the changes, and arrives in eight seconds; meanwhile they are undone and everything is
    # read again.
    simulator.call("/remember")
    simulator.call("/mutate", n=300)
    simulator.fault("late", path="/engagements", n=1, ms=8000)
    backfill = program.start("backfill", "--from", simulator.start, "--window", "60d")
    eventually(lambda: simulator.stats().get("fault:late"))
    simulator.call("/restore")
    program.settings["sync"]["revisit"] = [{"every": "1s", "back": "400d"}]
    program.configure(program.settings)
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    out, err = backfill.communicate(timeout=60)
    assert backfill.returncode == 0, (out, err)
    expect_tables_equal_source(program)


def http_date(seconds_ahead):
    """The value of a Date header that is `seconds_ahead` of this machine's clock."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + seconds_ahead))


def dated_world(date, **changes):
    """An API with one engagement, whose visitor is called `state["name"]`, and with `date()` as the Date of its
    responses. Returns `state` and a program."""
    state, record = {"name": "first"}, engagement(
        1, "site-a", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    )
    api = RawApi(
        lambda request: response(
            {"engagements": [record | {"visitor_name": state["name"]}], "next_page": None}, date=date()
        ),
        sites=["site-a"],
    )
    return state, Program(shared_cluster(), api, sync__revisit=[{"every": "1s", "back": "24h"}], **changes)


def expect_change_stored(program, state, name):
    """Changes the name at the source and expects that the next run stores it."""
    state["name"] = name
    if program.has_schema():
        next_second()
        program.make_revisits_due()
    expect_success(program.run("run", "--once"))
    stored = program.sql("SELECT visitor_name FROM glia.engagements")
    assert stored == name, (stored, name, program.sql("SELECT fetched_at FROM glia.engagements"))


@test
def a_date_that_no_server_has_is_passed_over():
    for date in (
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "soon",
        "",
    ):
        state, program = dated_world(lambda: date)
        for name in ("first", "second"):
            expect_change_stored(program, state, name)
        assert all(-61 <= seconds < 600 for seconds in lag(program)), (date, lag(program))
        assert (
            program.sql("SELECT abs(extract(epoch FROM now() - fetched_at)) < 600 FROM glia.engagements") == "t"
        ), date


@test
def a_clock_that_was_wrong_and_is_corrected_keeps_no_change_out():
    for offsets in ((DAY_MS // 1000, DAY_MS // 1000, 0, 0), (0, -DAY_MS // 1000, -DAY_MS // 1000, 0)):
        now = [0]
        state, program = dated_world(lambda: http_date(now[0]))
        for number, now[0] in enumerate(offsets):
            expect_change_stored(program, state, f"visitor {number}")
