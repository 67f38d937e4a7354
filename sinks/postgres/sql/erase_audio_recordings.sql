-- $1 engagements
DELETE FROM audio_recordings WHERE engagement_id = ANY ($1::text[]);
