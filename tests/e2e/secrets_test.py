"""End to end: no password is shown, whatever DSN or URL it stands in."""

import itertools
import time

from harness import expect_refusal, new_world, shared_cluster, test
from world import eventually, free_port

SECRET = "S3CRETxyz"
COMMANDS = (("config", "check"), ("config", "show"), ("check",), ("migrate",), ("status",), ("run", "--once"))


def exit_codes_without_secret(program, commands=COMMANDS, env=None):
    """Runs the commands, checks that none prints the secret, and returns their exit codes."""
    codes = {}
    for command in commands:
        finished = program.run(*command, env=env)
        output = finished.out + finished.err
        assert "S3CRET" not in output, f"{command}: {output}"
        assert "internal error" not in output, output
        codes[command[0] if command[0] != "config" else " ".join(command)] = finished.code
    return codes


def set_value(program, section, key, value):
    """Changes a setting, and sets the log level to debug."""
    program.settings[section][key] = value
    program.settings["log"] = {"level": "debug"}
    program.configure(program.settings)


def dsns(closed):
    """DSNs with the secret where a password is, or where a user error puts it; nothing listens where they lead."""
    there = f"host=127.0.0.1 port={closed} dbname=x connect_timeout=2"
    for value in (
        "S3CRETxyz",
        "'S3CRETxyz'",
        "'S3CRETxyz",
        "top S3CRETxyz",
        "'it\\'s S3CRETxyz'",
        "top\\ S3CRETxyz",
        "a\\",
        "#S3CRETxyz",
    ):
        yield f"{there} user=u password={value}{'' if SECRET in value else SECRET}"
    for key in ("pasword", "PASSWORD", "passwd", "sslpassword", "password =", "options"):
        yield f"{there} {key}= S3CRETxyz"
    yield from (
        f"{there} S3CRETxyz",
        f"S3CRETxyz {there}",
        "host=S3CRETxyz@nowhere.invalid",
        "host=h port=S3CRETxyz",
        "sslmode=S3CRETxyz",
        f"{there} dbname=postgresql://u:S3CRETxyz@h/db",
        f"{there} user=u:S3CRETxyz",
        "mysql://u:S3CRETxyz@127.0.0.1/x",
    )
    for password in (
        "S3CRETxyz",
        "a#S3CRETxyz",
        "a/S3CRETxyz",
        f"{closed}/S3CRETxyz",
        "a?S3CRETxyz",
        "a@S3CRETxyz",
        "a:S3CRETxyz",
        "%zzS3CRETxyz",
        "a%40S3CRETxyz",
        "a S3CRETxyz",
        "[S3CRETxyz",
    ):
        yield f"postgresql://u:{password}@127.0.0.1:{closed}/x?connect_timeout=2"
    for query in (
        "password=S3CRETxyz",
        "pass%77ord=S3CRETxyz",
        "pasword=S3CRETxyz",
        "password==S3CRETxyz",
        "S3CRETxyz",
    ):
        yield f"postgresql://u@127.0.0.1:{closed}/x?connect_timeout=2&{query}"
    yield "postgresql://u:S3CRETxyz@no-such-host.invalid/x"


@test
def no_password_of_a_dsn_is_shown():
    _, program = new_world(5)
    for dsn in dsns(free_port()):
        program.settings["sink"]["postgres"] = {"dsn": dsn}
        set_value(program, "api", "max_retries", 0)
        codes = exit_codes_without_secret(program, (("config", "check"), ("config", "show"), ("check",), ("status",)))
        # A DSN that cannot work is reported without connecting; for the others only the server is missing.
        assert codes["config check"] in (0, 78) and codes["check"] == (69 if codes["config check"] == 0 else 78), (
            dsn,
            codes,
        )
        program.settings["sink"]["postgres"] = {"dsn_file": program.write("dsn", dsn + "\n")}
        program.configure(program.settings)
        assert (
            exit_codes_without_secret(program, (("config", "check"), ("config", "show"), ("migrate",)))["config check"]
            == codes["config check"]
        ), dsn


@test
def no_password_is_shown_by_a_run_that_gives_up():
    _, program = new_world(5)
    program.settings["sink"]["postgres"] = {"dsn": f"postgresql://u:a%23S3CRETxyz@127.0.0.1:{free_port()}/x"}
    set_value(program, "api", "max_retries", 0)
    assert exit_codes_without_secret(program, (("migrate",),))["migrate"] == 69
    with program.service(expect=None) as service:
        eventually(
            lambda: "waiting for the database" in service.log() or "connection refused" in service.log(),
            what="the complaint",
        )
        assert "S3CRET" not in service.log(), service.log()


