-- The state of each (stream, site): its lease, its open pass and its watermark, as in PostgreSQL. Times are in
-- microseconds, and so are durations unless their name has another unit.

-- name: acquire_site(site, instance, ttl_microseconds, force, stream)
-- Leases a site that is free and due. `force`: even if it is not due.
UPDATE sync_state
SET lease_owner = :instance, lease_epoch = max(lease_epoch, 0) + 1, lease_expires_at = now() + :ttl_microseconds
WHERE stream = :stream AND site_id = :site
  AND (lease_owner IS NULL OR lease_owner = :instance OR lease_expires_at <= now())
  AND (:force OR next_poll_at IS NULL OR next_poll_at <= now())
RETURNING lease_epoch, failures, synced_through, pass_from, pass_to, pass_started_at, pass_next_page, pass_pages,
          pass_engagements;

-- name: add_site(site, stream)
INSERT INTO sync_state (site_id, stream) VALUES (:site, :stream) ON CONFLICT DO NOTHING;

-- name: site_wait(site, stream)
SELECT CASE WHEN lease_expires_at > now() THEN lease_owner END,
       max(0, max(coalesce(next_poll_at, 0), coalesce(lease_expires_at, 0)) - now()), failures
FROM sync_state WHERE stream = :stream AND site_id = :site;

-- name: site_tiers(site, stream)
-- For each revisit tier, how far back it reads and how long ago it started, in seconds.
SELECT back_seconds, max(0, (now() - last_started_at) / 1000000) FROM revisit_state
WHERE stream = :stream AND site_id = :site;

-- name: renew_site(site, epoch, ttl_microseconds, stream)
UPDATE sync_state SET lease_expires_at = now() + :ttl_microseconds
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch AND lease_owner IS NOT NULL;

-- name: release_site(site, epoch, next_poll_in_microseconds, error, stream)
UPDATE sync_state
SET lease_owner = NULL, lease_expires_at = NULL, next_poll_at = now() + :next_poll_in_microseconds,
    failures = CASE WHEN :error IS NULL THEN 0 ELSE failures + 1 END,
    last_error = coalesce(:error, last_error),
    last_error_at = CASE WHEN :error IS NULL THEN last_error_at ELSE now() END
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch AND lease_owner IS NOT NULL;

-- name: site_fence(site, epoch, stream)
UPDATE sync_state SET lease_expires_at = max(lease_expires_at, now() + 30000000)
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch AND lease_owner IS NOT NULL;

-- name: site_watermark(site, stream)
SELECT synced_through FROM sync_state WHERE stream = :stream AND site_id = :site;

-- name: reset_site(site, watermark, stream)
UPDATE sync_state
SET synced_through = :watermark, pass_from = NULL, pass_to = NULL, pass_started_at = NULL, pass_next_page = NULL,
    pass_pages = 0, pass_engagements = 0, next_poll_at = now(), lease_owner = NULL, lease_expires_at = NULL,
    lease_epoch = lease_epoch + 1
WHERE stream = :stream AND site_id = :site AND synced_through > :watermark;

-- name: site_checkpoint(site, epoch, pass_from, pass_to, pass_started_at, pass_next_page, pages, engagements, stream)
UPDATE sync_state
SET pass_from = :pass_from, pass_to = :pass_to, pass_started_at = :pass_started_at, pass_next_page = :pass_next_page,
    pass_pages = :pages, pass_engagements = :engagements,
    lease_expires_at = max(lease_expires_at, now() + 30000000)
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch AND lease_owner IS NOT NULL;

-- name: site_complete(site, epoch, watermark, next_poll_in_microseconds, stream)
-- A watermark in the future comes from a wrong clock and is replaced. `next_poll_in_microseconds`: NULL keeps the
-- lease.
UPDATE sync_state
SET synced_through = CASE WHEN synced_through > now() + 60000000 THEN :watermark
                          ELSE max(coalesce(synced_through, :watermark), :watermark) END,
    pass_from = NULL, pass_to = NULL, pass_started_at = NULL, pass_next_page = NULL, pass_pages = 0,
    pass_engagements = 0, last_success_at = now(),
    lease_owner = CASE WHEN :next_poll_in_microseconds IS NULL THEN lease_owner END,
    lease_expires_at = CASE WHEN :next_poll_in_microseconds IS NULL THEN max(lease_expires_at, now() + 30000000) END,
    next_poll_at = CASE WHEN :next_poll_in_microseconds IS NULL THEN next_poll_at
                        ELSE now() + :next_poll_in_microseconds END,
    failures = CASE WHEN :next_poll_in_microseconds IS NULL THEN failures ELSE 0 END
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch
  AND (lease_owner IS NOT NULL OR :next_poll_in_microseconds IS NOT NULL);

-- name: tier_complete(site, back_seconds, started_ago_microseconds, stream)
INSERT INTO revisit_state (site_id, back_seconds, last_started_at, stream)
VALUES (:site, :back_seconds, now() - :started_ago_microseconds, :stream)
ON CONFLICT (stream, site_id, back_seconds) DO UPDATE SET last_started_at = excluded.last_started_at;
