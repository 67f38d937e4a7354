-- $1 how many
SELECT mode, stream, site_id,
       (extract(epoch FROM started_at) * 1000000)::bigint AS started_at,
       (extract(epoch FROM finished_at) * 1000000)::bigint AS finished_at,
       (extract(epoch FROM window_from) * 1000000)::bigint AS window_from,
       (extract(epoch FROM window_to) * 1000000)::bigint AS window_to,
       pages, engagements, rejected, requests, error, times
FROM sync_runs
ORDER BY sync_runs.finished_at DESC, sync_runs.id DESC
LIMIT $1::bigint;
