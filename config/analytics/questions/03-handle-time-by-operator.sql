-- Which operators had the most legs of the last 30 days, and what was their average handle time?
SELECT operator_name, operator_id, count(*) AS legs, round(avg(handle_seconds)) AS aht, sum(handle_seconds) AS seconds
FROM leg_facts
WHERE accepted_at >= now() - interval '30 days' AND operator_id IS NOT NULL
GROUP BY operator_id, operator_name
ORDER BY legs DESC, operator_id
LIMIT 5;
