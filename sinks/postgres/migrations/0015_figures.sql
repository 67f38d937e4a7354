-- Version 15: figures that are harder to misread, and views that answer for a month in about a second.

-- ------------------------------------------------------------------------------------------------- stored columns

-- The new columns have no defaults, so existing rows are not rewritten. Rows written from now on have values.
ALTER TABLE legs ADD COLUMN queue_id text COLLATE "C";
COMMENT ON COLUMN legs.queue_id IS 'First queue of the leg''s request, as in leg_queues. Empty: the leg came through no queue. NULL: the row was written before schema version 15, so the queue is only in leg_queues; leg_facts.queue_id takes it from there.';
ALTER TABLE engagements ADD COLUMN first_complete_at timestamptz;
COMMENT ON COLUMN engagements.first_complete_at IS 'When the engagement was first stored with all its legs, and all of them had ended. NULL: it is ongoing, its legs are not loaded yet, or it was complete before schema version 15.';
ALTER TABLE sync_state ADD COLUMN synced_from timestamptz;
COMMENT ON COLUMN sync_state.synced_from IS 'Start of the oldest range that a completed pass of the service has read. Later passes continued it without gaps.';
UPDATE sync_state s
SET synced_from = r.window_from
FROM (SELECT site_id, min(window_from) AS window_from
      FROM sync_runs
      WHERE mode = 'incremental' AND stream = 'engagements' AND error IS NULL
      GROUP BY site_id) r
WHERE s.stream = 'engagements' AND s.site_id = r.site_id AND s.synced_through IS NOT NULL;

-- One index for all times by which queries restrict the views of legs. It replaces the index on accepted_at.
CREATE INDEX legs_times_brin ON legs USING brin (
    accepted_at,
    requested_at,
    (date_trunc('hour', coalesce(accepted_at, requested_at) AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'),
    ((accepted_at AT TIME ZONE 'UTC')::date)
) WITH (pages_per_range = 32);
DROP INDEX legs_accepted_at_brin;

-- -------------------------------------------------------------------------------------------------- facts of legs

-- LIMIT keeps the planner from joining leg_queues as a whole: only rows without queue_id need a lookup there.
CREATE OR REPLACE VIEW leg_facts AS
SELECT g.engagement_id,
       g.id AS leg_id,
       g.position,
       g.operator_id,
       g.site_id,
       CASE WHEN g.queue_id IS NULL THEN r.queue_id ELSE nullif(g.queue_id, '') END AS queue_id,
       g.request_type,
       g.request_source,
       g.position > 0 AS transferred_in,
       g.end_reason = 'transfer' AS transferred_out,
       g.requested_at,
       g.accepted_at,
       g.ended_at,
       CASE WHEN g.accepted_at > '-infinity' AND g.accepted_at < '200000-01-01 00:00+00'
             AND g.requested_at > '-infinity' AND g.requested_at < '200000-01-01 00:00+00'
            THEN date_part('epoch', g.accepted_at - g.requested_at) END AS seconds_to_accept,
       CASE WHEN g.ended_at IS NOT NULL THEN g.duration END AS handle_seconds,
       g.end_reason,
       g.accepted_media_type,
       g.used_cobrowsing,
       o.name AS operator_name,
       s.name AS site_name,
       q.name AS queue_name,
       g.requested_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS requested_at_local,
       g.accepted_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS accepted_at_local,
       g.ended_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS ended_at_local,
       CASE WHEN 'video' IN (g.highest_visitor_media_type, g.highest_operator_media_type) THEN 'video'
            WHEN 'audio' IN (g.highest_visitor_media_type, g.highest_operator_media_type)
              OR 'phone' IN (g.highest_visitor_media_type, g.highest_operator_media_type) THEN 'audio'
            WHEN 'text' IN (g.highest_visitor_media_type, g.highest_operator_media_type) THEN 'text'
            WHEN coalesce(g.highest_visitor_media_type, g.highest_operator_media_type) IS NOT NULL
            THEN coalesce(g.highest_visitor_media_type, g.highest_operator_media_type)
            WHEN coalesce(g.accepted_media_type, g.offered_media_type) = 'phone' THEN 'audio'
            ELSE coalesce(g.accepted_media_type, g.offered_media_type) END AS media,
       date_trunc('hour', coalesce(g.accepted_at, g.requested_at) AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS hour,
       (g.accepted_at AT TIME ZONE 'UTC')::date AS day
FROM legs g
LEFT JOIN LATERAL (SELECT x.queue_id
                   FROM leg_queues x
                   WHERE g.queue_id IS NULL AND x.engagement_id = g.engagement_id AND x.leg_id = g.id AND x.position = 0
                   LIMIT 1) r ON true
LEFT JOIN operators o ON o.id = g.operator_id
LEFT JOIN sites s ON s.id = g.site_id
LEFT JOIN queues q ON q.id = CASE WHEN g.queue_id IS NULL THEN r.queue_id ELSE nullif(g.queue_id, '') END
-- Few engagements are missing: joining only those costs less than finding the engagement of each leg.
LEFT JOIN engagements m ON m.id = g.engagement_id AND m.missing_since IS NOT NULL
WHERE m.id IS NULL;

COMMENT ON COLUMN leg_facts.request_type IS 'reactive (the visitor asked), proactive (an operator asked) or transfer. For speed of acceptance and service level count reactive legs only: nobody waits for a proactive leg.';
COMMENT ON COLUMN leg_facts.accepted_media_type IS 'Medium with which the request was accepted: text, audio, phone or video. Another one may have been used later: see media.';
COMMENT ON COLUMN leg_facts.used_cobrowsing IS 'True if CoBrowsing was used in the leg. The engagement may say otherwise (engagement_facts.cobrowsing).';
COMMENT ON COLUMN leg_facts.handle_seconds IS 'Length of the leg, in seconds. NULL while it is ongoing.';
COMMENT ON COLUMN leg_facts.media IS 'Medium of the leg: the richest one that visitor or operator used (video before audio before text). If the API does not provide it, the accepted medium, and if that is missing too, the offered one. phone counts as audio.';
COMMENT ON COLUMN leg_facts.hour IS 'Start of the hour in which the leg was accepted, or requested if nobody accepted it. Hours are whole hours of UTC. In a time zone that is not whole hours from UTC, local hours begin at other times.';
COMMENT ON COLUMN leg_facts.day IS 'The day in UTC on which the leg was accepted. NULL: nobody accepted it.';

-- -------------------------------------------------------------------------------------------- facts of engagements

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
       CASE WHEN l.several_sites THEN n.site_count WHEN l.legs IS NOT NULL
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
                       CASE WHEN b.queue_id IS NULL THEN r.queue_id ELSE nullif(b.queue_id, '') END AS queue_id,
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
                LEFT JOIN LATERAL (SELECT x.queue_id
                                   FROM leg_queues x
                                   WHERE b.queue_id IS NULL AND x.engagement_id = b.engagement_id AND x.leg_id = b.id
                                     AND x.position = 0
                                   LIMIT 1) r ON true
                WHERE b.engagement_id = e.id) AS g
          HAVING count(*) > 0) AS a
) AS l ON true
LEFT JOIN LATERAL (SELECT count(DISTINCT b.site_id)::int AS site_count
                   FROM legs b
                   WHERE l.several_sites AND b.engagement_id = e.id) AS n ON true
LEFT JOIN LATERAL (SELECT x.queue_id
                   FROM engagement_queues x
                   WHERE l.first_queue_id IS NULL AND x.engagement_id = e.id AND x.position = 0
                   LIMIT 1) AS q ON true
LEFT JOIN sites s ON s.id = l.site_id
LEFT JOIN operators fo ON fo.id = l.first_operator_id
LEFT JOIN operators lo ON lo.id = l.last_operator_id
LEFT JOIN queues fq ON fq.id = coalesce(l.first_queue_id, q.queue_id)
LEFT JOIN queues lq ON lq.id = coalesce(l.last_queue_id, l.first_queue_id, q.queue_id)
LEFT JOIN queues ll ON ll.id = l.last_leg_queue_id
WHERE e.missing_since IS NULL;

