-- Overwrites rows that lock_engagements holds. $1 rows of engagements as a JSON array
UPDATE engagements e
SET engagement_type = i.engagement_type,
    created_at = i.created_at,
    duration = i.duration,
    visitor_name = i.visitor_name,
    visitor_browser = i.visitor_browser,
    visitor_device_type = i.visitor_device_type,
    visitor_id = i.visitor_id,
    cobrowsing_used = i.cobrowsing_used,
    video_used = i.video_used,
    audio_used = i.audio_used,
    flagged = i.flagged,
    queue_wait_time = i.queue_wait_time,
    crm_forwarded = i.crm_forwarded,
    summary_forwarded = i.summary_forwarded,
    platform = i.platform,
    source = i.source,
    visitor_href = i.visitor_href,
    chat_transcript_href = i.chat_transcript_href,
    extra = i.extra,
    fetched_at = i.fetched_at,
    legs_fetched_at = i.legs_fetched_at,
    core_hash = i.core_hash,
    list_hash = i.list_hash,
    legs_hash = i.legs_hash,
    changed_at = now()
FROM json_populate_recordset(NULL::engagements, $1::json) i
WHERE e.id = i.id;
