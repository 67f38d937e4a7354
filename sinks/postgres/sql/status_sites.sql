SELECT s.stream, s.site_id,
       (extract(epoch FROM s.synced_through) * 1000000)::bigint AS synced_through,
       extract(epoch FROM now() - s.synced_through)::float8 AS lag,
       (extract(epoch FROM s.last_success_at) * 1000000)::bigint AS last_success_at,
       s.last_error,
       (extract(epoch FROM s.last_error_at) * 1000000)::bigint AS last_error_at,
       (extract(epoch FROM s.next_poll_at) * 1000000)::bigint AS next_poll_at,
       CASE WHEN s.lease_expires_at > now() THEN s.lease_owner END AS lease_owner,
       (extract(epoch FROM CASE WHEN s.lease_expires_at > now() THEN s.lease_expires_at END) * 1000000)::bigint AS lease_expires_at,
       coalesce(r.records, 0) AS rejected,
       s.refusal, n.name
FROM sync_state s
LEFT JOIN sites n ON n.id = s.site_id
LEFT JOIN (SELECT r.site_id, count(*) AS records FROM rejected_records r WHERE r.resolved_at IS NULL GROUP BY r.site_id) r
       ON r.site_id = s.site_id AND s.stream = 'engagements'
ORDER BY s.site_id, s.stream;