COMMENT ON VIEW engagement_facts IS 'One row for each engagement: its operators and queues, how long it waited and lasted, and how it ended. An engagement of several sites has one row too (site_id, site_count); a join with engagement_sites, engagement_queues or leg_facts may return several. Visitors who gave up before an engagement began are not included (see queue_intervals), nor is work after the conversation. Engagements that the source no longer has are left out (see removals).';
COMMENT ON COLUMN engagement_facts.engagement_type IS 'reactive (the visitor asked), proactive (an operator asked), or another type; DICTIONARY.md lists those that occur. Of speed of answer, service level and waits only reactive ones are the population.';
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
COMMENT ON COLUMN engagement_facts.media IS 'The one column for the medium: video if the engagement or any of its legs says so, else audio if one does, else text if one does; NULL where none of them tells. What a leg says: leg_facts.media.';
COMMENT ON COLUMN engagement_facts.cobrowsing IS 'The one column for CoBrowsing: true if the engagement or any of its legs says that it was used, false if none does and one says that it was not, NULL where none of them tells.';
COMMENT ON COLUMN engagement_facts.cobrowsing_in_legs IS 'True if any leg says that CoBrowsing was used; false if none does, and one says that it was not used; NULL if no leg says anything.';
COMMENT ON COLUMN engagement_facts.last_leg_queue_id IS 'Queue of the last leg. NULL: the last leg came through no queue, for example after a transfer to an operator or a site, or the legs are not known.';
COMMENT ON COLUMN engagement_facts.last_leg_queue_name IS 'Name of last_leg_queue_id.';
COMMENT ON COLUMN engagement_facts.stayed_in_queue IS 'True if all legs came through the queue of the first leg. False if a leg came through another queue or through none: a transfer to a colleague without a queue counts as having left the queue. NULL: the first leg came through no queue, or the legs are not known.';
COMMENT ON COLUMN engagement_facts.changed_at IS 'When anything of the engagement was last written here; later than first_seen_at of nearly every engagement, since legs come later. There is an index.';
COMMENT ON COLUMN engagement_facts.first_complete_at IS 'When the engagement was first stored complete: with legs that have all ended. NULL: it goes on, its legs are still to come, or it was complete before schema version 15.';
COMMENT ON COLUMN engagement_facts.changed_after_first_complete_at IS 'When it was last changed after it was complete; NULL: it was not, or first_complete_at is not known. This, not changed_at, tells that a figure has changed afterwards.';

-- ------------------------------------------------------------------------------------------- by hour and by day

CREATE OR REPLACE VIEW queue_hourly AS
SELECT l.queue_id,
       q.name AS queue_name,
       l.hour,
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
       count(*) FILTER (WHERE l.transferred_out)::float8 / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0)
       AS transfer_rate,
       nullif(count(*) FILTER (WHERE l.accepted_at IS NULL AND l.ended_at IS NOT NULL), 0) AS ended_unaccepted,
       q.site_id,
       s.name AS site_name,
       l.hour AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS hour_local,
       count(l.seconds_to_accept) AS accept_waits,
       sum(l.seconds_to_accept) AS accept_wait_seconds,
       count(l.handle_seconds) AS ended_legs,
       sum(l.handle_seconds::float8) AS leg_seconds,
       count(*) FILTER (WHERE l.transferred_out) AS transfers_out,
       count(*) FILTER (WHERE l.request_type = 'reactive') AS reactive_legs,
       count(l.seconds_to_accept) FILTER (WHERE l.request_type = 'reactive') AS reactive_waits,
       sum(l.seconds_to_accept) FILTER (WHERE l.request_type = 'reactive') AS reactive_wait_seconds,
       count(*) FILTER (WHERE l.request_type = 'reactive' AND l.seconds_to_accept <= 20) AS reactive_within_20_seconds
FROM leg_facts l
LEFT JOIN queues q ON q.id = l.queue_id
LEFT JOIN sites s ON s.id = q.site_id
WHERE l.queue_id IS NOT NULL
GROUP BY l.queue_id, q.name, q.site_id, s.name, s.iana_time_zone, l.hour;

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
SELECT l.operator_id,
       l.day,
       count(*) AS legs,
       count(DISTINCT l.engagement_id) AS engagements,
       count(*) FILTER (WHERE l.transferred_in) AS transfers_in,
       count(*) FILTER (WHERE l.transferred_out) AS transfers_out,
       count(*) FILTER (WHERE l.transferred_out)::float8 / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0)
       AS transfer_rate,
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
       o.name AS operator_name,
       count(l.handle_seconds) AS ended_legs,
       count(l.seconds_to_accept) AS accept_waits,
       sum(l.seconds_to_accept) AS accept_wait_seconds
FROM leg_facts l
LEFT JOIN operators o ON o.id = l.operator_id
WHERE l.operator_id IS NOT NULL AND l.day IS NOT NULL
GROUP BY l.operator_id, o.name, l.day;

COMMENT ON COLUMN operator_daily.day IS 'The day in UTC on which the legs were accepted. Ask for a range of this: there is an index. For local days use operator_report.';
COMMENT ON COLUMN operator_daily.average_handle_seconds IS 'handle_seconds / ended_legs: handle time of legs. You cannot add or average averages and shares: divide the sums.';
COMMENT ON COLUMN operator_daily.average_seconds_to_accept IS 'accept_wait_seconds / accept_waits: the average wait for acceptance over all legs that the operator accepted on that day, reactive, proactive and transfers, with or without a queue. This is not the figure speed of acceptance, which counts reactive legs that came through a queue.';
COMMENT ON COLUMN operator_daily.ended_legs IS 'Of the legs, those that have ended.';
COMMENT ON COLUMN operator_daily.accept_waits IS 'Of the legs, those whose wait for acceptance is known.';
COMMENT ON COLUMN operator_daily.accept_wait_seconds IS 'Sum of the waits in accept_waits.';

-- -------------------------------------------------------------------------------- freshness, removals, other views

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
       v.verified_at,
       c.complete_from,
       lower(a.ranges) AS loaded_from,
       a.ranges AS complete_ranges,
       tstzmultirange(tstzrange(lower(a.ranges), upper(a.ranges))) - a.ranges AS gaps,
       t.read_through AS statistics_through
FROM sync_state s
LEFT JOIN sites n ON n.id = s.site_id
LEFT JOIN (SELECT r.site_id,
       count(*) AS records FROM rejected_records r WHERE r.resolved_at IS NULL GROUP BY r.site_id) r
       ON r.site_id = s.site_id
LEFT JOIN (SELECT e.site_id, count(*) AS engagements
           FROM detail_queue d JOIN engagement_sites e ON e.engagement_id = d.engagement_id GROUP BY e.site_id) d
       ON d.site_id = s.site_id
LEFT JOIN LATERAL (SELECT least((y.day + 1)::timestamp AT TIME ZONE 'UTC', y.range_to) AS verified_through,
                   y.verified_at
                   FROM verifications y
                   WHERE y.site_id = s.site_id AND y.missing + y.different + y.gone = y.repaired
                   ORDER BY y.site_id, y.day DESC, y.id DESC
                   LIMIT 1) AS v ON true
-- The ranges that the service and finished backfills have read, and the finished windows of other backfills.
LEFT JOIN LATERAL (SELECT range_agg(tstzrange(r.begins, r.ends)) AS ranges
                   FROM (SELECT s.synced_from, s.synced_through
                         UNION ALL
                         SELECT b.window_from, b.window_to
                         FROM backfills b
                         WHERE b.finished_at IS NOT NULL AND b.stream = 'engagements' AND s.site_id = ANY (b.sites)
                         UNION ALL
                         SELECT w.window_from, w.window_to
                         FROM backfills b
                         JOIN backfill_windows w ON w.backfill_id = b.id
                         WHERE b.finished_at IS NULL AND b.stream = 'engagements' AND w.site_id = s.site_id AND w.done
                        ) AS r (begins, ends)
                   WHERE r.begins < r.ends) AS a ON true
LEFT JOIN LATERAL (SELECT max(lower(r)) AS complete_from
                   FROM unnest(a.ranges) AS r
                   WHERE lower(r) < s.synced_through AND upper(r) >= s.synced_through) AS c ON true
LEFT JOIN LATERAL (SELECT CASE WHEN count(x.read_through) = count(*) THEN min(x.read_through) END AS read_through
                   FROM statistics_state x
                   WHERE x.site_id = s.site_id AND x.refused_at IS NULL) AS t ON true
WHERE s.stream = 'engagements';

COMMENT ON VIEW freshness IS 'One row for each site: from when to when the tables are complete, and what is missing. complete_from, complete_through, loaded_from, complete_ranges and gaps are about engagements; statistics_from and statistics_through are about statistics. Times of engagements are times of listing: an engagement counts at the time by which the API lists it.';
COMMENT ON COLUMN freshness.complete_from IS 'The engagements in the tables are complete from this time to complete_through, without gaps. This does not hold for statistics: see statistics_from. NULL: not known, or the first pass has not ended yet.';
COMMENT ON COLUMN freshness.loaded_from IS 'Start of the oldest range that the service or a backfill has read completely. Gaps may follow.';
COMMENT ON COLUMN freshness.complete_ranges IS 'All ranges that have been read completely.';
COMMENT ON COLUMN freshness.gaps IS 'Ranges between loaded_from and the end of the newest range that have not been read. Figures of these times are too low. {}: there is no gap.';
COMMENT ON COLUMN freshness.statistics_through IS 'Through when the service has read the statistics of the site, of the source that is furthest behind; statistics_readings tells of each interval. NULL: `statistics` is off, or a source was never read.';

