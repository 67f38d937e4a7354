-- Version 18: reports that lose no statistics in any time zone, and comments that say what each figure counts.

-- ---------------------------------------------------------------------------------------------------------- reports

-- An interval of the source counts in the interval of the report in which it begins. So nothing is lost or counted
-- twice, even if the offset of the time zone is not a multiple of the source's interval.
CREATE FUNCTION queue_report(
    "from" timestamptz, "to" timestamptz, grain interval DEFAULT '30 minutes', time_zone text DEFAULT 'UTC',
    threshold interval DEFAULT NULL, empty_intervals boolean DEFAULT false)
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
    short_abandoned_in_business_hours float8, answered_within_service_level_in_business_hours float8,
    offered_transfers float8, offered_wait_seconds float8, statistics_share float8)
-- enable_sort is off because the range is a parameter: the planner expects few rows, and would sort where hashing is
-- faster.
LANGUAGE sql STABLE ROWS 1000 SET work_mem = '64MB' SET jit = off SET enable_sort = off
BEGIN ATOMIC
    WITH e AS MATERIALIZED (
        SELECT interval_edges($1, $2, $3, $4) AS edges,
               date_part('epoch', coalesce($5, interval '20 seconds')) AS threshold
    ), open_hours AS MATERIALIZED (
        SELECT h.site_id, h.hours FROM open_hours($1 - $3, $2 + $3) h
    ), legs AS MATERIALIZED (
        SELECT width_bucket(l.accepted_at, e.edges) AS accepted_bin,
               width_bucket(l.requested_at, e.edges) AS requested_bin, coalesce(l.site_id, '') AS site_id, l.queue_id,
               l.transferred_in, l.request_type = 'reactive' AS is_reactive,
               l.request_type = 'proactive' AS is_proactive, l.seconds_to_accept AS wait, l.handle_seconds,
               o.hours @> l.accepted_at AS is_open
        FROM e
        CROSS JOIN leg_facts l
        LEFT JOIN open_hours o ON o.site_id = l.site_id
        WHERE (l.accepted_at >= $1 - $3 AND l.accepted_at < $2 + $3
               OR l.requested_at >= $1 - $3 AND l.requested_at < $2 + $3)
          AND l.queue_id IS NOT NULL
    ), accepted AS (
        -- A leg counts in the interval of its acceptance and in the interval of its request.
        SELECT l.accepted_bin AS bin, l.site_id, l.queue_id,
               count(*) AS accepted_legs,
               count(*) FILTER (WHERE NOT l.transferred_in) AS accepted_engagements,
               count(*) FILTER (WHERE l.transferred_in) AS accepted_transfers,
               count(*) FILTER (WHERE l.wait <= e.threshold) AS accepted_within_threshold,
               count(l.wait) AS accept_waits,
               sum(l.wait) AS accept_wait_seconds,
               max(l.wait) AS longest_accept_wait_seconds,
               count(l.handle_seconds) AS ended_legs,
               sum(l.handle_seconds::float8) AS leg_seconds,
               count(*) FILTER (WHERE l.is_reactive) AS accepted_reactive,
               count(*) FILTER (WHERE l.is_proactive) AS accepted_proactive,
               count(l.wait) FILTER (WHERE l.is_reactive) AS reactive_waits,
               sum(l.wait) FILTER (WHERE l.is_reactive) AS reactive_wait_seconds,
               count(*) FILTER (WHERE l.is_reactive AND l.wait <= e.threshold) AS reactive_within_threshold,
               count(*) FILTER (WHERE l.is_open) AS legs_open,
               count(l.wait) FILTER (WHERE l.is_open) AS waits_open,
               count(*) FILTER (WHERE l.is_open AND l.wait <= e.threshold) AS within_threshold_open
        FROM e, legs l
        WHERE l.accepted_bin BETWEEN 1 AND cardinality(e.edges) - 1
        GROUP BY l.accepted_bin, l.site_id, l.queue_id
    ), requested AS (
        SELECT l.requested_bin AS bin, l.site_id, l.queue_id,
               count(*) AS requested_legs,
               count(l.wait) AS requested_accepted,
               sum(l.wait) AS requested_wait_seconds,
               count(*) FILTER (WHERE l.wait <= e.threshold) AS requested_within_threshold
        FROM e, legs l
        WHERE l.requested_bin BETWEEN 1 AND cardinality(e.edges) - 1
        GROUP BY l.requested_bin, l.site_id, l.queue_id
    ), waits AS (
        SELECT w.bin, w.site_id, w.queue_id, true AS is_told,
               CASE WHEN count(w.count) = count(*) THEN sum(w.count::float8) END AS offered,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.is_answered), 0) END AS answered,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.gave_up), 0) END AS abandoned,
               CASE WHEN count(w.short) = count(*)
                    THEN coalesce(sum(w.short::float8) FILTER (WHERE w.gave_up), 0) END AS short_abandoned,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.is_passed_on), 0) END AS passed_on,
               CASE WHEN count(w.within_service_level) = count(*)
                    THEN coalesce(sum(w.within_service_level::float8) FILTER (WHERE w.is_answered), 0) END AS within,
               CASE WHEN count(w.total_seconds) = count(*)
                    THEN coalesce(sum(w.total_seconds::float8) FILTER (WHERE w.is_answered), 0) END AS answer_wait,
               max(w.maximum_seconds) AS longest,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.is_open), 0) END AS offered_open,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.is_answered AND w.is_open), 0) END
                    AS answered_open,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.gave_up AND w.is_open), 0) END
                    AS abandoned_open,
               CASE WHEN count(w.short) = count(*)
                    THEN coalesce(sum(w.short::float8) FILTER (WHERE w.gave_up AND w.is_open), 0) END AS short_open,
               CASE WHEN count(w.within_service_level) = count(*)
                    THEN coalesce(sum(w.within_service_level::float8) FILTER (WHERE w.is_answered AND w.is_open),
                         0) END AS within_open,
               CASE WHEN count(w.count) = count(*)
                    THEN coalesce(sum(w.count::float8) FILTER (WHERE w.is_transfer), 0) END AS transfers,
               CASE WHEN count(w.total_seconds) = count(*) THEN sum(w.total_seconds::float8) END AS all_waits
        FROM (SELECT width_bucket(i.interval_start, e.edges) AS bin, i.site_id, i.queue_id, i.count, i.short,
                     i.within_service_level, i.total_seconds, i.maximum_seconds, i.outcome = 'finished' AS is_answered,
                     i.outcome IN ('canceled', 'disconnected') AS gave_up, i.outcome = 'fallback' AS is_passed_on,
                     i.from_transfer = 'true' AS is_transfer,
                     o.hours @> i.interval_start AS is_open
              FROM e
              CROSS JOIN queue_wait_intervals i
              LEFT JOIN open_hours o ON o.site_id = i.site_id
              WHERE i.interval_start >= $1 - $3 AND i.interval_start < $2 + $3
                AND i.interval_start >= e.edges[1] AND i.interval_start < e.edges[cardinality(e.edges)]
                AND i.interval_seconds <= date_part('epoch', $3)) w
        GROUP BY w.bin, w.site_id, w.queue_id
    ), handles AS (
        SELECT width_bucket(h.interval_start, e.edges) AS bin, h.site_id, h.queue_id, true AS is_told,
               CASE WHEN count(h.count) = count(*) THEN sum(h.count::float8) END AS handled,
               CASE WHEN count(h.total_seconds) = count(*) THEN sum(h.total_seconds::float8) END AS handle_seconds
        FROM e
        CROSS JOIN handle_intervals h
        WHERE h.interval_start >= $1 - $3 AND h.interval_start < $2 + $3
          AND h.interval_start >= e.edges[1] AND h.interval_start < e.edges[cardinality(e.edges)]
          AND h.interval_seconds <= date_part('epoch', $3)
        GROUP BY 1, 2, 3
    ), wrap_ups AS (
        SELECT width_bucket(u.interval_start, e.edges) AS bin, u.site_id, u.queue_id, true AS is_told,
               CASE WHEN count(u.total_seconds) = count(*) THEN sum(u.total_seconds::float8) END AS wrap_up_seconds
        FROM e
        CROSS JOIN wrap_up_intervals u
        WHERE u.interval_start >= $1 - $3 AND u.interval_start < $2 + $3
          AND u.interval_start >= e.edges[1] AND u.interval_start < e.edges[cardinality(e.edges)]
          AND u.interval_seconds <= date_part('epoch', $3)
        GROUP BY 1, 2, 3
    ), queues_of_bin AS MATERIALIZED (
        SELECT bin, site_id, queue_id,
               coalesce(a.accepted_legs, 0) AS accepted_legs, coalesce(a.accepted_engagements, 0) AS accepted_engagements,
               coalesce(a.accepted_transfers, 0) AS accepted_transfers,
               coalesce(a.accepted_within_threshold, 0) AS accepted_within_threshold,
               coalesce(a.accept_waits, 0) AS accept_waits, a.accept_wait_seconds, a.longest_accept_wait_seconds,
               coalesce(a.ended_legs, 0) AS ended_legs, a.leg_seconds,
               coalesce(a.accepted_reactive, 0) AS accepted_reactive,
               coalesce(a.accepted_proactive, 0) AS accepted_proactive,
               coalesce(a.reactive_waits, 0) AS reactive_waits, a.reactive_wait_seconds,
               coalesce(a.reactive_within_threshold, 0) AS reactive_within_threshold,
               coalesce(r.requested_legs, 0) AS requested_legs,
               coalesce(r.requested_accepted, 0) AS requested_accepted, r.requested_wait_seconds,
               coalesce(r.requested_within_threshold, 0) AS requested_within_threshold,
               coalesce(a.legs_open, 0) AS legs_open, coalesce(a.waits_open, 0) AS waits_open,
               coalesce(a.within_threshold_open, 0) AS within_threshold_open,
               w.offered, w.answered, w.abandoned, w.short_abandoned, w.passed_on, w.within, w.answer_wait, w.longest,
               w.offered_open, w.answered_open, w.abandoned_open, w.short_open, w.within_open,
               h.handled, h.handle_seconds, u.wrap_up_seconds, w.transfers, w.all_waits, w.is_told IS NOT NULL AS has_waits,
               h.is_told IS NOT NULL AS has_handles, u.is_told IS NOT NULL AS has_wrap_ups
        FROM accepted a
        FULL JOIN requested r USING (bin, site_id, queue_id)
        FULL JOIN waits w USING (bin, site_id, queue_id)
        FULL JOIN handles h USING (bin, site_id, queue_id)
        FULL JOIN wrap_ups u USING (bin, site_id, queue_id)
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
                        AND r.interval_seconds <= date_part('epoch', $3)
                      GROUP BY 1) r
        GROUP BY 1, 2
    ), cells AS (
        SELECT * FROM queues_of_bin
        UNION ALL
        -- With empty_intervals: every other interval of each queue that has something in the range.
        SELECT b.bin, k.site_id, k.queue_id,
               0, 0, 0, 0, 0, NULL, NULL, 0, NULL, 0, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0, 0, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false,
               false
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
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.offered END END AS offered,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.answered END END AS answered,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.abandoned END END AS abandoned,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0
                    ELSE q.short_abandoned END END AS short_abandoned,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.passed_on END END AS passed_on,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.within END END AS within,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.answer_wait END END AS answer_wait,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.offered_open END END AS offered_open,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0
                    ELSE q.answered_open END END AS answered_open,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0
                    ELSE q.abandoned_open END END AS abandoned_open,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.short_open END END AS short_open,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.within_open END END AS within_open,
               CASE WHEN c.queue_wait > 0 THEN q.longest END AS longest,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.transfers END END AS transfers,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN NOT q.has_waits THEN 0 ELSE q.all_waits END END AS all_waits,
               CASE WHEN c.handle > 0 THEN CASE WHEN NOT q.has_handles THEN 0 ELSE q.handled END END AS handled,
               CASE WHEN c.handle > 0 THEN CASE WHEN NOT q.has_handles THEN 0
                    ELSE q.handle_seconds END END AS handle_seconds,
               CASE WHEN c.wrap_up > 0 THEN CASE WHEN NOT q.has_wrap_ups THEN 0
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
           CASE WHEN $5 IS NULL THEN s.within END, s.answer_wait, s.longest, s.handled, s.handle_seconds, s.wrap_up_seconds,
           s.statistics_seconds,
           s.accept_wait_seconds / nullif(s.accept_waits, 0),
           s.accepted_within_threshold::float8 / nullif(s.accept_waits, 0),
           s.leg_seconds / nullif(s.ended_legs, 0),
           s.abandoned / nullif(s.offered, 0),
           (s.abandoned - s.short_abandoned) / nullif(s.offered - s.short_abandoned, 0),
           CASE WHEN $5 IS NULL THEN s.within / nullif(s.offered - s.short_abandoned, 0) END,
           s.answer_wait / nullif(s.answered, 0), (s.handle_seconds + s.wrap_up_seconds) / nullif(s.handled, 0),
           s.accepted_reactive, s.accepted_proactive, s.reactive_waits, s.reactive_wait_seconds,
           s.reactive_within_threshold,
           s.requested_legs, s.requested_accepted, s.requested_wait_seconds, s.requested_within_threshold,
           CASE WHEN s.has_hours THEN s.legs_open END, CASE WHEN s.has_hours THEN s.waits_open END,
           CASE WHEN s.has_hours THEN s.within_threshold_open END, CASE WHEN s.has_hours THEN s.offered_open END,
           CASE WHEN s.has_hours THEN s.answered_open END, CASE WHEN s.has_hours THEN s.abandoned_open END,
           CASE WHEN s.has_hours THEN s.short_open END, CASE WHEN s.has_hours AND $5 IS NULL THEN s.within_open END,
           s.transfers, s.all_waits,
           least(1, s.statistics_seconds / date_part('epoch', s.interval_end - s.interval_start))
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
    pause_seconds float8, occupancy float8, statistics_seconds float8, statistics_share float8)
