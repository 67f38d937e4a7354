"""The rules by which the schema can be distributed (config/citus.sql), read from the catalogue of a migrated
database."""

import glob
import re

from harness import expect_success, new_world, test
from world import TOP

STATE = {
    "sync_state",
    "revisit_state",
    "sync_runs",
    "backfills",
    "backfill_windows",
    "work_items",
    "claiming_instances",
    "ongoing_engagements",
    "rejected_records",
    "server_clocks",
    "schema_version",
    "forgotten",
    "erasures",
    "enrichers",
    "queue_wait_samples",
    "undocumented_members",
    "verifications",
    "volume_hours",
    "statistics_state",
    "statistics_readings",
    "queue_wait_intervals",
    "handle_intervals",
    "wrap_up_intervals",
    "operator_state_intervals",
    "business_hours",
    "holidays",
}


def statements():
    """The text of each statement of the program, by name, with its comments but without the list of its parameters."""
    found = {}
    for file in sorted(glob.glob(TOP + "/sinks/postgres/sql/*.sql")):
        with open(file) as f:
            found.update(re.findall(r"^-- name: (\w+)[^\n]*\n(.*?)(?=^-- name: |\Z)", f.read(), re.M | re.S))
    assert len(found) > 140, "statements are written in another form than this test reads"
    return found


@test
def no_statement_locks_rows_of_several_shards():
    """Citus supports FOR UPDATE on a single shard only, and no volatile functions in an UPDATE."""
    with open(TOP + "/config/citus.sql") as f:
        distributed = set(re.findall(r"create_distributed_table\('(\w+)'", f.read()))
    for name, text in statements().items():
        sql = " ".join(line for line in text.splitlines() if not line.startswith("--"))
        named = {t for t in distributed if re.search(rf"\b(FROM|JOIN|UPDATE|INTO|USING) {t}\b", sql)}
        if not named:
            continue
        assert not re.search(r"\bFOR (NO KEY )?(UPDATE|SHARE)\b", sql), f"{name} locks rows of {named}"
        assert not re.search(r"\b(random|clock_timestamp|nextval|gen_random_uuid)\(", sql), name


@test
def the_schema_keeps_the_rules_for_being_distributed_by_engagement():
    _, program = new_world(10)
    expect_success(program.run("migrate"))
    with open(TOP + "/config/citus.sql") as f:
        text = f.read()
    distributed = dict(re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", text))
    reference = set(re.findall(r"create_reference_table\('(\w+)'\)", text))
    tables = set(
        program.sql("SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind = 'r'").split()
    )
    assert (
        tables - STATE == set(distributed) | reference
    ), "every table of data has its place, and none of the state has"
    assert text.count("colocate_with => 'engagements'") == len(distributed) - 1
    types = set(
        program.sql(
            (
                "SELECT format_type(atttypid, atttypmod) || ' ' || attcollation FROM pg_attribute "
                "WHERE (attrelid, attname) IN ("
            )
            + ",".join(f"('glia.{t}'::regclass, '{c}')" for t, c in distributed.items())
            + ")"
        ).splitlines()
    )
    assert len(types) == 1, f"co-located tables share the type of their column: {types}"
    for table, column in distributed.items():
        unique = program.sql(
            "SELECT indexrelid::regclass, (SELECT attname FROM pg_attribute "
            "WHERE attrelid = indrelid AND attnum = indkey[0]) FROM pg_index "
            f"WHERE indrelid = 'glia.{table}'::regclass AND indisunique"
        ).splitlines()
        assert unique and all(line.split("|")[1] == column for line in unique), (table, unique)
        found = program.sql(
            f"SELECT count(*) FROM pg_constraint WHERE contype = 'x' AND conrelid = 'glia.{table}'::regclass"
        )
        assert found == "0", found
    names = ",".join(f"'{t}'" for t in (*distributed, *reference))
    assert (
        program.sql("SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'glia'::regnamespace")
        == ""
    ), "no foreign key"
    found = program.sql(
        "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE c.relnamespace = 'glia'::regnamespace"
    )
    assert found == "", "no trigger"
    found = program.sql(
        "SELECT attrelid::regclass FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        f"WHERE c.relnamespace = 'glia'::regnamespace AND c.relname IN ({names}) AND attidentity <> ''"
    )
    assert found == "", "no sequence"
    found = program.sql(
        "SELECT adrelid::regclass FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid "
        f"WHERE c.relnamespace = 'glia'::regnamespace AND c.relname IN ({names}) AND pg_get_expr(adbin, "
        "adrelid) <> 'now()'"
    )
    assert found == "", "a default other than now(), which a shard may compute differently"
    found = program.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind IN ('p', 'f', 'm')"
    )
    assert found == "", found


