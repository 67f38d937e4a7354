-- Version 3: views for analysts.
--
-- Each is written so that a condition on created_at (engagement_facts) or accepted_at (leg_facts) reaches the tables, and
-- the legs of an engagement are found by their key. None shows visitors' names or ids. What the API does not tell is not
-- worked out from something else; the comments say what that is.

CREATE VIEW engagement_facts AS
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
       e.flagged
FROM engagements e
LEFT JOIN LATERAL (
    SELECT count(*)::int AS legs,
           (array_agg(g.operator_id ORDER BY g.position))[1] AS first_operator_id,
           (array_agg(g.operator_id ORDER BY g.position DESC))[1] AS last_operator_id,
           (array_agg(r.queue_id ORDER BY g.position))[1] AS first_queue_id,
           (array_agg(r.queue_id ORDER BY g.position DESC) FILTER (WHERE r.queue_id IS NOT NULL))[1] AS last_queue_id,
           (array_agg(extract(epoch FROM g.accepted_at - g.requested_at)::float8 ORDER BY g.position))[1] AS seconds_to_accept,
           sum(g.duration)::bigint AS handle_seconds,
           (array_agg(g.accepted_at ORDER BY g.position))[1] AS accepted_at,
           max(g.ended_at) AS ended_at,
           bool_or(g.ended_at IS NULL) AS ongoing,
           (array_agg(g.end_reason ORDER BY g.position DESC))[1] AS end_reason
    FROM legs g
    LEFT JOIN leg_queues r ON r.engagement_id = g.engagement_id AND r.leg_id = g.id AND r.position = 0
    WHERE g.engagement_id = e.id
    HAVING count(*) > 0
) AS l ON true
LEFT JOIN engagement_queues q ON q.engagement_id = e.id AND q.position = 0;

COMMENT ON VIEW engagement_facts IS 'One row for each engagement: who had it, through which queue, how long it waited and lasted, how it ended. Only what the API tells: it knows nothing of visitors who gave up before there was an engagement, nor of work after the conversation.';
COMMENT ON COLUMN engagement_facts.engagement_id IS 'engagements.id';
COMMENT ON COLUMN engagement_facts.created_at IS 'When the engagement request was created. Ask for a range of this: there is an index. Local hours and days are the reader''s: created_at AT TIME ZONE ''Europe/Tallinn''.';
COMMENT ON COLUMN engagement_facts.engagement_type IS 'proactive (an operator asked) or reactive (the visitor asked).';
COMMENT ON COLUMN engagement_facts.source IS 'How the engagement came about, such as tab, callout or sms; NULL or empty: an operator asked.';
COMMENT ON COLUMN engagement_facts.platform IS 'omnibrowse: asked for from the Call Visualizer; omnicore: everything else.';
COMMENT ON COLUMN engagement_facts.legs_known IS 'False while the legs are still to be fetched: everything that comes from them is NULL until then.';
COMMENT ON COLUMN engagement_facts.legs IS 'Number of legs: one, and one more for each transfer. NULL if none is stored.';
COMMENT ON COLUMN engagement_facts.transfers IS 'Number of transfers: the legs after the first.';
COMMENT ON COLUMN engagement_facts.first_operator_id IS 'Operator of the first leg.';
COMMENT ON COLUMN engagement_facts.last_operator_id IS 'Operator of the last leg: the one who ended it, unless it goes on.';
COMMENT ON COLUMN engagement_facts.first_queue_id IS 'The queue of the first leg''s request, or else of the engagement; the first of them where a request names several. NULL: it came through no queue.';
COMMENT ON COLUMN engagement_facts.last_queue_id IS 'The queue of the last leg that was requested through one; first_queue_id if no later leg was.';
COMMENT ON COLUMN engagement_facts.queue_wait_seconds IS 'Time the visitor spent in the queue before the engagement, as the API tells it: only for reactive engagements started via queueing.';
COMMENT ON COLUMN engagement_facts.seconds_to_accept IS 'From the request of the first leg to its acceptance. Its average is the average speed of answer (ASA) of those that were answered.';
COMMENT ON COLUMN engagement_facts.handle_seconds IS 'Time operators spent in it: the sum of the legs'' durations. Its average is the average handle time (AHT), without work after the conversation, which the API does not tell.';
COMMENT ON COLUMN engagement_facts.duration_seconds IS 'Length of the engagement as the API tells it (engagements.duration).';
COMMENT ON COLUMN engagement_facts.accepted_at IS 'When the first leg was accepted.';
COMMENT ON COLUMN engagement_facts.ended_at IS 'When the last leg ended; NULL while it goes on.';
COMMENT ON COLUMN engagement_facts.ongoing IS 'True while a leg has not ended.';
COMMENT ON COLUMN engagement_facts.end_reason IS 'Why the last leg ended: visitor_left, visitor_hung_up, operator_left, operator_hung_up, error or transfer; NULL while it goes on.';
COMMENT ON COLUMN engagement_facts.richest_media IS 'video, audio or text, by what was used at any time.';
COMMENT ON COLUMN engagement_facts.cobrowsing_used IS 'True if CoBrowsing was used.';
COMMENT ON COLUMN engagement_facts.flagged IS 'True if somebody flagged the engagement.';