LANGUAGE sql STABLE ROWS 1000 SET work_mem = '64MB' SET jit = off SET enable_sort = off
BEGIN ATOMIC
    WITH e AS MATERIALIZED (
        SELECT interval_edges($1, $2, $3, $4) AS edges
    ), legs_of_range AS MATERIALIZED (
        SELECT l.operator_id, l.site_id, l.accepted_at, u.until, l.transferred_in, l.handle_seconds,
               width_bucket(l.accepted_at, e.edges) AS first_bin, width_bucket(u.until, e.edges) AS last_bin
        FROM e
        CROSS JOIN leg_facts l
        CROSS JOIN LATERAL (SELECT coalesce(l.ended_at, now()) AS until) u
        WHERE l.accepted_at >= $1 - $3 - interval '1 day' AND l.accepted_at < $2 + $3 AND l.operator_id IS NOT NULL
    ), states AS MATERIALIZED (
        SELECT s.bin, s.site_id, s.operator_id, count(*) = count(s.seconds) AS are_known,
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
                AND o.interval_seconds <= date_part('epoch', $3)) s
        GROUP BY s.bin, s.site_id, s.operator_id
    ), who AS MATERIALIZED (
        -- Each pair of operator and interval is a cell with a number, because sorting and joining by a number costs less
        -- than by texts. The numbers of operators are multiples of the number of edges. They are not shifted by a power
        -- of two: the hash of a bigint combines its two halves, so the hashes of many cells would be the same.
        SELECT d.operator_id, row_number() OVER () * cardinality(e.edges) AS number
        FROM e, (SELECT DISTINCT l.operator_id FROM legs_of_range l
                 UNION
                 SELECT DISTINCT s.operator_id FROM states s) AS d
    ), legs AS MATERIALIZED (
        SELECT w.number, l.first_bin, l.last_bin, l.accepted_at, l.until, l.transferred_in, l.handle_seconds
        FROM legs_of_range l
        JOIN who w ON w.operator_id = l.operator_id
    ), pieces AS MATERIALIZED (
        -- Legs that begin and end in the same interval, as most do.
        SELECT l.number + l.first_bin AS cell, l.accepted_at AS begins, l.until AS ends
        FROM e, legs l
        WHERE l.first_bin = l.last_bin AND l.first_bin BETWEEN 1 AND cardinality(e.edges) - 1
          AND l.accepted_at < l.until
        UNION ALL
        SELECT l.number + b.bin, greatest(l.accepted_at, e.edges[b.bin]), least(l.until, e.edges[b.bin + 1])
        FROM e, legs l
        CROSS JOIN generate_series(greatest(l.first_bin, 1), least(l.last_bin, cardinality(e.edges) - 1)) AS b (bin)
        WHERE l.first_bin < l.last_bin AND l.until > e.edges[b.bin]
    ), steps AS (
        SELECT p.cell, p.begins AS at, 1 AS step FROM pieces p
        UNION ALL
        SELECT p.cell, p.ends, -1 FROM pieces p
    ), counted AS (
        SELECT s.cell, s.at, lead(s.at) OVER w AS next, sum(s.step) OVER w AS legs
        FROM steps s
        WINDOW w AS (PARTITION BY s.cell ORDER BY s.at, s.step ROWS UNBOUNDED PRECEDING)
    ), worked AS (
        SELECT c.cell, sum(date_part('epoch', c.next - c.at)) FILTER (WHERE c.legs >= 1) AS busy,
               sum(date_part('epoch', c.next - c.at)) FILTER (WHERE c.legs >= 2) AS parallel,
               max(c.legs) AS most, min(c.at) AS first_activity, max(c.at) AS last_activity
        FROM counted c
        GROUP BY c.cell
    ), accepted AS (
        SELECT l.number + l.first_bin AS cell, count(*) AS accepted,
               count(*) FILTER (WHERE l.transferred_in) AS transfers,
               count(l.handle_seconds) AS ended, sum(l.handle_seconds::float8) AS leg_seconds
        FROM e, legs l
        WHERE l.first_bin BETWEEN 1 AND cardinality(e.edges) - 1
        GROUP BY l.number + l.first_bin
    ), told AS (
        SELECT w.number + s.bin AS cell, true AS is_told, bool_and(s.are_known) AS are_known,
               sum(s.logged_in) AS logged_in, sum(s.waiting) AS waiting, sum(s.engaged) AS engaged,
               sum(s.wrap_up) AS wrap_up, sum(s.administrative) AS administrative
        FROM states s
        JOIN who w ON w.operator_id = s.operator_id
        GROUP BY w.number + s.bin
    ), operators_of_bin AS MATERIALIZED (
        SELECT (cell % cardinality(e.edges))::int AS bin, nullif(w.operator_id, '') AS operator_id,
               coalesce(a.accepted, 0) AS accepted, coalesce(a.transfers, 0) AS transfers,
               coalesce(a.ended, 0) AS ended, a.leg_seconds, coalesce(k.busy, 0) AS busy,
               coalesce(k.parallel, 0) AS parallel, coalesce(k.most, 0) AS most, k.first_activity, k.last_activity,
               CASE WHEN t.are_known THEN t.logged_in END AS logged_in,
               CASE WHEN t.are_known THEN t.waiting END AS waiting,
               CASE WHEN t.are_known THEN t.engaged END AS engaged,
               CASE WHEN t.are_known THEN t.wrap_up END AS wrap_up,
               CASE WHEN t.are_known THEN t.administrative END AS administrative,
               t.is_told IS NOT NULL AS is_told
        FROM worked k
        FULL JOIN accepted a USING (cell)
        FULL JOIN told t USING (cell)
        CROSS JOIN e
        JOIN who w ON w.number = cell - cell % cardinality(e.edges)
    ), coverage AS MATERIALIZED (
        SELECT r.bin, min(r.seconds) AS seconds
        FROM e, (SELECT DISTINCT s.site_id FROM states s UNION SELECT DISTINCT l.site_id FROM legs_of_range l) AS k,
             LATERAL (SELECT width_bucket(r.interval_start, e.edges) AS bin, sum(r.interval_seconds::float8) AS seconds
                      FROM statistics_readings r
                      WHERE r.site_id = k.site_id AND r.source = 'operator_state'
                        AND r.interval_start >= e.edges[1] AND r.interval_start < e.edges[cardinality(e.edges)]
                        AND r.interval_seconds <= date_part('epoch', $3)
                      GROUP BY 1) r
        GROUP BY 1
    ), cells AS (
        SELECT * FROM operators_of_bin
        UNION ALL
        -- With empty_intervals: every other interval of each operator who did something in the range.
        SELECT b.bin, k.operator_id, 0, 0, 0, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
        FROM (SELECT DISTINCT d.operator_id FROM operators_of_bin d WHERE $5) k
        CROSS JOIN e
        CROSS JOIN LATERAL generate_series(1, cardinality(e.edges) - 1) AS b (bin)
        LEFT JOIN operators_of_bin d ON d.bin = b.bin AND d.operator_id = k.operator_id
        WHERE d.bin IS NULL AND k.operator_id IS NOT NULL
    )
    SELECT e.edges[o.bin], e.edges[o.bin + 1], o.operator_id, o.accepted, o.transfers, o.ended,
           o.leg_seconds,
           o.busy, o.parallel, o.most, o.first_activity, o.last_activity,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.is_told THEN o.logged_in ELSE 0 END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.is_told THEN o.waiting + o.engaged + o.wrap_up ELSE 0 END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.is_told THEN o.engaged ELSE 0 END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.is_told THEN o.wrap_up ELSE 0 END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.is_told THEN o.administrative ELSE 0 END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.is_told
                THEN o.logged_in - o.waiting - o.engaged - o.wrap_up - o.administrative ELSE 0 END END,
           (o.engaged + o.wrap_up) / nullif(o.waiting + o.engaged + o.wrap_up, 0),
           coalesce(c.seconds, 0),
           least(1, coalesce(c.seconds, 0) / date_part('epoch', e.edges[o.bin + 1] - e.edges[o.bin]))
    FROM cells o
    CROSS JOIN e
    LEFT JOIN coverage c ON c.bin = o.bin;
