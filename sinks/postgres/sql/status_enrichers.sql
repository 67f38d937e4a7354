SELECT coalesce(r.kind, w.kind) AS kind, coalesce(w.waiting, 0) AS waiting, coalesce(w.failing, 0) AS failing,
       (extract(epoch FROM r.last_success_at) * 1000000)::bigint AS last_success_at, r.last_error,
       (extract(epoch FROM r.last_error_at) * 1000000)::bigint AS last_error_at
FROM enrichers r
FULL JOIN (SELECT n.kind, count(*) AS waiting, count(*) FILTER (WHERE n.attempts > 0) AS failing
           FROM work_items n WHERE n.kind IN ('transcript', 'recording') AND n.waiting GROUP BY n.kind) w ON w.kind = r.kind
ORDER BY 1;
