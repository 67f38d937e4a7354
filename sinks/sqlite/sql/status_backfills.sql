SELECT b.window_from, b.window_to, count(*) FILTER (WHERE w.done), count(w.site_id), coalesce(sum(w.engagements), 0),
       CASE WHEN b.seconds_left IS NOT NULL AND b.seconds_left_at > now() - 60000000
            THEN max(0, b.seconds_left - (now() - b.seconds_left_at) / 1e6) END
FROM backfills b LEFT JOIN backfill_windows w ON w.backfill_id = b.id
WHERE b.finished_at IS NULL GROUP BY b.id ORDER BY b.id;
