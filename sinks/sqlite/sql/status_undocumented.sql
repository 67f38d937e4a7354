-- What the API sends beyond its documentation, the newest first. The last column: within 7 days.
SELECT path, kind, first_seen_at, last_seen_at, times_seen, first_seen_at > now() - 604800000000
FROM undocumented_members ORDER BY first_seen_at DESC, path LIMIT 100;
