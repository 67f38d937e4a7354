-- $1 whether those of files, or of rows
SELECT kind, id FROM erasures WHERE (kind = 'recordings') = $1::boolean ORDER BY requested_at, kind, id LIMIT 1000;