END;

COMMENT ON FUNCTION queue_report(timestamptz, timestamptz, interval, text, interval, boolean) IS 'One row for each site, queue and interval of the range in which something happened. With `empty_intervals => true`: a row for every interval of each queue that has something in the range. grain is the length of an interval: 15 or 30 minutes, 1 hour, 1 day, 1 week or 1 month. Intervals are whole quarter hours, half hours, hours, days, weeks or months of time_zone, and the range is widened to whole intervals. Give its limits in the same time zone, such as ''2026-10-01 Europe/Tallinn''; limits in another zone may add a day or a month. The columns have the same meaning as in queue_intervals; …_within_20_seconds are called …_within_threshold here. interval_end is the end of the interval. There are no names, no local times and no in_business_hours. threshold applies to legs: to the columns accepted_within_threshold, reactive_within_threshold, requested_within_threshold, accepted_within_threshold_in_business_hours and service_level_of_accepted. Its default is 20 seconds. The source counts only with its own threshold, so answered_within_service_level, service_level and answered_within_service_level_in_business_hours are NULL if you give one. An interval of the source, usually half an hour, counts in the interval of the report in which it begins, so nothing is lost. If the time zone is not whole intervals of the source from UTC (Asia/Kathmandu), statistics may therefore be off by up to one interval of the source. If grain is shorter than the source''s interval, columns from statistics are NULL.';
COMMENT ON FUNCTION operator_report(timestamptz, timestamptz, interval, text, boolean) IS 'One row for each operator and interval of the range in which something happened. grain, time_zone, empty_intervals and the widening of the range are as in queue_report. The columns have the same meaning as in operator_intervals. interval_end is the end of the interval. There are no names. A leg that was accepted more than a day before the range does not count. An interval of the source counts in the interval of the report in which it begins.';

-- day is a date, which is the same in every session. A timestamptz may be another day in the session's time zone.
CREATE VIEW queue_intervals AS
SELECT (d.day AT TIME ZONE 'UTC')::date AS day, r.interval_start, l.interval_start AS interval_start_local,
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
       r.short_abandoned_in_business_hours, r.answered_within_service_level_in_business_hours,
       r.offered_transfers, r.offered_wait_seconds, r.statistics_share
FROM generate_series(timestamptz '2012-01-01 00:00+00', now(), interval '24 hours') AS d (day)
CROSS JOIN LATERAL queue_report(d.day, d.day + interval '24 hours', '30 minutes', 'UTC') r
LEFT JOIN sites s ON s.id = r.site_id
LEFT JOIN queues q ON q.id = r.queue_id
CROSS JOIN LATERAL (SELECT r.interval_start AT TIME ZONE coalesce(s.iana_time_zone, 'UTC')) AS l (interval_start);
COMMENT ON COLUMN queue_intervals.interval_start IS 'Start of the half hour. For intervals of another length or in another time zone use queue_report.';
COMMENT ON COLUMN queue_intervals.in_business_hours IS 'True if the site is open at interval_start according to business_hours and holidays. NULL if business_hours has no rows for the site.';
COMMENT ON COLUMN queue_intervals.site_name IS 'Name of the site.';
COMMENT ON COLUMN queue_intervals.queue_name IS 'Name of the queue.';
COMMENT ON COLUMN queue_intervals.accepted_legs IS 'Legs that were requested through the queue and were accepted in the interval. This column and the following ones, up to leg_seconds, are counted from legs, whether statistics are enabled or not. Visitors who gave up do not count.';
COMMENT ON COLUMN queue_intervals.longest_accept_wait_seconds IS 'The longest of the waits in accept_waits.';
COMMENT ON COLUMN queue_intervals.answered IS 'Of offered, those who were answered (outcome finished).';
COMMENT ON COLUMN queue_intervals.abandoned IS 'Of offered, those who gave up (outcomes canceled and disconnected).';
COMMENT ON COLUMN queue_intervals.passed_on IS 'Of offered, those whom the queue passed on to its fallback queue (outcome fallback). They are neither answered nor abandoned in this queue.';
COMMENT ON COLUMN queue_intervals.answer_wait_seconds IS 'Sum of the waits of those who were answered.';
COMMENT ON COLUMN queue_intervals.longest_wait_seconds IS 'The longest wait that ended in the interval, answered or not. NULL if no wait ended, or if the statistics were not read.';
COMMENT ON COLUMN queue_intervals.wrap_up_seconds IS 'Total time of work after conversations.';
COMMENT ON COLUMN queue_intervals.average_seconds_to_accept IS 'accept_wait_seconds / accept_waits: average wait for acceptance, of legs of all types. You cannot add or average averages and shares: divide the sums.';
COMMENT ON COLUMN queue_intervals.service_level_of_accepted IS 'accepted_within_20_seconds / accept_waits, 0 to 1. Only accepted legs count, including proactive legs and transfers; visitors who gave up do not count. For visitors who asked, use reactive_within_20_seconds / reactive_waits.';
COMMENT ON COLUMN queue_intervals.average_leg_seconds IS 'leg_seconds / ended_legs: handle time without wrap-up.';
COMMENT ON COLUMN queue_intervals.abandonment_rate_without_short IS 'Abandonment rate without short abandons: (abandoned - short_abandoned) / (offered - short_abandoned).';
COMMENT ON COLUMN queue_intervals.average_seconds_to_answer IS 'answer_wait_seconds / answered: average speed of answer (ASA).';
COMMENT ON COLUMN queue_intervals.accepted_proactive IS 'Of accepted_legs, those that operators asked for (request_type proactive): no visitor waited for them.';
COMMENT ON COLUMN queue_intervals.reactive_waits IS 'Of accepted_reactive, those whose wait for acceptance is known.';
COMMENT ON COLUMN queue_intervals.reactive_wait_seconds IS 'Sum of the waits in reactive_waits. reactive_wait_seconds / reactive_waits is the speed of acceptance of visitors who asked.';
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
SELECT (d.day AT TIME ZONE 'UTC')::date AS day, r.interval_start, r.operator_id, o.name AS operator_name,
       r.accepted_legs, r.accepted_transfers, r.ended_legs, r.leg_seconds, r.busy_seconds, r.parallel_seconds,
       r.most_at_once,
       r.first_activity, r.last_activity, r.logged_in_seconds, r.available_seconds, r.engaged_seconds,
       r.wrap_up_seconds,
       r.administrative_seconds, r.pause_seconds, r.occupancy, r.statistics_seconds, r.statistics_share
FROM generate_series(timestamptz '2012-01-01 00:00+00', now(), interval '24 hours') AS d (day)
CROSS JOIN LATERAL operator_report(d.day, d.day + interval '24 hours', '30 minutes', 'UTC') r
LEFT JOIN operators o ON o.id = r.operator_id;
COMMENT ON COLUMN operator_intervals.interval_start IS 'Start of the half hour. For intervals of another length or in another time zone use operator_report.';
COMMENT ON COLUMN operator_intervals.operator_id IS 'operators.id';
COMMENT ON COLUMN operator_intervals.operator_name IS 'Name of the operator.';
COMMENT ON COLUMN operator_intervals.accepted_legs IS 'Legs that the operator accepted in the interval.';
COMMENT ON COLUMN operator_intervals.first_activity IS 'When the first leg in the interval began; interval_start if it began before. NULL: there was no leg.';
COMMENT ON COLUMN operator_intervals.logged_in_seconds IS 'Time logged in, in all states. This column and the following ones, up to occupancy, are from statistics. NULL: the statistics were not read. 0: they were read, and the operator was not logged in.';
COMMENT ON COLUMN operator_intervals.available_seconds IS 'Time available: waiting (states video, audio, chat), engaged or in wrap-up.';
COMMENT ON COLUMN operator_intervals.engaged_seconds IS 'Time in engagements (state engaged).';
COMMENT ON COLUMN operator_intervals.wrap_up_seconds IS 'Work after conversations (state post-engagement).';
COMMENT ON COLUMN operator_intervals.administrative_seconds IS 'Administrative work (states advanced-admin and reporting).';
COMMENT ON COLUMN operator_intervals.pause_seconds IS 'Pauses: all other states, such as meal-break.';
COMMENT ON COLUMN operator_intervals.occupancy IS '(engaged_seconds + wrap_up_seconds) / available_seconds, 0 to 1. You cannot add or average shares: divide the sums.';

