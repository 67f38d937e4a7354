-- One row for each engagement, with its local day at its site, and whether the visitor had an engagement before.
SELECT e.engagement_id, e.created_at, e.created_at_local, e.created_at_local::date AS day_local, e.site_id, e.site_name, e.site_count,
       e.engagement_type, e.media, e.cobrowsing, e.first_queue_id, e.first_queue_name, e.stayed_in_queue, e.first_operator_id,
       e.first_operator_name, e.last_operator_id, e.last_operator_name, e.transfers, e.seconds_to_accept, e.handle_seconds,
       e.ongoing, e.end_reason, r.within_1_day, r.within_7_days, r.within_30_days
FROM {{ ref('stg_engagements') }} e
LEFT JOIN {{ ref('stg_repeat_contacts') }} r ON r.engagement_id = e.engagement_id
WHERE e.created_at >= '{{ var("glia_from") }} 00:00+00'
