-- $1 kind
SELECT count(*) FROM work_items WHERE kind = $1::text AND waiting AND next_attempt_at <= now();