CREATE VIEW leg_facts AS
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
       extract(epoch FROM g.accepted_at - g.requested_at)::float8 AS seconds_to_accept,
       g.duration AS handle_seconds,
       g.end_reason,
       g.accepted_media_type,
       g.used_cobrowsing
FROM legs g
LEFT JOIN leg_queues r ON r.engagement_id = g.engagement_id AND r.leg_id = g.id AND r.position = 0;

COMMENT ON VIEW leg_facts IS 'One row for each leg: an engagement has one, and one more for each transfer.';
COMMENT ON COLUMN leg_facts.engagement_id IS 'engagements.id';
COMMENT ON COLUMN leg_facts.leg_id IS 'legs.id';
COMMENT ON COLUMN leg_facts.position IS 'Place within the engagement, from 0.';
COMMENT ON COLUMN leg_facts.operator_id IS 'The operator of the leg.';
COMMENT ON COLUMN leg_facts.site_id IS 'The site of the leg.';
COMMENT ON COLUMN leg_facts.queue_id IS 'The queue of the request; the first of them where it names several; NULL: no queue was used.';
COMMENT ON COLUMN leg_facts.request_type IS 'reactive, proactive or transfer.';
COMMENT ON COLUMN leg_facts.request_source IS 'How the request came about; the values of engagements.source.';
COMMENT ON COLUMN leg_facts.transferred_in IS 'True if the leg began with a transfer: a leg is added each time the engagement is transferred.';
COMMENT ON COLUMN leg_facts.transferred_out IS 'True if the leg ended with a transfer; NULL while it goes on.';
COMMENT ON COLUMN leg_facts.requested_at IS 'When the engagement or the transfer was requested.';
COMMENT ON COLUMN leg_facts.accepted_at IS 'When the request was accepted. Ask for a range of this: there is an index.';
COMMENT ON COLUMN leg_facts.ended_at IS 'When the leg ended or was transferred out; NULL while it goes on.';
COMMENT ON COLUMN leg_facts.seconds_to_accept IS 'From the request to its acceptance.';
COMMENT ON COLUMN leg_facts.handle_seconds IS 'Length of the leg, in seconds.';
COMMENT ON COLUMN leg_facts.end_reason IS 'visitor_left, visitor_hung_up, operator_left, operator_hung_up, error or transfer.';
COMMENT ON COLUMN leg_facts.accepted_media_type IS 'Medium that was accepted: text, audio, phone or video.';
COMMENT ON COLUMN leg_facts.used_cobrowsing IS 'True if CoBrowsing was used in the leg.';