@test
def no_password_is_shown_that_a_server_repeats():
    """The server's error repeats the database or the user of the DSN."""
    _, program = new_world(5)
    for dsn in (
        f"host=127.0.0.1 port={shared_cluster().port} user=postgres dbname='host=h password=S3CRETxyz'",
        f"host=127.0.0.1 port={shared_cluster().port} dbname=postgres user=u:S3CRETxyz",
        f"postgresql://127.0.0.1:{shared_cluster().port}/S3CRETxyz@h/db?user=postgres",
    ):
        program.settings["sink"]["postgres"] = {"dsn": dsn}
        program.configure(program.settings)
        codes = exit_codes_without_secret(program)
        assert codes["check"] == codes["migrate"] == codes["status"] == codes["run"] == 78, (dsn, codes)
    exit_codes_without_secret(program, env={"PGPASSWORD": SECRET})


@test
def no_password_of_a_url_is_shown():
    _, program = new_world(5)
    passwords = (
        "S3CRETxyz",
        "a/S3CRETxyz",
        "a#S3CRETxyz",
        "a?S3CRETxyz",
        "a@S3CRETxyz",
        "12/S3CRETxyz",
        "%zzS3CRETxyz",
        "a%2FS3CRETxyz",
    )
    for password, scheme, key in itertools.product(
        passwords, ("http://", "https://", "", "ftp://"), ("base_url", "proxy", "trusted_origins")
    ):
        kept = dict(program.settings["api"])
        url = f"{scheme}u:{password}@127.0.0.1:1"
        set_value(program, "api", key, [url] if key == "trusted_origins" else url)
        codes = exit_codes_without_secret(program, (("config", "check"), ("config", "show")))
        assert codes["config check"] == 78 or key == "proxy", (url, codes)
        program.settings["api"] = kept
    for password in ("S3CRETxyz", "a%2FS3CRETxyz"):
        for scheme in ("http://", ""):
            set_value(program, "api", "proxy", f"{scheme}u:{password}@127.0.0.1:{free_port()}")
            program.settings["api"]["max_retries"] = 0
            program.configure(program.settings)
            assert (
                exit_codes_without_secret(
                    program, (("config", "check"), ("config", "show"), ("check",), ("run", "--once"))
                )["config check"]
                == 0
            )


@test
def no_connection_that_can_never_be_made_is_tried_again():
    _, program = new_world(5)
    where = shared_cluster().dsn(program.database)
    certificate = program.write("bad.pem", "no certificate\n")
    for more, word in (
        ("sslmode=bogus", "sslmode"),
        ("port=S3CRETxyz", "port"),
        ("port=70000", "port"),
        ("target_session_attrs=x", "target_session_attrs"),
        ("unheard_of=1", "unknown to libpq"),
        ("sslmode=verify-ca sslrootcert=/nowhere/ca.pem", "sslrootcert"),
        (f"sslmode=verify-ca sslrootcert={certificate}", "sslrootcert"),
        ("sslcert=/nowhere/c.pem", "sslcert"),
        ("passfile=/nowhere/p", "passfile"),
        ("service=no_such_service", "service"),
        ("connect_timeout=soon", "connect_timeout"),
        ("gssencmode=x", "gssencmode"),
        ("replication=database", "replication"),
        ("hostaddr=127.0.0.1,127.0.0.1", "hostaddr"),
    ):
        program.settings["sink"]["postgres"] = {"dsn": f"{where} {more}"}
        program.configure(program.settings)
        for command in (("config", "check"), ("migrate",), ("run",)):
            began = time.time()
            expect_refusal(program.run(*command, timeout=30), 78, "sink.postgres.dsn", word)
            assert time.time() - began < 5
    program.settings["sink"]["postgres"] = {"dsn": where}
    program.configure(program.settings)
    for name, value in (("PGSSLMODE", "bogus"), ("PGTARGETSESSIONATTRS", "x"), ("PGSERVICE", "no_such_service")):
        expect_refusal(program.run("config", "check", env={name: value}), 78, name)
        expect_refusal(program.run("run", env={name: value}, timeout=30), 78, name)
