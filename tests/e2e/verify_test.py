"""End to end: `verify` finds what differs between the tables and the source, and nothing else."""

import json
import threading

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, test
from world import DATA_TABLES, eventually, holds_for


def verify_all(program, *more, code=None, **options):
    """The report of a verification of all days, and its differences as {(kind, engagement)}."""
    run = program.run("verify", "--from", program.simulator.start, "--json", *more, **options)
    if code is not None:
        assert run.code == code, run
    report = json.loads(run.out)
    return report, {(d["kind"], d["engagement_id"]) for d in report["differences"]}


def new_loaded_world(engagements=400, **options):
    """A world whose tables are complete."""
    simulator, program = new_world(engagements, sites=2, days=10, ongoing_per_mille=0, **options)
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    return simulator, program


def sum_of_sites(report, what):
    """The sum of a figure of the report over all sites."""
    return sum(site[what] for site in report["sites"])


def inject_losses(program):
    """Causes one loss of each kind in the tables. Returns {(kind, engagement)} twice: of those that `verify` always
    finds, and of those in legs that only --legs 100% finds."""
    ids = program.sql(
        "SELECT id FROM glia.engagements WHERE created_at < now() - interval '1 hour' ORDER BY md5(id)"
    ).split()
    with_operator = program.sql(
        "SELECT engagement_id FROM glia.engagement_operators ORDER BY md5(engagement_id) DESC"
    ).split()
    with_queue = program.sql(
        "SELECT engagement_id FROM glia.engagement_queues ORDER BY md5(engagement_id) DESC"
    ).split()
    with_recording = program.sql(
        "SELECT engagement_id FROM glia.audio_recordings ORDER BY md5(engagement_id) DESC"
    ).split()
    with_leg_queue = program.sql("SELECT engagement_id FROM glia.leg_queues ORDER BY md5(engagement_id) DESC").split()
    used, plain, legs = set(), set(), set()

    def inject_loss(candidates, statements, found=plain, kind="different"):
        """Runs the statements on the first candidate without a loss, whose id replaces `{id}`."""
        chosen = next(i for i in candidates if i not in used)
        used.add(chosen)
        found.add((kind, chosen))
        program.sql(statements.replace("{id}", chosen))

    delete = {t: f"DELETE FROM glia.{t} WHERE engagement_id = '{{id}}'" for t in DATA_TABLES[1:] if t != "queues"}
    inject_loss(ids, "; ".join(["DELETE FROM glia.engagements WHERE id = '{id}'", *delete.values()]), kind="missing")
    for change in (
        "duration = coalesce(duration, 0) + 1",
        "visitor_name = 'Somebody'",
        "flagged = NOT flagged",
        "platform = NULL",
        "extra = '{\"a\": 1}'",
        "created_at = created_at + interval '1 second'",
        "visitor_href = 'x'",
    ):
        inject_loss(ids, f"UPDATE glia.engagements SET {change} WHERE id = '{{id}}'")
    inject_loss(with_operator, "UPDATE glia.engagement_operators SET operator_id = 'x' WHERE engagement_id = '{id}'")
    inject_loss(with_queue, delete["engagement_queues"])
    inject_loss(
        with_recording, "INSERT INTO glia.audio_recordings (engagement_id, position, url) VALUES ('{id}', 9, 'x')"
    )
    inject_loss(ids, delete["engagement_sites"])
    no_legs = "UPDATE glia.engagements SET legs_fetched_at = NULL WHERE id = '{id}'"
    inject_loss(ids, "; ".join([no_legs, delete["legs"], delete["leg_queues"]]))
    inject_loss(ids, "; ".join([delete["legs"] + " AND position = 0", delete["leg_queues"]]), legs)
    inject_loss(ids, "UPDATE glia.legs SET end_reason = 'nothing' WHERE engagement_id = '{id}' AND position = 0", legs)
    inject_loss(with_leg_queue, "UPDATE glia.leg_queues SET queue_id = 'x' WHERE engagement_id = '{id}'", legs)
    return plain, legs


def add_under_old_time(simulator):
    """Adds to the source an engagement that began three days ago; returns its id."""
    before = {e["id"] for e in simulator.truth()}
    simulator.call("/add", n=1, ago_s=3 * 86400)
    (added,) = {e["id"] for e in simulator.truth()} - before
    return added


