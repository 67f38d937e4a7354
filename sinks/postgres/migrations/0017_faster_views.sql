-- Version 17: the views of engagements, chats, queues, operators and transfers.

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
       CASE WHEN l.accepted_at > '-infinity' AND l.accepted_at < '200000-01-01 00:00+00'
             AND l.requested_at > '-infinity' AND l.requested_at < '200000-01-01 00:00+00'
            THEN date_part('epoch', l.accepted_at - l.requested_at) END AS seconds_to_accept,
       CASE WHEN NOT l.ongoing THEN l.handle_seconds END AS handle_seconds,
       CASE WHEN l.ongoing IS NOT TRUE THEN e.duration END AS duration_seconds,
       l.accepted_at,
       CASE WHEN NOT l.ongoing THEN l.ended_at END AS ended_at,
       l.ongoing,
       CASE WHEN NOT l.ongoing THEN l.end_reason END AS end_reason,
       CASE WHEN e.video_used THEN 'video' WHEN e.audio_used THEN 'audio' ELSE 'text' END AS richest_media,
       e.cobrowsing_used,
       e.flagged,
       l.site_id,
       s.name AS site_name,
       CASE WHEN l.several_sites THEN m.sites
            WHEN l.legs IS NOT NULL
            THEN (l.site_id IS NOT NULL)::int END AS site_count,
       fo.name AS first_operator_name,
       lo.name AS last_operator_name,
       fq.name AS first_queue_name,
       lq.name AS last_queue_name,
       e.created_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS created_at_local,
       l.accepted_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS accepted_at_local,
       CASE WHEN NOT l.ongoing THEN l.ended_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') END AS ended_at_local,
       CASE WHEN e.video_used OR l.medium = '3video' THEN 'video'
            WHEN e.audio_used OR l.medium = '2audio' THEN 'audio'
            WHEN coalesce(e.video_used, e.audio_used) IS NOT NULL THEN 'text'
            ELSE substr(l.medium, 2) END AS media,
       CASE WHEN e.cobrowsing_used OR l.cobrowsing THEN true
            ELSE coalesce(e.cobrowsing_used, l.cobrowsing) END AS cobrowsing,
       l.cobrowsing AS cobrowsing_in_legs,
       l.last_leg_queue_id,
       ll.name AS last_leg_queue_name,
       l.stayed_in_queue,
       e.changed_at,
       e.first_complete_at,
       CASE WHEN e.changed_at > e.first_complete_at THEN e.changed_at END AS changed_after_first_complete_at
