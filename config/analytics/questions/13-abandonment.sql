-- Where and when do visitors give up: abandonment by queue and half hour of the day, over the last seven days? (Needs `statistics`.)
-- empty_intervals: without it, half hours that have neither legs nor statistics would have no row, and all_read could be true although they were not read.
SELECT coalesce(q.name, r.queue_id) AS queue,
       to_char(r.interval_start AT TIME ZONE coalesce(s.iana_time_zone, 'UTC'), 'HH24:MI') AS half_hour,
       sum(r.offered) AS offered, sum(r.abandoned) AS abandoned,
       round((sum(r.abandoned) / nullif(sum(r.offered), 0))::numeric, 3) AS abandonment_rate,
       bool_and(r.statistics_share = 1) AS all_read
FROM queue_report(date_trunc('day', now(), 'UTC') - interval '168 hours', date_trunc('day', now(), 'UTC'),
                  empty_intervals => true) r
LEFT JOIN sites s ON s.id = r.site_id
LEFT JOIN queues q ON q.id = r.queue_id
WHERE r.queue_id IS NOT NULL
GROUP BY r.queue_id, queue, half_hour
HAVING sum(r.offered) >= 3
ORDER BY abandonment_rate DESC, offered DESC, queue, queue_id, half_hour
LIMIT 8;