CREATE VIEW queue_hourly AS
SELECT l.queue_id,
       (SELECT q.name FROM queues q WHERE q.id = l.queue_id) AS queue_name,
       l.hour,
       count(*) AS legs,
       count(*) FILTER (WHERE NOT l.transferred_in) AS engagements,
       count(*) FILTER (WHERE l.transferred_in) AS transfers_in,
       avg(l.seconds_to_accept) AS average_seconds_to_accept,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.seconds_to_accept) AS median_seconds_to_accept,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY l.seconds_to_accept) AS p90_seconds_to_accept,
       max(l.seconds_to_accept) AS longest_seconds_to_accept,
       count(*) FILTER (WHERE l.seconds_to_accept <= 20) AS accepted_within_20_seconds,
       count(*) FILTER (WHERE l.seconds_to_accept <= 20)::float8 / nullif(count(l.seconds_to_accept), 0) AS service_level_20_seconds,
       avg(l.handle_seconds)::float8 AS average_handle_seconds,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.handle_seconds) AS median_handle_seconds,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY l.handle_seconds) AS p90_handle_seconds,
       count(*) FILTER (WHERE l.transferred_out)::float8 / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0) AS transfer_rate,
       count(*) FILTER (WHERE l.accepted_at IS NULL AND l.ended_at IS NOT NULL) AS ended_unaccepted
FROM (SELECT f.*, date_trunc('hour', coalesce(f.accepted_at, f.requested_at), 'UTC') AS hour FROM leg_facts f) AS l
WHERE l.queue_id IS NOT NULL
GROUP BY l.queue_id, l.hour;

COMMENT ON VIEW queue_hourly IS 'One row for each queue and hour with legs: volume, speed of answer, handle time, transfers. For another threshold than 20 seconds, other percentiles or local hours, ask leg_facts in the same way.';
COMMENT ON COLUMN queue_hourly.queue_id IS 'queues.id: the first queue of each leg''s request.';
COMMENT ON COLUMN queue_hourly.queue_name IS 'Name on the newest engagement that carried the queue.';
COMMENT ON COLUMN queue_hourly.hour IS 'The hour (UTC) in which the legs were accepted, or requested where nobody accepted them.';
COMMENT ON COLUMN queue_hourly.legs IS 'Legs requested through the queue.';
COMMENT ON COLUMN queue_hourly.engagements IS 'Of these, those that began an engagement.';
COMMENT ON COLUMN queue_hourly.transfers_in IS 'Of these, those that began with a transfer.';
COMMENT ON COLUMN queue_hourly.average_seconds_to_accept IS 'Average speed of answer (ASA) of those that were accepted. Visitors who gave up before that are not in the API.';
COMMENT ON COLUMN queue_hourly.median_seconds_to_accept IS 'Half of those accepted waited no longer.';
COMMENT ON COLUMN queue_hourly.p90_seconds_to_accept IS 'Nine of ten accepted waited no longer.';
COMMENT ON COLUMN queue_hourly.longest_seconds_to_accept IS 'The longest wait of one that was accepted.';
COMMENT ON COLUMN queue_hourly.accepted_within_20_seconds IS 'How many were accepted within 20 seconds.';
COMMENT ON COLUMN queue_hourly.service_level_20_seconds IS 'Share of those accepted that were accepted within 20 seconds, 0 to 1.';
COMMENT ON COLUMN queue_hourly.average_handle_seconds IS 'Average handle time (AHT) of the legs that have ended, without work after the conversation.';
COMMENT ON COLUMN queue_hourly.median_handle_seconds IS 'Half of them were no longer.';
COMMENT ON COLUMN queue_hourly.p90_handle_seconds IS 'Nine of ten were no longer.';
COMMENT ON COLUMN queue_hourly.transfer_rate IS 'Share of the ended legs that were transferred on, 0 to 1.';
COMMENT ON COLUMN queue_hourly.ended_unaccepted IS 'Legs that ended without having been accepted: all of abandonment that the API shows.';