FROM engagements e
-- The values of the first and the last leg are taken from arrays by their index: sorting the legs of each engagement
-- would cost more than all the rest.
LEFT JOIN LATERAL (
    SELECT a.legs, a.operator_ids[a.first] AS first_operator_id, a.operator_ids[a.last] AS last_operator_id,
           a.queue_ids[a.first] AS first_queue_id, a.queue_ids[a.last_queued] AS last_queue_id,
           a.queue_ids[a.last] AS last_leg_queue_id,
           CASE WHEN a.queue_ids[a.first] IS NOT NULL
                THEN array_remove(a.queue_ids, a.queue_ids[a.first]) = '{}' END AS stayed_in_queue,
           a.requested_ats[a.first] AS requested_at, a.accepted_ats[a.first] AS accepted_at, a.ended_at,
           a.end_reasons[a.last] AS end_reason, a.ongoing, a.site_ids[a.first] AS site_id,
           a.legs > 1 AND array_remove(a.site_ids, a.site_ids[1]) <> '{}' AS several_sites, a.medium, a.cobrowsing,
           CASE WHEN a.duration IS NOT NULL
                THEN greatest(least(a.duration, 9223372036854775807), -9223372036854775808)::bigint END
                     AS handle_seconds
    FROM (SELECT count(*)::int AS legs,
                 array_position(array_agg(g.position), min(g.position)) AS first,
                 array_position(array_agg(g.position), max(g.position)) AS last,
                 array_position(array_agg(g.position), max(g.position) FILTER (WHERE g.queue_id IS NOT NULL))
                 AS last_queued,
                 array_agg(g.operator_id) AS operator_ids,
                 array_agg(g.queue_id) AS queue_ids,
                 array_agg(g.site_id) AS site_ids,
                 array_agg(g.end_reason) AS end_reasons,
                 array_agg(g.requested_at) AS requested_ats,
                 array_agg(g.accepted_at) AS accepted_ats,
                 max(g.ended_at) AS ended_at,
                 bool_or(g.ended_at IS NULL) AS ongoing,
                 sum(g.duration) AS duration,
                 max(g.medium) AS medium,
                 bool_or(g.used_cobrowsing) AS cobrowsing
          FROM (SELECT b.position, b.operator_id, b.site_id, b.requested_at, b.accepted_at, b.ended_at, b.end_reason,
                b.duration,
                       b.used_cobrowsing,
                       -- Only rows without queue_id need a lookup in leg_queues.
                       CASE WHEN b.queue_id IS NULL
                            THEN (SELECT x.queue_id
                                  FROM leg_queues x
                                  WHERE x.engagement_id = b.engagement_id AND x.leg_id = b.id AND x.position = 0)
                            ELSE nullif(b.queue_id, '') END AS queue_id,
                       -- The same as leg_facts.media, after a digit that makes the richest medium the greatest.
                       CASE WHEN 'video' IN (b.highest_visitor_media_type, b.highest_operator_media_type) THEN '3video'
                            WHEN 'audio' IN (b.highest_visitor_media_type, b.highest_operator_media_type)
                              OR 'phone' IN (b.highest_visitor_media_type, b.highest_operator_media_type) THEN '2audio'
                            WHEN 'text' IN (b.highest_visitor_media_type, b.highest_operator_media_type) THEN '1text'
                            WHEN coalesce(b.highest_visitor_media_type, b.highest_operator_media_type) IS NOT NULL
                            THEN '0' || coalesce(b.highest_visitor_media_type, b.highest_operator_media_type)
                            ELSE CASE coalesce(b.accepted_media_type, b.offered_media_type)
                                      WHEN 'video' THEN '3video' WHEN 'audio' THEN '2audio' WHEN 'phone' THEN '2audio'
                                      WHEN 'text' THEN '1text'
                                      ELSE '0' || coalesce(b.accepted_media_type, b.offered_media_type) END END
                                      AS medium
                FROM legs b
                WHERE b.engagement_id = e.id) AS g
          HAVING count(*) > 0) AS a
) AS l ON true
LEFT JOIN LATERAL (SELECT x.queue_id
                   FROM engagement_queues x
                   WHERE l.first_queue_id IS NULL AND x.engagement_id = e.id AND x.position = 0
                   LIMIT 1) AS q ON true
LEFT JOIN LATERAL (SELECT count(DISTINCT b.site_id)::int AS sites
                   FROM legs b
                   WHERE l.several_sites AND b.engagement_id = e.id) AS m ON true