CREATE VIEW removals AS
SELECT e.missing_since AS removed_at, 'missing' AS kind, e.id AS engagement_id, e.created_at, e.first_site_id AS site_id
FROM engagements e
WHERE e.missing_since IS NOT NULL
UNION ALL
SELECT f.forgotten_at, 'erased ' || f.kind, NULL, NULL, NULL
FROM forgotten f;
COMMENT ON VIEW removals IS 'What figures no longer contain: one row for each engagement that the source no longer has, and one for each erasure. Engagements that `retention` deletes are not listed.';
COMMENT ON COLUMN removals.removed_at IS 'When the program found that the source no longer has the engagement, or when the erasure was requested.';
COMMENT ON COLUMN removals.kind IS 'missing: the source no longer has the engagement; the views leave it out, the tables keep it. erased engagement, erased visitor, erased operator: `glia-sync forget` erased it. The erasure of a visitor erases all engagements of the visitor.';
COMMENT ON COLUMN removals.engagement_id IS 'engagements.id of the missing engagement. NULL: an erasure, after which nothing remains.';
COMMENT ON COLUMN removals.created_at IS 'When the missing engagement was requested. NULL: an erasure.';
COMMENT ON COLUMN removals.site_id IS 'The site whose listing showed the missing engagement first. NULL: an erasure, or not known.';

-- LIMIT makes the planner look up the previous leg of each transfer. A range has few transfers, while a hash join would
-- read all legs.
CREATE OR REPLACE VIEW transfers AS
SELECT t.engagement_id, f.leg_id AS from_leg_id, t.leg_id AS to_leg_id,
       f.operator_id AS from_operator_id, f.operator_name AS from_operator_name, t.operator_id AS to_operator_id,
       t.operator_name AS to_operator_name,
       f.queue_id AS from_queue_id, f.queue_name AS from_queue_name, t.queue_id AS to_queue_id,
       t.queue_name AS to_queue_name,
       f.site_id AS from_site_id, t.site_id AS to_site_id,
       t.requested_at, t.accepted_at, t.accepted_at_local, t.seconds_to_accept,
       CASE WHEN isfinite(t.accepted_at) AND isfinite(f.ended_at)
            THEN greatest(0, (extract(epoch FROM t.accepted_at) - extract(epoch FROM f.ended_at))::float8) END
                 AS seconds_lost
FROM leg_facts t
CROSS JOIN LATERAL (SELECT b.leg_id, b.operator_id, b.operator_name, b.queue_id, b.queue_name, b.site_id, b.ended_at
                    FROM leg_facts b
                    WHERE b.engagement_id = t.engagement_id AND b.position = t.position - 1
                    LIMIT 1) f
WHERE t.position > 0;
CREATE OR REPLACE VIEW repeat_contacts AS
SELECT e.id AS engagement_id, e.created_at, p.previous_engagement_id, p.created_at AS previous_created_at,
       d.days AS days_since_previous,
       CASE WHEN e.visitor_id IS NOT NULL THEN coalesce(d.days <= 1, false) END AS within_1_day,
       CASE WHEN e.visitor_id IS NOT NULL THEN coalesce(d.days <= 7, false) END AS within_7_days,
       CASE WHEN e.visitor_id IS NOT NULL THEN coalesce(d.days <= 30, false) END AS within_30_days,
       e.engagement_type
FROM engagements e
LEFT JOIN LATERAL (SELECT b.id AS previous_engagement_id, b.created_at
                   FROM engagements b
                   WHERE hashtext(b.visitor_id) = hashtext(e.visitor_id) AND b.visitor_id = e.visitor_id
                     AND (b.created_at, b.id) < (e.created_at, e.id) AND isfinite(b.created_at)
                     AND b.missing_since IS NULL
                   ORDER BY b.created_at DESC, b.id DESC
                   LIMIT 1) p ON true
CROSS JOIN LATERAL (SELECT CASE WHEN e.created_at < '200000-01-01 00:00+00' AND p.created_at < '200000-01-01 00:00+00'
                                THEN date_part('epoch', e.created_at - p.created_at) / 86400 END) AS d (days)
WHERE isfinite(e.created_at) AND e.missing_since IS NULL;
COMMENT ON COLUMN repeat_contacts.engagement_type IS 'Type of this engagement, as in engagement_facts. If an operator calls back, the proactive engagement counts as a repeat contact of the visitor too.';

CREATE OR REPLACE VIEW chat_facts AS
SELECT e.id AS engagement_id, e.created_at,
       c.messages, c.messages_by_visitor, c.messages_by_operator, c.first_message_at, c.first_response_at,
       date_part('epoch', c.first_response_at - c.first_message_at) AS seconds_to_first_response,
       c.longest_silence_seconds
FROM engagements e
CROSS JOIN LATERAL (
    SELECT count(*) AS messages, count(*) FILTER (WHERE m.sender_type = 'visitor') AS messages_by_visitor,
           count(*) FILTER (WHERE m.sender_type = 'operator') AS messages_by_operator,
           min(m.created_at) FILTER (WHERE m.sender_type = 'visitor') AS first_message_at,
           min(m.created_at) FILTER (WHERE m.sender_type = 'operator' AND m.visitor_wrote) AS first_response_at,
           max(date_part('epoch', m.created_at - m.previous_at)) AS longest_silence_seconds
    FROM (SELECT x.sender_type, x.created_at,
                 bool_or(x.sender_type = 'visitor') OVER (ORDER BY x.created_at) AS visitor_wrote,
                 lag(x.created_at) OVER (ORDER BY x.created_at, x.position) AS previous_at
          FROM chat_messages x
          WHERE x.engagement_id = e.id AND x.created_at > '-infinity' AND x.created_at < '200000-01-01 00:00+00'
            AND x.sender_type IN ('visitor', 'operator')) m
    HAVING count(*) > 0
) c
WHERE e.missing_since IS NULL;

-- ---------------------------------------------------------------------------------------------------------- reports

-- The functions get a new parameter and new columns, so they are created again, and with them the views that call them.
-- Privileges on the views are kept.
SELECT set_config('glia.granted', coalesce(string_agg(format('GRANT %s ON %I TO %s', a.privilege_type, c.relname,
                                                             CASE a.grantee WHEN 0 THEN 'PUBLIC'
                                                                            ELSE a.grantee::regrole::text END), ';'),
                                                                            ''), true)
FROM pg_class c
CROSS JOIN aclexplode(c.relacl) a
WHERE c.oid IN ('queue_intervals'::regclass, 'operator_intervals'::regclass) AND a.grantee <> c.relowner;
DROP VIEW queue_intervals, operator_intervals;
DROP FUNCTION queue_report(timestamptz, timestamptz, interval, text, interval);
DROP FUNCTION operator_report(timestamptz, timestamptz, interval, text);

CREATE FUNCTION open_hours("from" timestamptz, "to" timestamptz) RETURNS TABLE (site_id text, hours tstzmultirange)
LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
    SELECT b.site_id, coalesce(range_agg(tstzrange(t.opens, t.closes)) FILTER (WHERE t.opens < t.closes), '{}')
    FROM business_hours b
    LEFT JOIN sites s ON s.id = b.site_id
    CROSS JOIN generate_series(($1 AT TIME ZONE 'UTC')::date - 1, ($2 AT TIME ZONE 'UTC')::date + 1, interval '1 day')
           AS d (day)
    CROSS JOIN LATERAL (SELECT greatest((d.day::date + b.opens) AT TIME ZONE coalesce(s.iana_time_zone, 'UTC'), $1)
                               AS opens,
                               least((d.day::date + b.closes) AT TIME ZONE coalesce(s.iana_time_zone, 'UTC'), $2)
                               AS closes
                        WHERE b.weekday = extract(isodow FROM d.day)
                          AND NOT EXISTS (SELECT FROM holidays h WHERE h.site_id = b.site_id AND h.day = d.day::date))
                              AS t
    GROUP BY b.site_id;
END;
COMMENT ON FUNCTION open_hours(timestamptz, timestamptz) IS 'When each site is open from "from" until before "to", according to business_hours and holidays. One row for each site that has rows in business_hours. Columns: site_id (text, sites.id) and hours (tstzmultirange, the opening hours within the range; {} if the site is closed throughout). Opening hours that extend beyond the range are cut at its limits. They are in the time zone of the site, or in UTC if that is not known.';

CREATE FUNCTION queue_report(
    "from" timestamptz, "to" timestamptz, grain interval DEFAULT '30 minutes', time_zone text DEFAULT 'UTC',
    threshold interval DEFAULT '20 seconds', empty_intervals boolean DEFAULT false)
