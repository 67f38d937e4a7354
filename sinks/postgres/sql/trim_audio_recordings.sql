-- Rows of these engagements that are not in the given set. $1 the set as a JSON array, $2 the engagements
DELETE FROM audio_recordings t
WHERE t.engagement_id = ANY ($2::text[])
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::audio_recordings, $1::json) i
                  WHERE i.engagement_id = t.engagement_id AND i.position = t.position);
