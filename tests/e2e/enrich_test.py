"""The enrichers: samples of the queue's wait, transcripts, recordings; none of them holds up the sync."""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess

from credentials_test import new_tls_world
from harness import expect_success, expect_tables_equal_source, new_world, test
from privacy_test import database_dump, personal_words
from world import GLIA, clean, epoch_seconds, eventually


def enable_enrichers(simulator, program, **enrich):
    """Configures these enrichers and no others."""
    program.settings["enrich"] = enrich
    program.configure(program.settings)
    return program


def transcripts(simulator, program):
    """What chat_messages should hold, and what it holds."""
    want, have = {}, {}
    for e in simulator.truth():
        for position, m in enumerate(json.loads(simulator.call("/transcript", id=e["id"]))):
            sender = m.get("sender") or {}
            want[e["id"], position] = (
                m.get("id"),
                epoch_seconds(m.get("created_at")),
                m.get("type"),
                clean(m.get("message")),
                sender.get("type"),
                clean(sender.get("name")),
                sender.get("href"),
                m.get("attachment"),
                m.get("metadata"),
                {"mood": m["mood"]} if "mood" in m else None,
            )
    rows = program.sql(
        "SELECT coalesce(json_agg(t), '[]') FROM (SELECT *, extract(epoch FROM created_at) AS at "
        "FROM glia.chat_messages) t"
    )
    for r in json.loads(rows):
        have[r["engagement_id"], r["position"]] = (
            r["id"],
            r["at"],
            r["type"],
            r["message"],
            r["sender_type"],
            r["sender_name"],
            r["sender_href"],
            r["attachment"],
            r["metadata"],
            r["extra"],
        )
    return want, have


def expect_transcripts_equal_source(simulator, program):
    """The stored chat messages are those of the source."""
    want, have = transcripts(simulator, program)
    assert want == have, f"{len(want)} wanted, {len(have)} there; " + str(
        [(k, want.get(k), have.get(k)) for k in want | have if want.get(k) != have.get(k)][:2]
    )


# -------------------------------------------------------------------------------------------- transcripts


@test(smoke=True)
def transcripts_are_fetched_and_fetched_again_when_the_engagement_changes():
    simulator, program = new_world(200, sites=2, ongoing_per_mille=300)
    enable_enrichers(simulator, program, transcripts={"enabled": True})
    expect_success(program.run("run", "--once"))
    expect_transcripts_equal_source(simulator, program)

    def fetched_transcripts():
        return int(
            program.sql("SELECT count(*) FROM glia.enrichments WHERE kind = 'transcript' AND done_at IS NOT NULL")
        )

    assert fetched_transcripts() == 200
    before = program.sql("SELECT string_agg(xmin::text, ',' ORDER BY engagement_id, position) FROM glia.chat_messages")
    expect_success(program.run("run", "--once"))
    assert (
        program.sql("SELECT string_agg(xmin::text, ',' ORDER BY engagement_id, position) FROM glia.chat_messages")
        == before
    ), "rows were written for nothing"
    simulator.call("/end-all")
    simulator.call("/mutate", n=80)
    program.make_revisits_due()
    expect_success(program.run("run", "--once"))
    expect_transcripts_equal_source(simulator, program)


@test
def transcripts_of_what_was_loaded_before_are_fetched_once_they_are_switched_on():
    simulator, program = new_world(300, sites=1)
    expect_success(program.backfill())
    enable_enrichers(simulator, program, transcripts={"enabled": True})
    with program.service():
        eventually(lambda: program.sql("SELECT count(DISTINCT engagement_id) FROM glia.chat_messages") == "300")
    expect_transcripts_equal_source(simulator, program)
    enable_enrichers(simulator, program)
    simulator.call("/mutate", n=60)
    expect_success(program.backfill("--restart"))
    enable_enrichers(simulator, program, transcripts={"enabled": True})
    expect_success(program.run("run", "--once"))  # enqueues what changed while the enricher was off
    expect_transcripts_equal_source(simulator, program)


@test
def failing_transcripts_hold_up_nothing():
    simulator, program = new_world(150, sites=1, sync__revisit=[])
    enable_enrichers(simulator, program, transcripts={"enabled": True})
    for kind in ("hang", "garbage", "close", "truncate", "html"):
        simulator.fault(kind, path="/chat_transcript", n=3)
    simulator.fault("status", path="/chat_transcript", n=8, code=500)
    simulator.fault("status", path="/chat_transcript", n=2, code=403)
    with program.service():
        eventually(program.equals_source, 30)
        eventually(lambda: int(program.sql("SELECT count(DISTINCT engagement_id) FROM glia.chat_messages")) >= 140, 60)
    failing = program.status()["enrichers"]
    assert [e for e in failing if e["kind"] == "transcript"], failing


