"""End to end: every error is one clear line."""

import json
import os
import re
import subprocess

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, shared_cluster, test
from world import Cluster, GLIA, Program, Simulator, TOP


@test
def an_unreachable_host_is_exit_code_69():
    simulator, program = new_world(10, api__base_url="http://127.0.0.1:1", api__max_retries=1)
    expect_refusal(program.run("run", "--once"), 69, "127.0.0.1:1", "connecting")
    finished = program.run("check")
    assert finished.code == 69 and "base_url" in finished.out, finished


@test
def a_missing_database_is_exit_code_78():
    simulator, program = new_world(10, sink__postgres={"dsn": shared_cluster().dsn("no_such_database")})
    for command in (("migrate",), ("run", "--once"), ("status",)):
        expect_refusal(program.run(*command), 78, "no_such_database")


@test
def an_unreachable_database_is_exit_code_69():
    simulator, program = new_world(10, sink__postgres={"dsn": "host=127.0.0.1 port=1 dbname=x"})
    expect_refusal(program.run("migrate"), 69, "PostgreSQL cannot be reached")


@test
def a_missing_privilege_is_exit_code_78():
    role = "r" + os.urandom(4).hex()
    shared_cluster().sql(f"CREATE ROLE {role} LOGIN")
    simulator, program = new_world(10)
    program.settings["sink"]["postgres"]["dsn"] = shared_cluster().dsn(program.database, role)
    program.configure(program.settings)
    expect_refusal(program.run("migrate"), 78, "permission denied")
    finished = program.run("check")
    assert finished.code == 78 and "migrate --print" in finished.out, finished


@test
def check_hints_at_memory_that_the_indexes_have_outgrown():
    own = Cluster()
    with open(own.dir + "/data/postgresql.conf", "a") as f:
        f.write("shared_buffers=1MB\n")
    own.stop()
    own.start()
    simulator = Simulator(engagements=3000, days=30, seed=3, legs_in_list=True)
    program = Program(own, simulator)
    assert "hint" not in expect_success(program.run("check")).out
    expect_success(program.backfill())
    hints = [
        line
        for line in expect_success(program.run("check")).out.splitlines()
        if line.startswith("hint") and "documentation:" not in line
    ]
    assert len(hints) == 1 and "shared_buffers are 1MB" in hints[0], hints
    simulator.close()
    own.close()


@test
def a_writer_without_ddl_rights_can_work():
    role = "w" + os.urandom(4).hex()
    simulator, program = new_world(200)
    expect_success(program.run("migrate"))
    program.sql(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA glia TO {role}; GRANT SELECT, INSERT, UPDATE, "
        f"DELETE ON ALL TABLES IN SCHEMA glia TO {role}"
    )
    program.settings["sink"]["postgres"] = {"dsn": shared_cluster().dsn(program.database, role), "migrate": "manual"}
    program.configure(program.settings)
    expect_success(program.run("check"))
    expect_success(program.backfill())
    expect_tables_equal_source(program)


@test
def configuration_mistakes_are_exit_code_78_with_their_place():
    simulator, program = new_world(10)
    for text, words in [
        ("api:\n  bas_url: x\n", (":2:3:", "did you mean base_url?")),
        ("sync: {start_from: 2024-13-01}\n", (":1:20:", "start_from")),
        ("api: [\n", ("not valid YAML",)),
    ]:
        program.config = program.write("bad.yaml", text)
        for command in (("config", "check"), ("run", "--once")):
            finished = program.run(*command)
            assert finished.code == 78 and all(
                any(w in line for line in finished.err.splitlines()) for w in words
            ), finished
    program.config = program.dir + "/missing.yaml"
    expect_refusal(program.run("run"), 78, "missing.yaml")


@test
def a_key_for_pseudonyms_that_is_no_file_is_named():
    simulator, program = new_world(10)
    for file in (program.dir, "/dev/zero", "/dev/null", program.dir + "/none"):
        program.settings["privacy"] = {"visitor_name": "hash", "key_file": file}
        program.configure(program.settings)
        expect_refusal(program.run("run", "--once", timeout=30), 78, "privacy.key_file: " + file)


@test
def usage_mistakes_are_exit_code_64():
    simulator, program = new_world(10)
    for command in (
        (),
        ("nonsense",),
        ("backfill",),
        ("backfill", "--from", "yesterday"),
        ("backfill", "--from", "2024-02-01", "--to", "2024-01-01"),
        ("backfill", "--from", "2024-01-01", "--window", "5"),
        ("backfill", "--from", "2024-01-01", "--site", "nobody"),
    ):
        expect_refusal(program.run(*command), 64)
    for command in (("--help",), ("--version",), ("backfill", "--help")):
        expect_success(program.run(*command))


@test
def the_effective_configuration_is_shown_without_secrets():
    simulator, program = new_world(10, sink__postgres={"dsn": "host=h password='se cret' dbname=d"})
    shown = expect_success(program.run("config", "show")).out
    assert "se cret" not in shown and "per_page: 100" in shown and simulator.token not in shown, shown


@test
def no_secret_is_logged_even_at_debug_level():
    simulator, program = new_world(200)
    program.settings["log"] = {"level": "debug", "format": "json"}
    program.configure(program.settings)
    simulator.fault("status", path="/engagements", n=2, code=500)
    finished = expect_success(program.run("run", "--once"))
    assert simulator.token not in finished.err
    lines = [json.loads(line) for line in finished.err.splitlines()]
    assert any(entry["event"] == "request failed, will be tried again" for entry in lines), lines[:3]


@test
def a_finished_backfill_is_not_loaded_again_unless_asked():
    simulator, program = new_world(200)
    expect_success(program.backfill())
    requests = simulator.stats()["requests"]
    assert "before" in expect_success(program.backfill()).out
    assert simulator.stats()["requests"] == requests
    expect_success(program.backfill("--restart"))
    assert simulator.stats()["requests"] > requests


@test
def progress_is_a_bar_on_a_terminal():
    import pty

    simulator, program = new_world(1500, latency_ms=10)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [GLIA, "-c", program.config, "backfill", "--from", simulator.start, "--to", simulator.end],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    output = b""
    while True:
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        if not data:
            break
        output += data
    assert process.wait(30) == 0
    process.stdout.close()
    assert re.search(rb"\[#+\.*\] \d+%  windows \d+/\d+  engagements [\d,]+  [\d,]+/s", output), output[-500:]


@test
def the_schema_for_editors_knows_every_setting_and_no_other():
    with open(TOP + "/config/glia-sync.schema.json") as f:
        schema = json.load(f)
    _, program = new_world(5)
    shown, path = set(), []
    for line in expect_success(program.run("config", "show")).out.splitlines():  # two spaces per level
        if not (m := re.match(r"( *)(\w+):", line)):
            continue
        path = path[: len(m.group(1)) // 2] + [m.group(2)]
        shown.add(tuple(path))
    known = set()

    def walk(node, at):
        for name, inner in node.get("properties", {}).items():
            known.add((*at, name))
            assert inner.get("description"), (*at, name)
            if "properties" in inner:
                assert inner["additionalProperties"] is False, name
                walk(inner, (*at, name))

    walk(schema, ())
    assert not shown - known, shown - known
    # Settings that are shown only if they are set.
    optional = {("api", "auth", "token_env"), ("sink", "postgres", "dsn_file")} | {
        k for k in known if k[:3] == ("api", "auth", "api_key") or k[:2] == ("log", "topics")
    }
    assert not known - shown - optional, known - shown - optional
