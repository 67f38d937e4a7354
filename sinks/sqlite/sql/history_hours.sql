-- ?1 how many hours
SELECT s.value, (now() - e.created_at) / 3600000000, count(*)
FROM engagements e, json_each(e.site_ids) s
WHERE e.created_at > now() - ?1 * 3600000000 AND e.created_at <= now()
GROUP BY 1, 2;
