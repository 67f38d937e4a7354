-- How fast are visitors answered in each queue: ASA, and the share answered within 20 seconds, over 30 days?
SELECT coalesce(q.name, l.queue_id) AS queue, count(*) AS answered, round(avg(l.seconds_to_accept)::numeric, 1) AS asa,
       round(avg((l.seconds_to_accept <= 20)::int), 3) AS service_level
FROM leg_facts l LEFT JOIN queues q ON q.id = l.queue_id
WHERE l.accepted_at >= now() - interval '30 days' AND l.queue_id IS NOT NULL AND NOT l.transferred_in
GROUP BY queue
ORDER BY queue;
