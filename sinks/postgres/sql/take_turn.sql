-- Whoever comes first after the moment has the turn. $1 kind, $2 seconds until the next turn
INSERT INTO enrichers AS r (kind, next_at) VALUES ($1::text, now() + make_interval(secs => $2::float8))
ON CONFLICT (kind) DO UPDATE SET next_at = excluded.next_at WHERE r.next_at <= now();
