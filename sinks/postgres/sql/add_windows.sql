-- [from, to) in windows, for each site. $1 backfill
INSERT INTO backfill_windows (backfill_id, site_id, window_from, window_to)
SELECT b.id, s.site_id, w.start, least(w.start + make_interval(secs => b.window_seconds), b.window_to)
FROM backfills b
CROSS JOIN unnest(b.sites) AS s (site_id)
CROSS JOIN generate_series(b.window_from, b.window_to - interval '1 microsecond', make_interval(secs => b.window_seconds)) AS w (start)
WHERE b.id = $1::bigint;
