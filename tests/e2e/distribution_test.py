"""The rules by which the schema can be distributed (config/citus.sql), read from the catalogue of a migrated database."""
import glob
from harness import *

STATE = {"sync_state", "revisit_state", "sync_runs", "backfills", "backfill_windows", "detail_queue", "ongoing_engagements", "rejected_records", "server_clocks", "schema_version",
         "forgotten", "erasures", "enrichments", "enrichers", "queue_wait_samples"}


@test
def no_statement_locks_rows_of_several_shards():
    """Citus does FOR UPDATE for a single shard only; volatile functions in an UPDATE not at all."""
    with open(TOP + "/config/citus.sql") as f: distributed = set(re.findall(r"create_distributed_table\('(\w+)'", f.read()))
    statements = glob.glob(TOP + "/sinks/postgres/sql/*.sql")
    assert len(statements) > 60
    for file in statements:
        with open(file) as f: sql = " ".join(line for line in f.read().splitlines() if not line.startswith("--"))
        named = {t for t in distributed if re.search(rf"\b(FROM|JOIN|UPDATE|INTO|USING) {t}\b", sql)}
        if not named: continue
        assert not re.search(r"\bFOR (NO KEY )?(UPDATE|SHARE)\b", sql), f"{file} locks rows of {named}"
        assert not re.search(r"\b(random|clock_timestamp|nextval|gen_random_uuid)\(", sql), file


@test
def the_schema_keeps_the_rules_for_being_distributed_by_engagement():
    _, program = world(10)
    done(program.run("migrate"))
    with open(TOP + "/config/citus.sql") as f: text = f.read()
    distributed = dict(re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", text))
    reference = set(re.findall(r"create_reference_table\('(\w+)'\)", text))
    tables = set(program.sql("SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind = 'r'").split())
    assert tables - STATE == set(distributed) | reference, "every table of data has its place, and none of the state has"
    assert text.count("colocate_with => 'engagements'") == len(distributed) - 1
    types = set(program.sql("SELECT format_type(atttypid, atttypmod) || ' ' || attcollation FROM pg_attribute WHERE (attrelid, attname) IN (" +
                            ",".join(f"('glia.{t}'::regclass, '{c}')" for t, c in distributed.items()) + ")").splitlines())
    assert len(types) == 1, f"co-located tables share the type of their column: {types}"
    for table, column in distributed.items():
        unique = program.sql(f"SELECT indexrelid::regclass, (SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0]) FROM pg_index WHERE indrelid = 'glia.{table}'::regclass AND indisunique").splitlines()
        assert unique and all(line.split("|")[1] == column for line in unique), (table, unique)
        assert program.sql(f"SELECT count(*) FROM pg_constraint WHERE contype = 'x' AND conrelid = 'glia.{table}'::regclass") == "0"
    names = ",".join(f"'{t}'" for t in (*distributed, *reference))
    assert program.sql("SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'glia'::regnamespace") == "", "no foreign key"
    assert program.sql("SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'glia'::regnamespace") == "", "no trigger"
    assert program.sql(f"SELECT attrelid::regclass FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'glia'::regnamespace AND c.relname IN ({names}) AND attidentity <> ''") == "", "no sequence"
    assert program.sql(f"SELECT adrelid::regclass FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid WHERE c.relnamespace = 'glia'::regnamespace AND c.relname IN ({names}) AND pg_get_expr(adbin, adrelid) <> 'now()'") == "", "no default that a shard would answer otherwise"
    assert program.sql("SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind IN ('p', 'f', 'm')") == ""
