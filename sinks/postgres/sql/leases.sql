-- The state of each (stream, site): its lease, its open pass and its watermark. A lease carries an epoch that only
-- grows; a statement that returns or writes no row means that the lease has passed to another instance.

-- name: lock_refusals(of)
-- Serialises transactions that record a refusal of the same stream or source of statistics, so that only one of them
-- warns. `of`: the name of the stream or source.
SELECT pg_advisory_xact_lock(hashtextextended('glia-sync refusal ' || current_schema() || ' ' || :of, 0));

-- name: acquire_site(site, instance, ttl_seconds, force, stream)
-- Leases a site that is free and due. SKIP LOCKED, because a locked row belongs to a lease that is being renewed, so
-- it is not free. `force`: even if the site is not due.
-- `tiers`: for each revisit tier, how far back it reads and how long ago it started, in seconds.
UPDATE sync_state
SET lease_owner = :instance, lease_epoch = greatest(lease_epoch, 0) + 1,
    lease_expires_at = now() + make_interval(secs => :ttl_seconds::float8)
WHERE stream = :stream AND site_id = (
    SELECT site_id FROM sync_state
    WHERE stream = :stream AND site_id = :site
      AND (lease_owner IS NULL OR lease_owner = :instance OR lease_expires_at <= now())
      AND (:force::boolean OR next_poll_at IS NULL OR next_poll_at <= now())
    FOR UPDATE SKIP LOCKED)
RETURNING lease_epoch, failures,
          (extract(epoch FROM synced_through) * 1000000)::bigint AS synced_through,
          (extract(epoch FROM pass_from) * 1000000)::bigint AS pass_from,
          (extract(epoch FROM pass_to) * 1000000)::bigint AS pass_to,
          (extract(epoch FROM pass_started_at) * 1000000)::bigint AS pass_started_at,
          pass_next_page, pass_pages, pass_engagements,
          (SELECT string_agg(t.back_seconds || ' '
                                 || floor(greatest(0, extract(epoch FROM now() - t.last_started_at)))::bigint, ' ')
           FROM revisit_state t WHERE t.stream = sync_state.stream AND t.site_id = sync_state.site_id) AS tiers,
          (SELECT max(version) FROM schema_version) AS schema_version;

-- name: add_site(site, stream)
INSERT INTO sync_state (site_id, stream) VALUES (:site, :stream) ON CONFLICT DO NOTHING;

-- name: site_wait(site, stream)
-- Returns why acquire_site found nothing: the holder of the lease, the seconds until the site is free and due, and the
-- failures before.
SELECT CASE WHEN lease_expires_at > now() THEN lease_owner END AS instance,
       greatest(0, extract(epoch FROM greatest(next_poll_at, lease_expires_at) - now()))::float8 AS wait,
       failures
FROM sync_state
WHERE stream = :stream AND site_id = :site;

-- name: renew_site(site, epoch, ttl_seconds, stream)
UPDATE sync_state SET lease_expires_at = now() + make_interval(secs => :ttl_seconds::float8)
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch::bigint AND lease_owner IS NOT NULL;

-- name: release_site(site, epoch, next_poll_in_seconds, error, stream)
-- Releases the site. A repeated release finds no holder and changes nothing. `error`: NULL after success.
UPDATE sync_state
SET lease_owner = NULL,
    lease_expires_at = NULL,
    next_poll_at = now() + make_interval(secs => :next_poll_in_seconds::float8),
    failures = CASE WHEN :error::text IS NULL THEN 0 ELSE failures + 1 END,
    last_error = coalesce(:error, last_error),
    last_error_at = CASE WHEN :error IS NULL THEN last_error_at ELSE now() END
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch::bigint AND lease_owner IS NOT NULL
RETURNING failed_run_id;

-- name: site_fence(site, epoch, stream)
-- Checks the lease of a commit that moves no checkpoint, and renews it.
UPDATE sync_state
SET lease_expires_at = greatest(lease_expires_at, now() + interval '30 seconds')
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch::bigint AND lease_owner IS NOT NULL;

-- name: site_watermark(site, stream)
SELECT (extract(epoch FROM synced_through) * 1000000)::bigint AS synced_through FROM sync_state
WHERE stream = :stream AND site_id = :site;

-- name: reset_site(site, watermark, stream)
-- Moves the watermark back, drops the open pass and makes the site due at once. The new epoch fences the instance that
-- is reading the site.
UPDATE sync_state
SET synced_through = :watermark::timestamptz,
    pass_from = NULL,
    pass_to = NULL,
    pass_started_at = NULL,
    pass_next_page = NULL,
    pass_pages = 0,
    pass_engagements = 0,
    next_poll_at = now(),
    lease_owner = NULL,
    lease_expires_at = NULL,
    lease_epoch = lease_epoch + 1
