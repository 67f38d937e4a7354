SELECT * FROM {{ ref('agg_queue_daily') }} WHERE offered <> answered + abandoned + passed_on + other_outcomes