@test
def an_engagement_without_a_chat_is_not_asked_for_again():
    simulator, program = new_world(60, sites=1)
    enable_enrichers(simulator, program, transcripts={"enabled": True})
    simulator.fault("status", path="/chat_transcript", n=10, code=404)
    expect_success(program.run("run", "--once"))
    assert program.sql("SELECT count(DISTINCT engagement_id) FROM glia.chat_messages") == "50"
    found = program.sql(
        "SELECT count(*) FILTER (WHERE waiting), count(*) FILTER (WHERE last_error IS NOT NULL) FROM glia.enrichments"
    )
    assert found == "0|0", found


@test
def transcripts_survive_kill_9():
    simulator, program = new_world(400, sites=1)
    enable_enrichers(simulator, program, transcripts={"enabled": True})
    for _ in range(6):
        program.run_killed(random.uniform(0.2, 0.7), "run", "--once")
    expect_success(program.run("run", "--once"))
    expect_transcripts_equal_source(simulator, program)


@test
def transcripts_keep_to_privacy():
    simulator, program = new_world(120, sites=1)
    program.settings["privacy"] = {"visitor_name": "drop", "visitor_id": "drop", "transcripts": "drop", "extra": "drop"}
    program.settings["log"] = {"level": "debug"}
    enable_enrichers(simulator, program, transcripts={"enabled": True})
    finished = expect_success(program.run("run", "--once"))
    text = database_dump(program) + finished.err
    found = [
        w
        for w in personal_words(simulator)
        if w in text and not any(w in u for e in simulator.truth() for u in e["audio_recording_urls"])
    ]
    assert not found, found[:3]
    stored = program.sql(
        "SELECT count(DISTINCT engagement_id), count(message), count(sender_name) "
        "FILTER (WHERE sender_type = 'operator') > 0 FROM glia.chat_messages"
    )
    assert stored == "120|0|t", stored


@test
def forget_takes_transcripts_and_recordings_along():
    simulator, program = new_world(150, sites=1)
    directory = program.dir + "/recordings"
    enable_enrichers(
        simulator, program, transcripts={"enabled": True}, recordings={"enabled": True, "directory": directory}
    )
    download_all(program)
    victim = next(e for e in simulator.truth() if e["audio_recording_urls"])
    (path,) = program.sql(
        f"SELECT path FROM glia.audio_recordings WHERE engagement_id = '{victim['id']}' AND position = 0"
    ).split()
    assert os.path.exists(f"{directory}/{path}")
    expect_success(program.run("forget", "--engagement", victim["id"]))
    assert not os.path.exists(os.path.dirname(f"{directory}/{path}"))
    assert victim["id"] not in database_dump(program)
    expect_success(program.run("run", "--once"))
    assert victim["id"] not in database_dump(program) and not os.path.exists(os.path.dirname(f"{directory}/{path}"))


# -------------------------------------------------------------------------------------------- recordings


def files(directory):
    """The paths of all files below a directory, relative to it."""
    return {os.path.relpath(os.path.join(at, n), directory) for at, _, names in os.walk(directory) for n in names}


def download_all(program, attempts=4):
    """Downloads all recordings. The simulator answers 204 first; the wait after that is cut short."""
    for _ in range(attempts):
        expect_success(program.run("run", "--once"))
        if program.sql("SELECT count(*) FROM glia.audio_recordings WHERE path IS NULL") == "0":
            return
        program.sql("UPDATE glia.enrichments SET next_attempt_at = now()")
    raise AssertionError(
        "not all recordings came: "
        + program.sql("SELECT last_error, count(*) FROM glia.enrichments WHERE waiting GROUP BY 1")
    )


def expect_recordings_equal_source(simulator, program, directory):
    """The directory holds every recording once, as the database describes it, and nothing else."""
    rows = json.loads(program.sql("SELECT json_agg(r) FROM glia.audio_recordings r"))
    assert len(rows) == sum(len(e["audio_recording_urls"]) for e in simulator.truth()), len(rows)
    for r in rows:
        with open(f"{directory}/{r['path']}", "rb") as f:
            data = f.read()
        assert (
            data.startswith(b"ID3/recording-files/" + r["url"].rsplit("/", 1)[1].encode()) and len(data) >= 300_000
        ), (r, data[:60])
        assert (
            r["size_bytes"] == len(data) and r["sha256"] == hashlib.sha256(data).hexdigest() and r["downloaded_at"]
        ), r
    assert files(directory) == {r["path"] for r in rows}


