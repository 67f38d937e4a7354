-- How often does a visitor come again within a day or a week, by the queue of the contact before, and what is the FCR? (Contacts of the last week are left out: they are too recent.)
SELECT coalesce(f.first_queue_name, f.first_queue_id, 'no queue') AS queue, count(*) AS contacts,
       round(avg((r.within_1_day IS TRUE)::int), 3) AS again_within_1_day,
       round(avg((r.within_7_days IS TRUE)::int), 3) AS again_within_7_days,
       round(1 - avg((r.within_7_days IS TRUE)::int), 3) AS fcr
FROM engagement_facts f
JOIN repeat_contacts known ON known.engagement_id = f.engagement_id AND known.within_1_day IS NOT NULL
LEFT JOIN repeat_contacts r ON r.previous_engagement_id = f.engagement_id AND r.created_at >= now() - interval '37 days'
WHERE f.created_at >= now() - interval '37 days' AND f.created_at < now() - interval '7 days'
  AND known.created_at >= now() - interval '37 days' AND known.created_at < now() - interval '7 days'
GROUP BY f.first_queue_id, queue
ORDER BY again_within_7_days DESC, queue;
