-- The schema part of DICTIONARY.md, made from the comments in the database:
--   psql -XAtq -d analytics -f dictionary.sql        (-v schema=NAME if it is not glia)
\if :{?schema}
\else
    \set schema glia
\endif
WITH objects AS (
    SELECT c.oid, c.relname, c.relkind, obj_description(c.oid, 'pg_class') AS comment,
           -- Views come first, then tables of data, then the program's state, which includes some views.
           CASE WHEN c.relname IN ('detail_queue', 'enrichments') THEN 3
                WHEN c.relkind = 'v' THEN 1
                WHEN c.relname IN ('engagements', 'engagement_sites', 'engagement_operators', 'engagement_queues',
                                   'audio_recordings', 'queues', 'legs', 'leg_queues', 'chat_messages',
                                   'operators', 'operator_sites', 'sites', 'name_history',
                                   'queue_wait_samples', 'undocumented_members',
                                   'queue_wait_intervals', 'handle_intervals', 'wrap_up_intervals',
                                   'operator_state_intervals', 'statistics_readings', 'business_hours', 'holidays') THEN 2
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
    SELECT 2, '~functions', 0, E'\n### Functions\n\n| function | meaning |\n| --- | --- |'
    UNION ALL
    SELECT 2, '~functions', row_number() OVER (ORDER BY p.proname)::int,
           '| `' || p.proname || '(' || replace(pg_get_function_arguments(p.oid), '|', '\|') || ')` | ' || obj_description(p.oid, 'pg_proc') || ' |'
    FROM pg_proc p WHERE p.pronamespace = :'schema'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NOT NULL
    UNION ALL
    SELECT 3, '', 0, E'\n### State of the program\n\nThe role of analysts may not read these: permission denied.\n\n| table | holds |\n| --- | --- |'
    UNION ALL
    SELECT 3, relname, 1, '| `' || relname || '` | ' || coalesce(comment, '') || ' |' FROM objects WHERE part = 3
)
SELECT line FROM lines ORDER BY part, relname, place;