COMMENT ON VIEW queue_intervals IS 'One row for each site, queue and half hour in which something happened. The columns from accepted_legs to leg_seconds, and accepted_…, reactive_… and requested_…, are counted from legs, by the site of the leg; legs without a queue do not count. The columns from offered to wrap_up_seconds are from statistics, by the site for which the source counts them. They include visitors who gave up, and visitors without a queue, in rows where queue_id is NULL. Legs and statistics are different populations: do not divide one by the other, and compare them only in rows where queue_id IS NOT NULL.';
COMMENT ON COLUMN queue_intervals.day IS 'The day in UTC, as a date, which is the same in every session. Ask for a range of this: other conditions do not make a query faster.';
COMMENT ON COLUMN queue_intervals.site_id IS 'The site of the legs, or the site for which the source counts the statistics. A queue may have rows of several sites. queue_hourly.site_id is different: it is the site that the queue belongs to.';
COMMENT ON COLUMN queue_intervals.interval_start_local IS 'interval_start in the time zone of site_id, or in UTC if that is not known. When clocks are set back, an hour of that day occurs twice.';
COMMENT ON COLUMN queue_intervals.queue_id IS 'queues.id. A leg counts for the first queue of its request; legs without a queue do not count. NULL: statistics without a queue. Totals of a site include these rows; comparisons of queues, and of statistics with legs, leave them out.';
COMMENT ON COLUMN queue_intervals.accepted_within_20_seconds IS 'Of accept_waits, those accepted within 20 seconds of their request. For another threshold use queue_report.';
COMMENT ON COLUMN queue_intervals.accept_waits IS 'Of accepted_legs, those whose wait for acceptance is known.';
COMMENT ON COLUMN queue_intervals.accept_wait_seconds IS 'Sum of the waits in accept_waits, each from the request of the leg to its acceptance.';
COMMENT ON COLUMN queue_intervals.accepted_engagements IS 'Of accepted_legs, those that began an engagement.';
COMMENT ON COLUMN queue_intervals.accepted_transfers IS 'Of accepted_legs, those that began with a transfer.';
COMMENT ON COLUMN queue_intervals.ended_legs IS 'Of accepted_legs, those that have ended by now, in this interval or later.';
COMMENT ON COLUMN queue_intervals.leg_seconds IS 'Total length of ended_legs, without work after the conversation.';
COMMENT ON COLUMN queue_intervals.offered IS 'Waits in the queue that ended in the interval, with any outcome: answered + abandoned + passed_on + other_outcomes. These are waits, not people. If the queue passes a visitor on to its fallback queue, the visitor has one wait in each of the two. If a transfer brings a visitor into a queue, the visitor has another wait there (offered_transfers). The number of people is not known. This column and the following ones, up to wrap_up_seconds, are from statistics. NULL: the statistics were not read. 0: they were read, and there were no waits.';
COMMENT ON COLUMN queue_intervals.offered_transfers IS 'Of offered, those whom a transfer brought into the queue, with any outcome. offered - offered_transfers are those who came without a transfer.';
COMMENT ON COLUMN queue_intervals.offered_wait_seconds IS 'Sum of the waits in offered, answered or not. offered_wait_seconds / offered is the average wait of all visitors; answer_wait_seconds / answered is the average wait of those who were answered.';
COMMENT ON COLUMN queue_intervals.other_outcomes IS 'Of offered, those with any other outcome, such as rerouted. They are neither answered nor abandoned in this queue. Because offered includes them, abandonment_rate is lower than abandoned / (answered + abandoned).';
COMMENT ON COLUMN queue_intervals.answered_within_service_level IS 'Of answered, those who waited no longer than the threshold in the site''s configuration. The API does not provide this threshold. In queue_report: NULL if you give a threshold.';
COMMENT ON COLUMN queue_intervals.short_abandoned IS 'Of abandoned, those who gave up soon. The configuration of the site at the source defines what is soon; the API does not provide it.';
COMMENT ON COLUMN queue_intervals.handled IS 'Conversations with an operator that ended in the interval, as the source counts them. An engagement with a transfer has several conversations, as it has several legs. Conversations without a queue are in rows where queue_id is NULL. ended_legs counts something else: legs that were accepted in the interval through a queue.';
COMMENT ON COLUMN queue_intervals.handle_seconds IS 'Total length of the conversations in handled, without work after the conversation. It includes time on hold, which the API does not provide separately.';
COMMENT ON COLUMN queue_intervals.statistics_seconds IS 'For how many seconds of the interval statistics were read, of the source that was read least. If everything was read, this is the length of the interval: 1800 here, and interval_end - interval_start in queue_report.';
COMMENT ON COLUMN queue_intervals.statistics_share IS 'statistics_seconds / length of the interval, 0 to 1. Less than 1: the columns from statistics are too low, or NULL. It is the share of this row only. An interval without legs and without statistics has no row, so a share of 1 in all rows does not prove that everything was read. queue_report with empty_intervals => true has a row for every interval.';
COMMENT ON COLUMN queue_intervals.abandonment_rate IS 'abandoned / offered, 0 to 1. NULL if offered is 0, or if the statistics were not read. offered includes passed_on and other_outcomes; the rate among those who were answered or gave up is abandoned / (answered + abandoned).';
COMMENT ON COLUMN queue_intervals.service_level IS 'answered_within_service_level / (offered - short_abandoned), 0 to 1, with the threshold in the site''s configuration. In queue_report: NULL if you give a threshold, because the source counts only with its own.';
COMMENT ON COLUMN queue_intervals.average_handle_seconds IS '(handle_seconds + wrap_up_seconds) / handled: average handle time (AHT), with work after the conversation. Only for all media together, because these statistics have no medium.';
COMMENT ON COLUMN queue_intervals.accepted_reactive IS 'Of accepted_legs, those that visitors asked for (request_type reactive). Speed of acceptance counts these. This is the type of the leg: the engagement may have another type, such as callback.';
COMMENT ON COLUMN queue_intervals.reactive_within_20_seconds IS 'Of reactive_waits, those accepted within 20 seconds of their request.';

COMMENT ON VIEW operator_intervals IS 'One row for each operator and half hour in which something happened, over all sites. The columns from accepted_legs to last_activity are counted from legs, those from logged_in_seconds to occupancy are from statistics. The two are counted independently. If they contradict each other, for example if an operator was busy without being logged in, look at statistics_share first, then ask whoever runs glia-sync.';
COMMENT ON COLUMN operator_intervals.day IS 'The day in UTC, as a date, which is the same in every session. Ask for a range of this: other conditions do not make a query faster.';
COMMENT ON COLUMN operator_intervals.accepted_transfers IS 'Of accepted_legs, those that began with a transfer.';
COMMENT ON COLUMN operator_intervals.ended_legs IS 'Of accepted_legs, those that have ended by now, in this interval or later.';
COMMENT ON COLUMN operator_intervals.leg_seconds IS 'Total length of ended_legs, including time after the interval. Each of several legs at the same time counts in full.';
COMMENT ON COLUMN operator_intervals.busy_seconds IS 'Time within the interval with at least one leg. It is counted from legs, whether statistics are enabled or not. An ongoing leg counts until now. A leg that never ends at the source therefore makes its operator busy, but for one to two days only.';
COMMENT ON COLUMN operator_intervals.parallel_seconds IS 'Time within the interval with two legs or more. An ongoing leg counts until now.';
COMMENT ON COLUMN operator_intervals.most_at_once IS 'The largest number of legs at the same time. An ongoing leg counts until now. The sum of several rows means nothing: take the greatest.';
COMMENT ON COLUMN operator_intervals.last_activity IS 'When the last leg in the interval ended; the end of the interval if it ended after that. An ongoing leg counts until now.';
COMMENT ON COLUMN operator_intervals.statistics_seconds IS 'For how many seconds of the interval statistics were read, of the site that was read least. If everything was read, this is the length of the interval: 1800 here, and interval_end - interval_start in operator_report.';
COMMENT ON COLUMN operator_intervals.statistics_share IS 'statistics_seconds / length of the interval, 0 to 1. Less than 1: the columns from statistics are too low, or NULL. It is the share of this row only. An interval without legs and without statistics has no row, so a share of 1 in all rows does not prove that everything was read. operator_report with empty_intervals => true has a row for every interval.';

-- ------------------------------------------------------------------------------------------------------------ chats

CREATE VIEW chat_responses AS
SELECT e.id AS engagement_id, e.created_at, r.visitor_wrote_at, r.operator_wrote_at,
       date_part('epoch', r.operator_wrote_at - r.visitor_wrote_at) AS seconds
FROM engagements e
CROSS JOIN LATERAL (
    SELECT t.created_at AS operator_wrote_at, t.turn_at AS visitor_wrote_at
    FROM (SELECT m.sender_type, m.previous_type, m.created_at,
                 max(CASE WHEN m.sender_type = 'visitor' AND m.previous_type IS DISTINCT FROM 'visitor'
                          THEN m.created_at END)
                 OVER (ORDER BY m.created_at, m.position ROWS UNBOUNDED PRECEDING) AS turn_at
          FROM (SELECT x.sender_type, x.created_at, x.position,
                       lag(x.sender_type) OVER (ORDER BY x.created_at, x.position) AS previous_type
                FROM chat_messages x
                WHERE x.engagement_id = e.id AND x.created_at > '-infinity' AND x.created_at < '200000-01-01 00:00+00'
                  AND x.sender_type IN ('visitor', 'operator')) m) t
    WHERE t.sender_type = 'operator' AND t.previous_type = 'visitor') r
WHERE e.missing_since IS NULL;

