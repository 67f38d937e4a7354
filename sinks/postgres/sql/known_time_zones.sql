-- $1 names
SELECT name FROM pg_timezone_names WHERE name = ANY($1::text[]);
