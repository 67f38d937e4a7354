SELECT (extract(epoch FROM b.window_from) * 1000000)::bigint AS window_from,
       (extract(epoch FROM b.window_to) * 1000000)::bigint AS window_to,
       count(*) FILTER (WHERE w.done) AS done, count(w.site_id) AS total,
       coalesce(sum(w.engagements), 0)::bigint AS engagements
FROM backfills b LEFT JOIN backfill_windows w ON w.backfill_id = b.id
WHERE b.finished_at IS NULL
GROUP BY b.id
ORDER BY b.id;
