-- The version of the schema.

-- name: bootstrap
CREATE TABLE IF NOT EXISTS schema_version (
    version    integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE schema_version IS 'The migrations that have been applied.';
COMMENT ON COLUMN schema_version.version IS 'Number of the migration.';
COMMENT ON COLUMN schema_version.applied_at IS 'When it was applied.';

-- name: schema_version(schema)
-- Whether the schema exists. Reads the catalogue's rows: to_regclass() may answer from a cache that is older than a
-- migration that another process has just committed.
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = :schema AND c.relname = 'schema_version') AS there;

-- name: read_version
SELECT coalesce(max(version), 0) AS version FROM schema_version;

-- name: record_version(version)
INSERT INTO schema_version (version) VALUES (:version::int);