WHERE stream = :stream AND site_id = :site AND synced_through > :watermark::timestamptz;

-- name: site_checkpoint(site, epoch, pass_from, pass_to, pass_started_at, pass_next_page, pages, engagements, stream)
-- Stores the position of the open pass and renews the lease.
UPDATE sync_state
SET pass_from = :pass_from::timestamptz,
    pass_to = :pass_to::timestamptz,
    pass_started_at = :pass_started_at::timestamptz,
    pass_next_page = :pass_next_page,
    pass_pages = :pages::bigint,
    pass_engagements = :engagements::bigint,
    lease_expires_at = greatest(lease_expires_at, now() + interval '30 seconds')
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch::bigint AND lease_owner IS NOT NULL;

-- name: site_complete(site, epoch, watermark, pass_from, pass_to, pass_started_at, pages, engagements, rejected,
--     requests, next_poll_in_seconds, stream)
-- Ends a pass: moves the watermark and records the run. A watermark in the future comes from a wrong clock and is
-- replaced.
-- `next_poll_in_seconds`: NULL keeps the lease, because more is due for the site. Any other value releases the lease,
-- and the statement also accepts the epoch of a released lease, because a commit whose result was lost is repeated. The
-- repetition adds no second run.
WITH moved AS (
    UPDATE sync_state
    SET synced_through = CASE WHEN synced_through > now() + interval '1 minute' THEN :watermark::timestamptz
                              ELSE greatest(synced_through, :watermark::timestamptz) END,
        synced_from = least(synced_from, :pass_from::timestamptz),
        pass_from = NULL,
        pass_to = NULL,
        pass_started_at = NULL,
        pass_next_page = NULL,
        pass_pages = 0,
        pass_engagements = 0,
        last_success_at = now(),
        lease_owner = CASE WHEN :next_poll_in_seconds::float8 IS NULL THEN lease_owner END,
        lease_expires_at = CASE WHEN :next_poll_in_seconds::float8 IS NULL
                                THEN greatest(lease_expires_at, now() + interval '30 seconds') END,
        next_poll_at = CASE WHEN :next_poll_in_seconds::float8 IS NULL THEN next_poll_at
                            ELSE now() + make_interval(secs => :next_poll_in_seconds::float8) END,
        failures = CASE WHEN :next_poll_in_seconds::float8 IS NULL THEN failures ELSE 0 END,
        failed_run_id = NULL
    WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch::bigint
      AND (lease_owner IS NOT NULL OR :next_poll_in_seconds::float8 IS NOT NULL)
    RETURNING site_id, stream
), run AS (
    INSERT INTO sync_runs (mode, site_id, window_from, window_to, started_at, pages, engagements, rejected, requests,
                           lease_epoch, stream)
    SELECT 'incremental', m.site_id, :pass_from::timestamptz, :pass_to::timestamptz, :pass_started_at::timestamptz,
           :pages::bigint, :engagements::bigint, :rejected::bigint, :requests::bigint, :epoch::bigint, m.stream
    FROM moved m
    ON CONFLICT DO NOTHING
)
SELECT site_id FROM moved;

-- name: tier_complete(site, back_seconds, pass_from, pass_to, pass_started_at, pages, engagements, rejected, requests,
--     started_ago_seconds, epoch, stream)
-- Ends a revisit: records when it started for its tier and for the shorter tiers that it covers. `back_seconds`: how
-- far back each of these tiers reads. A repeated commit, after its result was lost, adds no second run.
WITH tiers AS (
    INSERT INTO revisit_state AS r (stream, site_id, back_seconds, last_started_at)
    SELECT :stream, :site, i.back, now() - make_interval(secs => :started_ago_seconds::float8)
    FROM unnest(:back_seconds::bigint[]) AS i (back) ORDER BY i.back
    ON CONFLICT (stream, site_id, back_seconds) DO UPDATE SET last_started_at = excluded.last_started_at
)
INSERT INTO sync_runs (mode, site_id, window_from, window_to, started_at, pages, engagements, rejected, requests,
                       lease_epoch, stream)
VALUES ('revisit', :site, :pass_from::timestamptz, :pass_to::timestamptz, :pass_started_at::timestamptz, :pages::bigint,
        :engagements::bigint, :rejected::bigint, :requests::bigint, :epoch::bigint, :stream)
ON CONFLICT DO NOTHING;
