SELECT * FROM {{ source('glia', 'leg_facts') }}
