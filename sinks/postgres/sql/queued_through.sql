-- Whatever was committed when the queueing began has been looked at; a margin is left for long transactions.
-- $1 kind, $2 how long ago it began, in seconds
INSERT INTO enrichers AS r (kind, queued_through)
VALUES ($1::text, now() - make_interval(secs => $2::float8 + 3600))
ON CONFLICT (kind) DO UPDATE SET queued_through = greatest(r.queued_through, excluded.queued_through);