# What a statement may call where a distributed table is updated: functions that depend on nothing but their arguments.
IMMUTABLE = {"coalesce", "greatest", "least", "nullif", "lower", "upper", "length", "md5"}
WRITES = {"insert", "update", "delete", "merge"}


def words(sql):
    """The tokens of a statement in lower case, without comments; strings become ''."""
    sql = re.sub(r"--[^\n]*", " ", sql)
    sql = re.sub(r"/\*.*?\*/", " ", sql, flags=re.S)
    sql = re.sub(r"'(?:[^']|'')*'", " '' ", sql)
    sql = re.sub(r"\bDISTINCT\s+FROM\b", "DISTINCT_FROM", sql, flags=re.I)  # this FROM names no table
    return [
        word.lower()
        for word in re.findall(r"''|[A-Za-z_][A-Za-z_0-9]*|\$\d+|::|:[a-z_][a-z_0-9]*|[^\sA-Za-z_0-9]|\d+", sql)
    ]


def nested(tokens):
    """The tokens as nested lists: one for each pair of parentheses."""
    top, open_ones = [], []
    here = top
    for token in tokens:
        if token == "(":
            open_ones.append(here)
            here.append([])
            here = here[-1]
        elif token == ")":
            here = open_ones.pop()
        else:
            here.append(token)
    assert not open_ones
    return top


def all_lists(tree):
    """The tree, and every list in it at any depth."""
    yield tree
    for part in tree:
        if isinstance(part, list):
            yield from all_lists(part)


def is_query(part):
    """Whether the part is a query in parentheses."""
    return isinstance(part, list) and any(p in ("select", "with") for p in part[:1])


def holds_query(tree):
    """Whether there is a query inside."""
    return any(is_query(group) for group in all_lists(tree) if group is not tree)


def tokens_between(group, first, ends):
    """For each `first` in the group, the tokens between it and the next of `ends`."""
    for at, token in enumerate(group):
        if token != first:
            continue
        end = next((i for i in range(at + 1, len(group)) if isinstance(group[i], str) and group[i] in ends), len(group))
        yield group[at + 1 : end]


def tables(tokens):
    """The names at places where a statement names tables."""
    for before, name, after in zip([None, *tokens], tokens, [*tokens[1:], None]):
        if before in ("from", "join", "update", "into", "using"):
            yield name
        elif before == "," and after and re.match(r"[a-z_]", after) and after != "as":
            yield name


def faults(sql, distributed):
    """The kinds of statements in DESIGN.md §4 (Citus) to which a statement belongs, if it names a distributed table."""
    tokens = words(sql)
    if not distributed & set(tables(tokens)):
        return []
    tree, found = nested(tokens), []
    if "recursive" in tokens:
        found.append("a recursive CTE")
    names = (
        {tokens[i] for i in range(len(tokens) - 2) if tokens[i + 1] == "as" and tokens[i + 2] == "("}
        if "with" in tokens
        else set()
    )
    for group in all_lists(tree):
        for selected in tokens_between(group, "select", {"from", "union"}):
            after = group[next(i for i, t in enumerate(group) if t is selected[0]) if selected else 0 :]
            source = [
                part
                for of in tokens_between(
                    after, "from", {"where", "group", "order", "limit", "union", "having", "window"}
                )
                for part in of
            ]
            if holds_query(["x", *selected]) and (
                holds_query(["x", *source]) or names & {t for t in source if isinstance(t, str)}
            ):
                found.append("a subquery in a SELECT whose FROM has one")
        for values in tokens_between(group, "set", {"from", "where", "returning"}):
            cases, depth = [], 0
            for token in values:
                depth += (token == "case") - (token == "end")
                if depth:
                    cases.append(token)
            cases += [
                values[i + 1]
                for i, token in enumerate(values[:-1])
                if token == "coalesce" and isinstance(values[i + 1], list)
            ]
            for inside in all_lists(cases):
                for name, arguments in zip(inside, inside[1:]):
                    called = isinstance(name, str) and re.match(r"[a-z_]", name) and isinstance(arguments, list)
                    if called and name not in IMMUTABLE | {
                        "when",
                        "then",
                        "else",
                        "and",
                        "or",
                        "not",
                        "in",
                        "any",
                        "all",
                        "case",
                    }:
                        found.append(f"{name}() inside CASE or COALESCE of SET")
                if {"current_timestamp", "current_date", "localtimestamp"} & {t for t in inside if isinstance(t, str)}:
                    found.append("the time inside CASE or COALESCE of SET")
    if "with" in tokens and WRITES & set(tokens):
        found.append("CTEs in a statement that writes")
    return found