@test(smoke=True)
def verify_finds_nothing_where_all_is_right_and_writes_only_what_it_found():
    simulator, program = new_loaded_world()
    before = program.row_versions_written()
    report, found = verify_all(program, "--legs", "10%", code=0)
    assert not found and program.row_versions_written() == before, found
    assert (
        sum_of_sites(report, "listed")
        == sum_of_sites(report, "stored")
        == int(program.sql("SELECT count(*) FROM glia.engagement_sites"))
    ), report
    assert all(site[k] == 0 for site in report["sites"] for k in ("missing", "different", "gone", "repaired")), report
    expect_success(program.run("check"))
    rows = program.sql(
        "SELECT site_id, count(*), sum(listed), sum(stored), sum(legs_read) > 0 FROM glia.verifications GROUP BY 1 "
        "ORDER BY 1"
    ).splitlines()
    assert len(rows) == 2 and all(row.split("|")[1] in ("10", "11") and row.endswith("t") for row in rows), rows
    assert not json.loads(expect_success(program.run("verify", "--from", "3d", "--json")).out)["differences"]
    table = program.run("verify", "--from", simulator.start, "--site", simulator.sites[0])
    assert table.code == 0 and "all days" in table.out and simulator.sites[1] not in table.out, table
    stored = program.sql(
        "SELECT count(*) FROM glia.freshness WHERE verified_through > now() - interval '1 hour' "
        "AND verified_at IS NOT NULL"
    )
    assert stored == "2", stored


@test
def verify_finds_each_kind_of_loss_and_nothing_else_and_repairs_it():
    simulator, program = new_loaded_world()
    plain, legs = inject_losses(program)
    # A queue's name is a difference of the engagement that it was read from.
    program.sql("UPDATE glia.queues SET name = 'Another' WHERE id = (SELECT min(queue_id) FROM glia.engagement_queues)")
    sources = set(
        program.sql(
            "SELECT e.id FROM glia.engagements e JOIN glia.queues q ON q.name_as_of = e.created_at "
            "WHERE q.name = 'Another'"
        ).split()
    )
    # At the source: added under an old time; removed; and left out of the listings, but still there.
    plain.add(("missing", add_under_old_time(simulator)))
    gone, hidden = sorted({e["id"] for e in simulator.truth()} - {i for _, i in plain | legs} - sources)[:2]
    simulator.call("/remove", id=gone)
    simulator.call("/hide", id=hidden)
    expected = plain | legs | {("gone", gone)}

    _, found = verify_all(program, "--legs", "0%", code=65)
    named = {d for d in found if d[1] in sources} - plain - legs
    assert len(named) == 1 and {k for k, _ in named} == {"different"}, (named, sources)
    assert plain | {("gone", gone)} <= found - named <= expected, (
        found - plain,
        plain - found,
    )  # queue names are compared by a GET of the engagement that each was read from: it shows lost legs too
    before = program.row_versions_written()
    report, found = verify_all(program, "--legs", "100%", "--differences", program.dir + "/differences", code=65)
    assert found - named == expected, (found - expected, expected - found)
    assert program.row_versions_written() == before and sum_of_sites(report, "repaired") == 0
    lines = [json.loads(line) for line in open(program.dir + "/differences")]
    assert sorted(map(str, lines)) == sorted(map(str, report["differences"]))

    report, found = verify_all(program, "--legs", "100%", "--repair", code=0)
    assert found - named == expected and sum_of_sites(report, "repaired") == len(report["differences"]), report
    assert program.sql("SELECT id FROM glia.engagements WHERE missing_since IS NOT NULL") == gone
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program, ignore={gone})
    assert not verify_all(program, "--legs", "100%", code=0)[1]


@test
def verify_finds_a_page_that_the_listing_left_out():
    simulator, program = new_world(400, sites=2, days=10, ongoing_per_mille=0)
    of_site = [e for e in simulator.truth() if e["_sites"] == simulator.sites[:1]]
    page = {e["id"] for e in sorted(of_site, key=lambda e: e["created_at"])[20:120]}
    for i in page:
        simulator.call("/hide", id=i)
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    for i in page:
        simulator.call("/show", id=i)
    assert verify_all(program, code=65)[1] == {("missing", i) for i in page}
    assert verify_all(program, "--repair", code=0)[1] == {("missing", i) for i in page}
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    # What a listing leaves out but the source still has is neither different nor gone.
    for i in page:
        simulator.call("/hide", id=i)
    assert not verify_all(program, "--repair", code=0)[1]
    assert not marked_missing(program)