CREATE VIEW operator_daily AS
SELECT l.operator_id,
       l.day,
       count(*) AS legs,
       count(DISTINCT l.engagement_id) AS engagements,
       count(*) FILTER (WHERE l.transferred_in) AS transfers_in,
       count(*) FILTER (WHERE l.transferred_out) AS transfers_out,
       count(*) FILTER (WHERE l.transferred_out)::float8 / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0) AS transfer_rate,
       sum(l.handle_seconds)::bigint AS handle_seconds,
       avg(l.handle_seconds)::float8 AS average_handle_seconds,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.handle_seconds) AS median_handle_seconds,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY l.handle_seconds) AS p90_handle_seconds,
       avg(l.seconds_to_accept) AS average_seconds_to_accept,
       count(*) FILTER (WHERE l.end_reason IN ('visitor_left', 'visitor_hung_up')) AS ended_by_visitor,
       count(*) FILTER (WHERE l.end_reason IN ('operator_left', 'operator_hung_up')) AS ended_by_operator,
       count(*) FILTER (WHERE l.end_reason = 'error') AS ended_by_error
FROM (SELECT f.*, date_trunc('day', f.accepted_at, 'UTC')::date AS day FROM leg_facts f WHERE f.accepted_at IS NOT NULL) AS l
WHERE l.operator_id IS NOT NULL
GROUP BY l.operator_id, l.day;

COMMENT ON VIEW operator_daily IS 'One row for each operator and day with accepted legs.';
COMMENT ON COLUMN operator_daily.operator_id IS 'The operator.';
COMMENT ON COLUMN operator_daily.day IS 'The day (UTC) on which the legs were accepted; for local days ask leg_facts.';
COMMENT ON COLUMN operator_daily.legs IS 'Legs accepted.';
COMMENT ON COLUMN operator_daily.engagements IS 'Engagements they belong to.';
COMMENT ON COLUMN operator_daily.transfers_in IS 'Legs that began with a transfer.';
COMMENT ON COLUMN operator_daily.transfers_out IS 'Legs that were transferred on.';
COMMENT ON COLUMN operator_daily.transfer_rate IS 'Share of the ended legs that were transferred on, 0 to 1.';
COMMENT ON COLUMN operator_daily.handle_seconds IS 'Time spent in legs that have ended, without work after the conversation; legs at the same time count each.';
COMMENT ON COLUMN operator_daily.average_handle_seconds IS 'Average handle time (AHT).';
COMMENT ON COLUMN operator_daily.median_handle_seconds IS 'Half of the legs were no longer.';
COMMENT ON COLUMN operator_daily.p90_handle_seconds IS 'Nine of ten legs were no longer.';
COMMENT ON COLUMN operator_daily.average_seconds_to_accept IS 'Average speed of answer (ASA).';
COMMENT ON COLUMN operator_daily.ended_by_visitor IS 'Legs that ended with visitor_left or visitor_hung_up.';
COMMENT ON COLUMN operator_daily.ended_by_operator IS 'Legs that ended with operator_left or operator_hung_up.';
COMMENT ON COLUMN operator_daily.ended_by_error IS 'Legs that ended with error.';

CREATE VIEW freshness AS
SELECT s.site_id,
       s.synced_through AS complete_through,
       extract(epoch FROM now() - s.synced_through)::float8 AS lag_seconds,
       s.last_success_at,
       (SELECT count(*) FROM rejected_records r WHERE r.site_id = s.site_id AND r.resolved_at IS NULL) AS rejected,
       (SELECT count(*) FROM detail_queue d JOIN engagement_sites e ON e.engagement_id = d.engagement_id
        WHERE e.site_id = s.site_id) AS waiting_for_legs
FROM sync_state s;

COMMENT ON VIEW freshness IS 'How far the tables can be trusted, one row for each site.';
COMMENT ON COLUMN freshness.site_id IS 'The site.';
COMMENT ON COLUMN freshness.complete_through IS 'Every engagement that was listed up to then is in the tables. NULL: the first reading is not through yet.';
COMMENT ON COLUMN freshness.lag_seconds IS 'How long ago that is.';
COMMENT ON COLUMN freshness.last_success_at IS 'When a reading of the listing last came to its end.';
COMMENT ON COLUMN freshness.rejected IS 'Records that could not be loaded and are not settled: ask whoever runs glia-sync.';
COMMENT ON COLUMN freshness.waiting_for_legs IS 'Engagements whose legs are still to be fetched, or to be fetched again.';
