-- How many visitors come to the queues outside business hours, and do more of them give up then? (Needs `statistics` and business_hours.)
SELECT coalesce(site_name, site_id) AS site, in_business_hours, sum(offered) AS offered,
       round((sum(abandoned) / nullif(sum(offered), 0))::numeric, 3) AS abandonment_rate
FROM queue_intervals
WHERE day >= (now() AT TIME ZONE 'UTC')::date - 7 AND day < (now() AT TIME ZONE 'UTC')::date AND queue_id IS NOT NULL
GROUP BY site_id, site, in_business_hours
ORDER BY site, site_id, in_business_hours;