LEFT JOIN sites s ON s.id = l.site_id
LEFT JOIN operators fo ON fo.id = l.first_operator_id
LEFT JOIN operators lo ON lo.id = l.last_operator_id
LEFT JOIN queues fq ON fq.id = coalesce(l.first_queue_id, q.queue_id)
LEFT JOIN queues lq ON lq.id = coalesce(l.last_queue_id, l.first_queue_id, q.queue_id)
LEFT JOIN queues ll ON ll.id = l.last_leg_queue_id
WHERE e.missing_since IS NULL;
COMMENT ON VIEW engagement_facts IS 'One row for each engagement: its operators and queues, how long it waited and lasted, and how it ended. An engagement of several sites has one row too (site_id, site_count); a join with engagement_sites, engagement_queues or leg_facts may return several. Visitors who gave up before an engagement began are not included (see queue_intervals), nor is work after the conversation. Engagements that the source no longer has are left out (see removals).';
COMMENT ON COLUMN engagement_facts.last_queue_id IS 'Queue of the last leg that came through a queue; first_queue_id if no leg did. Later legs without a queue do not change it. If an operator transfers the engagement to a colleague without a queue, last_queue_id is therefore still the queue that the engagement has left. stayed_in_queue says whether the engagement left its queue; last_leg_queue_id is the queue of the last leg itself, or NULL.';
COMMENT ON COLUMN engagement_facts.handle_seconds IS 'Sum of the durations of the legs, without work after the conversation; at most the largest bigint. NULL while the engagement is ongoing. The average is the handle time of engagements.';
COMMENT ON COLUMN engagement_facts.duration_seconds IS 'Length of the engagement, as the API provides it (engagements.duration). NULL while it is ongoing.';
COMMENT ON COLUMN engagement_facts.seconds_to_accept IS 'Time from the request of the first leg to its acceptance. NULL if one of the two is not a finite time. Engagements of all types have it, with or without a queue. Its average is therefore not the figure speed of acceptance, which counts reactive legs that came through a queue.';
COMMENT ON COLUMN engagement_facts.richest_media IS 'video, audio or text, only according to the flags video_used and audio_used of the engagement; text also if they are not known. Use media instead.';
COMMENT ON COLUMN engagement_facts.cobrowsing_used IS 'Whether CoBrowsing was used, according to the engagement itself. Its legs may say otherwise: use cobrowsing instead.';
COMMENT ON COLUMN engagement_facts.site_id IS 'Site of the first leg. NULL until the legs are known. Each engagement has only one, so counts by site add up.';
COMMENT ON COLUMN engagement_facts.site_count IS 'Number of sites that the legs belong to: more than 1 if the engagement was transferred between sites. engagement_sites has one row for each site whose listing showed the engagement.';
COMMENT ON COLUMN engagement_facts.accepted_at_local IS 'accepted_at in the time zone of the site of the first leg, or in UTC if that is not known.';
COMMENT ON COLUMN engagement_facts.ended_at_local IS 'ended_at in the time zone of the site of the first leg, or in UTC if that is not known.';
COMMENT ON COLUMN engagement_facts.cobrowsing_in_legs IS 'True if any leg says that CoBrowsing was used; false if none does, and one says that it was not used; NULL if no leg says anything.';
COMMENT ON COLUMN engagement_facts.last_leg_queue_id IS 'Queue of the last leg. NULL: the last leg came through no queue, for example after a transfer to an operator or a site, or the legs are not known.';
COMMENT ON COLUMN engagement_facts.last_leg_queue_name IS 'Name of last_leg_queue_id.';
COMMENT ON COLUMN engagement_facts.stayed_in_queue IS 'True if all legs came through the queue of the first leg. False if a leg came through another queue or through none: a transfer to a colleague without a queue counts as having left the queue. NULL: the first leg came through no queue, or the legs are not known.';

-- The index returns messages by position, which is nearly always the order of their times. A chat is read a second time
-- only if it is not, or if an operator wrote before the visitor.
CREATE VIEW chat_facts AS
SELECT e.id AS engagement_id, e.created_at,
       a.messages, a.messages_by_visitor, a.messages_by_operator, a.first_message_at,
       coalesce(a.first_response_at, r.first_response_at) AS first_response_at,
       date_part('epoch', coalesce(a.first_response_at, r.first_response_at) - a.first_message_at)
           AS seconds_to_first_response,
       date_part('epoch', CASE WHEN a.in_order THEN a.longest_silence ELSE s.longest_silence END) AS longest_silence_seconds
