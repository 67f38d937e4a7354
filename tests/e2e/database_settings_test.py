"""End to end: databases, roles and servers with unusual settings."""

import contextlib
import os
import socket
import threading

from harness import expect_refusal, expect_success, expect_tables_equal_source, new_world, shared_cluster, test


class RefusingServer(threading.Thread):
    """Speaks as much of PostgreSQL's protocol as it takes to refuse a login, in German."""

    def __init__(self, sqlstate, text):
        super().__init__(daemon=True)
        fields = [
            ("S", "SCHWERWIEGEND"),
            ("V", "FATAL"),
            ("C", sqlstate),
            ("M", text),
            ("F", "auth.c"),
            ("L", "1"),
            ("R", "auth_failed"),
        ]
        body = b"".join(k.encode() + v.encode() + b"\0" for k, v in fields) + b"\0"
        self.answer = b"E" + (len(body) + 4).to_bytes(4, "big") + body
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.logins = self.listener.getsockname()[1], 0
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            while True:
                size = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
                if not size:
                    return
                code = int.from_bytes(connection.recv(size - 4, socket.MSG_WAITALL)[:4], "big")
                if code in (80877103, 80877104):
                    connection.sendall(b"N")  # neither TLS nor GSSAPI
                else:
                    break
            self.logins += 1
            connection.sendall(self.answer)

    def close(self):
        self.listener.close()


@test
def a_refused_login_is_recognised_by_its_sqlstate_in_any_language():
    _, program = new_world(5)
    for sqlstate, text, code in (
        ("28P01", "Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen", 78),
        ("3D000", "Datenbank »x« existiert nicht", 78),
        ("28000", "kein pg_hba.conf-Eintrag", 78),
        ("42501", "keine Berechtigung", 78),
        ("53300", "tut mir leid, schon zu viele Verbindungen", 69),
        ("57P03", "das Datenbanksystem startet", 69),
        ("57P02", "Verbindung wird abgebrochen", 69),
    ):
        server = RefusingServer(sqlstate, text)
        program.settings["sink"]["postgres"] = {
            "dsn": f"host=127.0.0.1 port={server.port} user=u dbname=x password=S3CRETxyz"
        }
        program.configure(program.settings)
        finished = program.run("migrate")
        expect_refusal(finished, code, sqlstate, text)
        finished = program.run("check")
        assert finished.code == code and text in finished.out and "S3CRET" not in finished.out + finished.err, finished
        if code == 78:
            expect_refusal(program.run("run", timeout=30), 78, sqlstate)  # the service does not wait for it
        server.close()


@test
def the_program_speaks_utf_8_whatever_is_asked_for():
    simulator, program = new_world(200)
    name = program.cluster.sql("SELECT current_user")
    program.sql(f"ALTER ROLE {name} IN DATABASE {program.database} SET client_encoding = 'LATIN1'")
    program.settings["sink"]["postgres"]["dsn"] += " client_encoding=LATIN1 options='-c client_encoding=LATIN1'"
    program.configure(program.settings)
    expect_success(program.backfill(env={"PGCLIENTENCODING": "LATIN1"}))
    shared_cluster().sql(f"ALTER ROLE {name} IN DATABASE {program.database} RESET client_encoding")
    expect_tables_equal_source(program)


@test
def a_database_that_is_not_utf_8_is_refused():
    _, program = new_world(5)
    for encoding, locale in (("LATIN1", "C"), ("SQL_ASCII", "C")):
        database = "t" + os.urandom(4).hex()
        shared_cluster().sql(f"CREATE DATABASE {database} ENCODING '{encoding}' LOCALE '{locale}' TEMPLATE template0")
        program.settings["sink"]["postgres"] = {"dsn": shared_cluster().dsn(database)}
        program.configure(program.settings)
        for command in (("migrate",), ("run", "--once"), ("run",)):
            expect_refusal(program.run(*command, timeout=60), 78, encoding, "UTF8")
        finished = program.run("check")
        assert finished.code == 78 and encoding in finished.out and "createdb" in finished.out, finished


