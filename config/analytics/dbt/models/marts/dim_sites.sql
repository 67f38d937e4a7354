SELECT id AS site_id, name, coalesce(iana_time_zone, 'UTC') AS time_zone FROM {{ source('glia', 'sites') }}
