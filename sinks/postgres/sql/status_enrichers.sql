SELECT k.kind,
       (SELECT count(*) FROM enrichments n WHERE n.kind = k.kind AND n.waiting) AS waiting,
       (SELECT count(*) FROM enrichments n WHERE n.kind = k.kind AND n.waiting AND n.attempts > 0) AS failing,
       (extract(epoch FROM r.last_success_at) * 1000000)::bigint AS last_success_at, r.last_error,
       (extract(epoch FROM r.last_error_at) * 1000000)::bigint AS last_error_at
FROM (SELECT r.kind FROM enrichers r UNION SELECT DISTINCT n.kind FROM enrichments n WHERE n.waiting) k
LEFT JOIN enrichers r ON r.kind = k.kind
ORDER BY k.kind;
