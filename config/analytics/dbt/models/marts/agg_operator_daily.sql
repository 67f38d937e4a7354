-- One row for each operator and day, UTC.
SELECT operator_id, operator_name, day, sum(accepted_legs) AS accepted_legs,
       sum(ended_legs) AS ended_legs, sum(leg_seconds) AS leg_seconds, sum(busy_seconds) AS busy_seconds,
       sum(parallel_seconds) AS parallel_seconds, max(most_at_once) AS most_at_once, min(first_activity) AS first_activity,
       max(last_activity) AS last_activity, sum(logged_in_seconds) AS logged_in_seconds, sum(available_seconds) AS available_seconds,
       sum(engaged_seconds) AS engaged_seconds, sum(wrap_up_seconds) AS wrap_up_seconds,
       (sum(engaged_seconds) + sum(wrap_up_seconds)) / nullif(sum(available_seconds), 0) AS occupancy
FROM {{ ref('stg_operator_intervals') }}
GROUP BY operator_id, operator_name, day
