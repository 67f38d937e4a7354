-- ?1 ids
SELECT e.id, e.core_hash, e.list_hash, e.legs_hash, e.fetched_at, e.legs_fetched_at, e.site_ids, e.owed,
       e.visitor_mark,
       EXISTS (SELECT 1 FROM rejected_records r WHERE r.engagement_id = e.id AND r.resolved_at IS NULL)
FROM json_each(?1) i JOIN engagements e ON e.id = i.value;
