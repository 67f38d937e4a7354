-- Machines that were not heard of for a month are forgotten. $1 machine, $2 microseconds
WITH old AS (
    DELETE FROM server_clocks WHERE updated_at < now() - interval '30 days' AND machine <> $1
)
INSERT INTO server_clocks (machine, ahead_microseconds) VALUES ($1, $2::bigint)
ON CONFLICT (machine) DO UPDATE SET ahead_microseconds = excluded.ahead_microseconds, updated_at = now();