FROM engagements e
CROSS JOIN LATERAL (
    SELECT g.messages, g.messages_by_visitor, g.messages_by_operator, g.first_message_at,
           CASE WHEN g.first_by_operator_at >= g.first_message_at THEN g.first_by_operator_at END AS first_response_at,
           g.first_by_operator_at < g.first_message_at AND g.last_by_operator_at >= g.first_message_at AS responded_later,
           g.in_order IS NOT FALSE AS in_order, g.longest_silence
    FROM (SELECT count(*) AS messages, count(*) FILTER (WHERE m.sender_type = 'visitor') AS messages_by_visitor,
                 count(*) FILTER (WHERE m.sender_type = 'operator') AS messages_by_operator,
                 min(m.created_at) FILTER (WHERE m.sender_type = 'visitor') AS first_message_at,
                 min(m.created_at) FILTER (WHERE m.sender_type = 'operator') AS first_by_operator_at,
                 max(m.created_at) FILTER (WHERE m.sender_type = 'operator') AS last_by_operator_at,
                 max(m.created_at - m.previous_at) AS longest_silence, bool_and(m.created_at >= m.previous_at) AS in_order
          FROM (SELECT x.sender_type, x.created_at, lag(x.created_at) OVER (ORDER BY x.position) AS previous_at
                FROM chat_messages x
                WHERE x.engagement_id = e.id AND x.created_at > '-infinity' AND x.created_at < '200000-01-01 00:00+00'
                  AND x.sender_type IN ('visitor', 'operator')) m
          HAVING count(*) > 0) g
) a
LEFT JOIN LATERAL (SELECT min(y.created_at) AS first_response_at
                   FROM chat_messages y
                   WHERE a.responded_later AND y.engagement_id = e.id AND y.sender_type = 'operator'
                     AND y.created_at >= a.first_message_at AND y.created_at < '200000-01-01 00:00+00') r ON true
LEFT JOIN LATERAL (SELECT max(z.silence) AS longest_silence
                   FROM (SELECT y.created_at - lag(y.created_at) OVER (ORDER BY y.created_at) AS silence
                         FROM chat_messages y
                         WHERE NOT a.in_order AND y.engagement_id = e.id AND y.created_at > '-infinity'
                           AND y.created_at < '200000-01-01 00:00+00'
                           AND y.sender_type IN ('visitor', 'operator')) z) s ON true
WHERE e.missing_since IS NULL;
COMMENT ON VIEW chat_facts IS 'One row for each engagement in which the visitor or an operator wrote, calls included: how many messages it has, and how fast operators responded. For chats alone, join engagement_facts and add the condition media = ''text''. Empty unless transcripts are fetched (`enrich.transcripts`). Only messages of visitors and operators count, and only those with a time. Join engagement_facts by engagement_id for site, queue and operator.';
COMMENT ON COLUMN chat_facts.engagement_id IS 'engagements.id';
COMMENT ON COLUMN chat_facts.created_at IS 'When the engagement was requested. Ask for a range of this: there is an index.';
COMMENT ON COLUMN chat_facts.messages IS 'Messages of visitors and operators.';
COMMENT ON COLUMN chat_facts.messages_by_visitor IS 'Messages that visitors wrote.';
COMMENT ON COLUMN chat_facts.first_message_at IS 'When the visitor first wrote. NULL: the visitor wrote nothing.';
COMMENT ON COLUMN chat_facts.first_response_at IS 'When an operator first wrote after that. NULL: no operator did.';

-- Names are joined after counting: in GROUP BY, every leg would be sorted by them too.
CREATE OR REPLACE VIEW queue_hourly AS
SELECT h.queue_id, q.name AS queue_name, h.hour, h.legs, h.engagements, h.transfers_in, h.average_seconds_to_accept,
       h.median_seconds_to_accept, h.p90_seconds_to_accept, h.longest_seconds_to_accept, h.accepted_within_20_seconds,
       h.service_level_20_seconds, h.average_handle_seconds, h.median_handle_seconds, h.p90_handle_seconds,
       h.transfer_rate, h.ended_unaccepted, q.site_id, s.name AS site_name,
       h.hour AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS hour_local, h.accept_waits, h.accept_wait_seconds,
       h.ended_legs, h.leg_seconds, h.transfers_out, h.reactive_legs, h.reactive_waits, h.reactive_wait_seconds,
       h.reactive_within_20_seconds