RETURNS TABLE (
    interval_start timestamptz, interval_end timestamptz, site_id text, queue_id text,
    accepted_legs bigint, accepted_engagements bigint, accepted_transfers bigint, accepted_within_threshold bigint,
    accept_waits bigint, accept_wait_seconds float8, longest_accept_wait_seconds float8,
    ended_legs bigint, leg_seconds float8,
    offered float8, answered float8, abandoned float8, short_abandoned float8, passed_on float8, other_outcomes float8,
    answered_within_service_level float8, answer_wait_seconds float8, longest_wait_seconds bigint,
    handled float8, handle_seconds float8, wrap_up_seconds float8, statistics_seconds float8,
    average_seconds_to_accept float8, service_level_of_accepted float8, average_leg_seconds float8,
    abandonment_rate float8, abandonment_rate_without_short float8, service_level float8,
    average_seconds_to_answer float8, average_handle_seconds float8,
    accepted_reactive bigint, accepted_proactive bigint, reactive_waits bigint, reactive_wait_seconds float8,
    reactive_within_threshold bigint,
    requested_legs bigint, requested_accepted bigint, requested_wait_seconds float8, requested_within_threshold bigint,
    accepted_legs_in_business_hours bigint, accept_waits_in_business_hours bigint,
    accepted_within_threshold_in_business_hours bigint,
    offered_in_business_hours float8, answered_in_business_hours float8, abandoned_in_business_hours float8,
    short_abandoned_in_business_hours float8, answered_within_service_level_in_business_hours float8)
