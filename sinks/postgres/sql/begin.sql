-- Once per transaction, not per session: a pooler may hand every transaction another session.
-- $1 schema, $2 statement timeout in ms, $3 lock timeout in ms
SELECT set_config('search_path', quote_ident($1), true), set_config('statement_timeout', $2, true),
       set_config('lock_timeout', $3, true), set_config('timezone', 'UTC', true),
       set_config('bytea_output', 'hex', true);
