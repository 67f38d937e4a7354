SELECT s.site_id, s.synced_through, (now() - s.synced_through) / 1e6, s.last_success_at, s.last_error, s.last_error_at,
       s.next_poll_at, CASE WHEN s.lease_expires_at > now() THEN s.lease_owner END,
       CASE WHEN s.lease_expires_at > now() THEN s.lease_expires_at END,
       (SELECT count(*) FROM rejected_records r WHERE r.site_id = s.site_id AND r.resolved_at IS NULL
          AND s.stream = 'engagements'), s.stream
FROM sync_state s ORDER BY s.site_id, s.stream;
