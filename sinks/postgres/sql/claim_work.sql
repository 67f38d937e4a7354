-- Claims jobs that are due, the newest first: of those never tried, and of those whose next attempt has been due the
-- longest. Two scans of work_items_due; neither passes over what waits.
-- $1 kind, $2 owner, $3 how many at most, $4 for how many seconds
UPDATE work_items w
SET claimed_by = $2::text, claimed_until = now() + make_interval(secs => $4::float8)
FROM (SELECT due.engagement_id, due.item
      FROM (SELECT * FROM (SELECT f.engagement_id, f.item, f.created_at
                           FROM work_items f
                           WHERE f.kind = $1::text AND f.waiting AND f.next_attempt_at = '-infinity'
                             AND (f.claimed_until IS NULL OR f.claimed_until <= now())
                           ORDER BY f.kind, f.next_attempt_at, f.created_at DESC
                           LIMIT $3::bigint
                           FOR UPDATE SKIP LOCKED) fresh
            UNION ALL
            SELECT * FROM (SELECT f.engagement_id, f.item, f.created_at
                           FROM work_items f
                           WHERE f.kind = $1::text AND f.waiting AND f.next_attempt_at > '-infinity'
                             AND f.next_attempt_at <= now() AND (f.claimed_until IS NULL OR f.claimed_until <= now())
                           ORDER BY f.kind, f.next_attempt_at, f.created_at DESC
                           LIMIT $3::bigint
                           FOR UPDATE SKIP LOCKED) failed) due
      ORDER BY due.created_at DESC
      LIMIT $3::bigint) c
WHERE w.engagement_id = c.engagement_id AND w.kind = $1::text AND w.item = c.item
RETURNING w.engagement_id, w.item, w.attempts, (SELECT max(version) FROM schema_version) AS schema_version;
