-- Are the indexes larger than what PostgreSQL keeps in memory? One row if so. Ids are random: every new engagement
-- touches a page of each index, anywhere in it. $1 schema
SELECT pg_size_pretty(i.bytes) AS indexes, current_setting('shared_buffers') AS buffers
FROM (SELECT sum(pg_relation_size(c.oid))::bigint AS bytes
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind = 'i') i
WHERE i.bytes > pg_size_bytes(current_setting('shared_buffers'));
