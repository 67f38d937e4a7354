-- Takes details that are due, the newest first: of those never tried, and of those whose next attempt has been due the
-- longest. Two scans of detail_queue_due; neither passes over what waits.
-- $1 owner, $2 how many at most, $3 for how many seconds
UPDATE detail_queue d
SET claimed_by = $1, claimed_until = now() + make_interval(secs => $3::float8)
FROM (SELECT due.engagement_id
      FROM (SELECT * FROM (SELECT engagement_id, created_at
                           FROM detail_queue
                           WHERE next_attempt_at = '-infinity' AND (claimed_until IS NULL OR claimed_until <= now())
                           ORDER BY next_attempt_at, created_at DESC
                           LIMIT $2::bigint
                           FOR UPDATE SKIP LOCKED) fresh
            UNION ALL
            SELECT * FROM (SELECT engagement_id, created_at
                           FROM detail_queue
                           WHERE next_attempt_at > '-infinity' AND next_attempt_at <= now()
                             AND (claimed_until IS NULL OR claimed_until <= now())
                           ORDER BY next_attempt_at, created_at DESC
                           LIMIT $2::bigint
                           FOR UPDATE SKIP LOCKED) failed) due
      ORDER BY due.created_at DESC
      LIMIT $2::bigint) AS c
WHERE d.engagement_id = c.engagement_id
RETURNING d.engagement_id, d.attempts, (SELECT max(version) FROM schema_version) AS schema_version;