FROM (SELECT l.hour,
             l.queue_id,
             count(*) AS legs,
             count(*) FILTER (WHERE NOT l.transferred_in) AS engagements,
             count(*) FILTER (WHERE l.transferred_in) AS transfers_in,
             avg(l.seconds_to_accept) AS average_seconds_to_accept,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY l.seconds_to_accept) AS median_seconds_to_accept,
             percentile_cont(0.9) WITHIN GROUP (ORDER BY l.seconds_to_accept) AS p90_seconds_to_accept,
             max(l.seconds_to_accept) AS longest_seconds_to_accept,
             count(*) FILTER (WHERE l.seconds_to_accept <= 20) AS accepted_within_20_seconds,
             count(*) FILTER (WHERE l.seconds_to_accept <= 20)::float8 / nullif(count(l.seconds_to_accept), 0)
             AS service_level_20_seconds,
             avg(l.handle_seconds)::float8 AS average_handle_seconds,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY l.handle_seconds) AS median_handle_seconds,
             percentile_cont(0.9) WITHIN GROUP (ORDER BY l.handle_seconds) AS p90_handle_seconds,
             count(*) FILTER (WHERE l.transferred_out)::float8
             / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0) AS transfer_rate,
             nullif(count(*) FILTER (WHERE l.accepted_at IS NULL AND l.ended_at IS NOT NULL), 0) AS ended_unaccepted,
             count(l.seconds_to_accept) AS accept_waits,
             sum(l.seconds_to_accept) AS accept_wait_seconds,
             count(l.handle_seconds) AS ended_legs,
             sum(l.handle_seconds::float8) AS leg_seconds,
             count(*) FILTER (WHERE l.transferred_out) AS transfers_out,
             count(*) FILTER (WHERE l.request_type = 'reactive') AS reactive_legs,
             count(l.seconds_to_accept) FILTER (WHERE l.request_type = 'reactive') AS reactive_waits,
             sum(l.seconds_to_accept) FILTER (WHERE l.request_type = 'reactive') AS reactive_wait_seconds,
             count(*) FILTER (WHERE l.request_type = 'reactive' AND l.seconds_to_accept <= 20)
             AS reactive_within_20_seconds
      FROM leg_facts l
      WHERE l.queue_id IS NOT NULL
      GROUP BY l.hour, l.queue_id) AS h
LEFT JOIN queues q ON q.id = h.queue_id
LEFT JOIN sites s ON s.id = q.site_id;
COMMENT ON VIEW queue_hourly IS 'One row for each queue and hour with legs: volume, speed of acceptance, handle time, transfers. For a threshold other than 20 seconds, for other percentiles or for local hours, query leg_facts in the same way. Engagements that the source no longer has (engagements.missing_since) are left out.';
COMMENT ON COLUMN queue_hourly.hour IS 'Start of the hour (UTC) in which the legs were accepted, or requested if nobody accepted them. Ask for a range of this: there is an index.';
COMMENT ON COLUMN queue_hourly.average_seconds_to_accept IS 'accept_wait_seconds / accept_waits, of all accepted legs, including proactive legs and transfers. Visitors who gave up do not count. You cannot add or average averages and shares: divide the sums.';
COMMENT ON COLUMN queue_hourly.service_level_20_seconds IS 'accepted_within_20_seconds / accept_waits, 0 to 1: the share of accepted legs that were accepted within 20 seconds, including proactive legs and transfers. For visitors who asked, use reactive_within_20_seconds / reactive_waits.';
COMMENT ON COLUMN queue_hourly.ended_unaccepted IS 'Legs that ended without being accepted. NULL: the API shows none, which does not mean that nobody gave up. For abandonment use queue_intervals.abandoned.';
COMMENT ON COLUMN queue_hourly.accept_waits IS 'Legs whose wait for acceptance is known.';
COMMENT ON COLUMN queue_hourly.accept_wait_seconds IS 'Sum of the waits in accept_waits.';
COMMENT ON COLUMN queue_hourly.ended_legs IS 'Legs that have ended.';
COMMENT ON COLUMN queue_hourly.leg_seconds IS 'Total length of ended_legs, without work after the conversation.';
COMMENT ON COLUMN queue_hourly.transfers_out IS 'Legs that ended with a transfer.';
COMMENT ON COLUMN queue_hourly.reactive_legs IS 'Legs that visitors asked for (request_type reactive).';
COMMENT ON COLUMN queue_hourly.reactive_waits IS 'Of reactive_legs, those whose wait for acceptance is known.';
COMMENT ON COLUMN queue_hourly.reactive_wait_seconds IS 'Sum of the waits in reactive_waits. reactive_wait_seconds / reactive_waits is the speed of acceptance.';
COMMENT ON COLUMN queue_hourly.reactive_within_20_seconds IS 'Of reactive_waits, those accepted within 20 seconds.';

