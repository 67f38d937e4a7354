-- In chats, how long do visitors wait for the first response, how long on average for any response, and how long at most? (Needs `enrich.transcripts`.)
SELECT coalesce(f.first_queue_name, f.first_queue_id, 'no queue') AS queue, count(*) AS chats,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY c.seconds_to_first_response) AS median_first_response,
       round((sum(r.seconds) / nullif(sum(r.responses), 0))::numeric, 1) AS average_response,
       max(r.longest) AS longest_response, round(avg(c.messages), 1) AS messages
FROM chat_facts c
JOIN engagement_facts f ON f.engagement_id = c.engagement_id
LEFT JOIN (SELECT engagement_id, count(*) AS responses, sum(seconds) AS seconds, max(seconds) AS longest
           FROM chat_responses
           WHERE created_at >= now() - interval '30 days'
           GROUP BY engagement_id) r ON r.engagement_id = c.engagement_id
WHERE c.created_at >= now() - interval '30 days' AND f.created_at >= now() - interval '30 days'
  AND f.media = 'text'
GROUP BY f.first_queue_id, queue
ORDER BY queue;
