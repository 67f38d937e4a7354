-- Fetched; it stays in the queue if something newer has been asked for meanwhile.
-- $1 engagement, $2 kind, $3 item, $4 when it was asked for, $5 path, $6 size, $7 SHA-256
UPDATE enrichments
SET waiting = wanted_after > $4::timestamptz, done_at = $4::timestamptz, attempts = 0, next_attempt_at = '-infinity',
    last_error = NULL, last_error_at = NULL, claimed_by = NULL, claimed_until = NULL,
    path = $5::text, size_bytes = $6::bigint, sha256 = $7::text
WHERE engagement_id = $1::text AND kind = $2::text AND item = $3::text;