-- enable_sort is off because the range is a parameter: the planner expects few rows, and would sort where hashing is
-- faster.
LANGUAGE sql STABLE ROWS 1000 SET work_mem = '64MB' SET jit = off SET enable_sort = off
BEGIN ATOMIC
    WITH e AS MATERIALIZED (
        SELECT interval_edges($1, $2, $3, $4) AS edges
    ), open_hours AS MATERIALIZED (
        SELECT h.site_id, h.hours FROM open_hours($1 - $3, $2 + $3) h
    ), counted AS (
        -- A leg counts in the interval of its acceptance and in the interval of its request.
        SELECT t.bin, t.site_id, t.queue_id,
               count(*) FILTER (WHERE NOT t.is_request) AS accepted_legs,
               count(*) FILTER (WHERE NOT t.is_request AND NOT t.transferred_in) AS accepted_engagements,
               count(*) FILTER (WHERE NOT t.is_request AND t.transferred_in) AS accepted_transfers,
               count(*) FILTER (WHERE NOT t.is_request AND t.in_time) AS accepted_within_threshold,
               count(t.wait) FILTER (WHERE NOT t.is_request) AS accept_waits,
               sum(t.wait) FILTER (WHERE NOT t.is_request) AS accept_wait_seconds,
               max(t.wait) FILTER (WHERE NOT t.is_request) AS longest_accept_wait_seconds,
               count(t.handle_seconds) FILTER (WHERE NOT t.is_request) AS ended_legs,
               sum(t.handle_seconds::float8) FILTER (WHERE NOT t.is_request) AS leg_seconds,
               count(*) FILTER (WHERE NOT t.is_request AND t.is_reactive) AS accepted_reactive,
               count(*) FILTER (WHERE NOT t.is_request AND t.is_proactive) AS accepted_proactive,
               count(t.wait) FILTER (WHERE NOT t.is_request AND t.is_reactive) AS reactive_waits,
               sum(t.wait) FILTER (WHERE NOT t.is_request AND t.is_reactive) AS reactive_wait_seconds,
               count(*) FILTER (WHERE NOT t.is_request AND t.is_reactive AND t.in_time) AS reactive_within_threshold,
               count(*) FILTER (WHERE t.is_request) AS requested_legs,
               count(t.wait) FILTER (WHERE t.is_request) AS requested_accepted,
               sum(t.wait) FILTER (WHERE t.is_request) AS requested_wait_seconds,
               count(*) FILTER (WHERE t.is_request AND t.in_time) AS requested_within_threshold,
               count(*) FILTER (WHERE NOT t.is_request AND t.is_open) AS legs_open,
               count(t.wait) FILTER (WHERE NOT t.is_request AND t.is_open) AS waits_open,
               count(*) FILTER (WHERE NOT t.is_request AND t.is_open AND t.in_time) AS within_threshold_open,
               NULL::float8 AS offered, NULL::float8 AS answered, NULL::float8 AS abandoned,
               NULL::float8 AS short_abandoned, NULL::float8 AS passed_on, NULL::float8 AS within,
               NULL::float8 AS answer_wait, NULL::bigint AS longest, NULL::float8 AS offered_open,
               NULL::float8 AS answered_open, NULL::float8 AS abandoned_open, NULL::float8 AS short_open,
               NULL::float8 AS within_open, NULL::float8 AS handled, NULL::float8 AS handle_seconds,
               NULL::float8 AS wrap_up_seconds, '' AS source
        FROM (SELECT width_bucket(m.at, e.edges) AS bin, coalesce(l.site_id, '') AS site_id, l.queue_id, m.is_request,
                     l.transferred_in, l.request_type = 'reactive' AS is_reactive,
                     l.request_type = 'proactive' AS is_proactive,
                     l.seconds_to_accept AS wait, l.seconds_to_accept <= date_part('epoch', $5) AS in_time,
                     l.handle_seconds,
                     o.hours @> m.at AS is_open
              FROM e
              CROSS JOIN leg_facts l
              LEFT JOIN open_hours o ON o.site_id = l.site_id
              CROSS JOIN LATERAL (VALUES (l.accepted_at, false), (l.requested_at, true)) AS m (at, is_request)
              WHERE (l.accepted_at >= $1 - $3 AND l.accepted_at < $2 + $3
                     OR l.requested_at >= $1 - $3 AND l.requested_at < $2 + $3)
                AND m.at >= e.edges[1] AND m.at < e.edges[cardinality(e.edges)] AND l.queue_id IS NOT NULL) t
        GROUP BY t.bin, t.site_id, t.queue_id
        UNION ALL
        SELECT w.bin, w.site_id, w.queue_id,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL, CASE WHEN count(w.count) = count(*) THEN sum(w.count::float8) END,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.is_answered), 0) END,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.gave_up), 0) END,
               CASE WHEN count(w.short) = count(*)
                    THEN coalesce(sum(w.short::float8) FILTER (WHERE w.gave_up), 0) END,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.is_passed_on), 0) END,
               CASE WHEN count(w.within_service_level) = count(*)
                    THEN coalesce(sum(w.within_service_level::float8) FILTER (WHERE w.is_answered), 0) END,
               CASE WHEN count(w.total_seconds) = count(*)
                    THEN coalesce(sum(w.total_seconds::float8) FILTER (WHERE w.is_answered), 0) END,
               max(w.maximum_seconds),
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.is_open), 0) END,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.is_answered AND w.is_open), 0) END,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.gave_up AND w.is_open), 0) END,
               CASE WHEN count(w.short) = count(*)
                    THEN coalesce(sum(w.short::float8) FILTER (WHERE w.gave_up AND w.is_open), 0) END,
               CASE WHEN count(w.within_service_level) = count(*)
                    THEN coalesce(sum(w.within_service_level::float8) FILTER (WHERE w.is_answered AND w.is_open),
                         0) END,
               NULL, NULL, NULL, 'queue_wait'
        FROM (SELECT width_bucket(i.interval_start, e.edges) AS bin, i.site_id, i.queue_id, i.count, i.short,
                     i.within_service_level, i.total_seconds, i.maximum_seconds, i.outcome = 'finished' AS is_answered,
                     i.outcome IN ('canceled', 'disconnected') AS gave_up, i.outcome = 'fallback' AS is_passed_on,
                     o.hours @> i.interval_start AS is_open
              FROM e
              CROSS JOIN queue_wait_intervals i
              LEFT JOIN open_hours o ON o.site_id = i.site_id
              WHERE i.interval_start >= $1 - $3 AND i.interval_start < $2 + $3
                AND i.interval_start >= e.edges[1] AND i.interval_start < e.edges[cardinality(e.edges)]
                AND i.interval_seconds <= date_part('epoch',
                                                e.edges[width_bucket(i.interval_start,
                                                    e.edges) + 1] - i.interval_start)) w
        GROUP BY w.bin, w.site_id, w.queue_id
        UNION ALL
        SELECT width_bucket(h.interval_start, e.edges), h.site_id, h.queue_id,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               CASE WHEN count(h.count) = count(*) THEN sum(h.count::float8) END,
               CASE WHEN count(h.total_seconds) = count(*) THEN sum(h.total_seconds::float8) END, NULL, 'handle'
        FROM e
        CROSS JOIN handle_intervals h
        WHERE h.interval_start >= $1 - $3 AND h.interval_start < $2 + $3
          AND h.interval_start >= e.edges[1] AND h.interval_start < e.edges[cardinality(e.edges)]
          AND h.interval_seconds <= date_part('epoch',
                                                e.edges[width_bucket(h.interval_start, e.edges) + 1] - h.interval_start)
        GROUP BY 1, 2, 3
        UNION ALL
        SELECT width_bucket(u.interval_start, e.edges), u.site_id, u.queue_id,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               NULL, NULL, CASE WHEN count(u.total_seconds) = count(*) THEN sum(u.total_seconds::float8) END,
               'wrap_up'
        FROM e
        CROSS JOIN wrap_up_intervals u
        WHERE u.interval_start >= $1 - $3 AND u.interval_start < $2 + $3
          AND u.interval_start >= e.edges[1] AND u.interval_start < e.edges[cardinality(e.edges)]
          AND u.interval_seconds <= date_part('epoch',
                                                e.edges[width_bucket(u.interval_start, e.edges) + 1] - u.interval_start)
        GROUP BY 1, 2, 3
    ), queues_of_bin AS MATERIALIZED (
        SELECT c.bin, c.site_id, c.queue_id,
               coalesce(sum(c.accepted_legs), 0)::bigint AS accepted_legs,
               coalesce(sum(c.accepted_engagements), 0)::bigint AS accepted_engagements,
               coalesce(sum(c.accepted_transfers), 0)::bigint AS accepted_transfers,
               coalesce(sum(c.accepted_within_threshold), 0)::bigint AS accepted_within_threshold,
               coalesce(sum(c.accept_waits), 0)::bigint AS accept_waits,
               sum(c.accept_wait_seconds) AS accept_wait_seconds,
               max(c.longest_accept_wait_seconds) AS longest_accept_wait_seconds,
               coalesce(sum(c.ended_legs), 0)::bigint AS ended_legs, sum(c.leg_seconds) AS leg_seconds,
               coalesce(sum(c.accepted_reactive), 0)::bigint AS accepted_reactive,
               coalesce(sum(c.accepted_proactive), 0)::bigint AS accepted_proactive,
               coalesce(sum(c.reactive_waits), 0)::bigint AS reactive_waits,
               sum(c.reactive_wait_seconds) AS reactive_wait_seconds,
               coalesce(sum(c.reactive_within_threshold), 0)::bigint AS reactive_within_threshold,
               coalesce(sum(c.requested_legs), 0)::bigint AS requested_legs,
               coalesce(sum(c.requested_accepted), 0)::bigint AS requested_accepted,
               sum(c.requested_wait_seconds) AS requested_wait_seconds,
               coalesce(sum(c.requested_within_threshold), 0)::bigint AS requested_within_threshold,
               coalesce(sum(c.legs_open), 0)::bigint AS legs_open,
               coalesce(sum(c.waits_open), 0)::bigint AS waits_open,
               coalesce(sum(c.within_threshold_open), 0)::bigint AS within_threshold_open,
               sum(c.offered) AS offered, sum(c.answered) AS answered, sum(c.abandoned) AS abandoned,
               sum(c.short_abandoned) AS short_abandoned, sum(c.passed_on) AS passed_on, sum(c.within) AS within,
               sum(c.answer_wait) AS answer_wait, max(c.longest) AS longest, sum(c.offered_open) AS offered_open,
               sum(c.answered_open) AS answered_open, sum(c.abandoned_open) AS abandoned_open,
               sum(c.short_open) AS short_open, sum(c.within_open) AS within_open, sum(c.handled) AS handled,
               sum(c.handle_seconds) AS handle_seconds, sum(c.wrap_up_seconds) AS wrap_up_seconds,
               count(*) FILTER (WHERE c.source = 'queue_wait') AS waits,
               count(*) FILTER (WHERE c.source = 'handle') AS handles,
               count(*) FILTER (WHERE c.source = 'wrap_up') AS wrap_ups
        FROM counted c
        GROUP BY c.bin, c.site_id, c.queue_id
    ), coverage AS MATERIALIZED (
        SELECT r.bin, s.site_id, coalesce(sum(r.seconds) FILTER (WHERE k.source = 'queue_wait'), 0) AS queue_wait,
               coalesce(sum(r.seconds) FILTER (WHERE k.source = 'handle'), 0) AS handle,
               coalesce(sum(r.seconds) FILTER (WHERE k.source = 'wrap_up'), 0) AS wrap_up
        FROM e, (SELECT DISTINCT q.site_id FROM queues_of_bin q) s,
        unnest(ARRAY['queue_wait', 'handle', 'wrap_up']) AS k (source),
             LATERAL (SELECT width_bucket(r.interval_start, e.edges) AS bin, sum(r.interval_seconds::float8) AS seconds
                      FROM statistics_readings r
                      WHERE r.site_id = s.site_id AND r.source = k.source
                        AND r.interval_start >= e.edges[1] AND r.interval_start < e.edges[cardinality(e.edges)]
                        AND r.interval_seconds <= date_part('epoch',
                                                            e.edges[width_bucket(r.interval_start,
                                                                e.edges) + 1] - r.interval_start)
                      GROUP BY 1) r
        GROUP BY 1, 2
    ), cells AS (
        SELECT * FROM queues_of_bin
        UNION ALL
        -- With empty_intervals: every other interval of each queue that has something in the range.
        SELECT b.bin, k.site_id, k.queue_id,
               0, 0, 0, 0, 0, NULL, NULL, 0, NULL, 0, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0, 0, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0
        FROM (SELECT DISTINCT q.site_id, q.queue_id FROM queues_of_bin q WHERE $6) k
        CROSS JOIN e
        CROSS JOIN LATERAL generate_series(1, cardinality(e.edges) - 1) AS b (bin)
        LEFT JOIN queues_of_bin q ON q.bin = b.bin AND q.site_id = k.site_id AND q.queue_id = k.queue_id
        WHERE q.bin IS NULL
    ), sums AS (
        -- Without counts a figure is 0 if the statistics were read, and NULL if they were not.
        SELECT e.edges[q.bin] AS interval_start, e.edges[q.bin + 1] AS interval_end, nullif(q.site_id, '') AS site_id,
               nullif(q.queue_id, '') AS queue_id, o.hours IS NOT NULL AS has_hours,
               q.accepted_legs, q.accepted_engagements, q.accepted_transfers, q.accepted_within_threshold,
               q.accept_waits, q.accept_wait_seconds, q.longest_accept_wait_seconds, q.ended_legs, q.leg_seconds,
               q.accepted_reactive, q.accepted_proactive, q.reactive_waits, q.reactive_wait_seconds,
               q.reactive_within_threshold, q.requested_legs, q.requested_accepted, q.requested_wait_seconds,
               q.requested_within_threshold, q.legs_open, q.waits_open, q.within_threshold_open,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.offered END END AS offered,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.answered END END AS answered,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.abandoned END END AS abandoned,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0
                    ELSE q.short_abandoned END END AS short_abandoned,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.passed_on END END AS passed_on,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.within END END AS within,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.answer_wait END END AS answer_wait,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.offered_open END END AS offered_open,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0
                    ELSE q.answered_open END END AS answered_open,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0
                    ELSE q.abandoned_open END END AS abandoned_open,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.short_open END END AS short_open,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.within_open END END AS within_open,
               CASE WHEN c.queue_wait > 0 THEN q.longest END AS longest,
               CASE WHEN c.handle > 0 THEN CASE WHEN q.handles = 0 THEN 0 ELSE q.handled END END AS handled,
               CASE WHEN c.handle > 0 THEN CASE WHEN q.handles = 0 THEN 0
                    ELSE q.handle_seconds END END AS handle_seconds,
               CASE WHEN c.wrap_up > 0 THEN CASE WHEN q.wrap_ups = 0 THEN 0
                    ELSE q.wrap_up_seconds END END AS wrap_up_seconds,
               coalesce(least(c.queue_wait, c.handle, c.wrap_up), 0) AS statistics_seconds
        FROM cells q
        CROSS JOIN e
        LEFT JOIN coverage c ON c.bin = q.bin AND c.site_id = q.site_id
        LEFT JOIN open_hours o ON o.site_id = q.site_id
    )
    SELECT s.interval_start, s.interval_end, s.site_id, s.queue_id, s.accepted_legs, s.accepted_engagements,
           s.accepted_transfers,
           s.accepted_within_threshold, s.accept_waits, s.accept_wait_seconds, s.longest_accept_wait_seconds,
           s.ended_legs, s.leg_seconds,
           s.offered, s.answered, s.abandoned, s.short_abandoned, s.passed_on,
           s.offered - s.answered - s.abandoned - s.passed_on,
           s.within, s.answer_wait, s.longest, s.handled, s.handle_seconds, s.wrap_up_seconds,
           s.statistics_seconds,
           s.accept_wait_seconds / nullif(s.accept_waits, 0),
           s.accepted_within_threshold::float8 / nullif(s.accept_waits, 0),
           s.leg_seconds / nullif(s.ended_legs, 0),
           s.abandoned / nullif(s.offered, 0),
           (s.abandoned - s.short_abandoned) / nullif(s.offered - s.short_abandoned, 0),
           s.within / nullif(s.offered - s.short_abandoned, 0),
           s.answer_wait / nullif(s.answered, 0), (s.handle_seconds + s.wrap_up_seconds) / nullif(s.handled, 0),
           s.accepted_reactive, s.accepted_proactive, s.reactive_waits, s.reactive_wait_seconds,
           s.reactive_within_threshold,
           s.requested_legs, s.requested_accepted, s.requested_wait_seconds, s.requested_within_threshold,
           CASE WHEN s.has_hours THEN s.legs_open END, CASE WHEN s.has_hours THEN s.waits_open END,
           CASE WHEN s.has_hours THEN s.within_threshold_open END, CASE WHEN s.has_hours THEN s.offered_open END,
           CASE WHEN s.has_hours THEN s.answered_open END, CASE WHEN s.has_hours THEN s.abandoned_open END,
           CASE WHEN s.has_hours THEN s.short_open END, CASE WHEN s.has_hours THEN s.within_open END
    FROM sums s;
