-- Version 14: marks engagements that the source no longer has (DESIGN.md §3.9), and records the results of `verify`.

ALTER TABLE engagements ADD COLUMN missing_since timestamptz;
-- A nearly empty index, for the metric and for the views, which leave out missing engagements.
CREATE INDEX engagements_missing ON engagements (missing_since) WHERE missing_since IS NOT NULL;
COMMENT ON COLUMN engagements.missing_since IS 'When the program found that the source no longer has the engagement: a complete listing of its time did not show it, and a request for its id found nothing. NULL: it is not known to be missing. The views leave out missing engagements.';
COMMENT ON COLUMN engagements.core_hash IS 'Hash of everything except the legs: 17 bytes, of which the first is the version of the hash; 16 bytes if it was written before schema version 9. If all bytes after the version are zero, the program writes the next response even if nothing has changed.';

CREATE TABLE verifications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    range_from  timestamptz NOT NULL,
    range_to    timestamptz NOT NULL,
    site_id     text COLLATE "C" NOT NULL,
    day         date NOT NULL,
    listed      bigint NOT NULL,
    stored      bigint NOT NULL,
    missing     bigint NOT NULL,
    different   bigint NOT NULL,
    gone        bigint NOT NULL,
    repaired    bigint NOT NULL,
    legs_read   bigint NOT NULL,
    verified_at timestamptz NOT NULL DEFAULT now()
);
-- For the newest day of each site on which nothing differed, or everything that differed was repaired.
CREATE INDEX verifications_in_order ON verifications (site_id, day DESC, id DESC) WHERE missing + different + gone = repaired;
CREATE INDEX verifications_verified_at ON verifications (verified_at);
COMMENT ON TABLE verifications IS 'What `glia-sync verify` found: one row for each run, site and day. State of the program.';
COMMENT ON COLUMN verifications.id IS 'Number of the row.';
COMMENT ON COLUMN verifications.range_from IS 'Start of the range of the run.';
COMMENT ON COLUMN verifications.range_to IS 'End of the range of the run.';
COMMENT ON COLUMN verifications.site_id IS 'Site id.';
COMMENT ON COLUMN verifications.day IS 'The day that was compared, in UTC.';
COMMENT ON COLUMN verifications.listed IS 'Engagements created on that day that the source has.';
COMMENT ON COLUMN verifications.stored IS 'Engagements created on that day that were stored for the site at the time of counting, without those already known to be missing at the source.';
COMMENT ON COLUMN verifications.missing IS 'Engagements that the source has and the tables did not have.';
COMMENT ON COLUMN verifications.different IS 'Stored engagements that differed from the source.';
COMMENT ON COLUMN verifications.gone IS 'Stored engagements that the source no longer has.';
COMMENT ON COLUMN verifications.repaired IS 'How many of missing, different and gone were repaired: loaded, or marked in engagements.missing_since.';
COMMENT ON COLUMN verifications.legs_read IS 'Engagements whose legs were read again and compared.';
COMMENT ON COLUMN verifications.verified_at IS 'When the comparison of the day ended.';

-- The views leave out engagements that the source no longer has.
CREATE OR REPLACE VIEW engagement_facts AS
SELECT e.id AS engagement_id,
       e.created_at,
       e.engagement_type,
       e.source,
       e.platform,
       e.legs_fetched_at IS NOT NULL AS legs_known,
       l.legs,
       l.legs - 1 AS transfers,
       l.first_operator_id,
       l.last_operator_id,
       coalesce(l.first_queue_id, q.queue_id) AS first_queue_id,
       coalesce(l.last_queue_id, l.first_queue_id, q.queue_id) AS last_queue_id,
       e.queue_wait_time AS queue_wait_seconds,
       l.seconds_to_accept,
       l.handle_seconds,
       e.duration AS duration_seconds,
       l.accepted_at,
       CASE WHEN NOT l.ongoing THEN l.ended_at END AS ended_at,
       l.ongoing,
       CASE WHEN NOT l.ongoing THEN l.end_reason END AS end_reason,
       CASE WHEN e.video_used THEN 'video' WHEN e.audio_used THEN 'audio' ELSE 'text' END AS richest_media,
       e.cobrowsing_used,
       e.flagged,
       l.site_id,
       s.name AS site_name,
       l.site_count,
       fo.name AS first_operator_name,
       lo.name AS last_operator_name,
       fq.name AS first_queue_name,
       lq.name AS last_queue_name,
       e.created_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS created_at_local
