-- ?1 ids
SELECT e.id, e.core_hash, e.list_hash, e.legs_hash, e.fetched_at, e.legs_fetched_at, e.site_ids, e.owed,
       e.visitor_mark
FROM json_each(?1) i JOIN engagements e ON e.id = i.value;
