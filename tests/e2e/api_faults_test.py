"""End to end: API faults."""
from harness import *

def survives(kind, path, n=3, **query):
    def run():
        simulator, program = world(600)
        simulator.fault(kind, path=path, n=n, **query)
        done(program.backfill(timeout=120))
        done(program.run("run", "--once"))
        equal(program)
        assert simulator.stats().get("fault:" + kind, 0) >= 1, "the fault was never met"
    return run


for name, kind, query in [("429_with_retry_after", "status", dict(code=429, retry_after="1")), ("429_with_a_date", "status", dict(code=429, retry_after="Thu, 01 Jan 2015 00:00:00 GMT")),
                          ("408", "status", dict(code=408)), ("500", "status", dict(code=500)), ("503", "status", dict(code=503, retry_after="1")),
                          ("a_cut_connection", "close", {}), ("a_cut_response", "truncate", {}), ("garbage", "garbage", {}), ("html_of_a_gateway", "html", {}),
                          ("a_wrong_length", "wrong-length", {}), ("bad_gzip", "bad-gzip", {}), ("a_hanging_response", "hang", dict(n=1)),
                          ("a_dripping_response", "drip", dict(n=1)), ("an_endless_response", "huge", dict(n=1)), ("items_twice_on_a_page", "dup-items", {}),
                          ("a_cursor_that_ended", "cursor-gone", {})]:
    path = "/engagements"
    function = survives(kind, path, **{"n": 3, **query})
    function.__name__ = "the_listing_survives_" + name
    test(function)

for name, kind, query in [("500", "status", dict(code=500)), ("a_cut_connection", "close", {}), ("garbage", "garbage", {})]:
    function = survives(kind, "/engagements/", **query)
    function.__name__ = "the_details_survive_" + name
    test(function)


@test
def invalid_utf8_that_passes_costs_nothing_and_that_stays_costs_characters():
    simulator, program = world(300)
    simulator.fault("bad-utf8", path="/engagements", n=1)
    done(program.backfill())
    equal(program)
    simulator, program = world(300)
    simulator.fault("bad-utf8", path="/engagements", n=100000)
    done(program.backfill())
    assert program.sql("SELECT count(*) FROM glia.engagements") == "300"
    assert int(program.sql("SELECT count(*) FROM glia.engagements WHERE visitor_name LIKE U&'\\FFFD%'")) > 0


@test
def one_bad_record_costs_one_record():
    for how, reason in [("created_at", "created_at"), ("duration", "duration"), ("no-id", "id is missing"), ("scalar", "not an object")]:
        simulator, program = world(400)
        simulator.fault("bad-record", path="/engagements", n=1, how=how)
        finished = program.backfill("--strict")
        assert finished.code == 65, finished
        assert program.sql("SELECT count(*), bool_and(reason LIKE '%" + reason + "%'), bool_and(length(payload) > 0) FROM glia.rejected_records") == "1|t|t"
        assert int(program.sql("SELECT count(*) FROM glia.engagements")) >= 398
        assert program.status()["rejected"] == 1
        done(program.run("run", "--once"))
        equal(program)


@test
def an_engagement_whose_details_fail_holds_nothing_up():
    simulator, program = world(400)
    victim = simulator.truth()[200]["id"]
    simulator.fault("status", path="/engagements/" + victim, n=100000, code=404)
    done(program.backfill())
    assert program.sql(f"SELECT parked, last_error LIKE '%404%' FROM glia.detail_queue WHERE engagement_id = '{victim}'") == "t|t"
    assert program.status()["detail_queue"] == {"waiting": 0, "parked": 1}
    assert program.sql("SELECT count(DISTINCT engagement_id) FROM glia.legs") == "399"


@test
def a_repeating_link_ends_the_pass_with_an_error_and_moves_no_watermark():
    simulator, program = world(1000, sites=1)
    simulator.fault("next-loop", path="/engagements", n=100000)
    finished = program.run("run", "--once")
    refused(finished, 69, "repeats itself")
    assert program.status()["sites"][0]["synced_through"] is None
    simulator.call("/clear")
    done(program.run("run", "--once"))
    equal(program)


@test
def a_link_to_another_origin_is_refused_and_the_token_stays_home():
    simulator, program = world(1000, sites=1)
    listener = socket.create_server(("127.0.0.2", simulator.port))
    listener.settimeout(0.1)
    simulator.fault("next-foreign", path="/engagements", n=1)
    finished = program.run("run", "--once")
    refused(finished, 78, "127.0.0.2", "trusted_origins")
    try:
        listener.accept()
        raise AssertionError("somebody asked the other origin")
    except socket.timeout: pass
    listener.close()
    done(program.run("run", "--once"))
    equal(program)
