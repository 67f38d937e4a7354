-- Enrichers: transcripts, recordings and the waiting times of queues. Their jobs are in work_queue.sql.

-- name: missed_since(kind)
-- Returns the time since which an enricher may have missed engagements.
SELECT coalesce((SELECT r.queued_through FROM enrichers r WHERE r.kind = :kind::text), '-infinity') AS since;

-- name: missed_engagements(since, after_changed_at, after_id, limit)
-- A page of the engagements that were added or changed while an enricher was off, by changed_at and id, after the last
-- one of the previous page.
SELECT e.id, e.changed_at, e.created_at, e.fetched_at, e.legs_fetched_at IS NOT NULL AS has_legs
FROM engagements e
WHERE e.changed_at >= :since::timestamptz AND (e.changed_at, e.id) > (:after_changed_at::timestamptz, :after_id::text)
ORDER BY e.changed_at, e.id
LIMIT :limit::bigint;

-- name: enqueue_missed(kind, engagement_ids, items, created_at, fetched_at, changed_at)
-- Enqueues work for the result of missed_engagements. A transcript is fetched again if its engagement has changed
-- since the transcript was last enqueued; a recording is fetched only once.
INSERT INTO work_items AS n (engagement_id, kind, item, created_at, wanted_after, changed_at)
SELECT i.id, :kind::text, i.item, i.created_at, i.wanted_after, i.changed_at
FROM unnest(:engagement_ids::text[], :items::text[], :created_at::timestamptz[], :fetched_at::timestamptz[],
            :changed_at::timestamptz[])
         AS i (id, item, created_at, wanted_after, changed_at)
ORDER BY i.id, i.item
ON CONFLICT (engagement_id, kind, item) DO UPDATE
SET waiting = true, wanted_after = excluded.wanted_after, changed_at = excluded.changed_at, attempts = 0,
    next_attempt_at = '-infinity', parked = false
WHERE n.kind = 'transcript' AND n.changed_at < excluded.changed_at;

-- name: queued_through(kind, started_ago_seconds)
-- Called at the end of the scan for missed engagements: records that everything committed before the scan began is
-- enqueued. Subtracts an hour for transactions that were open when it began.
INSERT INTO enrichers AS r (kind, queued_through)
VALUES (:kind::text, now() - make_interval(secs => :started_ago_seconds::float8 + 3600))
ON CONFLICT (kind) DO UPDATE SET queued_through = greatest(r.queued_through, excluded.queued_through);

-- name: recordings_of(engagement_ids)
SELECT DISTINCT a.engagement_id, a.url FROM audio_recordings a
WHERE a.engagement_id = ANY (:engagement_ids::text[]) AND a.url IS NOT NULL;

-- name: recording_downloaded(engagement, url, path, size_bytes, sha256, downloaded_at)
-- `downloaded_at`: when the recording was requested.
UPDATE audio_recordings
SET path = :path::text, size_bytes = :size_bytes::bigint, sha256 = :sha256::text,
    downloaded_at = :downloaded_at::timestamptz
WHERE engagement_id = :engagement::text AND url = :url::text;

-- name: record_enricher_result(kind, error)
-- Records the last result of an enricher. `error`: NULL after success.
INSERT INTO enrichers AS r (kind, last_success_at, last_error, last_error_at)
VALUES (:kind::text, CASE WHEN :error::text IS NULL THEN now() END, :error::text,
        CASE WHEN :error::text IS NOT NULL THEN now() END)
ON CONFLICT (kind) DO UPDATE
SET last_success_at = coalesce(excluded.last_success_at, r.last_success_at),
    last_error = coalesce(excluded.last_error, r.last_error),
    last_error_at = coalesce(excluded.last_error_at, r.last_error_at);

-- name: claim_if_due(kind, next_in_seconds)
-- Writes a row for the first instance that asks after the due time, and sets the next due time.
INSERT INTO enrichers AS r (kind, next_at) VALUES (:kind::text, now() + make_interval(secs => :next_in_seconds::float8))
ON CONFLICT (kind) DO UPDATE SET next_at = excluded.next_at WHERE r.next_at <= now();

-- name: add_wait_sample(site, sampled_at, average_seconds)
-- `sampled_at`: when the sample was requested.
INSERT INTO queue_wait_samples (site_id, sampled_at, average_duration_in_seconds)
VALUES (:site::text, :sampled_at::timestamptz, :average_seconds::bigint)
ON CONFLICT DO NOTHING;
