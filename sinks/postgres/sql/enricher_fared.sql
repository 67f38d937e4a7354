-- $1 kind, $2 error (NULL: it went well)
INSERT INTO enrichers AS r (kind, last_success_at, last_error, last_error_at)
VALUES ($1::text, CASE WHEN $2::text IS NULL THEN now() END, $2::text, CASE WHEN $2::text IS NOT NULL THEN now() END)
ON CONFLICT (kind) DO UPDATE
SET last_success_at = coalesce(excluded.last_success_at, r.last_success_at),
    last_error = coalesce(excluded.last_error, r.last_error),
    last_error_at = coalesce(excluded.last_error_at, r.last_error_at);
