-- Makes the rows of these engagements those of the given set (see also trim_*); rows that are right already are not written. A file goes
-- with its URL, whatever place that has.
-- $1 the set as a JSON array
INSERT INTO audio_recordings AS t (engagement_id, position, url, path, size_bytes, sha256, downloaded_at)
SELECT i.engagement_id, i.position, i.url, n.path, n.size_bytes, n.sha256,
       CASE WHEN n.path IS NOT NULL THEN n.done_at END AS downloaded_at
FROM json_populate_recordset(NULL::audio_recordings, $1::json) i
LEFT JOIN work_items n ON n.engagement_id = i.engagement_id AND n.kind = 'recording' AND n.item = i.url
ON CONFLICT (engagement_id, position) DO UPDATE
SET url = excluded.url, path = excluded.path, size_bytes = excluded.size_bytes, sha256 = excluded.sha256,
    downloaded_at = excluded.downloaded_at
WHERE (t.url, t.path, t.size_bytes, t.sha256, t.downloaded_at)
      IS DISTINCT FROM (excluded.url, excluded.path, excluded.size_bytes, excluded.sha256, excluded.downloaded_at);
