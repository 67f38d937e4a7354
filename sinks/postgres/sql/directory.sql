-- Operators, sites and queues from their listings. `rows`: rows of the table as a JSON array. `listed_at`: when
-- the listing was requested. `now`: the time of the transaction.

-- name: stored_operators(operator_ids)
SELECT id, content_hash, missing_since IS NOT NULL AS missing FROM operators WHERE id = ANY(:operator_ids::text[]);

-- name: upsert_operators(rows, now)
INSERT INTO operators AS o (@operators.columns@, first_seen_at, changed_at)
SELECT @operators.values_i@, :now::timestamptz, :now::timestamptz
FROM json_populate_recordset(NULL::operators, :rows::json) i
ORDER BY i.id
ON CONFLICT (id) DO UPDATE
SET @operators.set_excluded@, changed_at = excluded.changed_at
WHERE o.fetched_at <= excluded.fetched_at
RETURNING id;

-- name: operators_of_site(site)
SELECT operator_id FROM operator_sites WHERE site_id = :site;

-- name: lock_operators(operator_ids)
-- Serialises transactions that change the sites of an operator, because each decides whether any listing still shows
-- it.
SELECT id FROM operators WHERE id = ANY(:operator_ids::text[]) ORDER BY id FOR NO KEY UPDATE;

-- name: add_operator_sites(operator_ids, site)
INSERT INTO operator_sites (operator_id, site_id) SELECT o, :site FROM unnest(:operator_ids::text[]) o
ON CONFLICT DO NOTHING;

-- name: drop_operator_sites(operator_ids, site)
DELETE FROM operator_sites WHERE operator_id = ANY(:operator_ids::text[]) AND site_id = :site;

-- name: clear_operators_missing(operator_ids, now)
-- Clears missing_since of operators that are listed again.
UPDATE operators SET missing_since = NULL, changed_at = :now::timestamptz
WHERE id = ANY(:operator_ids::text[]) AND missing_since IS NOT NULL;

-- name: mark_operators_missing(operator_ids, now)
-- Marks the operators that no site lists any more as missing.
UPDATE operators o SET missing_since = :now::timestamptz, changed_at = :now::timestamptz
WHERE o.id = ANY(:operator_ids::text[]) AND o.missing_since IS NULL
  AND NOT EXISTS (SELECT FROM operator_sites s WHERE s.operator_id = o.id);

-- name: stored_sites(sites)
SELECT id, content_hash, fetched_at IS NULL AS configured FROM sites WHERE id = ANY(:sites::text[]);

-- name: upsert_sites(rows, now)
-- The API's entry replaces one from the configuration, never the reverse.
INSERT INTO sites AS s (@sites.columns@, first_seen_at, changed_at)
SELECT @sites.values_i@, :now::timestamptz, :now::timestamptz
FROM json_populate_recordset(NULL::sites, :rows::json) i
ORDER BY i.id
ON CONFLICT (id) DO UPDATE
SET @sites.set_excluded@, changed_at = excluded.changed_at
WHERE s.fetched_at IS NULL OR s.fetched_at <= excluded.fetched_at
RETURNING id;

-- name: site_names(sites)
SELECT id, name FROM sites WHERE id = ANY(:sites::text[]) AND name IS NOT NULL ORDER BY id;

-- name: known_time_zones(names)
SELECT name FROM pg_timezone_names WHERE name = ANY(:names::text[]);

-- name: stored_queues(queue_ids)
SELECT id, content_hash, missing_since IS NOT NULL AS missing, name FROM queues WHERE id = ANY(:queue_ids::text[]);

-- name: upsert_listed_queues(rows)
-- The name from an engagement stays if the engagement was fetched after the listing was requested.
INSERT INTO queues AS q (@queues.columns@, name_as_of, name_fetched_at)
SELECT @queues.values_i@, i.listed_at, i.listed_at
FROM json_populate_recordset(NULL::queues, :rows::json) i
ORDER BY i.id
ON CONFLICT (id) DO UPDATE
SET @queues.set_listed@,
    name = CASE WHEN excluded.name IS NOT NULL AND q.name_fetched_at <= excluded.listed_at
                THEN excluded.name ELSE q.name END,
    name_as_of = CASE WHEN excluded.name IS NOT NULL AND q.name_fetched_at <= excluded.listed_at
                      THEN greatest(q.name_as_of, excluded.listed_at) ELSE q.name_as_of END,
    name_fetched_at = CASE WHEN excluded.name IS NOT NULL
                           THEN greatest(q.name_fetched_at, excluded.listed_at) ELSE q.name_fetched_at END
