-- How long do visitors who asked wait in the queue before an engagement: the median, the 90th percentile and the longest wait?
SELECT count(queue_wait_seconds) AS waited, percentile_cont(0.5) WITHIN GROUP (ORDER BY queue_wait_seconds) AS median,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY queue_wait_seconds) AS p90, max(queue_wait_seconds) AS longest
FROM engagement_facts
WHERE created_at >= now() - interval '30 days' AND engagement_type = 'reactive';
