-- Version 17: faster views. Their results stay the same.

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

-- The index returns messages by position, which is nearly always the order of their times. A chat is read a second time
-- only if it is not, or if an operator wrote before the visitor.
CREATE OR REPLACE VIEW chat_facts AS
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

-- LIMIT makes the planner look up the previous leg of each transfer. A range has few transfers, while a hash join would
-- read all legs. The condition on t in ON makes the planner join the names of that leg last: otherwise it reads all
-- operators for each transfer.
CREATE OR REPLACE VIEW transfers AS
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
