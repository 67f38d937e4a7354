-- Who transfers to whom, and how long is the visitor without an operator meanwhile?
SELECT coalesce(from_operator_name, from_operator_id) AS from_operator, coalesce(to_operator_name, to_operator_id) AS to_operator,
       count(*) AS transfers, count(*) FILTER (WHERE to_queue_id IS NULL) AS without_a_queue,
       round(avg(seconds_lost)::numeric, 1) AS seconds_lost
FROM transfers
WHERE accepted_at >= now() - interval '30 days'
GROUP BY from_operator_id, from_operator, to_operator_id, to_operator
ORDER BY transfers DESC, from_operator_id, to_operator_id
LIMIT 5;
