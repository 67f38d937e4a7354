-- Transcripts of engagements that came or changed while nobody asked for them: some of them, in the order of their ids.
-- $1 after this engagement, $2 how many are looked at
WITH page AS (
    SELECT e.id, e.created_at, e.fetched_at, e.changed_at, e.legs_fetched_at IS NOT NULL AS whole
    FROM engagements e
    WHERE e.id > $1::text
      AND e.changed_at >= coalesce((SELECT r.queued_through FROM enrichers r WHERE r.kind = 'transcript'), '-infinity')
    ORDER BY e.id
    LIMIT $2::bigint
), queued AS (
    INSERT INTO enrichments AS n (engagement_id, kind, item, created_at, wanted_after, changed_at)
    SELECT s.id, 'transcript', '', s.created_at, s.fetched_at, s.changed_at FROM page s WHERE s.whole ORDER BY s.id
    ON CONFLICT (engagement_id, kind, item) DO UPDATE
    SET waiting = true, wanted_after = excluded.wanted_after, changed_at = excluded.changed_at, attempts = 0,
        next_attempt_at = now()
    WHERE n.changed_at < excluded.changed_at
)
SELECT max(id) AS last, count(*) AS looked_at FROM page;
