-- One row for each site, queue and local day of the site. The figures are those of DICTIONARY.md, "What figures mean".
SELECT site_id, site_name, queue_id, queue_name, interval_start_local::date AS day_local,
       sum(requested_legs) AS requested_legs, sum(accepted_legs) AS accepted_legs,
       sum(reactive_waits) AS reactive_waits, sum(reactive_wait_seconds) AS reactive_wait_seconds,
       sum(reactive_within_20_seconds) AS reactive_within_20_seconds,
       sum(offered) AS offered, sum(answered) AS answered, sum(abandoned) AS abandoned, sum(short_abandoned) AS short_abandoned,
       sum(passed_on) AS passed_on, sum(other_outcomes) AS other_outcomes,
       sum(answered_within_service_level) AS answered_within_service_level, sum(answer_wait_seconds) AS answer_wait_seconds,
       sum(handled) AS handled, sum(handle_seconds) AS handle_seconds, sum(wrap_up_seconds) AS wrap_up_seconds,
       sum(abandoned) / nullif(sum(offered), 0) AS abandonment_rate,
       sum(answered_within_service_level) / nullif(sum(offered) - sum(short_abandoned), 0) AS service_level,
       sum(answer_wait_seconds) / nullif(sum(answered), 0) AS average_speed_of_answer,
       (sum(handle_seconds) + sum(wrap_up_seconds)) / nullif(sum(handled), 0) AS average_handle_time,
       bool_and(statistics_share = 1) AS all_statistics_read
FROM {{ ref('stg_queue_intervals') }}
GROUP BY site_id, site_name, queue_id, queue_name, day_local
