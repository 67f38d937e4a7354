-- Version 20: reports say nothing of statistics that were not read of one of an operator's sites, and lose nothing of
-- ranges whose limits are within an interval; freshness does not reach into the future.

-- ---------------------------------------------------------------------------------------------------------- reports

-- The scans are wider than the range by 1.2 intervals: intervals of a calendar differ in length (months, and days and
-- weeks in which the clocks change), and the edges decide what counts.
CREATE OR REPLACE FUNCTION queue_report(
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
        SELECT h.site_id, h.hours FROM open_hours($1 - $3 * 1.2, $2 + $3 * 1.2) h
    ), legs AS MATERIALIZED (
        SELECT width_bucket(l.accepted_at, e.edges) AS accepted_bin,
               width_bucket(l.requested_at, e.edges) AS requested_bin, coalesce(l.site_id, '') AS site_id, l.queue_id,
               l.transferred_in, l.request_type = 'reactive' AS is_reactive,
               l.request_type = 'proactive' AS is_proactive, l.seconds_to_accept AS wait, l.handle_seconds,
               o.hours @> l.accepted_at AS is_open
        FROM e
        CROSS JOIN leg_facts l
        LEFT JOIN open_hours o ON o.site_id = l.site_id
        WHERE (l.accepted_at >= $1 - $3 * 1.2 AND l.accepted_at < $2 + $3 * 1.2
               OR l.requested_at >= $1 - $3 * 1.2 AND l.requested_at < $2 + $3 * 1.2)
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
              WHERE i.interval_start >= $1 - $3 * 1.2 AND i.interval_start < $2 + $3 * 1.2
                AND i.interval_start >= e.edges[1] AND i.interval_start < e.edges[cardinality(e.edges)]
                AND i.interval_seconds <= date_part('epoch', $3)) w
        GROUP BY w.bin, w.site_id, w.queue_id
    ), handles AS (
        SELECT width_bucket(h.interval_start, e.edges) AS bin, h.site_id, h.queue_id, true AS is_told,
               CASE WHEN count(h.count) = count(*) THEN sum(h.count::float8) END AS handled,
               CASE WHEN count(h.total_seconds) = count(*) THEN sum(h.total_seconds::float8) END AS handle_seconds
        FROM e
        CROSS JOIN handle_intervals h
        WHERE h.interval_start >= $1 - $3 * 1.2 AND h.interval_start < $2 + $3 * 1.2
          AND h.interval_start >= e.edges[1] AND h.interval_start < e.edges[cardinality(e.edges)]
          AND h.interval_seconds <= date_part('epoch', $3)
        GROUP BY 1, 2, 3
    ), wrap_ups AS (
        SELECT width_bucket(u.interval_start, e.edges) AS bin, u.site_id, u.queue_id, true AS is_told,
               CASE WHEN count(u.total_seconds) = count(*) THEN sum(u.total_seconds::float8) END AS wrap_up_seconds
        FROM e
        CROSS JOIN wrap_up_intervals u
        WHERE u.interval_start >= $1 - $3 * 1.2 AND u.interval_start < $2 + $3 * 1.2
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

CREATE OR REPLACE FUNCTION operator_report(
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
        CROSS JOIN LATERAL (SELECT least(coalesce(l.ended_at, now()), l.accepted_at + interval '24 hours') AS until) u
        WHERE l.accepted_at >= $1 - $3 * 1.2 - interval '24 hours' AND l.accepted_at < $2 + $3 * 1.2 AND l.operator_id IS NOT NULL
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
              WHERE o.interval_start >= $1 - $3 * 1.2 AND o.interval_start < $2 + $3 * 1.2
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
    ), sites_of AS MATERIALIZED (
        SELECT k.operator_id, array_agg(k.site_id ORDER BY k.site_id) AS sites
        FROM (SELECT s.operator_id, s.site_id FROM states s
              UNION
              SELECT l.operator_id, l.site_id FROM legs_of_range l WHERE l.site_id IS NOT NULL) AS k
        GROUP BY k.operator_id
    ), readings AS MATERIALIZED (
        SELECT k.site_id, r.bin, r.seconds
        FROM e, (SELECT DISTINCT unnest(s.sites) AS site_id FROM sites_of s) AS k,
             LATERAL (SELECT width_bucket(r.interval_start, e.edges) AS bin, sum(r.interval_seconds::float8) AS seconds
                      FROM statistics_readings r
                      WHERE r.site_id = k.site_id AND r.source = 'operator_state'
                        AND r.interval_start >= e.edges[1] AND r.interval_start < e.edges[cardinality(e.edges)]
                        AND r.interval_seconds <= date_part('epoch', $3)
                      GROUP BY 1) r
    ), coverage AS MATERIALIZED (
        -- For the sites of an operator: what was read of the site that was read least. Operators of the same sites
        -- share it.
        SELECT k.sites, b.bin, min(coalesce(r.seconds, 0)) AS seconds
        FROM (SELECT DISTINCT s.sites FROM sites_of s) AS k
        CROSS JOIN e
        CROSS JOIN LATERAL generate_series(1, cardinality(e.edges) - 1) AS b (bin)
        CROSS JOIN LATERAL unnest(k.sites) AS s (site_id)
        LEFT JOIN readings r ON r.site_id = s.site_id AND r.bin = b.bin
        GROUP BY k.sites, b.bin
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
    LEFT JOIN sites_of k ON k.operator_id = coalesce(o.operator_id, '')
    LEFT JOIN coverage c ON c.bin = o.bin AND c.sites = k.sites;
END;

COMMENT ON FUNCTION operator_report(timestamptz, timestamptz, interval, text, boolean) IS 'One row for each operator and interval of the range in which something happened. grain, time_zone, empty_intervals and the widening of the range are as in queue_report. The columns have the same meaning as in operator_intervals. interval_end is the end of the interval. There are no names. An interval of the source counts in the interval of the report in which it begins.';
COMMENT ON COLUMN operator_intervals.busy_seconds IS 'Time within the interval with at least one leg. It is counted from legs, whether statistics are enabled or not. An ongoing leg counts until now, and no leg for more than 24 hours from its acceptance: one may never end at the source.';
COMMENT ON COLUMN operator_intervals.parallel_seconds IS 'Time within the interval with two legs or more. An ongoing leg counts until now, and no leg for more than 24 hours.';
COMMENT ON COLUMN operator_intervals.most_at_once IS 'The largest number of legs at the same time. An ongoing leg counts until now, and no leg for more than 24 hours. The sum of several rows means nothing: take the greatest.';
COMMENT ON COLUMN operator_intervals.last_activity IS 'When the last leg in the interval ended; the end of the interval if it ended after that. An ongoing leg counts until now, and no leg for more than 24 hours.';
COMMENT ON COLUMN operator_intervals.statistics_seconds IS 'For how many seconds of the interval statistics were read, of the site that was read least, among those that the operator works for in the range asked for (legs, or states in the statistics). If everything was read, this is the length of the interval: 1800 here, and interval_end - interval_start in operator_report.';

-- -------------------------------------------------------------------------------------------------------- freshness

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
                         SELECT b.window_from, least(b.window_to, b.finished_at)
                         FROM backfills b
                         WHERE b.finished_at IS NOT NULL AND b.stream = 'engagements' AND s.site_id = ANY (b.sites)
                         UNION ALL
                         SELECT w.window_from, least(w.window_to, now())
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
