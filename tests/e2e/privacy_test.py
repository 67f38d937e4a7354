"""Privacy from outside: with every level on drop or hash, nothing that identifies a visitor is stored, logged or
shown."""

import subprocess
import urllib.request

from harness import expect_success, new_world, test
from world import eventually, free_port

LEVELS = ("visitor_name", "visitor_id", "audio_recording_urls", "transcripts", "extra")


def personal_words(simulator):
    """Every visitor's name and id at the source, and the tokens of the recordings' URLs."""
    words = set()
    for e in simulator.truth():
        words |= {
            e["visitor_name"].replace("\0", "\ufffd"),
            e["visitor_id"],
            *(u.rsplit("/", 1)[1] for u in e["audio_recording_urls"]),
        }
    return {w for w in words if len(w) > 3 and w != "NULL"}  # a visitor is called NULL, which every dump contains


def database_dump(program):
    """The whole database as text."""
    return subprocess.run(
        ["pg_dump", "-d", program.cluster.dsn(program.database), "--inserts"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def expect_personal_words_nowhere(level):
    """With all levels of privacy at `level`, no personal word of the source is stored, logged or shown."""
    simulator, program = new_world(600, sites=1, ongoing_per_mille=300)
    port = free_port()
    program.settings["privacy"] = {name: level for name in LEVELS} | {
        "key_file": program.write("key", "0123456789abcdef" * 2)
    }
    program.settings["log"] = {"level": "debug"}
    program.settings["admin"] = {"listen": f"127.0.0.1:{port}"}
    program.configure(program.settings)
    for how in ("created_at", "no-id", "no-comma", "no-quote"):
        simulator.fault("bad-record", path="/engagements", n=2, how=how)
    simulator.fault("truncate", path="/engagements", n=1)
    simulator.fault("garbage", path="/engagements/", n=1)
    simulator.fault("bad-utf8", path="/engagements", n=1)
    words = personal_words(simulator)
    with program.service() as service:
        eventually(
            lambda: program.has_schema()
            and program.sql("SELECT count(*) FROM glia.engagements") >= "590"
            and program.sql("SELECT count(*) FROM glia.detail_queue") == "0",
            60,
        )
        simulator.call("/mutate", n=50)
        words |= personal_words(simulator)
        program.wait_for_passes(4 * len(simulator.sites))
        pages = "".join(
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20).read().decode()
            for path in ("/", "/status.json", "/metrics", "/healthz", "/readyz")
        )
        log = service.log()
    rejected = program.sql("SELECT reason FROM glia.rejected_records").splitlines()
    assert any("malformed" in r for r in rejected) and len(rejected) >= 3, rejected
    shown = expect_success(program.run("rejects", "list", "--json")).out + expect_success(program.run("status")).out
    places = {"dump": database_dump(program), "log": log, "pages": pages, "rejects": shown}
    for place, text in places.items():
        assert len(text) > 100, place
        found = [w for w in words if w in text]
        assert not found, f"{level}: {place} holds {found[:3]} of {len(words)}"
    return simulator, program


@test
def with_everything_dropped_no_byte_of_a_visitor_is_anywhere():
    simulator, program = expect_personal_words_nowhere("drop")
    found = program.sql(
        "SELECT count(visitor_name) + count(visitor_id) + count(visitor_href) + count(extra) FROM glia.engagements"
    )
    assert found == "0", found
    found = program.sql(
        "SELECT count(*) FILTER (WHERE path IN ('language', 'legs[].sentiment')), count(example) "
        "FROM glia.undocumented_members"
    )
    assert found == "2|0", found
    urls = sum(len(e["audio_recording_urls"]) for e in simulator.truth())
    assert program.sql("SELECT count(*) >= " + str(urls - 20) + ", count(url) FROM glia.audio_recordings") == "t|0"


@test
def with_everything_hashed_no_byte_of_a_visitor_is_anywhere_and_visitors_can_still_be_counted():
    simulator, program = expect_personal_words_nowhere("hash")
    loaded = set(program.sql("SELECT id FROM glia.engagements").split())
    visitors = {e["visitor_id"] for e in simulator.truth() if e["id"] in loaded}
    assert program.sql("SELECT count(DISTINCT visitor_id) FROM glia.engagements") == str(len(visitors))


@test
def without_privacy_the_same_search_finds_them():
    simulator, program = new_world(200, sites=1)
    expect_success(program.backfill())
    text = database_dump(program)
    missing = [w for w in personal_words(simulator) if w not in text and "'" not in w]
    assert not missing, missing[:3]
