-- A revisit has been read to its end; so have the tiers that reach less far back. $1 site, $2 seconds back of each
INSERT INTO revisit_state AS r (site_id, back_seconds, last_started_at)
SELECT $1, i.back, now() FROM unnest($2::bigint[]) AS i (back) ORDER BY i.back
ON CONFLICT (site_id, back_seconds) DO UPDATE SET last_started_at = excluded.last_started_at;
