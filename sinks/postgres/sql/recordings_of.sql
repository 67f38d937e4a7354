-- $1 engagements
SELECT DISTINCT a.engagement_id, a.url FROM audio_recordings a WHERE a.engagement_id = ANY ($1::text[]) AND a.url IS NOT NULL;
