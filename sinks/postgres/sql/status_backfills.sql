-- What was told more than a minute ago is worth nothing: nobody works on it any more.
SELECT (extract(epoch FROM b.window_from) * 1000000)::bigint AS window_from,
       (extract(epoch FROM b.window_to) * 1000000)::bigint AS window_to,
       count(*) FILTER (WHERE w.done) AS done, count(w.site_id) AS total,
       coalesce(sum(w.engagements), 0)::bigint AS engagements,
       CASE WHEN b.seconds_left IS NOT NULL AND b.seconds_left_at > now() - interval '1 minute'
            THEN greatest(0, b.seconds_left - extract(epoch FROM now() - b.seconds_left_at))::float8 END AS seconds_left
FROM backfills b LEFT JOIN backfill_windows w ON w.backfill_id = b.id
WHERE b.finished_at IS NULL
GROUP BY b.id
ORDER BY b.id;