@test
def check_proves_that_it_can_write():
    role = "w" + os.urandom(4).hex()
    _, program = new_world(5)
    expect_success(program.run("migrate"))
    program.sql(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA glia TO {role}; GRANT SELECT, INSERT, UPDATE, "
        f"DELETE ON ALL TABLES IN SCHEMA glia TO {role}"
    )
    program.settings["sink"]["postgres"]["dsn"] = shared_cluster().dsn(program.database, role)
    program.configure(program.settings)

    def reported(*words):
        finished = program.run("check")
        assert (
            finished.code == 78
            and all(word in finished.out for word in words)
            and "can read and write" not in finished.out
        ), finished

    expect_success(program.run("check"))
    tables = program.sql(
        "SELECT string_agg(format('SELECT count(*) AS n FROM glia.%I', tablename), ' UNION ALL ') FROM pg_tables "
        "WHERE schemaname = 'glia' AND tablename <> 'schema_version'"
    )
    assert program.sql(f"SELECT sum(n) FROM ({tables}) t") == "0"
    for setting in (f"ROLE {role}", f"DATABASE {program.database}"):
        program.sql(f"ALTER {setting} SET default_transaction_read_only = on")
        reported("default_transaction_read_only", role)
        shared_cluster().sql(
            f"SET default_transaction_read_only = off; ALTER {setting} RESET default_transaction_read_only"
        )
    program.sql("ALTER TABLE glia.legs ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON glia.legs FOR SELECT USING (true)")
    reported("legs", "row-level security")
    program.sql("ALTER TABLE glia.legs DISABLE ROW LEVEL SECURITY")
    program.sql(
        "CREATE FUNCTION glia.no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'not here'; END$$; "
        "CREATE TRIGGER t BEFORE DELETE ON glia.queues FOR EACH ROW EXECUTE FUNCTION glia.no()"
    )
    reported("queues", "not here")
    program.sql("DROP TRIGGER t ON glia.queues")
    program.sql(
        "CREATE SEQUENCE glia.numbers; ALTER TABLE glia.queues ADD number integer NOT NULL DEFAULT "
        "nextval('glia.numbers')"
    )
    reported("queues", "numbers")
    program.sql("ALTER TABLE glia.queues DROP number; DROP SEQUENCE glia.numbers")
    expect_success(program.run("check"))


@test
def no_default_of_a_role_or_database_changes_what_is_stored():
    simulator, program = new_world(300)
    settings = {
        "search_path": "pg_catalog",
        "datestyle": "'SQL, DMY'",
        "intervalstyle": "iso_8601",
        "bytea_output": "escape",
        "standard_conforming_strings": "off",
        "extra_float_digits": "-15",
        "timezone": "'Asia/Kathmandu'",
        "array_nulls": "off",
        "statement_timeout": "5",
        "lock_timeout": "1",
        "idle_in_transaction_session_timeout": "200",
        "row_security": "off",
        "default_transaction_isolation": "'serializable'",
        "default_transaction_deferrable": "on",
        "client_encoding": "'SQL_ASCII'",
        "transform_null_equals": "on",
        "plan_cache_mode": "force_generic_plan",
        "enable_indexscan": "off",
        "backslash_quote": "off",
        "xmloption": "document",
        "quote_all_identifiers": "on",
    }
    if int(shared_cluster().sql("SHOW server_version_num")) >= 170000:
        settings["transaction_timeout"] = "300"
    shared_cluster().sql(
        "; ".join(f"ALTER DATABASE {program.database} SET {key} = {value}" for key, value in settings.items())
    )
    expect_success(program.run("migrate"))
    expect_success(program.run("check"))
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    shared_cluster().sql(f"ALTER DATABASE {program.database} RESET ALL")
    expect_tables_equal_source(program)


@test
def a_dsn_file_may_come_from_windows():
    _, program = new_world(100)
    uri = f"postgresql://postgres@127.0.0.1:{shared_cluster().port}/{program.database}"
    for text in (uri + "\r\n", "\ufeff" + uri + "\r\n", "# the database\r\n\r\n  " + uri + "  \r\n"):
        with open(program.dir + "/dsn", "w", newline="", encoding="utf-8") as f:
            f.write(text)
        program.settings["sink"]["postgres"] = {"dsn_file": program.dir + "/dsn"}
        program.configure(program.settings)
        expect_success(program.run("check"))
        expect_success(program.run("migrate"))
    expect_success(program.backfill())
    expect_tables_equal_source(program)


@test
def a_configuration_that_is_none_is_reported_in_one_line():
    _, program = new_world(5)
    program.write("empty.yaml", "")
    with open(program.dir + "/binary.yaml", "wb") as f:
        f.write(bytes(range(256)) * 10)
    program.write("huge.yaml", "x" * 3_000_000)
    program.write("two.yaml", open(program.config).read() + "\n---\nlog: {level: debug}\n")
    for name, word in (
        (".", "is a folder"),
        ("empty.yaml", "is empty"),
        ("binary.yaml", "not a text"),
        ("huge.yaml", "larger than"),
        ("missing.yaml", "No such file"),
        ("two.yaml", "second document"),
    ):
        program.config = f"{program.dir}/{name}"
        for command in (("config", "check"), ("run",), ("check",)):
            expect_refusal(program.run(*command), 78, word)