END;

CREATE FUNCTION operator_report(
    "from" timestamptz, "to" timestamptz, grain interval DEFAULT '30 minutes', time_zone text DEFAULT 'UTC',
    empty_intervals boolean DEFAULT false)
RETURNS TABLE (
    interval_start timestamptz, interval_end timestamptz, operator_id text,
    accepted_legs bigint, accepted_transfers bigint, ended_legs bigint, leg_seconds float8,
    busy_seconds float8, parallel_seconds float8, most_at_once bigint, first_activity timestamptz,
    last_activity timestamptz,
    logged_in_seconds float8, available_seconds float8, engaged_seconds float8, wrap_up_seconds float8,
    administrative_seconds float8,
    pause_seconds float8, occupancy float8, statistics_seconds float8)
LANGUAGE sql STABLE ROWS 1000 SET work_mem = '64MB' SET jit = off SET enable_sort = off
BEGIN ATOMIC
    WITH e AS MATERIALIZED (
        SELECT interval_edges($1, $2, $3, $4) AS edges
    ), legs_of_range AS MATERIALIZED (
        SELECT l.operator_id, l.site_id, l.accepted_at, coalesce(l.ended_at, now()) AS until, l.transferred_in,
               l.handle_seconds
        FROM leg_facts l
        WHERE l.accepted_at >= $1 - $3 - interval '1 day' AND l.accepted_at < $2 + $3 AND l.operator_id IS NOT NULL
    ), pieces AS MATERIALIZED (
        SELECT l.operator_id, b.bin, greatest(l.accepted_at, e.edges[b.bin]) AS begins,
               least(l.until, e.edges[b.bin + 1]) AS ends
        FROM e, legs_of_range l,
             generate_series(greatest(width_bucket(l.accepted_at, e.edges), 1),
                             least(width_bucket(l.until, e.edges), cardinality(e.edges) - 1)) AS b (bin)
        WHERE l.accepted_at < l.until AND l.until > e.edges[1]
    ), steps AS (
        SELECT p.operator_id, p.bin, p.begins AS at, 1 AS step FROM pieces p WHERE p.begins < p.ends
        UNION ALL
        SELECT p.operator_id, p.bin, p.ends, -1 FROM pieces p WHERE p.begins < p.ends
    ), counted AS (
        SELECT s.operator_id, s.bin, s.at, lead(s.at) OVER w AS next, sum(s.step) OVER w AS legs
        FROM steps s
        WINDOW w AS (PARTITION BY s.operator_id, s.bin ORDER BY s.at, s.step ROWS UNBOUNDED PRECEDING)
    ), states AS MATERIALIZED (
        SELECT s.bin, s.site_id, s.operator_id, count(*) AS states, count(s.seconds) AS known,
               sum(s.seconds::float8) AS logged_in,
               coalesce(sum(s.seconds::float8) FILTER (WHERE s.state IN ('video', 'audio', 'chat')), 0) AS waiting,
               coalesce(sum(s.seconds::float8) FILTER (WHERE s.state = 'engaged'), 0) AS engaged,
               coalesce(sum(s.seconds::float8) FILTER (WHERE s.state = 'post-engagement'), 0) AS wrap_up,
               coalesce(sum(s.seconds::float8) FILTER (WHERE s.state IN ('advanced-admin', 'reporting')), 0)
               AS administrative
        FROM (SELECT width_bucket(o.interval_start, e.edges) AS bin, o.site_id, o.operator_id, o.state, o.seconds
              FROM e
              CROSS JOIN operator_state_intervals o
              WHERE o.interval_start >= $1 - $3 AND o.interval_start < $2 + $3
                AND o.interval_start >= e.edges[1] AND o.interval_start < e.edges[cardinality(e.edges)]
                AND o.interval_seconds <= date_part('epoch',
                                                    e.edges[width_bucket(o.interval_start,
                                                        e.edges) + 1] - o.interval_start)) s
        GROUP BY s.bin, s.site_id, s.operator_id
    ), together AS (
        SELECT c.bin, c.operator_id, NULL::bigint AS accepted, NULL::bigint AS transfers, NULL::bigint AS ended,
               NULL::float8 AS leg_seconds,
               sum(date_part('epoch', c.next - c.at)) FILTER (WHERE c.legs >= 1) AS busy,
               coalesce(sum(date_part('epoch', c.next - c.at)) FILTER (WHERE c.legs >= 2), 0) AS parallel,
               max(c.legs) AS most, min(c.at) AS first_activity, max(c.at) AS last_activity,
               NULL::float8 AS logged_in, NULL::float8 AS waiting, NULL::float8 AS engaged, NULL::float8 AS wrap_up,
               NULL::float8 AS administrative, false AS is_state
        FROM counted c
        GROUP BY 1, 2
        UNION ALL
        SELECT width_bucket(l.accepted_at, e.edges), l.operator_id, count(*), count(*) FILTER (WHERE l.transferred_in),
               count(l.handle_seconds), sum(l.handle_seconds::float8), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               NULL, NULL, false
        FROM e, legs_of_range l
        WHERE l.accepted_at >= e.edges[1] AND l.accepted_at < e.edges[cardinality(e.edges)]
        GROUP BY 1, 2
        UNION ALL
        SELECT s.bin, nullif(s.operator_id, ''), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               CASE WHEN sum(s.known) = sum(s.states) THEN sum(s.logged_in) END,
               CASE WHEN sum(s.known) = sum(s.states) THEN sum(s.waiting) END,
               CASE WHEN sum(s.known) = sum(s.states) THEN sum(s.engaged) END,
               CASE WHEN sum(s.known) = sum(s.states) THEN sum(s.wrap_up) END,
               CASE WHEN sum(s.known) = sum(s.states) THEN sum(s.administrative) END, true
        FROM states s
        GROUP BY 1, 2
    ), operators_of_bin AS MATERIALIZED (
        SELECT t.bin, t.operator_id, coalesce(sum(t.accepted), 0) AS accepted,
               coalesce(sum(t.transfers), 0) AS transfers,
               coalesce(sum(t.ended), 0) AS ended, sum(t.leg_seconds) AS leg_seconds, coalesce(sum(t.busy), 0) AS busy,
               coalesce(sum(t.parallel), 0) AS parallel,
               coalesce(max(t.most), 0) AS most, min(t.first_activity) AS first_activity,
               max(t.last_activity) AS last_activity,
               sum(t.logged_in) AS logged_in, sum(t.waiting) AS waiting, sum(t.engaged) AS engaged,
               sum(t.wrap_up) AS wrap_up,
               sum(t.administrative) AS administrative, count(*) FILTER (WHERE t.is_state) AS states
        FROM together t
        GROUP BY 1, 2
    ), coverage AS MATERIALIZED (
        SELECT r.bin, min(r.seconds) AS seconds
        FROM e, (SELECT DISTINCT s.site_id FROM states s UNION SELECT DISTINCT l.site_id FROM legs_of_range l) AS k,
             LATERAL (SELECT width_bucket(r.interval_start, e.edges) AS bin, sum(r.interval_seconds::float8) AS seconds
                      FROM statistics_readings r
                      WHERE r.site_id = k.site_id AND r.source = 'operator_state'
                        AND r.interval_start >= e.edges[1] AND r.interval_start < e.edges[cardinality(e.edges)]
                        AND r.interval_seconds <= date_part('epoch',
                            e.edges[width_bucket(r.interval_start, e.edges) + 1] - r.interval_start)
                      GROUP BY 1) r
        GROUP BY 1
    ), cells AS (
        SELECT * FROM operators_of_bin
        UNION ALL
        -- With empty_intervals: every other interval of each operator who did something in the range.
        SELECT b.bin, k.operator_id, 0, 0, 0, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
        FROM (SELECT DISTINCT d.operator_id FROM operators_of_bin d WHERE $5) k
        CROSS JOIN e
        CROSS JOIN LATERAL generate_series(1, cardinality(e.edges) - 1) AS b (bin)
        LEFT JOIN operators_of_bin d ON d.bin = b.bin AND d.operator_id = k.operator_id
        WHERE d.bin IS NULL AND k.operator_id IS NOT NULL
    )
    SELECT e.edges[o.bin], e.edges[o.bin + 1], o.operator_id, o.accepted::bigint, o.transfers::bigint, o.ended::bigint,
           o.leg_seconds,
           o.busy, o.parallel, o.most, o.first_activity, o.last_activity,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.logged_in END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.waiting + o.engaged + o.wrap_up END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.engaged END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.wrap_up END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.administrative END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0
                ELSE o.logged_in - o.waiting - o.engaged - o.wrap_up - o.administrative END END,
           (o.engaged + o.wrap_up) / nullif(o.waiting + o.engaged + o.wrap_up, 0),
           coalesce(c.seconds, 0)
    FROM cells o
    CROSS JOIN e
    LEFT JOIN coverage c ON c.bin = o.bin;