COMMENT ON VIEW chat_responses IS 'One row for each response: the first message of an operator after one or more messages of the visitor. Responses during calls are included, as in chat_facts. Messages that nobody answered have no row. Empty unless transcripts are fetched (`enrich.transcripts`). Join engagement_facts by engagement_id for site, queue and operator.';
COMMENT ON COLUMN chat_responses.engagement_id IS 'engagements.id';
COMMENT ON COLUMN chat_responses.created_at IS 'When the engagement was requested. Ask for a range of this: there is an index.';
COMMENT ON COLUMN chat_responses.visitor_wrote_at IS 'When the visitor wrote the first of the messages that the operator answered.';
COMMENT ON COLUMN chat_responses.operator_wrote_at IS 'When the operator wrote the response.';
COMMENT ON COLUMN chat_responses.seconds IS 'Time from visitor_wrote_at to operator_wrote_at: how long the visitor waited.';
COMMENT ON COLUMN chat_facts.messages_by_operator IS 'Messages that operators sent, whatever their chat_messages.type: a suggested message that an operator sent counts like a typed one.';
COMMENT ON COLUMN chat_facts.seconds_to_first_response IS 'Time from first_message_at to first_response_at. If the visitor writes before an operator accepts, this includes the wait for acceptance. A message that an operator wrote before the visitor''s first message is not a response.';
COMMENT ON COLUMN chat_facts.longest_silence_seconds IS 'The longest time between two consecutive messages, whoever wrote them. Usually it is the visitor who does not write; for how long the visitor waited for an operator, see chat_responses. NULL if there is only one message.';
COMMENT ON COLUMN chat_messages.type IS 'Kind of message, such as user or suggestion. chat_facts and chat_responses count messages of all kinds.';

-- -------------------------------------------------------------------------------------------------------- freshness

-- If only a backfill has read statistics, the service has not stored read_through. statistics_through then comes from
-- statistics_readings. statistics_from always does: the oldest interval of each source, found by the primary key. Gaps
-- are not looked for, because that would read the table.
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
       t.read_through AS statistics_through,
       t.read_from AS statistics_from
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
LEFT JOIN LATERAL (SELECT CASE WHEN count(k.read_through) = count(*) THEN min(k.read_through) END AS read_through,
                          CASE WHEN count(k.read_from) = count(*) AND max(k.read_from) < min(k.read_through)
                               THEN max(k.read_from) END AS read_from
                   FROM (SELECT coalesce(x.read_through,
                                         (SELECT y.interval_start + y.interval_seconds * interval '1 second'
                                          FROM statistics_readings y
                                          WHERE y.site_id = s.site_id AND y.source = w.source
                                          ORDER BY y.interval_start DESC
                                          LIMIT 1)) AS read_through,
                                (SELECT y.interval_start
                                 FROM statistics_readings y
                                 WHERE y.site_id = s.site_id AND y.source = w.source
                                 ORDER BY y.interval_start
                                 LIMIT 1) AS read_from
                         FROM unnest(ARRAY['queue_wait', 'handle', 'wrap_up', 'operator_state']) AS w (source)
                         LEFT JOIN statistics_state x ON x.site_id = s.site_id AND x.source = w.source
                         WHERE x.refused_at IS NULL) AS k) AS t ON true
WHERE s.stream = 'engagements';
COMMENT ON COLUMN freshness.verified_at IS 'When the comparison of that day ended.';
COMMENT ON VIEW freshness IS 'One row for each site: from when to when the tables are complete, and what is missing. complete_from, complete_through, loaded_from, complete_ranges and gaps are about engagements; statistics_from and statistics_through are about statistics. Times of engagements are times of listing: an engagement counts at the time by which the API lists it.';
COMMENT ON COLUMN freshness.complete_from IS 'The engagements in the tables are complete from this time to complete_through, without gaps. This does not hold for statistics: see statistics_from. NULL: not known, or the first pass has not ended yet.';
COMMENT ON COLUMN freshness.loaded_from IS 'Start of the oldest range that the service or a backfill has read completely. Gaps may follow.';
COMMENT ON COLUMN freshness.complete_ranges IS 'All ranges that have been read completely.';
COMMENT ON COLUMN freshness.gaps IS 'Ranges between loaded_from and the end of the newest range that have not been read. Figures of these times are too low. {}: there is no gap.';
COMMENT ON COLUMN freshness.statistics_through IS 'The statistics of the site have been read up to this time, those of the source that is furthest behind: by the service or, if the service has read none, by a backfill. statistics_readings has each interval. NULL: `statistics` is off, or a source was never read.';
COMMENT ON COLUMN freshness.statistics_from IS 'Start of the range in which the statistics of the site have been read: from this time on, the intervals of all sources (queue_wait, handle, wrap_up, operator_state), except those that the API refuses. Figures from statistics before it are NULL or too low. Gaps after it are possible if backfills read separate ranges; statistics_readings has each interval. NULL: `statistics` is off, or there is no time for which all these sources were read.';
COMMENT ON COLUMN freshness.verified_through IS 'End of the newest day for which `glia-sync verify` found no difference from the source, or repaired all differences. Days before it may never have been compared. NULL: there is no such day.';

-- ---------------------------------------------------------------------------------------------- what figures count

COMMENT ON COLUMN engagements.engagement_type IS 'proactive (an operator asked) or reactive (the visitor asked); other values are stored as they are. callback occurs too: the documentation of the API does not say what it is, or when the visitor asked for it and was called. Its first leg may be reactive or proactive.';
COMMENT ON COLUMN engagement_facts.engagement_type IS 'reactive (the visitor asked), proactive (an operator asked), or another type, such as callback (see engagements.engagement_type). leg_facts.request_type is the type of a leg and may differ: the first leg of a callback may be reactive or proactive. For waits, speed of acceptance and service level count reactive engagements only.';
COMMENT ON COLUMN engagements.duration IS 'Length of the engagement, in seconds, as the API provides it. For an ongoing engagement this is what the API says at that time, such as 0; engagement_facts.duration_seconds is NULL instead.';
COMMENT ON COLUMN engagements.source IS 'How the engagement began, such as tab, callout or sms. NULL or empty: the API does not provide it, as for most engagements that an operator asked for. engagement_type says who asked.';
COMMENT ON COLUMN engagement_facts.source IS 'How the engagement began, such as tab, callout or sms. NULL or empty: the API does not provide it, as for most engagements that an operator asked for. engagement_type says who asked.';
COMMENT ON COLUMN engagements.queue_wait_time IS 'Time that the visitor waited in a queue before the engagement, in seconds, as the API provides it. The API documents it for reactive engagements that came through a queue; other types may have it too.';
COMMENT ON COLUMN engagement_facts.queue_wait_seconds IS 'Time that the visitor waited in the queue before the engagement, as the API provides it. The API documents it for reactive engagements that came through a queue; other types may have it too, so add engagement_type = ''reactive''. Visitors who gave up have no engagement. ASA is similar, but from statistics: it also counts waits after a transfer, in the interval in which the wait ended. If the two differ, report ASA.';
COMMENT ON COLUMN engagement_facts.media IS 'Medium of the engagement: video if the engagement or any of its legs says so, otherwise audio if one of them does, otherwise text if one of them does. NULL if none of them says anything. Engagements with more legs are more likely to have a richer medium, so do not compare handle times or transfers by this column. Use leg_facts.media, the medium of each leg, for that.';
COMMENT ON COLUMN engagement_facts.cobrowsing IS 'Whether CoBrowsing was used: true if the engagement or any of its legs says so; false if none does, and one says that it was not used; NULL if none of them says anything. More legs make true more likely, so compare handle times by leg_facts.used_cobrowsing instead.';
COMMENT ON COLUMN engagement_facts.changed_at IS 'When any data of the engagement was last written. For nearly every engagement this is later than first_seen_at, because legs are loaded later. There is an index.';
COMMENT ON COLUMN engagement_facts.first_complete_at IS 'When the engagement was first stored with all its legs, and all of them had ended. This is the time of loading: for an engagement that a backfill loaded, the time of the backfill. NULL: it is ongoing, its legs are not loaded yet, or it was complete before schema version 15.';
COMMENT ON COLUMN engagement_facts.changed_after_first_complete_at IS 'When the engagement last changed after it was complete. NULL: it has not changed since first_complete_at, or first_complete_at is not known. Changes at the source before first_complete_at were not observed, so NULL does not mean that there were none. To find figures that changed afterwards, use this column, not changed_at.';
COMMENT ON COLUMN legs.highest_visitor_media_type IS 'Richest medium the visitor used: text, audio, phone or video. phone counts as audio.';
COMMENT ON COLUMN legs.highest_operator_media_type IS 'Richest medium the operator used: text, audio, phone or video. phone counts as audio.';
COMMENT ON COLUMN queue_hourly.site_id IS 'The site that the queue belongs to, according to the directory. Legs of other sites count here too. queue_intervals.site_id is different: it is the site of the leg.';
COMMENT ON COLUMN queue_hourly.transfer_rate IS 'transfers_out / ended_legs, 0 to 1, of legs that came through this queue. Legs that came through no queue, such as those after a transfer to an operator, do not count; for all legs query leg_facts.';
COMMENT ON COLUMN operator_daily.engagements IS 'Engagements in which the operator accepted a leg on that day. An engagement with a transfer counts for each of its operators and days, so these counts do not add up.';
COMMENT ON COLUMN repeat_contacts.days_since_previous IS 'Days from the request of the previous engagement to the request of this one. The previous engagement may have been ongoing at that time; to leave such cases out, join engagement_facts and compare its ended_at.';
COMMENT ON COLUMN repeat_contacts.within_1_day IS 'True if the previous engagement was requested at most 24 hours before this one. Also false if the tables do not reach back that far. NULL if the visitor is not known (`privacy.visitor_id: drop`).';
COMMENT ON COLUMN repeat_contacts.within_7_days IS 'The same for 7 days. Also false if the tables do not reach back that far.';
COMMENT ON COLUMN queue_wait_intervals.outcome IS 'How the waits ended. finished: answered. canceled or disconnected: abandoned. fallback: passed on to the fallback queue. Other values, such as rerouted: neither answered nor abandoned in this queue. The sum over all outcomes is the figure offered.';
COMMENT ON COLUMN queue_wait_intervals.within_service_level IS 'Number of waits that were no longer than the threshold in the site''s configuration. The API does not provide the threshold. Rows of every outcome have this number; for the service level count only outcome = ''finished''.';
COMMENT ON COLUMN queue_wait_intervals.short IS 'Number of short waits. The site''s configuration defines what is short; the API does not provide it. Rows of every outcome have this number; short abandons are those with outcome ''canceled'' or ''disconnected''. Abandonment rates usually leave these out.';
COMMENT ON TABLE business_hours IS 'Opening hours of each site: one row for each weekday, or several if the site closes in between, for example at noon. glia-sync writes nothing here. Anybody who may write to the database can fill this table; the role of analysts may not. For a site without rows, in_business_hours and the columns …_in_business_hours are NULL.';
COMMENT ON TABLE holidays IS 'Days on which a site is closed, regardless of business_hours. glia-sync writes nothing here. Anybody who may write to the database can fill this table; the role of analysts may not.';
COMMENT ON COLUMN rejected_records.source IS 'Where the record came from: list or detail, of engagements; operators, sites or queues, the name of a listing; or statistics, with their source and interval.';

