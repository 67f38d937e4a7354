-- As claim_details. $1 kind, $2 owner, $3 how many, $4 for how many seconds
UPDATE enrichments n
SET claimed_by = $2::text, claimed_until = now() + make_interval(secs => $4::float8)
FROM (SELECT due.engagement_id, due.item
      FROM (SELECT * FROM (SELECT w.engagement_id, w.item, w.created_at
                           FROM enrichments w
                           WHERE w.kind = $1::text AND w.waiting AND w.next_attempt_at = '-infinity'
                             AND (w.claimed_until IS NULL OR w.claimed_until <= now())
                           ORDER BY w.kind, w.next_attempt_at, w.created_at DESC
                           LIMIT $3::bigint
                           FOR UPDATE SKIP LOCKED) fresh
            UNION ALL
            SELECT * FROM (SELECT w.engagement_id, w.item, w.created_at
                           FROM enrichments w
                           WHERE w.kind = $1::text AND w.waiting AND w.next_attempt_at > '-infinity'
                             AND w.next_attempt_at <= now() AND (w.claimed_until IS NULL OR w.claimed_until <= now())
                           ORDER BY w.kind, w.next_attempt_at, w.created_at DESC
                           LIMIT $3::bigint
                           FOR UPDATE SKIP LOCKED) failed) due
      ORDER BY due.created_at DESC
      LIMIT $3::bigint) c
WHERE n.engagement_id = c.engagement_id AND n.kind = $1::text AND n.item = c.item
RETURNING n.engagement_id, n.item, n.attempts, n.created_at;