END;

COMMENT ON FUNCTION queue_report(timestamptz, timestamptz, interval, text, interval, boolean) IS 'One row for each site, queue and interval of the range in which something happened, or, with `empty_intervals => true`, in every interval for each queue that has something in the range; grain: 15 or 30 minutes, 1 hour, 1 day, 1 week or 1 month, in the time zone given; the range is widened to whole intervals. The columns are those of queue_intervals, with accepted_within_threshold and service_level_of_accepted by the threshold given. Statistics count where their intervals lie wholly within one of these.';
COMMENT ON FUNCTION operator_report(timestamptz, timestamptz, interval, text, boolean) IS 'One row for each operator and interval of the range in which something happened; grain, time zone and empty_intervals as in queue_report. The columns are those of operator_intervals. A leg that began more than a day before the range is not seen.';

-- One call of the report per day, so that a condition on day limits what is read from the tables. '24 hours', because
-- the length of '1 day' depends on the time zone of the session.
CREATE VIEW queue_intervals AS
SELECT d.day, r.interval_start, l.interval_start AS interval_start_local,
       CASE WHEN EXISTS (SELECT FROM business_hours b WHERE b.site_id = r.site_id)
            THEN EXISTS (SELECT FROM business_hours b
                         WHERE b.site_id = r.site_id AND b.weekday = extract(isodow FROM l.interval_start)
                           AND l.interval_start::time >= b.opens AND l.interval_start::time < b.closes)
                 AND NOT EXISTS (SELECT FROM holidays h WHERE h.site_id = r.site_id
                     AND h.day = l.interval_start::date) END AS in_business_hours,
       r.site_id, s.name AS site_name, r.queue_id, q.name AS queue_name,
       r.accepted_legs, r.accepted_engagements, r.accepted_transfers,
       r.accepted_within_threshold AS accepted_within_20_seconds, r.accept_waits, r.accept_wait_seconds,
       r.longest_accept_wait_seconds, r.ended_legs, r.leg_seconds, r.offered, r.answered, r.abandoned,
       r.short_abandoned,
       r.passed_on, r.other_outcomes, r.answered_within_service_level, r.answer_wait_seconds, r.longest_wait_seconds,
       r.handled, r.handle_seconds, r.wrap_up_seconds, r.statistics_seconds, r.average_seconds_to_accept,
       r.service_level_of_accepted, r.average_leg_seconds, r.abandonment_rate, r.abandonment_rate_without_short,
       r.service_level, r.average_seconds_to_answer, r.average_handle_seconds,
       r.accepted_reactive, r.accepted_proactive, r.reactive_waits, r.reactive_wait_seconds,
       r.reactive_within_threshold AS reactive_within_20_seconds, r.requested_legs, r.requested_accepted,
       r.requested_wait_seconds, r.requested_within_threshold AS requested_within_20_seconds,
       r.accepted_legs_in_business_hours, r.accept_waits_in_business_hours,
       r.accepted_within_threshold_in_business_hours AS accepted_within_20_seconds_in_business_hours,
       r.offered_in_business_hours, r.answered_in_business_hours, r.abandoned_in_business_hours,
       r.short_abandoned_in_business_hours, r.answered_within_service_level_in_business_hours
