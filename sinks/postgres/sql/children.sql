-- Child rows of engagements. Two statements make the rows of some engagements equal to a given set: trim_… deletes
-- rows that are not in the set, merge_… inserts and updates. Rows that are equal already are not written. `rows`: the
-- set as a JSON array.

-- name: trim_engagement_operators(rows, engagement_ids)
DELETE FROM engagement_operators t
WHERE t.engagement_id = ANY (:engagement_ids::text[])
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::engagement_operators, :rows::json) i
                  WHERE i.engagement_id = t.engagement_id AND i.position = t.position);

-- name: merge_engagement_operators(rows)
INSERT INTO engagement_operators AS t (@engagement_operators.columns@)
SELECT @engagement_operators.columns@ FROM json_populate_recordset(NULL::engagement_operators, :rows::json)
ON CONFLICT (engagement_id, position) DO UPDATE SET @engagement_operators.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);

-- name: trim_engagement_queues(rows, engagement_ids)
DELETE FROM engagement_queues t
WHERE t.engagement_id = ANY (:engagement_ids::text[])
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::engagement_queues, :rows::json) i
                  WHERE i.engagement_id = t.engagement_id AND i.position = t.position);

-- name: merge_engagement_queues(rows)
INSERT INTO engagement_queues AS t (engagement_id, position, queue_id)
SELECT engagement_id, position, queue_id FROM json_populate_recordset(NULL::engagement_queues, :rows::json)
ON CONFLICT (engagement_id, position) DO UPDATE SET queue_id = excluded.queue_id
WHERE (t.queue_id) IS DISTINCT FROM (excluded.queue_id);

-- name: trim_audio_recordings(rows, engagement_ids)
DELETE FROM audio_recordings t
WHERE t.engagement_id = ANY (:engagement_ids::text[])
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::audio_recordings, :rows::json) i
                  WHERE i.engagement_id = t.engagement_id AND i.position = t.position);

-- name: merge_audio_recordings(rows)
-- A downloaded file stays with its URL, even if the URL's position changes.
INSERT INTO audio_recordings AS t (engagement_id, position, url, path, size_bytes, sha256, downloaded_at)
SELECT i.engagement_id, i.position, i.url, n.path, n.size_bytes, n.sha256,
       CASE WHEN n.path IS NOT NULL THEN n.done_at END AS downloaded_at
FROM json_populate_recordset(NULL::audio_recordings, :rows::json) i
LEFT JOIN work_items n ON n.engagement_id = i.engagement_id AND n.kind = 'recording' AND n.item = i.url
ON CONFLICT (engagement_id, position) DO UPDATE
SET url = excluded.url, path = excluded.path, size_bytes = excluded.size_bytes, sha256 = excluded.sha256,
    downloaded_at = excluded.downloaded_at
WHERE (t.url, t.path, t.size_bytes, t.sha256, t.downloaded_at)
      IS DISTINCT FROM (excluded.url, excluded.path, excluded.size_bytes, excluded.sha256, excluded.downloaded_at);

-- name: trim_legs(rows, engagement_ids)
DELETE FROM legs t
WHERE t.engagement_id = ANY (:engagement_ids::text[])
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::legs, :rows::json) i
                  WHERE i.engagement_id = t.engagement_id AND i.id = t.id);

-- name: merge_legs(rows)
INSERT INTO legs AS t (@legs.columns@)
SELECT @legs.columns@
FROM json_populate_recordset(NULL::legs, :rows::json)
ON CONFLICT (engagement_id, id) DO UPDATE
SET @legs.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);

-- name: trim_leg_queues(rows, engagement_ids)
DELETE FROM leg_queues t
WHERE t.engagement_id = ANY (:engagement_ids::text[])
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::leg_queues, :rows::json) i
                  WHERE i.engagement_id = t.engagement_id AND i.leg_id = t.leg_id AND i.position = t.position);

-- name: merge_leg_queues(rows)
INSERT INTO leg_queues AS t (engagement_id, leg_id, position, queue_id)
SELECT engagement_id, leg_id, position, queue_id FROM json_populate_recordset(NULL::leg_queues, :rows::json)
ON CONFLICT (engagement_id, leg_id, position) DO UPDATE SET queue_id = excluded.queue_id
WHERE t.queue_id IS DISTINCT FROM excluded.queue_id;

-- name: trim_chat_messages(rows, engagement_ids)
DELETE FROM chat_messages t
WHERE t.engagement_id = ANY (:engagement_ids::text[])
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::chat_messages, :rows::json) i
                  WHERE i.engagement_id = t.engagement_id AND i.position = t.position);

-- name: merge_chat_messages(rows)
INSERT INTO chat_messages AS t (@chat_messages.columns@)
SELECT @chat_messages.columns@
FROM json_populate_recordset(NULL::chat_messages, :rows::json)
ON CONFLICT (engagement_id, position) DO UPDATE
SET @chat_messages.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);
