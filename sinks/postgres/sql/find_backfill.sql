-- The newest backfill of the same words. $1 from, $2 to or NULL if none was given, $3 window seconds, $4 sites
SELECT id, finished_at IS NOT NULL AS finished,
       (extract(epoch FROM window_from) * 1000000)::bigint AS window_from,
       (extract(epoch FROM window_to) * 1000000)::bigint AS window_to
FROM backfills
WHERE window_from = $1::timestamptz AND window_seconds = $3::bigint AND sites = $4::text[]
  AND CASE WHEN $2::timestamptz IS NULL THEN to_is_open ELSE NOT to_is_open AND window_to = $2 END
ORDER BY id DESC
LIMIT 1;
