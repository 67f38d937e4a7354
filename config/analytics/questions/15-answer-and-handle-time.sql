-- How long do visitors wait until they are answered, and how long is an operator busy with each: ASA and AHT with wrap-up? (Needs `statistics`.)
SELECT coalesce(queue_name, queue_id) AS queue, sum(answered) AS answered,
       round((sum(answer_wait_seconds) / nullif(sum(answered), 0))::numeric, 1) AS asa, max(longest_wait_seconds) AS longest_wait,
       round(((sum(handle_seconds) + sum(wrap_up_seconds)) / nullif(sum(handled), 0))::numeric, 1) AS aht
FROM queue_intervals
WHERE day >= (now() AT TIME ZONE 'UTC')::date - 7 AND day < (now() AT TIME ZONE 'UTC')::date AND queue_id IS NOT NULL
GROUP BY queue_id, queue
ORDER BY queue, queue_id;
