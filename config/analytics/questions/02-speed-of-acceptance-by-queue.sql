-- How fast are visitors who asked accepted in each queue: the average wait, and the share within 20 seconds, over 30 days?
SELECT coalesce(queue_name, queue_id) AS queue, count(*) AS accepted, round(avg(seconds_to_accept)::numeric, 1) AS seconds,
       round(avg((seconds_to_accept <= 20)::int), 3) AS within_20_seconds
FROM leg_facts
WHERE accepted_at >= now() - interval '30 days' AND queue_id IS NOT NULL AND request_type = 'reactive'
GROUP BY queue_id, queue
ORDER BY queue;