@test(smoke=True)
def recordings_are_downloaded_once_and_the_token_stays_home():
    for how in ("json", "redirect"):
        simulator, program = new_world(120, sites=1)
        simulator.call("/recordings", how=how)
        directory = program.dir + "/recordings"
        enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
        program.settings["log"] = {"level": "debug"}
        program.configure(program.settings)
        first = expect_success(program.run("run", "--once"))
        assert files(directory) == set(), "204 means later"
        download_all(program)
        expect_recordings_equal_source(simulator, program, directory)
        count = simulator.stats()["recording_files"]
        simulator.call("/mutate", n=100)
        program.settings["sync"]["overlap"] = "300d"
        program.configure(program.settings)
        download_all(program)
        expect_recordings_equal_source(simulator, program, directory)
        urls = sum(len(e["audio_recording_urls"]) for e in simulator.truth())
        stats = simulator.stats()
        assert stats["recording_files"] == urls and "token_given_away" not in stats, (stats, urls, count)
        assert "s3cret" not in database_dump(program) + first.err, "the temporary URL is a secret"


@test
def a_cut_download_goes_on_where_it_stopped():
    simulator, program = new_world(60, sites=1)
    directory = program.dir + "/recordings"
    enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
    expect_success(program.run("run", "--once"))
    program.sql("UPDATE glia.enrichments SET next_attempt_at = now()")
    simulator.fault("truncate", path="/recording-files", n=2)
    simulator.fault("status", path="/recording-files", n=1, code=503)
    expect_success(program.run("run", "--once"))
    assert any(n.rsplit("/", 1)[1].startswith(".") for n in files(directory)), files(directory)
    program.sql("UPDATE glia.enrichments SET next_attempt_at = now()")
    download_all(program)
    expect_recordings_equal_source(simulator, program, directory)
    stats = simulator.stats()
    assert stats["recording_ranges"] >= 1 and "recording_ranges_without_condition" not in stats, stats


def retry(program):
    """Runs one round, with all jobs due."""
    program.sql("UPDATE glia.enrichments SET next_attempt_at = now()")
    return expect_success(program.run("run", "--once"))


@test
def a_cut_download_goes_on_only_if_the_recording_is_still_the_same():
    """By its strong ETag or its date; a weak ETag says nothing about bytes (RFC 9110 §13.1.5)."""
    for validator, ranges in (("strong", True), ("date", True), ("weak", False), ("none", False)):
        simulator, program = new_world(30, sites=1)
        directory = program.dir + "/recordings"
        enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
        simulator.call("/recordings", validator=validator)
        expect_success(program.run("run", "--once"))
        simulator.fault("truncate", path="/recording-files", n=2)
        retry(program)
        download_all(program)
        expect_recordings_equal_source(simulator, program, directory)
        stats = simulator.stats()
        assert (
            stats.get("recording_ranges", 0) == (2 if ranges else 0)
            and "recording_ranges_without_condition" not in stats
        ), (validator, stats)


@test
def a_resumed_recording_is_never_mixed_of_two():
    for length in (400_000, 310_000):
        simulator, program = new_world(30, sites=1)
        directory = program.dir + "/recordings"
        enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
        simulator.call("/recordings", length=length)
        expect_success(program.run("run", "--once"))
        simulator.fault("truncate", path="/recording-files", n=1000)
        for _ in range(3):
            program.sql("UPDATE glia.enrichments SET next_attempt_at = now()")
            program.run("run", "--once")
        assert files(directory) and all("/." in n for n in files(directory)), files(directory)
        simulator.quick()
        simulator.call("/recordings", length=300_000)
        download_all(program)
        expect_recordings_equal_source(simulator, program, directory)
        for name in files(directory):
            with open(f"{directory}/{name}", "rb") as f:
                assert b'"v300000"' in f.read(200), name


