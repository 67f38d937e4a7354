-- One row for each engagement. It belongs to one site, that of its first leg.
SELECT * FROM {{ source('glia', 'engagement_facts') }}
