-- From which queues are engagements transferred most often?
SELECT coalesce(first_queue_name, first_queue_id) AS queue, count(*) AS engagements,
       round(avg((transfers > 0)::int), 3) AS transfer_rate, max(transfers) AS most_transfers
FROM engagement_facts
WHERE created_at >= now() - interval '30 days' AND first_queue_id IS NOT NULL AND legs_known
GROUP BY first_queue_id, queue
ORDER BY transfer_rate DESC, queue;
