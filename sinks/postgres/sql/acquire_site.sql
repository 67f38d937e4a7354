-- A row that somebody is writing is not waited for: a lease that is being renewed is not free.
-- `tiers`: of each revisit tier, how far back it reads and how long ago it began, in seconds.
-- $1 site, $2 owner, $3 seconds, $4 true: whether it is due or not, $5 stream
UPDATE sync_state
SET lease_owner = $2, lease_epoch = greatest(lease_epoch, 0) + 1, lease_expires_at = now() + make_interval(secs => $3::float8)
WHERE stream = $5 AND site_id = (
    SELECT site_id FROM sync_state
    WHERE stream = $5 AND site_id = $1
      AND (lease_owner IS NULL OR lease_owner = $2 OR lease_expires_at <= now())
      AND ($4::boolean OR next_poll_at IS NULL OR next_poll_at <= now())
    FOR UPDATE SKIP LOCKED)
RETURNING lease_epoch, failures,
          (extract(epoch FROM synced_through) * 1000000)::bigint AS synced_through,
          (extract(epoch FROM pass_from) * 1000000)::bigint AS pass_from,
          (extract(epoch FROM pass_to) * 1000000)::bigint AS pass_to,
          (extract(epoch FROM pass_started_at) * 1000000)::bigint AS pass_started_at,
          pass_next_page, pass_pages, pass_engagements,
          (SELECT string_agg(t.back_seconds || ' ' || floor(greatest(0, extract(epoch FROM now() - t.last_started_at)))::bigint, ' ')
           FROM revisit_state t WHERE t.stream = sync_state.stream AND t.site_id = sync_state.site_id) AS tiers,
          (SELECT max(version) FROM schema_version) AS schema_version;
