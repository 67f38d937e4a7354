-- Which queues reach the target of 80 % answered within the threshold of the site, and on how many of the last seven days? (Needs `statistics`.)
SELECT coalesce(q.name, d.queue_id) AS queue, count(d.service_level) AS days,
       count(*) FILTER (WHERE d.service_level >= 0.8) AS on_target,
       round((sum(d.within) / nullif(sum(d.counted), 0))::numeric, 3) AS service_level
FROM (SELECT queue_id, interval_start, sum(answered_within_service_level) AS within,
             sum(offered) - sum(short_abandoned) AS counted,
             sum(answered_within_service_level) / nullif(sum(offered) - sum(short_abandoned), 0) AS service_level
      FROM queue_report((date_trunc('day', now() AT TIME ZONE 'Europe/Tallinn') - interval '7 days') AT TIME ZONE 'Europe/Tallinn',
                        date_trunc('day', now(), 'Europe/Tallinn'), '1 day', 'Europe/Tallinn')
      GROUP BY queue_id, interval_start) d
JOIN queues q ON q.id = d.queue_id
GROUP BY d.queue_id, queue
ORDER BY service_level, queue, d.queue_id;
