-- Where and when do visitors give up: abandonment by queue and half hour of the day, over the last seven days? (Needs `statistics`.)
SELECT coalesce(queue_name, queue_id) AS queue, to_char(interval_start_local, 'HH24:MI') AS half_hour,
       sum(offered) AS offered, sum(abandoned) AS abandoned,
       round((sum(abandoned) / nullif(sum(offered), 0))::numeric, 3) AS abandonment_rate,
       bool_and(statistics_share = 1) AS all_read
FROM queue_intervals
WHERE day >= (now() AT TIME ZONE 'UTC')::date - 7 AND day < (now() AT TIME ZONE 'UTC')::date AND queue_id IS NOT NULL
GROUP BY queue_id, queue, half_hour
HAVING sum(offered) >= 3
ORDER BY abandonment_rate DESC, offered DESC, queue, queue_id, half_hour
LIMIT 8;
