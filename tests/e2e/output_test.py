"""Standard output and standard error: what cannot be written there, and what may not be written there."""

import json
import os
import re
import shutil
import subprocess

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, test
from ndjson_test import expect_lines_equal_source, lines, write_lines
from world import GLIA, eventually

HOSTILE = "\x1b]0;title\x07\x1b[2J\u009b31m\u202egnp\u2028\x7f\nsecond line"
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def closed_pipe():
    """The writing end of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return write


def run_into(program, *arguments, how, env=None):
    """Runs the program with standard output full, closed, or a pipe that nobody reads."""
    command = [GLIA, "-c", program.config, *arguments]
    if how == "closed":
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    out = {
        "full": lambda: os.open("/dev/full", os.O_WRONLY),
        "pipe": closed_pipe,
        "closed": lambda: os.open("/dev/null", os.O_WRONLY),
    }[how]()
    try:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env={**os.environ, **(env or {})},
        )
    finally:
        os.close(out)
    return type(
        "Finished",
        (),
        {
            "code": finished.returncode,
            "out": "",
            "err": finished.stderr,
            "__repr__": lambda self: f"{arguments} {how}: {self.code} {self.err}",
        },
    )()


REASONS = {"full": "No space left on device", "pipe": "Broken pipe", "closed": "Bad file descriptor"}


@test(smoke=True)
def output_that_cannot_be_written_is_exit_code_74():
    simulator, program = new_world(40, sites=1)
    expect_success(program.run("run", "--once"))
    id = simulator.truth()[0]["id"]
    commands = [
        ("migrate", "--print"),
        ("migrate",),
        ("status",),
        ("status", "--json"),
        ("config", "show"),
        ("config", "check"),
        ("rejects", "list"),
        ("rejects", "list", "--json"),
        ("engagement", "get", id),
        ("queue", "wait", "--json"),
        ("check",),
        ("--version",),
        ("--help",),
        ("run", "--help"),
        ("rejects", "retry"),
        ("backfill", "--from", simulator.start, "--to", simulator.end),
    ]
    for command in commands:
        for how, reason in REASONS.items():
            expect_refusal(run_into(program, *command, how=how), 74, "standard output: " + reason)
    assert expect_success(program.run("status")).out, "the output is there again"
    # Another error counts more than a failure to print it, and is still one line.
    program.write("token", "wrong-token")
    expect_refusal(run_into(program, "engagement", "get", id, how="full"), 77)
    # A command that writes nothing does not fail.
    program.write("token", simulator.token)
    for how in REASONS:
        expect_success(run_into(program, "run", "--once", how=how))
    expect_tables_equal_source(program)


@test
def lines_that_cannot_be_written_are_exit_code_74_and_come_again():
    simulator, program = new_world(150, sites=1)
    write_lines(simulator, program, "-")
    for how, reason in REASONS.items():
        for command in (("run", "--once"), ("backfill", "--from", simulator.start, "--to", simulator.end), ("run",)):
            finished = run_into(program, *command, how=how)
            expect_refusal(finished, 74, "standard output: " + reason)
            assert "database" not in finished.err, finished
    finished = expect_success(program.run("run", "--once"))
    expect_lines_equal_source(simulator, [json.loads(line) for line in finished.out.splitlines()])


@test
def a_service_whose_lines_nobody_reads_any_more_ends():
    simulator, program = new_world(60, sites=1)
    write_lines(simulator, program, "-")
    process = program.start("run")
    first = process.stdout.readline()
    assert json.loads(first)["id"]
    process.stdout.close()
    eventually(lambda: simulator.call("/mutate", n=5) is not None and process.poll() is not None, 30)
    err = process.stderr.read()
    assert process.returncode == 74 and "glia-sync: standard output: Broken pipe" in err, (process.returncode, err)


@test
def no_file_takes_the_place_of_a_standard_stream_that_is_closed():
    simulator, program = new_world(60, sites=1)
    for streams in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        shutil.rmtree(program.dir + "/out", ignore_errors=True)
        write_lines(simulator, program)
        process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" {streams}', "sh", GLIA, "-c", program.config, "run"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:

            def standard():
                return [os.readlink(f"/proc/{process.pid}/fd/{n}") for n in range(3)]

            # The first pass is over: every file that the service uses is open, and stopping waits for no migration.
            eventually(lambda: len(lines(program, parts=True)) >= 60, 60)
            assert standard() == ["/dev/null"] * 3, (streams, standard())
        finally:
            process.terminate()
            code = process.wait(15)
        assert code == 0, (streams, code)


@test
def log_lines_that_cannot_be_written_stop_nothing():
    simulator, program = new_world(200, sites=1)
    program.settings["log"] = {"level": "debug"}
    program.configure(program.settings)
    for err in (os.open("/dev/full", os.O_WRONLY), closed_pipe()):
        process = program.start("run", stdout=subprocess.DEVNULL, stderr=err)
        os.close(err)
        eventually(program.equals_source, 60)
        simulator.call("/mutate", n=20)
        eventually(program.equals_source, 60)
        process.terminate()
        assert process.wait(15) == 0
        simulator.call("/add", n=5)
        err = os.open("/dev/full", os.O_WRONLY)
        process = program.start(
            "backfill", "--from", simulator.start, "--to", simulator.end, stdout=subprocess.DEVNULL, stderr=err
        )
        os.close(err)
        assert process.wait(60) == 0


@test(smoke=True)
def what_comes_from_outside_cannot_command_a_terminal():
    simulator, program = new_world(30, sites=1)
    expect_success(program.run("run", "--once"))
    site = simulator.sites[0]

    def text(value):
        return "convert_from(decode('" + value.encode().hex() + "', 'hex'), 'UTF8')"

    program.sql(
        f"INSERT INTO glia.rejected_records (site_id, engagement_id, source, reason, payload, payload_hash) "
        f"VALUES ('{site}', {text('id ' + HOSTILE)}, 'list', {text('reason ' + HOSTILE)}, "
        f"{text('payload ' + HOSTILE)}, 'x')"
    )
    program.sql(
        f"UPDATE glia.sync_state SET last_error = {text('error ' + HOSTILE)}, "
        f"last_error_at = now() + interval '1 hour', lease_owner = {text('owner ' + HOSTILE)}, "
        "lease_expires_at = now() + interval '1 hour'"
    )
    number = program.sql("SELECT max(id) FROM glia.rejected_records")
    for command in (("rejects", "list"), ("rejects", "show", number), ("status",)):
        shown = expect_success(program.run(*command)).out
        assert not HIDDEN.search(shown) and "\\u001b[2J" in shown and "\\u202e" in shown, shown
    assert len(expect_success(program.run("rejects", "list")).out.splitlines()) == 1
    for command in (("rejects", "list", "--json"), ("rejects", "show", number, "--json"), ("status", "--json")):
        shown = expect_success(program.run(*command)).out
        assert not HIDDEN.search(shown), shown
        assert HOSTILE in str(json.loads(shown)) or repr(HOSTILE)[1:-1] in str(json.loads(shown)), shown
    # Names from the command line and of files, in errors.
    for command in (
        ("reset", "--site", "x" + HOSTILE, "--to", "2024-01-01"),
        ("backfill", "--from", HOSTILE),
        ("nonsense" + HOSTILE,),
        ("--site" + HOSTILE,),
    ):
        finished = program.run(*command)
        expect_refusal(finished, 64)
        assert not HIDDEN.search(finished.err) and len(finished.err.splitlines()) == 1, finished
    program.config = f"{program.dir}/no{HOSTILE}.yaml"
    finished = program.run("status")
    expect_refusal(finished, 78)
    assert not HIDDEN.search(finished.err) and len(finished.err.splitlines()) == 1, finished