@test
def what_is_no_recording_is_not_stored_but_asked_for_again():
    simulator, program = new_world(60, sites=1)
    directory = program.dir + "/recordings"
    enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
    expect_success(program.run("run", "--once"))
    count = int(program.sql("SELECT count(*) FROM glia.audio_recordings"))
    for how, words in (
        ("html", "text/html"),
        ("json", "application/json"),
        ("page", "a web page or a message"),
        ("empty", "empty"),
        ("204", "HTTP 204"),
    ):
        simulator.fault("recording", path="/recording-files", n=count, how=how)
        finished = retry(program)
        assert files(directory) == set(), (how, files(directory))
        failed = program.sql(
            "SELECT count(*) FILTER (WHERE waiting AND attempts > 0 AND next_attempt_at > now()), count(*) "
            "FILTER (WHERE path IS NOT NULL), min(last_error) FROM glia.enrichments"
        )
        assert failed.startswith(f"{count}|0|") and words in failed and words in finished.err, (how, failed)
    assert [e for e in program.status()["enrichers"] if e["kind"] == "recording"][0]["failing"] == count
    assert f"recording: {count} waiting, of these {count} failing" in expect_success(program.run("status")).out
    download_all(program)
    expect_recordings_equal_source(simulator, program, directory)


@test
def recordings_are_for_the_services_user_alone():
    """Also those that an earlier version wrote with wider permissions."""
    simulator, program = new_world(60, sites=1)
    directory = program.dir + "/recordings"
    enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
    download_all(program)

    def modes():
        found = {
            oct(os.stat(os.path.join(at, n)).st_mode & 0o777)
            for at, folders, names in os.walk(directory)
            for n in names
        }, {oct(os.stat(at).st_mode & 0o777) for at, _, _ in os.walk(directory)}
        return found

    assert modes() == ({"0o600"}, {"0o700"}), modes()
    for at, _, names in os.walk(directory):
        os.chmod(at, 0o755)
        for n in names:
            os.chmod(os.path.join(at, n), 0o644)
    expect_success(program.run("run", "--once"))
    assert modes() == ({"0o600"}, {"0o700"}), modes()


@test
def recordings_survive_kill_9():
    simulator, program = new_world(150, sites=1)
    directory = program.dir + "/recordings"
    enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
    expect_success(program.run("run", "--once"))
    for _ in range(8):
        program.sql("UPDATE glia.enrichments SET next_attempt_at = now()")
        program.run_killed(random.uniform(0.1, 0.5), "run", "--once")
    program.sql("UPDATE glia.enrichments SET next_attempt_at = now()")
    download_all(program)
    expect_recordings_equal_source(simulator, program, directory)


@test
def a_directory_that_cannot_be_written_stops_only_the_recordings():
    simulator, program = new_world(100, sites=1)
    blocked = program.write("no-directory", "a file, not a directory")
    enable_enrichers(
        simulator, program, recordings={"enabled": True, "directory": blocked}, transcripts={"enabled": True}
    )
    simulator.call("/mutate", n=10)
    program.run("run", "--once")
    program.sql("UPDATE glia.enrichments SET next_attempt_at = now()")
    again = program.run("run", "--once")
    assert again.code == 69 and "recordings: creating" in again.err and "Not a directory" in again.err, again
    expect_tables_equal_source(program)
    expect_transcripts_equal_source(simulator, program)
    attempts = program.sql("SELECT max(attempts) FROM glia.enrichments WHERE kind = 'recording'")
    assert int(attempts) <= 1, attempts
    assert (
        program.sql("SELECT count(*) FROM glia.enrichments WHERE claimed_by IS NOT NULL") == "0"
    ), "handed back at once"


@test
def a_disk_that_fills_stops_only_the_recordings():
    simulator, program = new_world(150, sites=1)
    directory = program.dir + "/recordings"
    enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
    expect_success(program.run("run", "--once"))
    program.sql("UPDATE glia.enrichments SET next_attempt_at = now()")

    def little_room():  # for the process, like a full disk
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    full = subprocess.run(
        [GLIA, "-c", program.config, "run", "--once"],
        capture_output=True,
        text=True,
        preexec_fn=little_room,
        stdin=subprocess.DEVNULL,
    )
    assert full.returncode == 69 and "recordings: writing" in full.stderr and "File too large" in full.stderr, full
    expect_tables_equal_source(program)
    assert program.sql("SELECT max(attempts) FROM glia.enrichments") <= "1"
    download_all(program)
    expect_recordings_equal_source(simulator, program, directory)
    assert simulator.stats()["recording_ranges"] >= 1, "the download did not resume where the disk was full"