-- ---------------------------------------------------------------------------------------- comments of versions 1 to 11

-- These comments replace texts that say less, or something else, than the program does. Nothing else changes.

COMMENT ON COLUMN engagements.platform IS 'omnibrowse: the engagement was requested from the Call Visualizer. omnicore: all other engagements.';
COMMENT ON COLUMN engagements.extra IS 'Undocumented members that the API sends, and values that do not have the documented type, as a JSON object. NULL: there are none. May contain personal data.';
COMMENT ON COLUMN engagements.fetched_at IS 'When the newest response that was written to this row was requested, by the clock of the API server. A response that changes nothing is not written. An older response never overwrites a newer one.';
COMMENT ON COLUMN engagements.changed_at IS 'When data of the engagement, including its legs, was last written, or when the program found that the source no longer has it. Chat messages and downloads of recordings do not count.';
COMMENT ON COLUMN engagements.legs_fetched_at IS 'When the response with the stored legs was requested, by the clock of the API server. NULL: the legs have not been fetched yet.';
COMMENT ON COLUMN engagements.list_hash IS 'Hash of the list item that was last accepted. NULL: there is none; if the next list item differs from the stored engagement, the engagement is fetched by its id to decide.';
COMMENT ON COLUMN engagements.first_site_id IS 'The site whose listing showed the engagement first. NULL: not known. The program has an index on this column; engagement_sites has all sites.';
COMMENT ON TABLE engagement_sites IS 'One row for each site whose listing showed the engagement. There are several if the engagement was transferred between sites.';
COMMENT ON TABLE engagement_queues IS 'The queues that the visitor was in before the engagement started, in the order of the API. No rows: the engagement used no queue.';
COMMENT ON COLUMN audio_recordings.url IS 'URL of the recording in the API. A request to it returns a temporary link to the file. Personal data.';
COMMENT ON COLUMN audio_recordings.path IS 'Path of the file, relative to `enrich.recordings.directory`. NULL: the recording has not been downloaded.';
COMMENT ON COLUMN audio_recordings.size_bytes IS 'Size of the file, in bytes.';
COMMENT ON COLUMN audio_recordings.downloaded_at IS 'When the recording was requested for the download, by the clock of the API server. NULL: it has not been downloaded.';
COMMENT ON COLUMN legs.id IS 'Leg id. If the API sent none: # and the position, such as #0. If it sent an id more than once, the later legs have #2, #3, … after it.';
COMMENT ON COLUMN legs.request_type IS 'reactive (the visitor asked), proactive (an operator asked) or transfer.';
COMMENT ON COLUMN legs.request_source IS 'How the request was made. The values are those of engagements.source.';
COMMENT ON COLUMN legs.offered_media_type IS 'Medium that was offered or requested: text, audio, phone or video.';
COMMENT ON COLUMN legs.duration IS 'Length of the leg, in seconds, as the API provides it.';
COMMENT ON COLUMN legs.ended_at IS 'When the leg ended: with the engagement, or by a transfer. NULL while the leg is ongoing.';
COMMENT ON COLUMN legs.end_reason IS 'Why the leg ended: visitor_left, visitor_hung_up, operator_left, operator_hung_up, error or transfer. NULL while the leg is ongoing.';
COMMENT ON COLUMN legs.extra IS 'Undocumented members that the API sends, and values that do not have the documented type, as a JSON object. NULL: there are none. May contain personal data.';
COMMENT ON TABLE leg_queues IS 'The queues of the request of a leg (request_queues), in the order of the API. No rows: the request used no queue.';
COMMENT ON TABLE chat_messages IS 'The messages of the chat of an engagement. Empty unless transcripts are fetched (`enrich.transcripts`).';
COMMENT ON COLUMN chat_messages.id IS 'Message id. NULL: the API sent none.';
COMMENT ON COLUMN chat_messages.attachment IS 'The attachment, as the API sent it. May contain personal data.';
COMMENT ON COLUMN chat_messages.metadata IS 'The metadata, as the API sent it. May contain personal data.';
COMMENT ON COLUMN chat_messages.extra IS 'Members of the message that have no column, as a JSON object. NULL: there are none. May contain personal data.';
COMMENT ON TABLE queue_wait_samples IS 'Samples of the average time that visitors of a site waited in the queue, as the API provides it. Empty unless `enrich.queue_wait` is enabled.';
COMMENT ON COLUMN queue_wait_samples.site_id IS 'The first site of `api.sites`: the request to the API names no site.';
COMMENT ON COLUMN queue_wait_samples.sampled_at IS 'When the sample was requested, by the clock of the API server.';
COMMENT ON COLUMN queue_wait_samples.average_duration_in_seconds IS 'Average of the latest waits, in seconds. The site''s configuration at the source says how far back they go.';
COMMENT ON TABLE undocumented_members IS 'Members that the API sends although its documentation does not have them, and documented members whose values are not as documented: one row for each path, up to about 1000. The values themselves are in the columns `extra` of engagements and legs.';
COMMENT ON COLUMN undocumented_members.path IS 'Path of the member in an engagement: the names of the enclosing members and its own, joined by dots, with [] after the name of a list, such as `legs[].operator.name`.';
COMMENT ON COLUMN undocumented_members.kind IS '`unknown`: the documentation does not have the member. `type`: the value does not have the documented type. `value`: the value has the documented type but cannot be stored in its column, such as a time in an unknown format.';

COMMENT ON COLUMN operators.name IS 'Name, with `privacy.operator_name` applied. Earlier names are in name_history.';
COMMENT ON COLUMN operators.email IS 'E-mail address, with `privacy.operator_contact` applied. Personal data.';
COMMENT ON COLUMN operators.picture_url IS 'URL of the picture, with `privacy.operator_contact` applied. Personal data.';
COMMENT ON COLUMN operators.audio_source IS 'How calls reach the operator, such as phone.';
COMMENT ON COLUMN operators.phone IS 'Telephone number, with `privacy.operator_contact` applied. Personal data.';
COMMENT ON COLUMN operators.max_engagement_count IS 'How many engagements the operator may have at the same time. NULL: there is no limit, or the API does not provide it.';
COMMENT ON COLUMN operators.extra IS 'Members of the listing that have no column, as a JSON object, without those that change by the minute. NULL: there are none. Personal data.';
COMMENT ON COLUMN operators.fetched_at IS 'When the listing that last changed this row was requested, by the clock of the API server.';
COMMENT ON COLUMN operators.content_hash IS 'Hash of what is stored: 17 bytes, of which the first is the version of the hash. Empty: the next listing writes the row again.';
COMMENT ON COLUMN operators.missing_since IS 'When the program found that no listing shows the operator any more. NULL: a listing shows the operator.';
COMMENT ON TABLE operator_sites IS 'One row for each operator and each site whose latest listing shows the operator.';
COMMENT ON TABLE sites IS 'The sites, as the API provides them. A site that the token may not read has the name and the time zone of the configuration.';
COMMENT ON COLUMN sites.name IS 'Name. Earlier names are in name_history.';
COMMENT ON COLUMN sites.time_zone IS 'Time zone as the API names it, such as Eastern Time (US & Canada).';
COMMENT ON COLUMN sites.iana_time_zone IS 'Name of the time zone in PostgreSQL, such as America/New_York. NULL: not known; the views then use UTC.';
COMMENT ON COLUMN sites.reactive_call_timeout IS 'Timeout of calls that visitors request, in seconds, as the API provides it.';
COMMENT ON COLUMN sites.proactive_call_timeout IS 'Timeout of calls that operators request, in seconds, as the API provides it.';
COMMENT ON COLUMN sites.extra IS 'Members that have no column, as a JSON object. NULL: there are none.';
COMMENT ON COLUMN sites.fetched_at IS 'When the response that last changed this row was requested, by the clock of the API server. NULL: the row comes from the configuration.';
COMMENT ON COLUMN sites.content_hash IS 'Hash of what is stored: 17 bytes, of which the first is the version of the hash.';
COMMENT ON COLUMN queues.name IS 'Current name: of the listing or of the newest engagement that names the queue, whichever is newer. Earlier names are in name_history.';
COMMENT ON COLUMN queues.name_as_of IS 'A time at which the queue had this name: when the listing was requested, or created_at of the engagement.';
COMMENT ON COLUMN queues.name_fetched_at IS 'When the response with this name was requested, by the clock of the API server.';
COMMENT ON COLUMN queues.site_id IS 'sites.id. NULL, like all columns after this one, if no listing has shown the queue.';
COMMENT ON COLUMN queues.description IS 'Description of the queue.';
COMMENT ON COLUMN queues.fallback_queue_id IS 'queues.id of the fallback queue, to which this queue passes visitors on.';
COMMENT ON COLUMN queues.extra IS 'Members of the listing that have no column, as a JSON object, without those that change by the minute. NULL: there are none.';
COMMENT ON COLUMN queues.listed_at IS 'When the listing that last changed this row was requested, by the clock of the API server.';
COMMENT ON COLUMN queues.content_hash IS 'Hash of what is stored of the listing: 17 bytes, of which the first is the version of the hash.';
COMMENT ON COLUMN queues.missing_since IS 'When the program found that the listing of the site does not show the queue any more. NULL: the listing shows it, or never has.';
COMMENT ON COLUMN name_history.valid_from IS 'When the program first saw the name, which may be later than when the name was given: when the listing that first showed it was requested, by the clock of the API server, or created_at of the engagement that showed it. For times before the first row of an id, the first name holds.';
COMMENT ON COLUMN name_history.name IS 'The name. Names of operators: with `privacy.operator_name` applied.';

