-- $1 kind, $2 owner, $3 how many, $4 for how many seconds
UPDATE enrichments n
SET claimed_by = $2::text, claimed_until = now() + make_interval(secs => $4::float8)
FROM (SELECT w.engagement_id, w.kind, w.item
      FROM enrichments w
      WHERE w.kind = $1::text AND w.waiting AND w.next_attempt_at <= now()
        AND (w.claimed_until IS NULL OR w.claimed_until <= now())
      ORDER BY w.created_at DESC
      LIMIT $3::bigint
      FOR UPDATE SKIP LOCKED) due
WHERE n.engagement_id = due.engagement_id AND n.kind = due.kind AND n.item = due.item
RETURNING n.engagement_id, n.item, n.attempts, n.created_at;