FROM engagements e
LEFT JOIN LATERAL (
    SELECT count(*)::int AS legs,
           (array_agg(g.operator_id ORDER BY g.position))[1] AS first_operator_id,
           (array_agg(g.operator_id ORDER BY g.position DESC))[1] AS last_operator_id,
           (array_agg(r.queue_id ORDER BY g.position))[1] AS first_queue_id,
           (array_agg(r.queue_id ORDER BY g.position DESC) FILTER (WHERE r.queue_id IS NOT NULL))[1] AS last_queue_id,
           (array_agg(CASE WHEN isfinite(g.accepted_at) AND isfinite(g.requested_at)
                           THEN (extract(epoch FROM g.accepted_at) - extract(epoch FROM g.requested_at))::float8 END
                      ORDER BY g.position))[1] AS seconds_to_accept,
           CASE WHEN count(g.duration) > 0
                THEN greatest(least(sum(g.duration), 9223372036854775807), -9223372036854775808)::bigint END AS handle_seconds,
           (array_agg(g.accepted_at ORDER BY g.position))[1] AS accepted_at,
           max(g.ended_at) AS ended_at,
           bool_or(g.ended_at IS NULL) AS ongoing,
           (array_agg(g.end_reason ORDER BY g.position DESC))[1] AS end_reason,
           (array_agg(g.site_id ORDER BY g.position))[1] AS site_id,
           count(DISTINCT g.site_id)::int AS site_count
    FROM legs g
    LEFT JOIN leg_queues r ON r.engagement_id = g.engagement_id AND r.leg_id = g.id AND r.position = 0
    WHERE g.engagement_id = e.id
    HAVING count(*) > 0
) AS l ON true
LEFT JOIN engagement_queues q ON q.engagement_id = e.id AND q.position = 0
LEFT JOIN sites s ON s.id = l.site_id
LEFT JOIN operators fo ON fo.id = l.first_operator_id
LEFT JOIN operators lo ON lo.id = l.last_operator_id
LEFT JOIN queues fq ON fq.id = coalesce(l.first_queue_id, q.queue_id)
LEFT JOIN queues lq ON lq.id = coalesce(l.last_queue_id, l.first_queue_id, q.queue_id)
WHERE e.missing_since IS NULL;

CREATE OR REPLACE VIEW leg_facts AS
SELECT g.engagement_id,
       g.id AS leg_id,
       g.position,
       g.operator_id,
       g.site_id,
       r.queue_id,
       g.request_type,
       g.request_source,
       g.position > 0 AS transferred_in,
       g.end_reason = 'transfer' AS transferred_out,
       g.requested_at,
       g.accepted_at,
       g.ended_at,
       CASE WHEN isfinite(g.accepted_at) AND isfinite(g.requested_at)
            THEN (extract(epoch FROM g.accepted_at) - extract(epoch FROM g.requested_at))::float8 END AS seconds_to_accept,
       g.duration AS handle_seconds,
       g.end_reason,
       g.accepted_media_type,
       g.used_cobrowsing,
       o.name AS operator_name,
       s.name AS site_name,
       q.name AS queue_name,
       g.requested_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS requested_at_local,
       g.accepted_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS accepted_at_local,
       g.ended_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS ended_at_local
FROM legs g
LEFT JOIN leg_queues r ON r.engagement_id = g.engagement_id AND r.leg_id = g.id AND r.position = 0
LEFT JOIN operators o ON o.id = g.operator_id
LEFT JOIN sites s ON s.id = g.site_id
LEFT JOIN queues q ON q.id = r.queue_id
-- Few engagements are missing: joining only those costs less than finding the engagement of each leg.
LEFT JOIN engagements m ON m.id = g.engagement_id AND m.missing_since IS NOT NULL
WHERE m.id IS NULL;

CREATE OR REPLACE VIEW freshness AS
SELECT s.site_id,
       s.synced_through AS complete_through,
       CASE WHEN isfinite(s.synced_through)
            THEN (extract(epoch FROM now()) - extract(epoch FROM s.synced_through))::float8 END AS lag_seconds,
       s.last_success_at,
       coalesce(r.records, 0) AS rejected,
       coalesce(d.engagements, 0) AS waiting_for_legs,
       n.name AS site_name,
       v.verified_through,
       v.verified_at
FROM sync_state s
LEFT JOIN sites n ON n.id = s.site_id
LEFT JOIN (SELECT r.site_id, count(*) AS records FROM rejected_records r WHERE r.resolved_at IS NULL GROUP BY r.site_id) r
       ON r.site_id = s.site_id
LEFT JOIN (SELECT e.site_id, count(*) AS engagements
           FROM detail_queue d JOIN engagement_sites e ON e.engagement_id = d.engagement_id GROUP BY e.site_id) d
       ON d.site_id = s.site_id
