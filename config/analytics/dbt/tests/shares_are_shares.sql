SELECT queue_id, day_local FROM {{ ref('agg_queue_daily') }} WHERE abandonment_rate NOT BETWEEN 0 AND 1 OR service_level < 0
