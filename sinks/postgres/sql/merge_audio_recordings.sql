-- Makes the rows of these engagements equal to the given set; rows that are right already are not written.
-- $1 the set as a JSON array, $2 the engagements
WITH incoming AS (
    SELECT * FROM json_populate_recordset(NULL::audio_recordings, $1::json)
), gone AS (
    DELETE FROM audio_recordings t
    WHERE t.engagement_id = ANY ($2::text[])
      AND NOT EXISTS (SELECT FROM incoming i WHERE i.engagement_id = t.engagement_id AND i.position = t.position)
)
INSERT INTO audio_recordings AS t (engagement_id, position, url)
SELECT engagement_id, position, url FROM incoming
ON CONFLICT (engagement_id, position) DO UPDATE SET url = excluded.url
WHERE (t.url) IS DISTINCT FROM (excluded.url);
