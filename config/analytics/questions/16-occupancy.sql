-- Which operators had the highest occupancy over the last seven days? (Needs `statistics`.)
SELECT coalesce(operator_name, operator_id) AS operator, sum(logged_in_seconds) AS logged_in, sum(available_seconds) AS available,
       round(((sum(engaged_seconds) + sum(wrap_up_seconds)) / nullif(sum(available_seconds), 0))::numeric, 3) AS occupancy
FROM operator_intervals
WHERE day >= (now() AT TIME ZONE 'UTC')::date - 7 AND day < (now() AT TIME ZONE 'UTC')::date AND operator_id IS NOT NULL
GROUP BY operator_id, operator
HAVING sum(available_seconds) > 0
ORDER BY occupancy DESC, available DESC, operator_id
LIMIT 5;
