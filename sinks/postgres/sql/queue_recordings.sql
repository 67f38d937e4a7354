-- Recordings of engagements that came while nobody asked for them: some of them, in the order of their ids.
-- $1 after this engagement, $2 how many are looked at
WITH page AS (
    SELECT e.id, e.created_at, e.fetched_at, e.changed_at
    FROM engagements e
    WHERE e.id > $1::text
      AND e.changed_at >= coalesce((SELECT r.queued_through FROM enrichers r WHERE r.kind = 'recording'), '-infinity')
    ORDER BY e.id
    LIMIT $2::bigint
), queued AS (
    INSERT INTO enrichments (engagement_id, kind, item, created_at, wanted_after, changed_at)
    SELECT DISTINCT s.id, 'recording', a.url, s.created_at, s.fetched_at, s.changed_at
    FROM page s JOIN audio_recordings a ON a.engagement_id = s.id
    WHERE a.url IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT max(id) AS last, count(*) AS looked_at FROM page;
