-- Writes rows of engagements that are still as they were when it was decided what to write, and tells which those were:
-- the others have changed meanwhile, and are decided anew. Rows are locked in the order of their ids, so that two writers
-- never wait for each other.
-- $1 whole rows as a JSON array, of those whose own columns change; $2 ids, $3 whether their own columns change, $4 whether
-- anything that people see does; $5 list hashes, $6 legs hashes, $7 fetched_at, $8 legs_fetched_at; $9 core hashes, $10 fetched_at,
-- $11 legs_fetched_at as they were: no write leaves all three alone, unless it repeats what is there; $12 the time of the
-- transaction (a distributed table takes no now() here)
UPDATE engagements e
SET engagement_type = CASE WHEN n.core THEN n.engagement_type ELSE e.engagement_type END,
    created_at = CASE WHEN n.core THEN n.created_at ELSE e.created_at END,
    duration = CASE WHEN n.core THEN n.duration ELSE e.duration END,
    visitor_name = CASE WHEN n.core THEN n.visitor_name ELSE e.visitor_name END,
    visitor_browser = CASE WHEN n.core THEN n.visitor_browser ELSE e.visitor_browser END,
    visitor_device_type = CASE WHEN n.core THEN n.visitor_device_type ELSE e.visitor_device_type END,
    visitor_id = CASE WHEN n.core THEN n.visitor_id ELSE e.visitor_id END,
    cobrowsing_used = CASE WHEN n.core THEN n.cobrowsing_used ELSE e.cobrowsing_used END,
    video_used = CASE WHEN n.core THEN n.video_used ELSE e.video_used END,
    audio_used = CASE WHEN n.core THEN n.audio_used ELSE e.audio_used END,
    flagged = CASE WHEN n.core THEN n.flagged ELSE e.flagged END,
    queue_wait_time = CASE WHEN n.core THEN n.queue_wait_time ELSE e.queue_wait_time END,
    crm_forwarded = CASE WHEN n.core THEN n.crm_forwarded ELSE e.crm_forwarded END,
    summary_forwarded = CASE WHEN n.core THEN n.summary_forwarded ELSE e.summary_forwarded END,
    platform = CASE WHEN n.core THEN n.platform ELSE e.platform END,
    source = CASE WHEN n.core THEN n.source ELSE e.source END,
    visitor_href = CASE WHEN n.core THEN n.visitor_href ELSE e.visitor_href END,
    chat_transcript_href = CASE WHEN n.core THEN n.chat_transcript_href ELSE e.chat_transcript_href END,
    extra = CASE WHEN n.core THEN n.extra ELSE e.extra END,
    core_hash = CASE WHEN n.core THEN n.core_hash ELSE e.core_hash END,
    list_hash = n.list_hash,
    legs_hash = n.legs_hash,
    fetched_at = n.fetched_at,
    legs_fetched_at = n.legs_fetched_at,
    changed_at = CASE WHEN n.changed THEN $12::timestamptz ELSE e.changed_at END
FROM (SELECT s.id, s.core, s.changed, s.list_hash, s.legs_hash, s.fetched_at, s.legs_fetched_at,
             s.core_hash_was, s.fetched_at_was, s.legs_fetched_at_was,
             i.engagement_type, i.created_at, i.duration, i.visitor_name, i.visitor_browser, i.visitor_device_type,
             i.visitor_id, i.cobrowsing_used, i.video_used, i.audio_used, i.flagged, i.queue_wait_time, i.crm_forwarded,
             i.summary_forwarded, i.platform, i.source, i.visitor_href, i.chat_transcript_href, i.extra, i.core_hash
      FROM unnest($2::text[], $3::boolean[], $4::boolean[], $5::bytea[], $6::bytea[], $7::timestamptz[],
                  $8::timestamptz[], $9::bytea[], $10::timestamptz[], $11::timestamptz[])
               AS s (id, core, changed, list_hash, legs_hash, fetched_at, legs_fetched_at, core_hash_was,
                     fetched_at_was, legs_fetched_at_was)
      LEFT JOIN json_populate_recordset(NULL::engagements, $1::json) i ON i.id = s.id
      ORDER BY s.id) AS n
WHERE e.id = n.id
  AND e.core_hash = n.core_hash_was
  AND e.fetched_at = n.fetched_at_was
  AND e.legs_fetched_at IS NOT DISTINCT FROM n.legs_fetched_at_was
RETURNING e.id;