COMMENT ON COLUMN engagement_facts.platform IS 'omnibrowse: the engagement was requested from the Call Visualizer. omnicore: all other engagements.';
COMMENT ON COLUMN engagement_facts.legs_known IS 'False if the legs have not been fetched yet. Columns that come only from legs are then NULL.';
COMMENT ON COLUMN engagement_facts.last_operator_id IS 'Operator of the last leg, who has the engagement now if it is ongoing.';
COMMENT ON COLUMN engagement_facts.first_queue_id IS 'Queue of the request of the first leg or, if that has none, of the engagement; the first one if there are several. NULL: the engagement used no queue.';
COMMENT ON COLUMN engagement_facts.ended_at IS 'When the last of the legs ended. NULL while the engagement is ongoing, or if the legs are not known.';
COMMENT ON COLUMN engagement_facts.ongoing IS 'True if a leg has not ended. NULL: the legs are not known.';
COMMENT ON COLUMN engagement_facts.end_reason IS 'Why the last leg ended: visitor_left, visitor_hung_up, operator_left, operator_hung_up, error or transfer. NULL while the engagement is ongoing, or if the legs are not known.';
COMMENT ON COLUMN engagement_facts.site_name IS 'Name of that site.';
COMMENT ON COLUMN engagement_facts.created_at_local IS 'created_at in the time zone of the site of the first leg, or in UTC if that is not known. Ask for a range of created_at, not of this: it has no index. Do not subtract local times, or compare them between sites: when clocks are set back, an hour occurs twice, and sites may be in different time zones. Use created_at for that.';
COMMENT ON COLUMN leg_facts.queue_id IS 'Queue of the request; the first one if there are several. NULL: the request used no queue.';
COMMENT ON COLUMN leg_facts.request_source IS 'How the request was made. The values are those of engagements.source.';
COMMENT ON COLUMN leg_facts.transferred_in IS 'True if the leg began with a transfer: true for every leg except the first.';
COMMENT ON COLUMN leg_facts.transferred_out IS 'True if the leg ended with a transfer. NULL while the leg is ongoing.';
COMMENT ON COLUMN leg_facts.ended_at IS 'When the leg ended: with the engagement, or by a transfer. NULL while the leg is ongoing.';
COMMENT ON COLUMN leg_facts.seconds_to_accept IS 'Time from the request of the leg to its acceptance. NULL if one of the two is missing or not a finite time.';
COMMENT ON COLUMN leg_facts.end_reason IS 'Why the leg ended: visitor_left, visitor_hung_up, operator_left, operator_hung_up, error or transfer. NULL while the leg is ongoing.';
COMMENT ON COLUMN leg_facts.requested_at_local IS 'requested_at in the time zone of the site of the leg, or in UTC if that is not known.';
COMMENT ON COLUMN leg_facts.accepted_at_local IS 'accepted_at in the time zone of the site of the leg, or in UTC if that is not known.';
COMMENT ON COLUMN leg_facts.ended_at_local IS 'ended_at in the time zone of the site of the leg, or in UTC if that is not known.';
COMMENT ON COLUMN queue_hourly.engagements IS 'Of legs, those that began an engagement.';
COMMENT ON COLUMN queue_hourly.transfers_in IS 'Of legs, those that began with a transfer.';
COMMENT ON COLUMN queue_hourly.median_seconds_to_accept IS 'Median of the waits in accept_waits.';
COMMENT ON COLUMN queue_hourly.p90_seconds_to_accept IS '90th percentile of the waits in accept_waits.';
COMMENT ON COLUMN queue_hourly.longest_seconds_to_accept IS 'The longest of the waits in accept_waits.';
COMMENT ON COLUMN queue_hourly.accepted_within_20_seconds IS 'Of accept_waits, those accepted within 20 seconds of their request.';
COMMENT ON COLUMN queue_hourly.average_handle_seconds IS 'leg_seconds / ended_legs: handle time of legs, without work after the conversation. You cannot add or average averages and shares: divide the sums.';
COMMENT ON COLUMN queue_hourly.median_handle_seconds IS 'Median length of ended_legs.';
COMMENT ON COLUMN queue_hourly.p90_handle_seconds IS '90th percentile of the length of ended_legs.';
COMMENT ON COLUMN queue_hourly.hour_local IS 'hour in the time zone of that site, or in UTC if that is not known.';
COMMENT ON COLUMN operator_daily.legs IS 'Legs that the operator accepted on that day.';
COMMENT ON COLUMN operator_daily.transfers_in IS 'Of legs, those that began with a transfer.';
COMMENT ON COLUMN operator_daily.transfers_out IS 'Of legs, those that ended with a transfer.';
COMMENT ON COLUMN operator_daily.transfer_rate IS 'transfers_out / legs that have ended, 0 to 1.';
COMMENT ON COLUMN operator_daily.handle_seconds IS 'Total length of ended_legs, without work after the conversation; at most the largest bigint. Each of several legs at the same time counts in full.';
COMMENT ON COLUMN operator_daily.median_handle_seconds IS 'Median length of ended_legs.';
COMMENT ON COLUMN operator_daily.p90_handle_seconds IS '90th percentile of the length of ended_legs.';
COMMENT ON COLUMN operator_daily.ended_by_visitor IS 'Of legs, those with end_reason visitor_left or visitor_hung_up.';
COMMENT ON COLUMN operator_daily.ended_by_operator IS 'Of legs, those with end_reason operator_left or operator_hung_up.';
COMMENT ON COLUMN operator_daily.ended_by_error IS 'Of legs, those with end_reason error.';
COMMENT ON COLUMN freshness.complete_through IS 'Every engagement that the API had listed by this time is in the tables. NULL: the first pass has not ended yet.';
COMMENT ON COLUMN freshness.lag_seconds IS 'Time from complete_through to now, in seconds.';
COMMENT ON COLUMN freshness.last_success_at IS 'When the service last completed an incremental pass over the listing of the site.';
COMMENT ON COLUMN freshness.rejected IS 'Unresolved records of the site in rejected_records: they came with its listings or statistics and could not be loaded. Ask whoever runs glia-sync. Engagements that could not be loaded when they were fetched by their id do not count here.';
COMMENT ON COLUMN freshness.waiting_for_legs IS 'Engagements of the site whose legs have not been fetched yet, or are to be fetched again.';

