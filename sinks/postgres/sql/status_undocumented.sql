-- What the API sends beyond its documentation, the newest first.
SELECT path, kind,
       (extract(epoch FROM first_seen_at) * 1000000)::bigint AS first_seen_at,
       (extract(epoch FROM last_seen_at) * 1000000)::bigint AS last_seen_at,
       times_seen,
       first_seen_at > now() - interval '7 days' AS is_new
FROM undocumented_members u
ORDER BY u.first_seen_at DESC, u.path
LIMIT 100;