WHERE q.listed_at IS NULL OR q.listed_at <= excluded.listed_at
RETURNING id;

-- name: queues_of_site(site)
-- Queues that the site's listing has shown and that are not missing.
SELECT id FROM queues WHERE site_id = :site AND listed_at IS NOT NULL AND missing_since IS NULL;

-- name: clear_queues_missing(queue_ids)
-- Clears missing_since of queues that are listed again.
UPDATE queues SET missing_since = NULL WHERE id = ANY(:queue_ids::text[]) AND missing_since IS NOT NULL;

-- name: mark_queues_missing(queue_ids, now, site)
UPDATE queues SET missing_since = :now::timestamptz
WHERE id = ANY(:queue_ids::text[]) AND site_id = :site AND missing_since IS NULL;

-- name: changed_names(kind, ids, names)
-- Returns a row if one of the names differs from the last one in its history. `names`: the current names.
SELECT
FROM unnest(:ids::text[], :names::text[]) AS n (id, name)
LEFT JOIN name_history h ON h.kind = :kind AND h.id = n.id AND h.valid_to IS NULL
WHERE h.name IS DISTINCT FROM n.name
LIMIT 1;

-- name: close_names(kind, ids, names, since)
-- Ends the validity of names that have changed. `names`, `since`: the current names and when each began.
UPDATE name_history h SET valid_to = greatest(h.valid_from, n.since)
FROM unnest(:ids::text[], :names::text[], :since::timestamptz[]) AS n (id, name, since)
WHERE h.kind = :kind AND h.id = n.id AND h.valid_to IS NULL AND h.name IS DISTINCT FROM n.name;

-- name: open_names(kind, ids, names, since)
-- Adds names that are not recorded yet. `names`, `since`: the current names and when each began.
INSERT INTO name_history (kind, id, valid_from, name)
SELECT :kind, n.id, n.since, n.name
FROM unnest(:ids::text[], :names::text[], :since::timestamptz[]) AS n (id, name, since)
WHERE n.name IS NOT NULL
  AND NOT EXISTS (SELECT FROM name_history h WHERE h.kind = :kind AND h.id = n.id AND h.valid_to IS NULL)
ORDER BY n.id
ON CONFLICT (kind, id, valid_from) DO UPDATE SET name = excluded.name, valid_to = NULL;

-- name: directory_complete(site, epoch, stream, next_poll_in_seconds, listed_at, pages, records, rejected, requests)
-- Releases the lease in the transaction that writes the listing, and records the run. Returns no row if the lease has
-- passed to another instance. Also accepts the epoch of a released lease, because a commit whose result was lost is
-- repeated.
WITH done AS (
    UPDATE sync_state
    SET last_success_at = now(),
        lease_owner = NULL,
        lease_expires_at = NULL,
        next_poll_at = now() + make_interval(secs => :next_poll_in_seconds::float8),
        failures = 0,
        failed_run_id = NULL,
        refusal = NULL,
        refusal_warned_at = NULL
    WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch::bigint
    RETURNING site_id, stream
), run AS (
    INSERT INTO sync_runs (mode, site_id, window_from, started_at, pages, engagements, rejected, requests,
                           lease_epoch, stream)
    SELECT 'listing', d.site_id, :listed_at::timestamptz, :listed_at::timestamptz, :pages::bigint, :records::bigint,
           :rejected::bigint, :requests::bigint, :epoch::bigint, d.stream
    FROM done d
    ON CONFLICT DO NOTHING
)
SELECT site_id FROM done;

-- name: directory_refused(site, epoch, stream, next_poll_in_seconds, error, warn_every_seconds)
-- Records that the API refuses a listing, and releases the lease. Returns `warn`: true if the last warning for this
-- stream, of any site, is at least `warn_every_seconds` old.
UPDATE sync_state s
SET lease_owner = NULL,
    lease_expires_at = NULL,
    next_poll_at = now() + make_interval(secs => :next_poll_in_seconds::float8),
    failures = 0,
    refusal = :error,
    refusal_warned_at = CASE WHEN last.warn THEN last.now ELSE s.refusal_warned_at END
FROM (SELECT coalesce(max(refusal_warned_at) <= now() - make_interval(secs => :warn_every_seconds::float8), true)
                 AS warn, now() AS now
      FROM sync_state WHERE stream = :stream) last
WHERE s.stream = :stream AND s.site_id = :site AND s.lease_epoch = :epoch::bigint AND s.lease_owner IS NOT NULL
RETURNING last.warn;
