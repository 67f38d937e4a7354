-- How fast are visitors answered in each queue: ASA, and the share answered within 20 seconds, over 30 days?
SELECT coalesce(queue_name, queue_id) AS queue, count(*) AS answered, round(avg(seconds_to_accept)::numeric, 1) AS asa,
       round(avg((seconds_to_accept <= 20)::int), 3) AS service_level
FROM leg_facts
WHERE accepted_at >= now() - interval '30 days' AND queue_id IS NOT NULL AND NOT transferred_in
GROUP BY queue
ORDER BY queue;
