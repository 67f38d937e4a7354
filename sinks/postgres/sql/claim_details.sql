-- Takes the newest details that are due. $1 owner, $2 how many at most, $3 for how many seconds
UPDATE detail_queue d
SET claimed_by = $1, claimed_until = now() + make_interval(secs => $3::float8)
FROM (SELECT engagement_id
      FROM detail_queue
      WHERE next_attempt_at <= now() AND (claimed_until IS NULL OR claimed_until <= now())
      ORDER BY created_at DESC
      LIMIT $2::bigint
      FOR UPDATE SKIP LOCKED) AS c
WHERE d.engagement_id = c.engagement_id
RETURNING d.engagement_id, d.attempts, (SELECT max(version) FROM schema_version) AS schema_version;
