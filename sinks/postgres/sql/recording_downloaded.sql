-- $1 engagement, $2 URL, $3 path, $4 size, $5 SHA-256, $6 when it was asked for
UPDATE audio_recordings
SET path = $3::text, size_bytes = $4::bigint, sha256 = $5::text, downloaded_at = $6::timestamptz
WHERE engagement_id = $1::text AND url = $2::text;
