-- The condition on day limits what is read from the tables. Without it, the view computes all days since 2012, one by one.
SELECT * FROM {{ source('glia', 'queue_intervals') }} WHERE day >= '{{ var("glia_from") }}'
