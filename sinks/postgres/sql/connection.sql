-- The settings of a transaction, and the queries of `check`.

-- name: begin(schema, statement_timeout_ms, lock_timeout_ms, idle_timeout_ms)
-- Runs once per transaction, not per session: a pooler may give every transaction another session.
-- - idle_in_transaction_session_timeout: an instance that is stopped in the middle of a transaction must not keep its
--   rows locked.
-- - No sequential and no bitmap scans: every statement on a large table reads by a key or an index. Tables that are
--   being filled have no statistics yet. Without them the planner assumes small tables, and reads and sorts a whole
--   range where a statement needs only the first rows in the order of the index.
-- - Generic plans: they look up each given row by its key. The planner of a custom plan knows the number of given rows,
--   underestimates the size of a growing table's index, and reads the whole index for each batch. Generic plans also
--   save the planning.
-- - The settings of a role or a database must not change what the program reads and writes: the spelling of times,
--   numbers, bytes and of NULLs in arrays, and the length of a transaction (transaction_timeout, since PostgreSQL 17).
-- `encoding` and `isolation` are only reported, because they cannot be set here. `session`: the backend's process id;
-- behind a pooler it differs from the one that the connection reports. `now`: the time of the transaction, for
-- statements on distributed tables, which must not call now() (config/citus.sql).
SELECT current_setting('server_encoding') AS encoding, current_setting('transaction_isolation') AS isolation,
       set_config('client_encoding', 'UTF8', true), set_config('standard_conforming_strings', 'on', true),
       set_config('datestyle', 'ISO', true), set_config('intervalstyle', 'postgres', true),
       set_config('extra_float_digits', '1', true), set_config('array_nulls', 'on', true),
       CASE WHEN current_setting('transaction_timeout', true) <> '0'
            THEN set_config('transaction_timeout', '0', true) END,
       set_config('search_path', quote_ident(:schema), true),
       set_config('statement_timeout', :statement_timeout_ms, true),
       set_config('lock_timeout', :lock_timeout_ms, true),
       set_config('idle_in_transaction_session_timeout', :idle_timeout_ms, true),
       set_config('timezone', 'UTC', true), set_config('bytea_output', 'hex', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('jit', 'off', true), pg_backend_pid() AS session, now() AS now;

-- name: may_create(schema)
-- Whether the role may create the schema, or tables in it.
SELECT CASE WHEN EXISTS (SELECT FROM pg_namespace WHERE nspname = :schema) THEN has_schema_privilege(:schema, 'CREATE')
            ELSE has_database_privilege(current_database(), 'CREATE') END AS may,
       current_user AS role, current_database() AS database, current_setting('server_version') AS server,
       pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only;

-- name: missing_privileges(schema)
-- The tables for which the role lacks privileges.
SELECT string_agg(c.relname || ' (' || p.privilege || ')', ', ' ORDER BY c.relname, p.privilege) AS missing
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (privilege)
WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND NOT (c.relname = 'schema_version' AND p.privilege <> 'SELECT')
  AND NOT has_table_privilege(c.oid, p.privilege);

-- name: indexes_exceed_buffers(schema)
-- Returns a row if the indexes exceed shared_buffers. Ids are random, so every new engagement touches random pages of
-- the indexes.
SELECT pg_size_pretty(i.bytes) AS indexes, current_setting('shared_buffers') AS buffers
FROM (SELECT sum(pg_relation_size(c.oid))::bigint AS bytes
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = :schema AND c.relkind = 'i') i
WHERE i.bytes > pg_size_bytes(current_setting('shared_buffers'));

-- name: probe_tables(schema, probe)
-- For every table that the program writes: a statement that inserts a row with meaningless values and returns its key,
-- and those that update and delete the row with that key. `change` is NULL if the table has only key columns. `probe`:
-- a text that occurs in no row.
WITH fields AS (
    SELECT c.relname AS name, a.attnum, quote_ident(a.attname) AS field, format_type(a.atttypid, NULL) AS type,
           a.attgenerated <> '' OR a.attidentity <> '' AS is_generated,
           a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS is_required,
           CASE WHEN y.typcategory = 'S' THEN quote_literal(:probe::text)
                WHEN y.typcategory = 'B' THEN 'false'
                WHEN y.typcategory = 'D' THEN 'now()'
                WHEN y.typcategory = 'A' OR y.typname IN ('json', 'jsonb') THEN '''{}'''
                WHEN y.typname = 'bytea' THEN format('convert_to(%L, ''UTF8'')', :probe::text)
                WHEN y.typname = 'uuid' THEN 'gen_random_uuid()'
                ELSE '''0''' END AS value,
           k.position AS key
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
    LEFT JOIN LATERAL (SELECT u.position FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS u (attnum, position)
                       WHERE u.attnum = a.attnum) k ON true
    WHERE n.nspname = :schema AND c.relkind IN ('r', 'p')
      AND c.relname NOT IN ('schema_version', 'business_hours', 'holidays')),
tables AS (
    SELECT name, quote_ident(name) AS quoted,
           string_agg(field, ', ' ORDER BY attnum) FILTER (WHERE is_required) AS columns,
           string_agg(value, ', ' ORDER BY attnum) FILTER (WHERE is_required) AS values,
           string_agg(field || '::text', ', ' ORDER BY key) FILTER (WHERE key IS NOT NULL) AS key,
           string_agg(field || ' = $' || key || '::' || type, ' AND ' ORDER BY key)
               FILTER (WHERE key IS NOT NULL) AS condition,
           min(field) FILTER (WHERE key IS NULL AND NOT is_generated) AS updatable
    FROM fields
    GROUP BY name)
SELECT name,
       'INSERT INTO ' || quoted || coalesce(' (' || columns || ') VALUES (' || values || ')', ' DEFAULT VALUES') ||
           ' RETURNING ' || key AS insertion,
       'UPDATE ' || quoted || ' SET ' || updatable || ' = ' || updatable || ' WHERE ' || condition AS change,
       'DELETE FROM ' || quoted || ' WHERE ' || condition AS deletion
FROM tables
WHERE key IS NOT NULL
ORDER BY name;