FROM generate_series(timestamptz '2012-01-01 00:00+00', now(), interval '24 hours') AS d (day)
CROSS JOIN LATERAL queue_report(d.day, d.day + interval '24 hours', '30 minutes', 'UTC', '20 seconds') r
LEFT JOIN sites s ON s.id = r.site_id
LEFT JOIN queues q ON q.id = r.queue_id
CROSS JOIN LATERAL (SELECT r.interval_start AT TIME ZONE coalesce(s.iana_time_zone, 'UTC')) AS l (interval_start);
COMMENT ON VIEW queue_intervals IS 'One row for each site, queue and half hour in which something happened: what legs tell, and beside it what statistics tell, visitors who gave up included.';
COMMENT ON COLUMN queue_intervals.day IS 'The day, UTC: ask for a range of this, which is what is fast.';
COMMENT ON COLUMN queue_intervals.interval_start IS 'Start of the half hour. For intervals of another length or in another time zone use queue_report.';
COMMENT ON COLUMN queue_intervals.interval_start_local IS 'The same in the time zone of the site; UTC where that is not known.';
COMMENT ON COLUMN queue_intervals.in_business_hours IS 'True if the site is open at interval_start according to business_hours and holidays. NULL if business_hours has no rows for the site.';
COMMENT ON COLUMN queue_intervals.site_id IS 'The site: of the legs, and of the statistics.';
COMMENT ON COLUMN queue_intervals.site_name IS 'Name of the site.';
COMMENT ON COLUMN queue_intervals.queue_id IS 'queues.id: the first queue of each leg''s request; NULL: statistics of engagements without a queue.';
COMMENT ON COLUMN queue_intervals.queue_name IS 'Name of the queue.';
COMMENT ON COLUMN queue_intervals.accepted_legs IS 'Legs that were requested through the queue and were accepted in the interval. This column and the following ones, up to leg_seconds, are counted from legs, whether statistics are enabled or not. Visitors who gave up do not count.';
COMMENT ON COLUMN queue_intervals.accepted_engagements IS 'Of these, those that began an engagement.';
COMMENT ON COLUMN queue_intervals.accepted_transfers IS 'Of these, those that began with a transfer.';
COMMENT ON COLUMN queue_intervals.accepted_within_20_seconds IS 'Of these, those accepted within 20 seconds of their request; for another threshold ask queue_report.';
COMMENT ON COLUMN queue_intervals.accept_waits IS 'Of these, those whose wait for acceptance is known.';
COMMENT ON COLUMN queue_intervals.accept_wait_seconds IS 'Their waits altogether.';
COMMENT ON COLUMN queue_intervals.longest_accept_wait_seconds IS 'The longest of the waits in accept_waits.';
COMMENT ON COLUMN queue_intervals.ended_legs IS 'Of the accepted legs, those that have ended.';
COMMENT ON COLUMN queue_intervals.leg_seconds IS 'Their length altogether, without work after the conversation.';
COMMENT ON COLUMN queue_intervals.offered IS 'Visitors whose wait in the queue ended in the interval, however it ended. This and what follows: from statistics; NULL where these were not read, never because there were none. A visitor whom a queue passed on counts again in the next queue.';
COMMENT ON COLUMN queue_intervals.answered IS 'Of offered, those who were answered (outcome finished).';
COMMENT ON COLUMN queue_intervals.abandoned IS 'Of offered, those who gave up (outcomes canceled and disconnected).';
COMMENT ON COLUMN queue_intervals.short_abandoned IS 'Of those who gave up, those who did so soon, by the configuration of the site.';
COMMENT ON COLUMN queue_intervals.passed_on IS 'Of offered, those whom the queue passed on to its fallback queue (outcome fallback). They are neither answered nor abandoned in this queue.';
COMMENT ON COLUMN queue_intervals.other_outcomes IS 'Of those offered, those with any other outcome.';
COMMENT ON COLUMN queue_intervals.answered_within_service_level IS 'Of those answered, those who waited no longer than the threshold that the site is configured for.';
COMMENT ON COLUMN queue_intervals.answer_wait_seconds IS 'Sum of the waits of those who were answered.';
COMMENT ON COLUMN queue_intervals.longest_wait_seconds IS 'The longest wait that ended in the interval, answered or not. NULL if no wait ended, or if the statistics were not read.';
COMMENT ON COLUMN queue_intervals.handled IS 'Conversations that ended in the interval, as the source counts them.';
COMMENT ON COLUMN queue_intervals.handle_seconds IS 'Their length altogether.';
COMMENT ON COLUMN queue_intervals.wrap_up_seconds IS 'Total time of work after conversations.';
COMMENT ON COLUMN queue_intervals.statistics_seconds IS 'How much of the interval statistics were read for; less than 1800: the columns from statistics are too low, or NULL.';
COMMENT ON COLUMN queue_intervals.average_seconds_to_accept IS 'accept_wait_seconds / accept_waits: average wait for acceptance, of legs of all types. You cannot add or average averages and shares: divide the sums.';
COMMENT ON COLUMN queue_intervals.service_level_of_accepted IS 'accepted_within_20_seconds / accept_waits, 0 to 1. Only accepted legs count, including proactive legs and transfers; visitors who gave up do not count. For visitors who asked, use reactive_within_20_seconds / reactive_waits.';
COMMENT ON COLUMN queue_intervals.average_leg_seconds IS 'leg_seconds / ended_legs: handle time without wrap-up.';
COMMENT ON COLUMN queue_intervals.abandonment_rate IS 'abandoned / offered, 0 to 1; NULL if nothing was offered, or statistics were not read.';
COMMENT ON COLUMN queue_intervals.abandonment_rate_without_short IS 'Abandonment rate without short abandons: (abandoned - short_abandoned) / (offered - short_abandoned).';
COMMENT ON COLUMN queue_intervals.service_level IS 'answered_within_service_level / (offered - short_abandoned), 0 to 1, by the threshold that the site is configured for.';
COMMENT ON COLUMN queue_intervals.average_seconds_to_answer IS 'answer_wait_seconds / answered: average speed of answer (ASA).';
COMMENT ON COLUMN queue_intervals.average_handle_seconds IS '(handle_seconds + wrap_up_seconds) / handled: average handle time (AHT), with work after the conversation.';
COMMENT ON COLUMN queue_intervals.accepted_reactive IS 'Of accepted_legs, those that visitors asked for (request_type reactive): the population of speed of acceptance.';
COMMENT ON COLUMN queue_intervals.accepted_proactive IS 'Of accepted_legs, those that operators asked for (request_type proactive): no visitor waited for them.';
COMMENT ON COLUMN queue_intervals.reactive_waits IS 'Of accepted_reactive, those whose wait for acceptance is known.';
COMMENT ON COLUMN queue_intervals.reactive_wait_seconds IS 'Sum of the waits in reactive_waits. reactive_wait_seconds / reactive_waits is the speed of acceptance of visitors who asked.';
COMMENT ON COLUMN queue_intervals.reactive_within_20_seconds IS 'Of these, those accepted within 20 seconds of their request.';
COMMENT ON COLUMN queue_intervals.requested_legs IS 'Legs that were requested through the queue in the interval, whether and whenever they were accepted. This column and the next three count a leg at the time of its request; the columns accepted_… count it at the time of its acceptance.';
COMMENT ON COLUMN queue_intervals.requested_accepted IS 'Of requested_legs, those that were accepted and whose wait is known.';
COMMENT ON COLUMN queue_intervals.requested_wait_seconds IS 'Sum of the waits in requested_accepted.';
COMMENT ON COLUMN queue_intervals.requested_within_20_seconds IS 'Of requested_accepted, those accepted within 20 seconds of their request.';
COMMENT ON COLUMN queue_intervals.accepted_legs_in_business_hours IS 'Of accepted_legs, those accepted while the site was open according to business_hours and holidays. All columns …_in_business_hours are NULL if business_hours has no rows for the site.';
COMMENT ON COLUMN queue_intervals.accept_waits_in_business_hours IS 'Of accept_waits, those accepted while the site was open.';
COMMENT ON COLUMN queue_intervals.accepted_within_20_seconds_in_business_hours IS 'Of accepted_within_20_seconds, those accepted while the site was open.';
COMMENT ON COLUMN queue_intervals.offered_in_business_hours IS 'Of offered, those whose interval of the source began while the site was open.';
COMMENT ON COLUMN queue_intervals.answered_in_business_hours IS 'Of answered, those whose interval of the source began while the site was open.';
COMMENT ON COLUMN queue_intervals.abandoned_in_business_hours IS 'Of abandoned, those whose interval of the source began while the site was open.';
COMMENT ON COLUMN queue_intervals.short_abandoned_in_business_hours IS 'Of short_abandoned, those whose interval of the source began while the site was open.';
COMMENT ON COLUMN queue_intervals.answered_within_service_level_in_business_hours IS 'Of answered_within_service_level, those whose interval of the source began while the site was open.';

CREATE VIEW operator_intervals AS
SELECT d.day, r.interval_start, r.operator_id, o.name AS operator_name,
       r.accepted_legs, r.accepted_transfers, r.ended_legs, r.leg_seconds, r.busy_seconds, r.parallel_seconds,
       r.most_at_once,
       r.first_activity, r.last_activity, r.logged_in_seconds, r.available_seconds, r.engaged_seconds,
       r.wrap_up_seconds,
       r.administrative_seconds, r.pause_seconds, r.occupancy, r.statistics_seconds
FROM generate_series(timestamptz '2012-01-01 00:00+00', now(), interval '24 hours') AS d (day)
CROSS JOIN LATERAL operator_report(d.day, d.day + interval '24 hours', '30 minutes', 'UTC') r
LEFT JOIN operators o ON o.id = r.operator_id;
COMMENT ON VIEW operator_intervals IS 'One row for each operator and half hour in which something happened, over all sites: what legs tell, and beside it what statistics tell of the operator''s time.';
COMMENT ON COLUMN operator_intervals.day IS 'The day, UTC: ask for a range of this, which is what is fast.';
COMMENT ON COLUMN operator_intervals.interval_start IS 'Start of the half hour. For intervals of another length or in another time zone use operator_report.';
COMMENT ON COLUMN operator_intervals.operator_id IS 'operators.id';
COMMENT ON COLUMN operator_intervals.operator_name IS 'Name of the operator.';
COMMENT ON COLUMN operator_intervals.accepted_legs IS 'Legs that the operator accepted in the interval.';
COMMENT ON COLUMN operator_intervals.accepted_transfers IS 'Of these, those that began with a transfer.';
COMMENT ON COLUMN operator_intervals.ended_legs IS 'Of these, those that have ended.';
COMMENT ON COLUMN operator_intervals.leg_seconds IS 'Their length altogether, also beyond the interval; legs at the same time count each.';
COMMENT ON COLUMN operator_intervals.busy_seconds IS 'Time within the interval with at least one leg. From legs alone, whether statistics are on or not.';
COMMENT ON COLUMN operator_intervals.parallel_seconds IS 'Time within the interval with two legs or more.';
COMMENT ON COLUMN operator_intervals.most_at_once IS 'The most legs at the same time.';
COMMENT ON COLUMN operator_intervals.first_activity IS 'When the first leg in the interval began; interval_start if it began before. NULL: there was no leg.';
COMMENT ON COLUMN operator_intervals.last_activity IS 'When the last leg in the interval ended, at the latest the end of the interval.';
COMMENT ON COLUMN operator_intervals.logged_in_seconds IS 'Time logged in, in all states. This column and the following ones, up to occupancy, are from statistics. NULL: the statistics were not read. 0: they were read, and the operator was not logged in.';
COMMENT ON COLUMN operator_intervals.available_seconds IS 'Time available: waiting (states video, audio, chat), engaged or in wrap-up.';
COMMENT ON COLUMN operator_intervals.engaged_seconds IS 'Time in engagements (state engaged).';
COMMENT ON COLUMN operator_intervals.wrap_up_seconds IS 'Work after conversations (state post-engagement).';
COMMENT ON COLUMN operator_intervals.administrative_seconds IS 'Administrative work (states advanced-admin and reporting).';
COMMENT ON COLUMN operator_intervals.pause_seconds IS 'Pauses: all other states, such as meal-break.';
COMMENT ON COLUMN operator_intervals.occupancy IS '(engaged_seconds + wrap_up_seconds) / available_seconds, 0 to 1. You cannot add or average shares: divide the sums.';
COMMENT ON COLUMN operator_intervals.statistics_seconds IS 'How much of the interval statistics were read for, of the site of which least was; less than 1800: the columns from statistics are too low, or NULL.';

DO $granted$
BEGIN
    EXECUTE current_setting('glia.granted');
END
$granted$;
