-- ?1 site, ?2 source, ?3 engagement, ?4 reason, ?5 payload, ?6 its hash
INSERT INTO rejected_records (site_id, source, engagement_id, reason, payload, payload_hash, first_seen_at, last_seen_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, now(), now())
ON CONFLICT (payload_hash, source, coalesce(site_id, '')) DO UPDATE
SET times_seen = times_seen + 1, last_seen_at = now(), reason = excluded.reason, resolved_at = NULL;