CREATE OR REPLACE VIEW operator_daily AS
SELECT d.operator_id, d.day, d.legs, d.engagements, d.transfers_in, d.transfers_out, d.transfer_rate, d.handle_seconds,
       d.average_handle_seconds, d.median_handle_seconds, d.p90_handle_seconds, d.average_seconds_to_accept,
       d.ended_by_visitor, d.ended_by_operator, d.ended_by_error, o.name AS operator_name, d.ended_legs, d.accept_waits,
       d.accept_wait_seconds
FROM (SELECT l.day,
             l.operator_id,
             count(*) AS legs,
             count(DISTINCT l.engagement_id) AS engagements,
             count(*) FILTER (WHERE l.transferred_in) AS transfers_in,
             count(*) FILTER (WHERE l.transferred_out) AS transfers_out,
             count(*) FILTER (WHERE l.transferred_out)::float8
             / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0) AS transfer_rate,
             CASE WHEN count(l.handle_seconds) > 0
                  THEN greatest(least(sum(l.handle_seconds), 9223372036854775807), -9223372036854775808)::bigint END
                       AS handle_seconds,
             avg(l.handle_seconds)::float8 AS average_handle_seconds,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY l.handle_seconds) AS median_handle_seconds,
             percentile_cont(0.9) WITHIN GROUP (ORDER BY l.handle_seconds) AS p90_handle_seconds,
             avg(l.seconds_to_accept) AS average_seconds_to_accept,
             count(*) FILTER (WHERE l.end_reason IN ('visitor_left', 'visitor_hung_up')) AS ended_by_visitor,
             count(*) FILTER (WHERE l.end_reason IN ('operator_left', 'operator_hung_up')) AS ended_by_operator,
             count(*) FILTER (WHERE l.end_reason = 'error') AS ended_by_error,
             count(l.handle_seconds) AS ended_legs,
             count(l.seconds_to_accept) AS accept_waits,
             sum(l.seconds_to_accept) AS accept_wait_seconds
      FROM leg_facts l
      WHERE l.operator_id IS NOT NULL AND l.day IS NOT NULL
      GROUP BY l.day, l.operator_id) AS d
LEFT JOIN operators o ON o.id = d.operator_id;
COMMENT ON VIEW operator_daily IS 'One row for each operator and day with accepted legs. Engagements that the source no longer has (engagements.missing_since) are left out.';
COMMENT ON COLUMN operator_daily.day IS 'The day in UTC on which the legs were accepted. Ask for a range of this: there is an index. For local days use operator_report.';
COMMENT ON COLUMN operator_daily.average_handle_seconds IS 'handle_seconds / ended_legs: handle time of legs. You cannot add or average averages and shares: divide the sums.';
COMMENT ON COLUMN operator_daily.average_seconds_to_accept IS 'accept_wait_seconds / accept_waits: the average wait for acceptance over all legs that the operator accepted on that day, reactive, proactive and transfers, with or without a queue. This is not the figure speed of acceptance, which counts reactive legs that came through a queue.';
COMMENT ON COLUMN operator_daily.ended_legs IS 'Of the legs, those that have ended.';
COMMENT ON COLUMN operator_daily.accept_waits IS 'Of the legs, those whose wait for acceptance is known.';
COMMENT ON COLUMN operator_daily.accept_wait_seconds IS 'Sum of the waits in accept_waits.';