@test
def certificates_that_are_gone_stop_only_the_recordings():
    program, cert = new_tls_world("localhost")
    program.settings["api"]["ca_file"] = program.dir + "/ca.pem"
    shutil.copy(cert, program.dir + "/ca.pem")
    simulator, directory = program.simulator, program.dir + "/recordings"
    enable_enrichers(
        simulator, program, recordings={"enabled": True, "directory": directory}, transcripts={"enabled": True}
    )
    with program.service() as service:
        eventually(lambda: "service started" in service.log())
        os.rename(program.dir + "/ca.pem", program.dir + "/away.pem")  # the first recording is ready after some seconds
        eventually(program.equals_source, 60)
        eventually(lambda: "recordings: api.ca_file: " in service.log(), 60)
        simulator.call("/mutate", n=20)
        eventually(program.equals_source, 40)
        eventually(
            lambda: [
                e["last_error"]
                for e in program.status()["enrichers"]
                if e["kind"] == "recording" and "ca_file" in (e["last_error"] or "")
            ],
            20,
        )
        os.rename(program.dir + "/away.pem", program.dir + "/ca.pem")

        def downloaded():
            program.sql("UPDATE glia.enrichments SET next_attempt_at = now() WHERE done_at IS NULL")
            return (
                program.sql("SELECT count(*) FROM glia.enrichments WHERE kind = 'recording' AND done_at IS NULL") == "0"
            )

        eventually(downloaded, 60)
    expect_recordings_equal_source(simulator, program, directory)


# -------------------------------------------------------------------------------------------- the queue's wait


@test
def the_queues_wait_is_sampled():
    simulator, program = new_world(20, sites=1)
    enable_enrichers(simulator, program, queue_wait={"enabled": True, "every": "1s"})
    with program.service():
        eventually(
            lambda: program.has_schema() and int(program.sql("SELECT count(*) FROM glia.queue_wait_samples")) >= 3
        )
    assert (
        program.sql("SELECT DISTINCT site_id, average_duration_in_seconds FROM glia.queue_wait_samples")
        == simulator.sites[0] + "|122"
    )


@test
def several_instances_take_one_sample_at_a_time():
    simulator, program = new_world(20, sites=1)
    enable_enrichers(simulator, program, queue_wait={"enabled": True, "every": "3s"})
    expect_success(program.run("migrate"))

    def samples():
        return [
            epoch_seconds(t)
            for t in json.loads(
                program.sql(
                    "SELECT coalesce(json_agg(sampled_at ORDER BY sampled_at), '[]') FROM glia.queue_wait_samples"
                )
            )
        ]

    with program.service(name="one"), program.service(name="two"), program.service(name="three"):
        eventually(lambda: len(samples()) >= 3, 60)
    gaps = [b - a for a, b in zip(samples(), samples()[1:])]
    assert min(gaps) > 1.5, gaps


@test
def a_refused_visitor_token_stops_only_the_samples():
    simulator, program = new_world(50, sites=1)
    enable_enrichers(
        simulator, program, queue_wait={"enabled": True, "every": "1s", "token_file": program.write("visitor", "wrong")}
    )
    with program.service() as service:
        eventually(program.equals_source)
        eventually(lambda: "enrich.queue_wait.token_file" in service.log())
    program.sql("UPDATE glia.enrichers SET next_at = now()")  # a sample is due again
    assert program.run("run", "--once").code == 77
    assert [e["last_error"] for e in program.status()["enrichers"] if e["kind"] == "queue_wait"][0]


@test
def check_says_whether_recordings_can_be_kept():
    simulator, program = new_world(10, sites=1)
    file = program.write("file", "x")
    os.symlink("/nowhere/folder", program.dir + "/dangling")
    for directory, good in (
        (program.dir, True),
        (program.dir + "/new/folder", True),
        (file, False),
        (file + "/below", False),
        (program.dir + "/dangling", False),
    ):
        enable_enrichers(simulator, program, recordings={"enabled": True, "directory": directory})
        finished = program.run("check")
        line = next(entry for entry in finished.out.splitlines() if "recordings:" in entry)
        assert line.startswith("ok" if good else "FAILED") and finished.code == (0 if good else 78), (
            directory,
            finished,
        )
        assert good or "enrich.recordings.directory" in line, line
    without_database = {"type": "ndjson", "ndjson": {"path": program.dir + "/lines.ndjson", "state": program.dir}}
    program.settings.update(sink=without_database, enrich={})
    program.configure(program.settings)
    finished = program.run("check")
    assert finished.code == 78 and "sink.ndjson.state" in finished.out, finished
