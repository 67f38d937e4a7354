-- Once per transaction, not per session: a pooler may hand every transaction another session. An instance that sleeps
-- in the middle of a transaction must not keep its rows locked. Everything is asked for by a key or an index, and of tables
-- that are just being filled there are no statistics that would tell the planner so: without them it takes what is large for
-- small, and reads and sorts all of a range (a bitmap) where its first rows in the order of the index are asked for.
-- What a role or a database sets otherwise must not change what the program reads and writes: how times, numbers, bytes
-- and NULLs in arrays are spelt, and how long a transaction may take (transaction_timeout: PostgreSQL 17).
-- `session`: the process that answers, which is not the one that a pooler tells of. `encoding` and `isolation` cannot be
-- set here. `now`: the time of the transaction, for statements on distributed tables, which must not ask for it
-- (config/citus.sql).
-- $1 schema, $2 statement timeout in ms, $3 lock timeout in ms, $4 the same for a client that falls silent
SELECT current_setting('server_encoding') AS encoding, current_setting('transaction_isolation') AS isolation,
       set_config('client_encoding', 'UTF8', true), set_config('standard_conforming_strings', 'on', true),
       set_config('datestyle', 'ISO', true), set_config('intervalstyle', 'postgres', true),
       set_config('extra_float_digits', '1', true), set_config('array_nulls', 'on', true),
       CASE WHEN current_setting('transaction_timeout', true) <> '0' THEN set_config('transaction_timeout', '0', true) END,
       set_config('search_path', quote_ident($1), true), set_config('statement_timeout', $2, true),
       set_config('lock_timeout', $3, true), set_config('idle_in_transaction_session_timeout', $4, true),
       set_config('timezone', 'UTC', true), set_config('bytea_output', 'hex', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true), pg_backend_pid() AS session,
       now() AS now;
