-- The open pass moves on; refused (no row) if the lease has passed to somebody else. Renews the lease as well.
-- $1 site, $2 epoch, $3 from, $4 to, $5 started at, $6 next page, $7 pages, $8 engagements, $9 stream
UPDATE sync_state
SET pass_from = $3::timestamptz,
    pass_to = $4::timestamptz,
    pass_started_at = $5::timestamptz,
    pass_next_page = $6,
    pass_pages = $7::bigint,
    pass_engagements = $8::bigint,
    lease_expires_at = greatest(lease_expires_at, now() + interval '30 seconds')
WHERE stream = $9 AND site_id = $1 AND lease_epoch = $2::bigint AND lease_owner IS NOT NULL;
