-- The condition on day reaches the tables: without it all days since 2012 are asked for, one after the other.
SELECT * FROM {{ source('glia', 'queue_intervals') }} WHERE day >= '{{ var("glia_from") }}'
