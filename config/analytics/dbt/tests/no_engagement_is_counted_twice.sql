SELECT engagement_id FROM {{ ref('fct_engagements') }} GROUP BY engagement_id HAVING count(*) > 1
