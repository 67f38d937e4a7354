-- ?1 number of a record, ?2 how many at most
SELECT id, engagement_id, payload FROM rejected_records WHERE id > ?1 ORDER BY id LIMIT ?2;