@test
def no_statement_is_of_a_kind_that_fails_on_distributed_tables():
    with open(TOP + "/config/citus.sql") as f:
        distributed = set(re.findall(r"create_distributed_table\('(\w+)'", f.read()))
    assert "engagements" in distributed and len(distributed) > 6
    # Former statements of the program, one for each kind.
    t = {"engagements", "legs"}
    assert faults("WITH RECURSIVE s AS (SELECT 1 UNION ALL SELECT id FROM s) SELECT * FROM engagements", t) == [
        "a recursive CTE"
    ]
    assert faults(
        (
            "SELECT e.id, (SELECT true FROM legs s WHERE s.id = e.id LIMIT 1) IS NOT NULL FROM (SELECT 1) f "
            "LEFT JOIN engagements e ON true"
        ),
        t,
    )
    assert faults(
        (
            "SELECT e.a IS DISTINCT FROM $1, (SELECT true FROM legs s WHERE s.id = e.id) FROM (SELECT 1) f "
            "LEFT JOIN engagements e ON true"
        ),
        t,
    )
    assert faults(
        "WITH f AS (SELECT 1) SELECT e.id, EXISTS (SELECT FROM legs s WHERE s.id = e.id) FROM f, engagements e", t
    )
    assert faults(
        "UPDATE engagements e SET changed_at = CASE WHEN n.changed THEN now() ELSE e.changed_at END FROM n", t
    )
    assert faults(
        "INSERT INTO legs AS l VALUES (1) ON CONFLICT (id) DO UPDATE SET at = coalesce(l.at, clock_timestamp())", t
    )
    assert faults(
        "WITH p AS (SELECT id FROM engagements), q AS (INSERT INTO work_items SELECT id FROM p) SELECT max(id) FROM p",
        t,
    )
    # Other statements of these kinds, and allowed ones.
    assert faults("UPDATE legs SET a = CASE WHEN b THEN (make_interval(secs => 3)) END", t)
    assert faults("WITH gone AS (DELETE FROM legs) INSERT INTO legs SELECT 1", t)
    assert not faults("SELECT e.id, (SELECT true FROM legs s WHERE s.id = e.id) FROM engagements e", t)
    assert not faults(
        (
            "UPDATE engagements e SET changed_at = CASE WHEN n.changed THEN $1::timestamptz ELSE e.changed_at END "
            "FROM (SELECT 1) n"
        ),
        t,
    )
    assert not faults("UPDATE sync_state SET a = CASE WHEN b THEN now() END", t)
    for name, text in statements().items():
        assert not faults(text, distributed), (name, faults(text, distributed))
    # The newest definition of each view, and the questions.
    views = {}
    for file in sorted(glob.glob(TOP + "/sinks/postgres/migrations/*.sql")):
        with open(file) as f:
            text = f.read()
        for name, body in re.findall(r"^CREATE (?:OR REPLACE )?VIEW (\w+) AS\n(.*?;)$", text, re.M | re.S):
            views[name] = body
    assert len(views) >= 5
    for file in glob.glob(TOP + "/config/analytics/questions/*.sql"):
        with open(file) as f:
            views[file] = f.read()
    for name, text in views.items():
        assert not faults(text, distributed | {"engagement_facts", "leg_facts"}), (name, faults(text, distributed))