@test
def what_is_listed_again_at_the_source_is_missing_no_more():
    simulator, program = new_loaded_world(200)
    gone = program.sql("SELECT id FROM glia.engagements ORDER BY md5(id) LIMIT 1")
    simulator.call("/remove", id=gone)
    assert verify_all(program, "--repair", code=0)[1] == {("gone", gone)}
    grant = "SELECT count(*) FROM glia.{} WHERE engagement_id = '" + gone + "'"
    assert program.sql(grant.format("engagement_facts")) == program.sql(grant.format("leg_facts")) == "0"
    assert program.sql(grant.format("legs")) != "0"  # nothing is deleted
    status = program.status()
    assert sum(site["missing"] for site in status["sites"]) >= 1 and all(
        site["verified_through"] for site in status["sites"]
    ), status
    for _ in range(2):
        expect_success(program.run("run", "--once"))
    assert program.sql("SELECT count(*) FROM glia.engagements WHERE missing_since IS NOT NULL") == "1"
    simulator.call("/bring-back", id=gone)
    assert verify_all(program, code=65)[1] == {("different", gone)}
    for _ in range(2):
        program.make_revisits_due()
        expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)
    assert program.sql("SELECT count(*) FROM glia.engagements WHERE missing_since IS NOT NULL") == "0"
    assert program.sql(grant.format("engagement_facts")) == "1" and not verify_all(program, code=0)[1]


def marked_missing(program):
    """The engagements that are marked as missing."""
    return set(program.sql("SELECT id FROM glia.engagements WHERE missing_since IS NOT NULL").split())


@test
def the_service_marks_what_the_source_no_longer_has():
    simulator, program = new_loaded_world(300)
    ids = program.sql("SELECT id FROM glia.engagements ORDER BY md5(id)").split()
    gone, hidden = set(ids[:3]), ids[3]
    for i in gone:
        simulator.call("/remove", id=i)
    simulator.call("/hide", id=hidden)
    before = program.sql("SELECT count(*) FROM glia.legs")
    with program.service():
        eventually(lambda: marked_missing(program) == gone, 30, "marking them as missing")
    assert program.sql("SELECT count(*) FROM glia.legs") == before
    expect_tables_equal_source(program, ignore=gone)
    back = gone.pop()
    simulator.call("/bring-back", id=back)
    with program.service():
        eventually(lambda: marked_missing(program) == gone, 30, "the return of one")
    expect_tables_equal_source(program, ignore=gone)


@test
def a_backfill_marks_what_the_source_no_longer_has():
    simulator, program = new_loaded_world(300)
    gone = program.sql("SELECT id FROM glia.engagements ORDER BY md5(id) LIMIT 1")
    simulator.call("/remove", id=gone)
    expect_success(program.backfill("--restart"))
    assert marked_missing(program) == {gone}


@test
def a_backfill_marks_what_was_alone_in_its_window():
    simulator, program = new_loaded_world(60)
    gone = program.sql("SELECT id FROM glia.engagements ORDER BY md5(id) LIMIT 1")
    simulator.call("/remove", id=gone)
    window = ("--from", simulator.start, "--to", simulator.end, "--window", "15m", "--restart")
    expect_success(program.run("backfill", *window))
    assert marked_missing(program) == {gone}


@test
def the_service_marks_nothing_where_a_site_is_refused_or_the_listing_leaves_out_much():
    simulator, program = new_loaded_world(300)
    ids = program.sql("SELECT id FROM glia.engagements ORDER BY md5(id)").split()
    for i in ids[:150]:
        simulator.call("/remove", id=i)
    with program.service(expect=None) as service:
        eventually(lambda: "lacks many stored engagements" in service.log(), 30, "the warning")
        holds_for(3, lambda: not marked_missing(program), "the listing leaves out much")
        # Every answer is a refusal now.
        simulator.fault("status", path="/engagements", n=1000000, code=403)
        eventually(lambda: simulator.stats().get("fault:status", 0) > 0, what="a refusal")
        holds_for(3, lambda: not marked_missing(program), "the site is refused")
    assert not marked_missing(program)


@test
def verify_is_right_while_the_service_runs():
    """What changes at the source meanwhile is still being synced, and is no difference."""
    simulator, program = new_loaded_world(600)
    plain, legs = inject_losses(program)
    stop = threading.Event()

    def change():
        while not stop.wait(0.5):
            simulator.call("/mutate", n=3)
            simulator.call("/add", n=1, ago_s=30)

    thread = threading.Thread(target=change)
    with program.service():
        eventually(
            lambda: "pass complete" in open(program.dir + "/service.log").read()
            or program.sql("SELECT count(*) FROM glia.sync_state WHERE lease_owner IS NOT NULL") != "0",
            20,
            "a pass",
        )
        thread.start()
        try:
            _, found = verify_all(program, "--legs", "100%", timeout=400)
        finally:
            stop.set()
            thread.join()
        # The injected differences are still there, unless the source has changed the same engagement since.
        assert found <= plain | legs, found - plain - legs
        assert len(found) >= (len(plain) + len(legs)) / 2, plain | legs - found
        report, _ = verify_all(program, "--legs", "100%", "--repair", timeout=400)
        try:
            eventually(program.equals_source, 30, "equality")
        except AssertionError:
            raise AssertionError(str(program.differences()[:5]) + str(report["differences"][:3]))


