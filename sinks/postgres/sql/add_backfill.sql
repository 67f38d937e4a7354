-- $1 from, $2 to, $3 whether the end is open, $4 window seconds, $5 sites
INSERT INTO backfills (window_from, window_to, to_is_open, window_seconds, sites)
VALUES ($1::timestamptz, $2::timestamptz, $3::boolean, $4::bigint, $5::text[])
RETURNING id;
