-- Makes the legs of these engagements those of the given set (see also trim_*); legs that are right already are not written.
-- $1 the set as a JSON array
INSERT INTO legs AS t
    (engagement_id, id, position, operator_id, site_id, requested_at, accepted_at, request_type, request_source,
     offered_media_type, accepted_media_type, duration, highest_visitor_media_type, highest_operator_media_type,
     used_cobrowsing, ended_at, end_reason, extra)
SELECT engagement_id, id, position, operator_id, site_id, requested_at, accepted_at, request_type, request_source,
       offered_media_type, accepted_media_type, duration, highest_visitor_media_type, highest_operator_media_type,
       used_cobrowsing, ended_at, end_reason, extra
FROM json_populate_recordset(NULL::legs, $1::json)
ON CONFLICT (engagement_id, id) DO UPDATE
SET position = excluded.position,
    operator_id = excluded.operator_id,
    site_id = excluded.site_id,
    requested_at = excluded.requested_at,
    accepted_at = excluded.accepted_at,
    request_type = excluded.request_type,
    request_source = excluded.request_source,
    offered_media_type = excluded.offered_media_type,
    accepted_media_type = excluded.accepted_media_type,
    duration = excluded.duration,
    highest_visitor_media_type = excluded.highest_visitor_media_type,
    highest_operator_media_type = excluded.highest_operator_media_type,
    used_cobrowsing = excluded.used_cobrowsing,
    ended_at = excluded.ended_at,
    end_reason = excluded.end_reason,
    extra = excluded.extra
WHERE (t.*) IS DISTINCT FROM (excluded.*);
