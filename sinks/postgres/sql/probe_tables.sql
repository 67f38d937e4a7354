-- For every table that the program writes: a statement that inserts a row of no meaning and returns its key, and those
-- that change and delete the row with that key. `change` is NULL where there is nothing but the key.
-- $1 schema, $2 a text that is in no row
WITH fields AS (
    SELECT c.relname AS name, a.attnum, quote_ident(a.attname) AS field, format_type(a.atttypid, NULL) AS type,
           a.attgenerated <> '' OR a.attidentity <> '' AS made,
           a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS wanted,
           CASE WHEN y.typcategory = 'S' THEN quote_literal($2::text)
                WHEN y.typcategory = 'B' THEN 'false'
                WHEN y.typcategory = 'D' THEN 'now()'
                WHEN y.typcategory = 'A' OR y.typname IN ('json', 'jsonb') THEN '''{}'''
                WHEN y.typname = 'bytea' THEN format('convert_to(%L, ''UTF8'')', $2::text)
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
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_version'),
tables AS (
    SELECT name, quote_ident(name) AS quoted,
           string_agg(field, ', ' ORDER BY attnum) FILTER (WHERE wanted) AS columns,
           string_agg(value, ', ' ORDER BY attnum) FILTER (WHERE wanted) AS values,
           string_agg(field || '::text', ', ' ORDER BY key) FILTER (WHERE key IS NOT NULL) AS key,
           string_agg(field || ' = $' || key || '::' || type, ' AND ' ORDER BY key) FILTER (WHERE key IS NOT NULL) AS condition,
           min(field) FILTER (WHERE key IS NULL AND NOT made) AS other
    FROM fields
    GROUP BY name)
SELECT name,
       'INSERT INTO ' || quoted || coalesce(' (' || columns || ') VALUES (' || values || ')', ' DEFAULT VALUES') ||
           ' RETURNING ' || key AS insertion,
       'UPDATE ' || quoted || ' SET ' || other || ' = ' || other || ' WHERE ' || condition AS change,
       'DELETE FROM ' || quoted || ' WHERE ' || condition AS deletion
FROM tables
WHERE key IS NOT NULL
ORDER BY name;