LEFT JOIN LATERAL (SELECT least((y.day + 1)::timestamp AT TIME ZONE 'UTC', y.range_to) AS verified_through, y.verified_at
                   FROM verifications y
                   WHERE y.site_id = s.site_id AND y.missing + y.different + y.gone = y.repaired
                   ORDER BY y.site_id, y.day DESC, y.id DESC
                   LIMIT 1) AS v ON true
WHERE s.stream = 'engagements';

CREATE OR REPLACE VIEW repeat_contacts AS
SELECT e.id AS engagement_id, e.created_at, p.previous_engagement_id, p.created_at AS previous_created_at, d.days AS days_since_previous,
       CASE WHEN e.visitor_id IS NOT NULL THEN coalesce(d.days <= 1, false) END AS within_1_day,
       CASE WHEN e.visitor_id IS NOT NULL THEN coalesce(d.days <= 7, false) END AS within_7_days,
       CASE WHEN e.visitor_id IS NOT NULL THEN coalesce(d.days <= 30, false) END AS within_30_days
FROM engagements e
LEFT JOIN LATERAL (SELECT b.id AS previous_engagement_id, b.created_at
                   FROM engagements b
                   WHERE hashtext(b.visitor_id) = hashtext(e.visitor_id) AND b.visitor_id = e.visitor_id
                     AND (b.created_at, b.id) < (e.created_at, e.id) AND isfinite(b.created_at)
                     AND b.missing_since IS NULL
                   ORDER BY b.created_at DESC, b.id DESC
                   LIMIT 1) p ON true
CROSS JOIN LATERAL (SELECT ((extract(epoch FROM e.created_at) - extract(epoch FROM p.created_at)) / 86400)::float8) AS d (days)
WHERE isfinite(e.created_at) AND e.missing_since IS NULL;

CREATE OR REPLACE VIEW chat_facts AS
SELECT e.id AS engagement_id, e.created_at,
       c.messages, c.messages_by_visitor, c.messages_by_operator, c.first_message_at, c.first_response_at,
       (extract(epoch FROM c.first_response_at) - extract(epoch FROM c.first_message_at))::float8 AS seconds_to_first_response,
       c.longest_silence_seconds
FROM engagements e
CROSS JOIN LATERAL (
    SELECT count(*) AS messages, count(*) FILTER (WHERE m.sender_type = 'visitor') AS messages_by_visitor,
           count(*) FILTER (WHERE m.sender_type = 'operator') AS messages_by_operator,
           min(m.first_message_at) AS first_message_at,
           min(m.created_at) FILTER (WHERE m.sender_type = 'operator' AND m.created_at >= m.first_message_at) AS first_response_at,
           max(extract(epoch FROM m.created_at) - extract(epoch FROM m.previous_at))::float8 AS longest_silence_seconds
    FROM (SELECT x.sender_type, x.created_at,
                 min(x.created_at) FILTER (WHERE x.sender_type = 'visitor') OVER () AS first_message_at,
                 lag(x.created_at) OVER (ORDER BY x.created_at, x.position) AS previous_at
          FROM chat_messages x
          WHERE x.engagement_id = e.id AND isfinite(x.created_at) AND x.sender_type IN ('visitor', 'operator')) m
    HAVING count(*) > 0
) c
WHERE e.missing_since IS NULL;

COMMENT ON VIEW engagement_facts IS 'One row for each engagement: who had it, through which queue, how long it waited and lasted, how it ended. Only what the API tells: it knows nothing of visitors who gave up before there was an engagement, nor of work after the conversation. Engagements that the source no longer has (engagements.missing_since) are left out.';
COMMENT ON VIEW leg_facts IS 'One row for each leg: an engagement has one, and one more for each transfer. Engagements that the source no longer has (engagements.missing_since) are left out.';
COMMENT ON VIEW queue_hourly IS 'One row for each queue and hour with legs: volume, speed of acceptance, handle time, transfers. For a threshold other than 20 seconds, for other percentiles or for local hours, query leg_facts in the same way. Engagements that the source no longer has (engagements.missing_since) are left out.';
COMMENT ON VIEW operator_daily IS 'One row for each operator and day with accepted legs. Engagements that the source no longer has (engagements.missing_since) are left out.';
COMMENT ON COLUMN freshness.verified_through IS 'Through when `glia-sync verify` has compared the tables with the source and found them equal, or has repaired them: the end of the newest such day. NULL: never.';
COMMENT ON COLUMN freshness.verified_at IS 'When the comparison of that day ended.';
