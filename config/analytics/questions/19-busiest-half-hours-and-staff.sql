-- Which half hours of the last seven days were the busiest, and how many operators were there?
SELECT d.interval_start AT TIME ZONE 'Europe/Tallinn' AS half_hour, d.requested, d.offered, s.busy_operators, s.logged_in
FROM (SELECT interval_start, sum(requested_legs) AS requested, sum(offered) AS offered
      FROM queue_intervals
      WHERE day >= (now() AT TIME ZONE 'UTC')::date - 7 AND day < (now() AT TIME ZONE 'UTC')::date AND queue_id IS NOT NULL
      GROUP BY interval_start) d
LEFT JOIN (SELECT interval_start, count(*) FILTER (WHERE busy_seconds > 0) AS busy_operators,
                  round((sum(logged_in_seconds) / 1800)::numeric, 1) AS logged_in
           FROM operator_intervals
           WHERE day >= (now() AT TIME ZONE 'UTC')::date - 7 AND day < (now() AT TIME ZONE 'UTC')::date
           GROUP BY interval_start) s ON s.interval_start = d.interval_start
ORDER BY d.requested DESC, half_hour
LIMIT 5;