-- LIMIT makes the planner look up the previous leg of each transfer. A range has few transfers, while a hash join would
-- read all legs. The condition on t in ON makes the planner join the names of that leg last: otherwise it reads all
-- operators for each transfer.
CREATE VIEW transfers AS
SELECT t.engagement_id, f.leg_id AS from_leg_id, t.leg_id AS to_leg_id,
       f.operator_id AS from_operator_id, o.name AS from_operator_name, t.operator_id AS to_operator_id,
       t.operator_name AS to_operator_name,
       f.queue_id AS from_queue_id, q.name AS from_queue_name, t.queue_id AS to_queue_id,
       t.queue_name AS to_queue_name,
       f.site_id AS from_site_id, t.site_id AS to_site_id,
       t.requested_at, t.accepted_at, t.accepted_at_local, t.seconds_to_accept,
       CASE WHEN isfinite(t.accepted_at) AND isfinite(f.ended_at)
            THEN greatest(0, (extract(epoch FROM t.accepted_at) - extract(epoch FROM f.ended_at))::float8) END
                 AS seconds_lost
FROM leg_facts t
CROSS JOIN LATERAL (SELECT b.leg_id, b.operator_id, b.queue_id, b.site_id, b.ended_at
                    FROM leg_facts b
                    WHERE b.engagement_id = t.engagement_id AND b.position = t.position - 1
                    LIMIT 1) f
LEFT JOIN operators o ON o.id = f.operator_id AND t.position > 0
LEFT JOIN queues q ON q.id = f.queue_id AND t.position > 0
WHERE t.position > 0;
COMMENT ON VIEW transfers IS 'One row for each transfer: the leg that ended and the leg that followed, with the operator, queue and site of both. Two consecutive legs of an engagement are a transfer.';
COMMENT ON COLUMN transfers.engagement_id IS 'engagements.id';
COMMENT ON COLUMN transfers.from_leg_id IS 'The leg that ended.';
COMMENT ON COLUMN transfers.to_leg_id IS 'The leg that followed.';
COMMENT ON COLUMN transfers.from_operator_id IS 'Operator of the leg that ended.';
COMMENT ON COLUMN transfers.from_operator_name IS 'Name of that operator.';
COMMENT ON COLUMN transfers.to_operator_id IS 'Operator of the leg that followed. The same operator as before if the operator took the engagement back.';
COMMENT ON COLUMN transfers.to_operator_name IS 'Name of that operator.';
COMMENT ON COLUMN transfers.from_queue_id IS 'Queue of the leg that ended. NULL: that leg came through no queue.';
COMMENT ON COLUMN transfers.from_queue_name IS 'Name of that queue.';
COMMENT ON COLUMN transfers.to_queue_id IS 'Queue of the leg that followed. NULL: the transfer was to an operator or a site, without a queue.';
COMMENT ON COLUMN transfers.to_queue_name IS 'Name of that queue.';
COMMENT ON COLUMN transfers.from_site_id IS 'Site of the leg that ended.';
COMMENT ON COLUMN transfers.to_site_id IS 'Site of the leg that followed.';
COMMENT ON COLUMN transfers.requested_at IS 'When the transfer was requested.';
COMMENT ON COLUMN transfers.accepted_at IS 'When the transfer was accepted. NULL: it was not accepted. Ask for a range of this: there is an index.';
COMMENT ON COLUMN transfers.accepted_at_local IS 'accepted_at in the time zone of to_site_id, or in UTC if that is not known.';
COMMENT ON COLUMN transfers.seconds_to_accept IS 'Time from the request of the transfer to its acceptance. The first operator usually stays with the visitor until then.';
COMMENT ON COLUMN transfers.seconds_lost IS 'Time that the visitor was without an operator: from the end of the first leg to the acceptance of the next. 0 if the legs overlap; NULL if one of the two times is not known.';
