-- Which tables can the role not work with? $1 schema
SELECT string_agg(c.relname || ' (' || p.privilege || ')', ', ' ORDER BY c.relname, p.privilege) AS missing
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (privilege)
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT (c.relname = 'schema_version' AND p.privilege <> 'SELECT')
  AND NOT has_table_privilege(c.oid, p.privilege);
