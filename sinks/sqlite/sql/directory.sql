-- Operators, sites and queues from their listings. Durations are in microseconds.

-- name: directory_entries_of_site(stream, site)
SELECT id, content_hash, missing FROM directory_entries WHERE stream = :stream AND site_id = :site;

-- name: put_directory_entry(stream, site, id, content_hash, missing)
INSERT INTO directory_entries (stream, site_id, id, content_hash, missing)
VALUES (:stream, :site, :id, :content_hash, :missing)
ON CONFLICT (stream, site_id, id) DO UPDATE SET content_hash = excluded.content_hash, missing = excluded.missing;

-- name: directory_complete(site, epoch, stream, next_poll_in_microseconds)
-- Also accepts the epoch of a released lease, because a commit whose result was lost is repeated.
UPDATE sync_state
SET last_success_at = now(), lease_owner = NULL, lease_expires_at = NULL,
    next_poll_at = now() + :next_poll_in_microseconds, failures = 0,
    refusal = NULL, refusal_warned_at = NULL
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch;

-- name: directory_refused(site, epoch, stream, next_poll_in_microseconds, error, warn)
UPDATE sync_state
SET lease_owner = NULL, lease_expires_at = NULL, next_poll_at = now() + :next_poll_in_microseconds, failures = 0,
    refusal = :error,
    refusal_warned_at = CASE WHEN :warn THEN now() ELSE refusal_warned_at END
WHERE stream = :stream AND site_id = :site AND lease_epoch = :epoch AND lease_owner IS NOT NULL;

-- name: refusal_warning_due(stream, warn_every_microseconds)
SELECT coalesce(max(refusal_warned_at) <= now() - :warn_every_microseconds, 1) FROM sync_state WHERE stream = :stream;
