-- One row for each engagement, each of one site: that of its first leg.
SELECT * FROM {{ source('glia', 'engagement_facts') }}
