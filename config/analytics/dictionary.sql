-- The schema part of DICTIONARY.md, made from the comments in the database:
--   psql -XAtq -d analytics -f dictionary.sql        (-v schema=NAME if it is not glia)
\if :{?schema}
\else
    \set schema glia
\endif
WITH objects AS (
    SELECT c.oid, c.relname, c.relkind, obj_description(c.oid, 'pg_class') AS comment,
           -- The reader's own come first: views, then tables of data, then the program's state, of which some are views.
           CASE WHEN c.relname IN ('detail_queue', 'enrichments') THEN 3
                WHEN c.relkind = 'v' THEN 1
                WHEN c.relname IN ('engagements', 'engagement_sites', 'engagement_operators', 'engagement_queues',
                                   'audio_recordings', 'queues', 'legs', 'leg_queues', 'chat_messages',
                                   'operators', 'operator_sites', 'sites', 'name_history',
                                   'queue_wait_samples', 'undocumented_members') THEN 2
                ELSE 3 END AS part
    FROM pg_class c
    WHERE c.relnamespace = :'schema'::regnamespace AND c.relkind IN ('r', 'v')
), lines AS (
    SELECT part, relname, 0 AS place, E'\n### ' || relname || E'\n\n' || coalesce(comment, '') || E'\n\n| column | type | meaning |\n| --- | --- | --- |' AS line
    FROM objects WHERE part < 3
    UNION ALL
    SELECT o.part, o.relname, a.attnum,
           '| `' || a.attname || '`' || CASE WHEN k.indkey IS NOT NULL THEN ' (key)' ELSE '' END || ' | ' ||
           format_type(a.atttypid, a.atttypmod) || ' | ' || replace(coalesce(col_description(o.oid, a.attnum), ''), '|', '\|') || ' |'
    FROM objects o
    JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_index k ON k.indrelid = o.oid AND k.indisprimary AND a.attnum = ANY (k.indkey)
    WHERE o.part < 3
    UNION ALL
    SELECT 3, '', 0, E'\n### State of the program\n\nNot for the reader.\n\n| table | holds |\n| --- | --- |'
    UNION ALL
    SELECT 3, relname, 1, '| `' || relname || '` | ' || coalesce(comment, '') || ' |' FROM objects WHERE part = 3
)
SELECT line FROM lines ORDER BY part, relname, place;
