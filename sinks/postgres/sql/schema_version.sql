-- Is there a schema yet? Asked of the catalogue's rows: to_regclass() may answer from a cache that is older than the
-- migration another program has just committed. $1 schema
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = $1 AND c.relname = 'schema_version') AS there;