@test
def verify_finds_each_loss_under_load_and_with_kills_in_between():
    simulator, program = new_loaded_world()
    plain, legs = inject_losses(program)
    plain.add(("missing", add_under_old_time(simulator)))
    gone = min({e["id"] for e in simulator.truth()} - {i for _, i in plain | legs})
    simulator.call("/remove", id=gone)
    simulator.fault("status", path="/engagements", n=30, code=503)
    simulator.fault("late", path="/engagements", n=1000000, ms=10)
    arguments = ("verify", "--from", simulator.start, "--legs", "100%")
    others = [program.start_logged(*arguments, name=f"verify{i}") for i in range(2)]
    for wait in (0.3, 1, 2):
        program.run_killed(wait, *arguments)
    others[0].kill()
    _, found = verify_all(program, "--legs", "100%", code=65, timeout=400)
    expected = plain | legs | {("gone", gone)}
    assert found == expected, (found - expected, expected - found)
    assert others[1].wait(400) == 65, others[1].log()
    others[0].wait()
    simulator.quick()
    _, found = verify_all(program, "--legs", "100%", "--repair", code=0)
    assert found == expected, (found - expected, expected - found)
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program, ignore={gone})


@test
def verify_is_right_while_a_backfill_runs():
    """A backfill loads what is missing, and leaves alone what it takes for unchanged."""
    simulator, program = new_loaded_world(600)
    plain, legs = inject_losses(program)
    backfill = program.start_logged(
        "backfill", "--from", simulator.start, "--to", simulator.end, "--window", "1d", "--restart", name="backfill"
    )
    _, found = verify_all(program, "--legs", "100%", timeout=400)
    assert backfill.wait(400) == 0, backfill.log()
    _, still = verify_all(program, "--legs", "100%", timeout=400)
    assert still <= found <= plain | legs, (still - found, found - plain - legs)
    verify_all(program, "--legs", "100%", "--repair", code=0, timeout=400)
    expect_success(program.run("run", "--once"))
    expect_tables_equal_source(program)


@test
def a_verification_that_is_killed_harms_nothing():
    simulator, program = new_loaded_world()
    plain, legs = inject_losses(program)
    simulator.fault("late", path="/engagements", n=1000000, ms=30)
    for wait in (0.3, 0.8, 1.5, 2.5):
        program.run_killed(wait, "verify", "--from", simulator.start, "--legs", "100%", "--repair")
    simulator.quick()
    _, found = verify_all(program, "--legs", "100%", "--repair", code=0)
    assert found <= plain | legs, found - plain - legs
    expect_tables_equal_source(program)


@test
def what_cannot_be_listed_is_not_called_gone():
    simulator, program = new_loaded_world(200)
    program.settings["api"]["max_retries"] = 0
    program.configure(program.settings)
    simulator.fault("status", path="/engagements", n=6, code=500)
    run = program.run("verify", "--from", simulator.start, "--json", "--repair")
    assert run.code == 69 and json.loads(run.out)["differences"] == [], run
    simulator.quick()
    assert program.sql("SELECT count(*) FROM glia.engagements WHERE missing_since IS NOT NULL") == "0"
    program.settings["api"]["sites"] = [*simulator.sites, "no-such-site"]
    program.configure(program.settings)
    run = program.run("verify", "--from", simulator.start, "--json")
    assert run.code == 77 and json.loads(run.out)["differences"] == [], run


@test
def much_more_gone_than_is_plausible_is_not_marked():
    simulator, program = new_loaded_world(300)
    for i in program.sql("SELECT id FROM glia.engagements").split():
        simulator.call("/remove", id=i)
    run = program.run("verify", "--from", simulator.start, "--json", "--repair")
    assert run.code == 65, run
    marked = int(program.sql("SELECT count(*) FROM glia.engagements WHERE missing_since IS NOT NULL"))
    assert len(json.loads(run.out)["differences"]) >= 300 and "plausible" in run.err and marked < 60, (marked, run)


@test
def verify_says_what_it_cannot_do():
    simulator, program = new_world(20)
    expect_refusal(program.run("verify", "--from", "soon"), 64, "--from", "is not a time")
    expect_refusal(program.run("verify", "--from", "2024-01-01", "--legs", "101%"), 64, "--legs", "share")
    expect_refusal(program.run("verify", "--from", "2024-01-01", "--site", "elsewhere"), 64, "--site")
    expect_refusal(
        program.run("verify", "--from", simulator.start, "--differences", "/no/such/folder/x"), 64, "--differences"
    )
    program.settings["sink"] = {"type": "ndjson", "ndjson": {"path": program.dir + "/out.ndjson"}}
    program.configure(program.settings)
    expect_refusal(program.run("verify", "--from", simulator.start), 78, "postgres")