COMMENT ON TABLE sync_state IS 'One row for each stream and site: up to when it has been read, the open pass, and the instance that is reading it.';
COMMENT ON COLUMN sync_state.synced_through IS 'Watermark, by the clock of the API server. Engagements: the start of the last completed incremental pass; everything that the API had listed by then is stored. Statistics: up to when they have been read. NULL for other streams.';
COMMENT ON COLUMN sync_state.pass_to IS 'end_date of the open pass. NULL: the pass has no end date, or no pass is open.';
COMMENT ON COLUMN sync_state.pass_started_at IS 'When the first page of the open pass was requested, by the clock of the API server.';
COMMENT ON COLUMN sync_state.pass_next_page IS 'Link to the next page of the open pass.';
COMMENT ON COLUMN sync_state.last_success_at IS 'When an incremental pass or a listing was last completed.';
COMMENT ON COLUMN sync_state.last_error IS 'Error of the last failure. It remains after later successes: see last_error_at.';
COMMENT ON COLUMN sync_state.last_error_at IS 'When the last failure occurred.';
COMMENT ON COLUMN sync_state.lease_owner IS 'Instance that holds the lease and reads the site. NULL: none. The lease has expired if lease_expires_at is in the past.';
COMMENT ON COLUMN sync_state.lease_epoch IS 'Number of the last lease; it only grows. A commit under an older lease is refused.';
COMMENT ON COLUMN sync_state.lease_expires_at IS 'When the lease expires if it is not renewed. After that, another instance may lease the site.';
COMMENT ON COLUMN sync_state.failed_run_id IS 'sync_runs.id of the last failure. NULL: none since the last completed incremental pass or listing.';
COMMENT ON COLUMN sync_state.refusal IS 'Error with which the API last refused the stream. NULL: the API does not refuse it.';
COMMENT ON COLUMN sync_state.refusal_warned_at IS 'When the program last logged a warning about the refusal.';
COMMENT ON TABLE revisit_state IS 'One row for each revisit tier (`sync.revisit`) of a stream and site: when it was last read to its end.';
COMMENT ON TABLE sync_runs IS 'One row for each completed pass and listing, for each finished backfill, and for each failure of a pass, of a listing or of a window of a backfill. If the same failure of the same site follows directly, `times` is incremented and no row is added.';
COMMENT ON COLUMN sync_runs.mode IS 'incremental, revisit, backfill, or listing (all operators, sites or queues of a site). Readings of statistics are incremental.';
COMMENT ON COLUMN sync_runs.backfill_id IS 'backfills.id of a finished backfill, or of the backfill whose window failed. NULL: not a backfill.';
COMMENT ON COLUMN sync_runs.window_from IS 'Start of the range that was read. Of a listing: when it was requested.';
COMMENT ON COLUMN sync_runs.window_to IS 'End of the range that was read. NULL: the range had no end date.';
COMMENT ON COLUMN sync_runs.started_at IS 'When the first page was requested, by the clock of the API server. Of a finished backfill: when it was first started.';
COMMENT ON COLUMN sync_runs.finished_at IS 'When the run ended. Of a failure that repeats: when it last occurred.';
COMMENT ON COLUMN sync_runs.engagements IS 'Engagements on those pages; in a listing, its operators, sites or queues.';
COMMENT ON COLUMN sync_runs.error IS 'Why the run failed. NULL: it did not fail.';
COMMENT ON COLUMN sync_runs.times IS 'How often the failure occurred in a row. 1 for a run that did not fail.';
COMMENT ON COLUMN sync_runs.lease_epoch IS 'lease_epoch of the lease under which the site or the window was read. With it, a commit that is repeated adds no second run.';
COMMENT ON TABLE backfills IS 'One row for each backfill. The same command again continues the unfinished backfill instead of adding a row.';
COMMENT ON COLUMN backfills.to_is_open IS 'True if the command gave no end (`--to`). window_to is then the time at which the backfill was first started.';
COMMENT ON COLUMN backfills.sites IS 'Ids of the sites, sorted.';
COMMENT ON COLUMN backfills.finished_at IS 'When the last window was completed. NULL: the backfill is unfinished.';
COMMENT ON COLUMN backfills.seconds_left IS 'Estimated time until the backfill is finished, in seconds, as of seconds_left_at. NULL: not known.';
COMMENT ON COLUMN backfills.seconds_left_at IS 'When seconds_left was estimated.';
COMMENT ON TABLE backfill_windows IS 'One row for each window and site of a backfill: how far it has been read, and the instance that is reading it.';
COMMENT ON COLUMN backfill_windows.done IS 'True if the window has been read to its end.';
COMMENT ON COLUMN backfill_windows.pass_started_at IS 'When the first page of the window was requested, by the clock of the API server.';
COMMENT ON COLUMN backfill_windows.pass_next_page IS 'Link to the next page. An interrupted window is continued there.';
COMMENT ON COLUMN backfill_windows.attempts IS 'Failed attempts since the command was last started.';
COMMENT ON COLUMN backfill_windows.last_error IS 'Error of the last failed attempt.';
COMMENT ON COLUMN backfill_windows.finished_at IS 'When the window was completed. NULL: it is unfinished.';
COMMENT ON COLUMN backfill_windows.lease_owner IS 'Instance that holds the lease and reads the window. NULL: none. The lease has expired if lease_expires_at is in the past.';
COMMENT ON COLUMN backfill_windows.lease_epoch IS 'Number of the last lease; it only grows. A commit under an older lease is refused.';
COMMENT ON COLUMN backfill_windows.lease_expires_at IS 'When the lease expires if it is not renewed. After that, another instance may lease the window.';
COMMENT ON TABLE work_items IS 'Data to fetch for engagements: details (the engagement with its legs), transcripts and recordings. The row of a detail is deleted when the detail has been fetched; rows of transcripts and recordings remain. State of the program.';
COMMENT ON VIEW detail_queue IS 'Engagements that are to be fetched with their legs, for the first time or again: the waiting details in work_items. The newest are fetched first.';
COMMENT ON VIEW enrichments IS 'Transcripts and recordings in work_items, fetched or still to be fetched.';
COMMENT ON COLUMN work_items.kind IS '`detail` (the engagement with its legs), `transcript` or `recording`.';
COMMENT ON COLUMN work_items.item IS 'URL of the recording in the API. Empty for details and transcripts.';
COMMENT ON COLUMN work_items.created_at IS 'engagements.created_at. The newest engagements are fetched first.';
COMMENT ON COLUMN work_items.wanted_after IS 'Only a response that was requested at or after this time, by the clock of the API server, completes the work.';
COMMENT ON COLUMN work_items.changed_at IS 'When the work was enqueued: a detail or a recording for the first time, a transcript for the last time. Of work that was missed while the enricher was off: engagements.changed_at.';
COMMENT ON COLUMN work_items.done_at IS 'When the content that was last fetched was requested, by the clock of the API server. NULL: it has never been fetched.';
COMMENT ON COLUMN work_items.attempts IS 'How many attempts in a row fetched nothing.';
COMMENT ON COLUMN work_items.next_attempt_at IS 'When the next attempt is due. -infinity: at once, the newest engagements first.';
COMMENT ON COLUMN work_items.last_error_at IS 'When last_error occurred.';
COMMENT ON COLUMN work_items.parked IS 'True if the work failed permanently or too often. It is still attempted, at longer and longer intervals.';
COMMENT ON COLUMN work_items.claimed_by IS 'Instance that has claimed the work to fetch it. NULL: none.';
COMMENT ON COLUMN work_items.claimed_until IS 'When the claim expires if it is not renewed. After that, another instance may claim the work.';
COMMENT ON COLUMN work_items.path IS 'Path of the file of a recording, relative to `enrich.recordings.directory`.';
COMMENT ON COLUMN work_items.size_bytes IS 'Size of the file of a recording, in bytes.';
COMMENT ON COLUMN work_items.sha256 IS 'SHA-256 of the file of a recording, in hexadecimal digits.';
COMMENT ON COLUMN detail_queue.created_at IS 'engagements.created_at. The newest engagements are fetched first.';
COMMENT ON COLUMN detail_queue.wanted_after IS 'Only a response that was requested at or after this time, by the clock of the API server, completes the work.';
COMMENT ON COLUMN detail_queue.attempts IS 'How many attempts in a row fetched nothing.';
COMMENT ON COLUMN detail_queue.next_attempt_at IS 'When the next attempt is due. -infinity: at once, the newest engagements first.';
COMMENT ON COLUMN detail_queue.last_error_at IS 'When last_error occurred.';
COMMENT ON COLUMN detail_queue.parked IS 'True if the work failed permanently or too often. It is still attempted, at longer and longer intervals.';
COMMENT ON COLUMN detail_queue.claimed_by IS 'Instance that has claimed the work to fetch it. NULL: none.';
COMMENT ON COLUMN detail_queue.claimed_until IS 'When the claim expires if it is not renewed. After that, another instance may claim the work.';
COMMENT ON COLUMN detail_queue.enqueued_at IS 'When the detail was enqueued for the first time.';
COMMENT ON COLUMN enrichments.kind IS '`transcript` or `recording`.';
COMMENT ON COLUMN enrichments.item IS 'URL of the recording in the API. Empty for transcripts.';
COMMENT ON COLUMN enrichments.created_at IS 'engagements.created_at. The newest engagements are fetched first.';
COMMENT ON COLUMN enrichments.wanted_after IS 'Only a response that was requested at or after this time, by the clock of the API server, completes the work.';
COMMENT ON COLUMN enrichments.changed_at IS 'When the work was enqueued: a recording for the first time, a transcript for the last time. Of work that was missed while the enricher was off: engagements.changed_at.';
COMMENT ON COLUMN enrichments.done_at IS 'When the content that was last fetched was requested, by the clock of the API server. NULL: it has never been fetched.';
COMMENT ON COLUMN enrichments.attempts IS 'How many attempts in a row fetched nothing.';
COMMENT ON COLUMN enrichments.next_attempt_at IS 'When the next attempt is due. -infinity: at once, the newest engagements first.';
COMMENT ON COLUMN enrichments.last_error_at IS 'When last_error occurred.';
COMMENT ON COLUMN enrichments.claimed_by IS 'Instance that has claimed the work to fetch it. NULL: none.';
COMMENT ON COLUMN enrichments.claimed_until IS 'When the claim expires if it is not renewed. After that, another instance may claim the work.';
COMMENT ON COLUMN enrichments.path IS 'Path of the file of a recording, relative to `enrich.recordings.directory`.';
COMMENT ON COLUMN enrichments.size_bytes IS 'Size of the file of a recording, in bytes.';
COMMENT ON COLUMN enrichments.sha256 IS 'SHA-256 of the file of a recording, in hexadecimal digits.';
COMMENT ON TABLE enrichers IS 'One row for each enricher: its last success and its last failure, up to when work has been enqueued, and when the next sample of the queue''s wait is due. State of the program.';
COMMENT ON COLUMN enrichers.next_at IS 'queue_wait: when the next sample is due. The first instance that asks after this time takes it. Other enrichers do not use this column.';
COMMENT ON COLUMN enrichers.queued_through IS 'transcript, recording: work has been enqueued for all engagements that changed before this time. NULL: this was never completed.';
COMMENT ON COLUMN enrichers.last_success_at IS 'When the enricher last fetched something.';
COMMENT ON COLUMN enrichers.last_error IS 'Last failure of the enricher as a whole. Failures of single engagements are in work_items.';
COMMENT ON COLUMN enrichers.last_error_at IS 'When last_error occurred.';
COMMENT ON TABLE ongoing_engagements IS 'Engagements that are ongoing: a leg has not ended, or the list of legs is empty and the engagement is less than a day old. They are fetched again until they have ended.';
COMMENT ON COLUMN ongoing_engagements.next_fetch_at IS 'When the detail is enqueued in work_items again. The older the engagement, the longer the interval.';
COMMENT ON TABLE rejected_records IS 'Records that could not be loaded, with their payload.';
COMMENT ON COLUMN rejected_records.site_id IS 'The site for which the record was read. NULL: an engagement that was fetched by its id.';
COMMENT ON COLUMN rejected_records.reason IS 'Why the record could not be loaded.';
COMMENT ON COLUMN rejected_records.payload IS 'The record as received, with `privacy` applied. May contain personal data.';
COMMENT ON COLUMN rejected_records.payload_hash IS 'Hash of the payload. If the same payload is received again, times_seen is incremented and no row is added.';
COMMENT ON COLUMN rejected_records.first_seen_at IS 'When the record was first received.';
COMMENT ON COLUMN rejected_records.last_seen_at IS 'When the record was last received.';
COMMENT ON COLUMN rejected_records.times_seen IS 'How often the record was received.';
COMMENT ON COLUMN rejected_records.resolved_at IS 'When the record was resolved: the engagement was loaded, or the listing or the statistics were read again without it. NULL: unresolved.';
COMMENT ON TABLE forgotten IS 'Tombstones of what `glia-sync forget` erased: hashes of ids, not the ids themselves. Records with these ids are not stored again.';
COMMENT ON COLUMN forgotten.forgotten_at IS 'When the tombstone was added. An imported tombstone keeps its time.';
COMMENT ON TABLE erasures IS 'Erasures that are not complete. Any instance may continue them. A row is deleted when everything that it names has been erased.';
COMMENT ON COLUMN erasures.kind IS '`engagement`, `visitor`, `operator`; `recordings`: the files of an engagement whose rows are erased; `tombstones`: everything that has an imported tombstone.';
COMMENT ON COLUMN erasures.id IS 'Id of the engagement, visitor or operator. If `privacy` hashes ids of visitors, the hash has a row of its own. Of `tombstones`: the time of the import.';
COMMENT ON COLUMN erasures.requested_at IS 'When the erasure was requested.';
COMMENT ON TABLE server_clocks IS 'The difference between the clock of the API server and the clock of each machine that runs glia-sync. The program starts with the stored difference, so that its times can be compared with those of the process before it.';
COMMENT ON COLUMN server_clocks.machine IS 'Boot id of the machine.';
COMMENT ON COLUMN server_clocks.ahead_microseconds IS 'Clock of the API server minus clock of the machine, in microseconds.';
COMMENT ON COLUMN server_clocks.updated_at IS 'When the difference was last saved.';
COMMENT ON FUNCTION payload_words(text) IS 'Hashes of the texts between quotation marks and slashes of a payload. An index on them finds the rejected records that contain the id of a visitor.';
