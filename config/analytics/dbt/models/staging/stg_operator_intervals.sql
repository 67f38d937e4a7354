SELECT * FROM {{ source('glia', 'operator_intervals') }} WHERE day >= '{{ var("glia_from") }}'
