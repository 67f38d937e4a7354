-- ?1 id, ?2 how many at most
SELECT id, visitor_mark FROM engagements WHERE id > ?1 ORDER BY id LIMIT ?2;
