-- From which queues are engagements transferred on most often?
SELECT coalesce(q.name, f.first_queue_id) AS queue, count(*) AS engagements,
       round(avg((f.transfers > 0)::int), 3) AS transfer_rate, max(f.transfers) AS most_transfers
FROM engagement_facts f LEFT JOIN queues q ON q.id = f.first_queue_id
WHERE f.created_at >= now() - interval '30 days' AND f.first_queue_id IS NOT NULL AND f.legs_known
GROUP BY queue
ORDER BY transfer_rate DESC, queue;
