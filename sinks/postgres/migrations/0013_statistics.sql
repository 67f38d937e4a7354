-- Version 13: statistics that the source counts per interval, which intervals have been read, and views by interval.

-- The number of rows depends on the number of queues, operators and intervals, not on the number of engagements.
CREATE TABLE queue_wait_intervals (
    interval_start       timestamptz NOT NULL,
    interval_seconds     bigint NOT NULL,
    site_id              text COLLATE "C" NOT NULL,
    queue_id             text COLLATE "C" NOT NULL,
    outcome              text COLLATE "C" NOT NULL,
    from_transfer        text COLLATE "C" NOT NULL,
    media                text COLLATE "C" NOT NULL,
    count                bigint,
    total_seconds        bigint,
    maximum_seconds      bigint,
    within_service_level bigint,
    short                bigint,
    PRIMARY KEY (interval_start, site_id, queue_id, outcome, from_transfer, media)
) WITH (fillfactor = 80);
COMMENT ON TABLE queue_wait_intervals IS 'Waits in queues as the source counts them, in the interval in which each wait ended: one row for each interval, site, queue, outcome, from_transfer and medium. Visitors who gave up are included. Empty unless `statistics` is enabled.';
COMMENT ON COLUMN queue_wait_intervals.interval_start IS 'Start of the interval.';
COMMENT ON COLUMN queue_wait_intervals.interval_seconds IS 'Length of the interval, in seconds.';
COMMENT ON COLUMN queue_wait_intervals.site_id IS 'sites.id';
COMMENT ON COLUMN queue_wait_intervals.queue_id IS 'queues.id; empty: no queue.';
COMMENT ON COLUMN queue_wait_intervals.outcome IS 'finished: answered; canceled or disconnected: abandoned; fallback: passed to the fallback queue; other values: neither. Offered is the sum over all.';
COMMENT ON COLUMN queue_wait_intervals.from_transfer IS 'true if a transfer brought the visitor into the queue, otherwise false; a text, as the API sends it.';
COMMENT ON COLUMN queue_wait_intervals.media IS 'Requested medium, such as chat, audio or video. Statistics call the medium chat; legs and engagements call it text.';
COMMENT ON COLUMN queue_wait_intervals.count IS 'Number of waits.';
COMMENT ON COLUMN queue_wait_intervals.total_seconds IS 'Sum of the waits, in seconds.';
COMMENT ON COLUMN queue_wait_intervals.maximum_seconds IS 'The longest of these waits, in seconds.';
COMMENT ON COLUMN queue_wait_intervals.within_service_level IS 'How many were no longer than the threshold that the site is configured for.';
COMMENT ON COLUMN queue_wait_intervals.short IS 'How many were short, by the site''s configuration; short ones that were abandoned are usually left out of the abandonment rate.';

CREATE TABLE handle_intervals (
    interval_start   timestamptz NOT NULL,
    interval_seconds bigint NOT NULL,
    site_id          text COLLATE "C" NOT NULL,
    queue_id         text COLLATE "C" NOT NULL,
    operator_id      text COLLATE "C" NOT NULL,
    type             text COLLATE "C" NOT NULL,
    end_reason       text COLLATE "C" NOT NULL,
    count            bigint,
    total_seconds    bigint,
    PRIMARY KEY (interval_start, site_id, queue_id, operator_id, type, end_reason)
) WITH (fillfactor = 80);
COMMENT ON TABLE handle_intervals IS 'Conversations that ended within an interval, as the source counts them: one row for each interval, site, queue, operator, type and end reason. Empty unless `statistics` is enabled.';
COMMENT ON COLUMN handle_intervals.interval_start IS 'Start of the interval.';
COMMENT ON COLUMN handle_intervals.interval_seconds IS 'Length of the interval, in seconds.';
COMMENT ON COLUMN handle_intervals.site_id IS 'sites.id';
COMMENT ON COLUMN handle_intervals.queue_id IS 'queues.id; empty: no queue.';
COMMENT ON COLUMN handle_intervals.operator_id IS 'operators.id; empty: no operator.';
COMMENT ON COLUMN handle_intervals.type IS 'How the conversations began: proactive, reactive or transfer. Other values are stored as they are.';
COMMENT ON COLUMN handle_intervals.end_reason IS 'How the conversations ended: engagement_end or transfer. Other values are stored as they are.';
COMMENT ON COLUMN handle_intervals.count IS 'Number of conversations.';
COMMENT ON COLUMN handle_intervals.total_seconds IS 'Total length of the conversations, in seconds, without work after the conversation.';

CREATE TABLE wrap_up_intervals (
    interval_start   timestamptz NOT NULL,
    interval_seconds bigint NOT NULL,
    site_id          text COLLATE "C" NOT NULL,
    queue_id         text COLLATE "C" NOT NULL,
    operator_id      text COLLATE "C" NOT NULL,
    count            bigint,
    total_seconds    bigint,
    PRIMARY KEY (interval_start, site_id, queue_id, operator_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE wrap_up_intervals IS 'Work of operators after conversations, as the source counts it: one row for each interval, site, queue and operator. Empty unless `statistics` is enabled.';
COMMENT ON COLUMN wrap_up_intervals.interval_start IS 'Start of the interval.';
COMMENT ON COLUMN wrap_up_intervals.interval_seconds IS 'Length of the interval, in seconds.';
COMMENT ON COLUMN wrap_up_intervals.site_id IS 'sites.id';
COMMENT ON COLUMN wrap_up_intervals.queue_id IS 'queues.id; empty: no queue.';
COMMENT ON COLUMN wrap_up_intervals.operator_id IS 'operators.id; empty: no operator.';
COMMENT ON COLUMN wrap_up_intervals.count IS 'Number of conversations after which an operator did such work.';
COMMENT ON COLUMN wrap_up_intervals.total_seconds IS 'Total time of this work, in seconds.';

CREATE TABLE operator_state_intervals (
    interval_start   timestamptz NOT NULL,
    interval_seconds bigint NOT NULL,
    site_id          text COLLATE "C" NOT NULL,
    operator_id      text COLLATE "C" NOT NULL,
    state            text COLLATE "C" NOT NULL,
    seconds          bigint,
    PRIMARY KEY (interval_start, site_id, operator_id, state)
) WITH (fillfactor = 80);
COMMENT ON TABLE operator_state_intervals IS 'Time that operators were logged in, as the source counts it: one row for each interval, site, operator and state. Empty unless `statistics` is enabled.';
COMMENT ON COLUMN operator_state_intervals.interval_start IS 'Start of the interval.';
COMMENT ON COLUMN operator_state_intervals.interval_seconds IS 'Length of the interval, in seconds.';
COMMENT ON COLUMN operator_state_intervals.site_id IS 'sites.id';
COMMENT ON COLUMN operator_state_intervals.operator_id IS 'operators.id; empty: no operator.';
COMMENT ON COLUMN operator_state_intervals.state IS 'video, audio, chat: available and waiting. engaged: in an engagement. post-engagement: wrap-up. advanced-admin, reporting: administrative work. Any other value, such as meal-break: pause.';
COMMENT ON COLUMN operator_state_intervals.seconds IS 'Time in the state, in seconds.';

-- --------------------------------------------------------------------------------------------- state

CREATE TABLE statistics_state (
    site_id           text COLLATE "C" NOT NULL,
    source            text COLLATE "C" NOT NULL,
    read_through      timestamptz,
    refused_at        timestamptz,
    refusal           text,
    refusal_warned_at timestamptz,
    PRIMARY KEY (site_id, source)
) WITH (fillfactor = 50);
COMMENT ON TABLE statistics_state IS 'One row for each site and source of statistics: how far the service has read the source.';
COMMENT ON COLUMN statistics_state.site_id IS 'Site id.';
COMMENT ON COLUMN statistics_state.source IS 'queue_wait, handle, wrap_up or operator_state.';
COMMENT ON COLUMN statistics_state.read_through IS 'The service has read all intervals from its first one up to this time. NULL: it has read none.';
COMMENT ON COLUMN statistics_state.refused_at IS 'When the API last refused the source, by the clock of the API server. NULL: the API does not refuse it.';
COMMENT ON COLUMN statistics_state.refusal IS 'The error with which the API refused the source.';
COMMENT ON COLUMN statistics_state.refusal_warned_at IS 'When the program last logged a warning about the refusal.';

CREATE TABLE statistics_readings (
    site_id          text COLLATE "C" NOT NULL,
    source           text COLLATE "C" NOT NULL,
    interval_start   timestamptz NOT NULL,
    interval_seconds bigint NOT NULL,
    fetched_at       timestamptz NOT NULL,
    settled          boolean NOT NULL,
    PRIMARY KEY (site_id, source, interval_start)
) WITH (fillfactor = 70);
-- For the intervals that the service will read again. They stay few, while the table grows.
CREATE INDEX statistics_readings_unsettled ON statistics_readings (site_id, source) WHERE NOT settled;
COMMENT ON TABLE statistics_readings IS 'One row for each site, source and interval that the service or a backfill has read. An interval without a row here has not been read. An interval with a row here, but without rows in the table of counts, had nothing to count.';
COMMENT ON COLUMN statistics_readings.site_id IS 'Site id.';
COMMENT ON COLUMN statistics_readings.source IS 'queue_wait, handle, wrap_up or operator_state. The table of counts has this name followed by _intervals.';
COMMENT ON COLUMN statistics_readings.interval_start IS 'Start of the interval.';
COMMENT ON COLUMN statistics_readings.interval_seconds IS 'Length of the interval, in seconds.';
COMMENT ON COLUMN statistics_readings.fetched_at IS 'When the request was sent, by the clock of the API server. An older response never overwrites a newer one.';
COMMENT ON COLUMN statistics_readings.settled IS 'True if the interval was read so late that it will not be read again.';

ALTER TABLE backfills ADD COLUMN stream text COLLATE "C" NOT NULL DEFAULT 'engagements';
COMMENT ON COLUMN backfills.stream IS 'What was loaded: engagements or statistics.';

-- --------------------------------------------------------------------------------------- business hours

CREATE TABLE business_hours (
    site_id text COLLATE "C" NOT NULL,
    weekday smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    opens   time NOT NULL,
    closes  time NOT NULL CHECK (closes > opens),
    PRIMARY KEY (site_id, weekday, opens)
);
COMMENT ON TABLE business_hours IS 'When a site is open, filled by you; several rows a day where it closes at noon. glia-sync writes nothing here.';
COMMENT ON COLUMN business_hours.site_id IS 'sites.id';
COMMENT ON COLUMN business_hours.weekday IS '1 for Monday to 7 for Sunday.';
COMMENT ON COLUMN business_hours.opens IS 'Opening time, in local time of the site.';
COMMENT ON COLUMN business_hours.closes IS 'Closing time, in local time of the site. 24:00 is midnight.';

CREATE TABLE holidays (
    site_id text COLLATE "C" NOT NULL,
    day     date NOT NULL,
    PRIMARY KEY (site_id, day)
);
COMMENT ON TABLE holidays IS 'Days on which a site is closed whatever business_hours says, filled by you. glia-sync writes nothing here.';
COMMENT ON COLUMN holidays.site_id IS 'sites.id';
COMMENT ON COLUMN holidays.day IS 'The day, in the time zone of the site.';

-- A body in the SQL standard's form (BEGIN ATOMIC) is bound to these tables, whatever the search_path of the caller.
CREATE FUNCTION in_business_hours(site_id text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN EXISTS (SELECT FROM business_hours b WHERE b.site_id = $1)
                THEN EXISTS (SELECT FROM business_hours b
                             WHERE b.site_id = $1 AND b.weekday = extract(isodow FROM l.at) AND l.at::time >= b.opens AND l.at::time < b.closes)
                     AND NOT EXISTS (SELECT FROM holidays h WHERE h.site_id = $1 AND h.day = l.at::date) END
    FROM (SELECT $2 AT TIME ZONE coalesce((SELECT s.iana_time_zone FROM sites s WHERE s.id = $1), 'UTC') AS at) l;
END;
COMMENT ON FUNCTION in_business_hours(text, timestamptz) IS 'True if the site is open at that time according to business_hours and holidays, in the time zone of the site (UTC if it is not known). NULL if business_hours has no rows for the site.';

-- ----------------------------------------------------------------------------------------------- reports

CREATE FUNCTION interval_edges("from" timestamptz, "to" timestamptz, grain interval, time_zone text) RETURNS timestamptz[] LANGUAGE plpgsql STABLE AS $edges$
DECLARE
    local timestamp := "from" AT TIME ZONE time_zone;
    begins timestamptz;
BEGIN
    IF "to" <= "from" THEN
        RAISE EXCEPTION 'the end, %, must be later than the start, %', "to", "from";
    ELSIF grain IN (interval '15 minutes', interval '30 minutes', interval '1 hour') THEN
        begins := "from" - (local - date_bin(grain, local, timestamp '2001-01-01'));
        RETURN ARRAY(SELECT generate_series(begins, "to" - interval '1 microsecond' + grain, grain));
    ELSIF grain IN (interval '1 day', interval '1 week', interval '1 month') THEN
        local := date_trunc(CASE grain WHEN interval '1 day' THEN 'day' WHEN interval '1 week' THEN 'week' ELSE 'month' END, local);
        RETURN ARRAY(SELECT t AT TIME ZONE time_zone
                     FROM generate_series(local, (("to" - interval '1 microsecond') AT TIME ZONE time_zone) + grain, grain) t);
    END IF;
    RAISE EXCEPTION 'the grain must be 15 minutes, 30 minutes, 1 hour, 1 day, 1 week or 1 month, not %', grain;
END
$edges$;
COMMENT ON FUNCTION interval_edges(timestamptz, timestamptz, interval, text) IS 'The boundaries of the intervals of a report. The intervals are whole quarter hours, half hours, hours, days, weeks (from Monday) or months of the time zone, and together contain the range.';

CREATE FUNCTION queue_report("from" timestamptz, "to" timestamptz, grain interval DEFAULT '30 minutes', time_zone text DEFAULT 'UTC', threshold interval DEFAULT '20 seconds')
RETURNS TABLE (
    interval_start timestamptz, interval_end timestamptz, site_id text, queue_id text,
    accepted_legs bigint, accepted_engagements bigint, accepted_transfers bigint, accepted_within_threshold bigint, accept_waits bigint, accept_wait_seconds float8, longest_accept_wait_seconds float8,
    ended_legs bigint, leg_seconds float8,
    offered float8, answered float8, abandoned float8, short_abandoned float8, passed_on float8, other_outcomes float8,
    answered_within_service_level float8, answer_wait_seconds float8, longest_wait_seconds bigint,
    handled float8, handle_seconds float8, wrap_up_seconds float8, statistics_seconds float8,
    average_seconds_to_accept float8, service_level_of_accepted float8, average_leg_seconds float8,
    abandonment_rate float8, abandonment_rate_without_short float8, service_level float8, average_seconds_to_answer float8, average_handle_seconds float8)
LANGUAGE sql STABLE ROWS 1000 SET work_mem = '64MB' SET jit = off
BEGIN ATOMIC
    WITH e AS MATERIALIZED (
        SELECT interval_edges($1, $2, $3, $4) AS edges
    ), counted AS MATERIALIZED (
        SELECT width_bucket(l.accepted_at, e.edges) AS bin, l.site_id, l.queue_id,
               count(*) AS accepted_legs, count(*) FILTER (WHERE NOT l.transferred_in) AS accepted_engagements,
               count(*) FILTER (WHERE l.transferred_in) AS accepted_transfers,
               count(*) FILTER (WHERE l.seconds_to_accept <= date_part('epoch', $5)) AS accepted_within_threshold,
               count(l.seconds_to_accept) AS accept_waits, sum(l.seconds_to_accept) AS accept_wait_seconds, max(l.seconds_to_accept) AS longest_accept_wait_seconds,
               count(l.handle_seconds) AS ended_legs, sum(l.handle_seconds::float8) AS leg_seconds,
               NULL::float8 AS offered, NULL::float8 AS answered, NULL::float8 AS abandoned, NULL::float8 AS short_abandoned,
               NULL::float8 AS passed_on, NULL::float8 AS within, NULL::float8 AS answer_wait, NULL::bigint AS longest,
               NULL::float8 AS handled, NULL::float8 AS handle_seconds, NULL::float8 AS wrap_up_seconds,
               '' AS source
        FROM e, leg_facts l
        WHERE l.accepted_at >= $1 - $3 AND l.accepted_at < $2 + $3 AND l.accepted_at >= e.edges[1] AND l.accepted_at < e.edges[cardinality(e.edges)]
          AND l.queue_id IS NOT NULL
        GROUP BY 1, 2, 3
        UNION ALL
        SELECT width_bucket(w.interval_start, e.edges), w.site_id, nullif(w.queue_id, ''), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               CASE WHEN count(w.count) = count(*) THEN sum(w.count::float8) END,
               CASE WHEN count(w.count) = count(*) THEN coalesce(sum(w.count::float8) FILTER (WHERE w.outcome = 'finished'), 0) END,
               CASE WHEN count(w.count) = count(*) THEN coalesce(sum(w.count::float8) FILTER (WHERE w.outcome IN ('canceled', 'disconnected')), 0) END,
               CASE WHEN count(w.short) = count(*) THEN coalesce(sum(w.short::float8) FILTER (WHERE w.outcome IN ('canceled', 'disconnected')), 0) END,
               CASE WHEN count(w.count) = count(*) THEN coalesce(sum(w.count::float8) FILTER (WHERE w.outcome = 'fallback'), 0) END,
               CASE WHEN count(w.within_service_level) = count(*) THEN coalesce(sum(w.within_service_level::float8) FILTER (WHERE w.outcome = 'finished'), 0) END,
               CASE WHEN count(w.total_seconds) = count(*) THEN coalesce(sum(w.total_seconds::float8) FILTER (WHERE w.outcome = 'finished'), 0) END,
               max(w.maximum_seconds), NULL, NULL, NULL, 'queue_wait'
        FROM e, queue_wait_intervals w
        WHERE w.interval_start >= $1 - $3 AND w.interval_start < $2 + $3
          AND w.interval_start >= e.edges[1] AND w.interval_start < e.edges[cardinality(e.edges)]
          AND w.interval_seconds <= date_part('epoch', e.edges[width_bucket(w.interval_start, e.edges) + 1] - w.interval_start)
        GROUP BY 1, 2, 3
        UNION ALL
        SELECT width_bucket(h.interval_start, e.edges), h.site_id, nullif(h.queue_id, ''), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               CASE WHEN count(h.count) = count(*) THEN sum(h.count::float8) END, CASE WHEN count(h.total_seconds) = count(*) THEN sum(h.total_seconds::float8) END, NULL, 'handle'
        FROM e, handle_intervals h
        WHERE h.interval_start >= $1 - $3 AND h.interval_start < $2 + $3
          AND h.interval_start >= e.edges[1] AND h.interval_start < e.edges[cardinality(e.edges)]
          AND h.interval_seconds <= date_part('epoch', e.edges[width_bucket(h.interval_start, e.edges) + 1] - h.interval_start)
        GROUP BY 1, 2, 3
        UNION ALL
        SELECT width_bucket(u.interval_start, e.edges), u.site_id, nullif(u.queue_id, ''), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, CASE WHEN count(u.total_seconds) = count(*) THEN sum(u.total_seconds::float8) END, 'wrap_up'
        FROM e, wrap_up_intervals u
        WHERE u.interval_start >= $1 - $3 AND u.interval_start < $2 + $3
          AND u.interval_start >= e.edges[1] AND u.interval_start < e.edges[cardinality(e.edges)]
          AND u.interval_seconds <= date_part('epoch', e.edges[width_bucket(u.interval_start, e.edges) + 1] - u.interval_start)
        GROUP BY 1, 2, 3
    ), queues_of_bin AS MATERIALIZED (
        SELECT c.bin, c.site_id, c.queue_id,
               coalesce(sum(c.accepted_legs), 0)::bigint AS accepted_legs, coalesce(sum(c.accepted_engagements), 0) AS accepted_engagements,
               coalesce(sum(c.accepted_transfers), 0) AS accepted_transfers, coalesce(sum(c.accepted_within_threshold), 0) AS accepted_within_threshold,
               coalesce(sum(c.accept_waits), 0) AS accept_waits, sum(c.accept_wait_seconds) AS accept_wait_seconds, max(c.longest_accept_wait_seconds) AS longest_accept_wait_seconds,
               coalesce(sum(c.ended_legs), 0) AS ended_legs, sum(c.leg_seconds) AS leg_seconds,
               sum(c.offered) AS offered, sum(c.answered) AS answered, sum(c.abandoned) AS abandoned, sum(c.short_abandoned) AS short_abandoned,
               sum(c.passed_on) AS passed_on, sum(c.within) AS within, sum(c.answer_wait) AS answer_wait, max(c.longest) AS longest,
               count(*) FILTER (WHERE c.source = 'queue_wait') AS waits, count(*) FILTER (WHERE c.source = 'handle') AS handles,
               count(*) FILTER (WHERE c.source = 'wrap_up') AS wrap_ups, sum(c.handled) AS handled, sum(c.handle_seconds) AS handle_seconds, sum(c.wrap_up_seconds) AS wrap_up_seconds
        FROM counted c
        GROUP BY c.bin, c.site_id, c.queue_id
    ), coverage AS MATERIALIZED (
        SELECT r.bin, s.site_id, coalesce(sum(r.seconds) FILTER (WHERE k.source = 'queue_wait'), 0) AS queue_wait,
               coalesce(sum(r.seconds) FILTER (WHERE k.source = 'handle'), 0) AS handle,
               coalesce(sum(r.seconds) FILTER (WHERE k.source = 'wrap_up'), 0) AS wrap_up
        FROM e, (SELECT DISTINCT q.site_id FROM queues_of_bin q) s, unnest(ARRAY['queue_wait', 'handle', 'wrap_up']) AS k (source),
             LATERAL (SELECT width_bucket(r.interval_start, e.edges) AS bin, sum(r.interval_seconds::float8) AS seconds
                      FROM statistics_readings r
                      WHERE r.site_id = s.site_id AND r.source = k.source
                        AND r.interval_start >= e.edges[1] AND r.interval_start < e.edges[cardinality(e.edges)]
                        AND r.interval_seconds <= date_part('epoch', e.edges[width_bucket(r.interval_start, e.edges) + 1] - r.interval_start)
                      GROUP BY 1) r
        GROUP BY 1, 2
    ), sums AS (
        SELECT e.edges[q.bin] AS interval_start, e.edges[q.bin + 1] AS interval_end, q.site_id, q.queue_id,
               q.accepted_legs::bigint AS accepted_legs, q.accepted_engagements::bigint AS accepted_engagements, q.accepted_transfers::bigint AS accepted_transfers,
               q.accepted_within_threshold::bigint AS accepted_within_threshold, q.accept_waits::bigint AS accept_waits,
               q.accept_wait_seconds, q.longest_accept_wait_seconds, q.ended_legs::bigint AS ended_legs, q.leg_seconds,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.offered END END AS offered,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.answered END END AS answered,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.abandoned END END AS abandoned,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.short_abandoned END END AS short_abandoned,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.passed_on END END AS passed_on,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.within END END AS answered_within_service_level,
               CASE WHEN c.queue_wait > 0 THEN CASE WHEN q.waits = 0 THEN 0 ELSE q.answer_wait END END AS answer_wait_seconds,
               CASE WHEN c.queue_wait > 0 THEN q.longest END AS longest_wait_seconds,
               CASE WHEN c.handle > 0 THEN CASE WHEN q.handles = 0 THEN 0 ELSE q.handled END END AS handled,
               CASE WHEN c.handle > 0 THEN CASE WHEN q.handles = 0 THEN 0 ELSE q.handle_seconds END END AS handle_seconds,
               CASE WHEN c.wrap_up > 0 THEN CASE WHEN q.wrap_ups = 0 THEN 0 ELSE q.wrap_up_seconds END END AS wrap_up_seconds,
               coalesce(least(c.queue_wait, c.handle, c.wrap_up), 0) AS statistics_seconds
        FROM queues_of_bin q
        CROSS JOIN e
        LEFT JOIN coverage c ON c.bin = q.bin AND c.site_id = q.site_id
    )
    SELECT s.interval_start, s.interval_end, s.site_id, s.queue_id, s.accepted_legs, s.accepted_engagements, s.accepted_transfers,
           s.accepted_within_threshold, s.accept_waits, s.accept_wait_seconds, s.longest_accept_wait_seconds, s.ended_legs, s.leg_seconds,
           s.offered, s.answered, s.abandoned, s.short_abandoned, s.passed_on, s.offered - s.answered - s.abandoned - s.passed_on,
           s.answered_within_service_level, s.answer_wait_seconds, s.longest_wait_seconds, s.handled, s.handle_seconds, s.wrap_up_seconds,
           s.statistics_seconds,
           s.accept_wait_seconds / nullif(s.accept_waits, 0), s.accepted_within_threshold::float8 / nullif(s.accept_waits, 0),
           s.leg_seconds / nullif(s.ended_legs, 0),
           s.abandoned / nullif(s.offered, 0), (s.abandoned - s.short_abandoned) / nullif(s.offered - s.short_abandoned, 0),
           s.answered_within_service_level / nullif(s.offered - s.short_abandoned, 0),
           s.answer_wait_seconds / nullif(s.answered, 0), (s.handle_seconds + s.wrap_up_seconds) / nullif(s.handled, 0)
    FROM sums s;
END;

CREATE FUNCTION operator_report("from" timestamptz, "to" timestamptz, grain interval DEFAULT '30 minutes', time_zone text DEFAULT 'UTC')
RETURNS TABLE (
    interval_start timestamptz, interval_end timestamptz, operator_id text,
    accepted_legs bigint, accepted_transfers bigint, ended_legs bigint, leg_seconds float8,
    busy_seconds float8, parallel_seconds float8, most_at_once bigint, first_activity timestamptz, last_activity timestamptz,
    logged_in_seconds float8, available_seconds float8, engaged_seconds float8, wrap_up_seconds float8, administrative_seconds float8,
    pause_seconds float8, occupancy float8, statistics_seconds float8)
LANGUAGE sql STABLE ROWS 1000 SET work_mem = '64MB' SET jit = off
BEGIN ATOMIC
    WITH e AS MATERIALIZED (
        SELECT interval_edges($1, $2, $3, $4) AS edges
    ), legs_of_range AS MATERIALIZED (
        SELECT l.operator_id, l.site_id, l.accepted_at, coalesce(l.ended_at, now()) AS until, l.transferred_in, l.handle_seconds
        FROM leg_facts l
        WHERE l.accepted_at >= $1 - $3 - interval '1 day' AND l.accepted_at < $2 + $3 AND l.operator_id IS NOT NULL
    ), pieces AS MATERIALIZED (
        SELECT l.operator_id, b.bin, greatest(l.accepted_at, e.edges[b.bin]) AS begins, least(l.until, e.edges[b.bin + 1]) AS ends
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
        SELECT width_bucket(o.interval_start, e.edges) AS bin, o.site_id, o.operator_id, o.state, o.seconds
        FROM e, operator_state_intervals o
        WHERE o.interval_start >= $1 - $3 AND o.interval_start < $2 + $3
          AND o.interval_start >= e.edges[1] AND o.interval_start < e.edges[cardinality(e.edges)]
          AND o.interval_seconds <= date_part('epoch', e.edges[width_bucket(o.interval_start, e.edges) + 1] - o.interval_start)
    ), together AS (
        SELECT c.bin, c.operator_id, NULL::bigint AS accepted, NULL::bigint AS transfers, NULL::bigint AS ended, NULL::float8 AS leg_seconds,
               sum(date_part('epoch', c.next - c.at)) FILTER (WHERE c.legs >= 1) AS busy,
               coalesce(sum(date_part('epoch', c.next - c.at)) FILTER (WHERE c.legs >= 2), 0) AS parallel,
               max(c.legs) AS most, min(c.at) AS first_activity, max(c.at) AS last_activity,
               NULL::float8 AS logged_in, NULL::float8 AS waiting, NULL::float8 AS engaged, NULL::float8 AS wrap_up, NULL::float8 AS administrative, false AS is_state
        FROM counted c
        GROUP BY 1, 2
        UNION ALL
        SELECT width_bucket(l.accepted_at, e.edges), l.operator_id, count(*), count(*) FILTER (WHERE l.transferred_in),
               count(l.handle_seconds), sum(l.handle_seconds::float8), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
        FROM e, legs_of_range l
        WHERE l.accepted_at >= e.edges[1] AND l.accepted_at < e.edges[cardinality(e.edges)]
        GROUP BY 1, 2
        UNION ALL
        SELECT s.bin, nullif(s.operator_id, ''), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               CASE WHEN count(s.seconds) = count(*) THEN sum(s.seconds::float8) END,
               CASE WHEN count(s.seconds) = count(*) THEN coalesce(sum(s.seconds::float8) FILTER (WHERE s.state IN ('video', 'audio', 'chat')), 0) END,
               CASE WHEN count(s.seconds) = count(*) THEN coalesce(sum(s.seconds::float8) FILTER (WHERE s.state = 'engaged'), 0) END,
               CASE WHEN count(s.seconds) = count(*) THEN coalesce(sum(s.seconds::float8) FILTER (WHERE s.state = 'post-engagement'), 0) END,
               CASE WHEN count(s.seconds) = count(*) THEN coalesce(sum(s.seconds::float8) FILTER (WHERE s.state IN ('advanced-admin', 'reporting')), 0) END, true
        FROM states s
        GROUP BY 1, 2
    ), operators_of_bin AS (
        SELECT t.bin, t.operator_id, coalesce(sum(t.accepted), 0) AS accepted, coalesce(sum(t.transfers), 0) AS transfers,
               coalesce(sum(t.ended), 0) AS ended, sum(t.leg_seconds) AS leg_seconds, coalesce(sum(t.busy), 0) AS busy, coalesce(sum(t.parallel), 0) AS parallel,
               coalesce(max(t.most), 0) AS most, min(t.first_activity) AS first_activity, max(t.last_activity) AS last_activity,
               sum(t.logged_in) AS logged_in, sum(t.waiting) AS waiting, sum(t.engaged) AS engaged, sum(t.wrap_up) AS wrap_up,
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
                        AND r.interval_seconds <= date_part('epoch', e.edges[width_bucket(r.interval_start, e.edges) + 1] - r.interval_start)
                      GROUP BY 1) r
        GROUP BY 1
    )
    SELECT e.edges[o.bin], e.edges[o.bin + 1], o.operator_id, o.accepted::bigint, o.transfers::bigint, o.ended::bigint, o.leg_seconds,
           o.busy, o.parallel, o.most, o.first_activity, o.last_activity,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.logged_in END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.waiting + o.engaged + o.wrap_up END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.engaged END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.wrap_up END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.administrative END END,
           CASE WHEN c.seconds > 0 THEN CASE WHEN o.states = 0 THEN 0 ELSE o.logged_in - o.waiting - o.engaged - o.wrap_up - o.administrative END END,
           (o.engaged + o.wrap_up) / nullif(o.waiting + o.engaged + o.wrap_up, 0),
           coalesce(c.seconds, 0)
    FROM operators_of_bin o
    CROSS JOIN e
    LEFT JOIN coverage c ON c.bin = o.bin;
END;

COMMENT ON FUNCTION queue_report(timestamptz, timestamptz, interval, text, interval) IS 'One row for each site, queue and interval of the range in which something happened; grain: 15 or 30 minutes, 1 hour, 1 day, 1 week or 1 month, in the time zone given; the range is widened to whole intervals. The columns are those of queue_intervals, with accepted_within_threshold and service_level_of_accepted by the threshold given. Statistics count where their intervals lie wholly within one of these.';
COMMENT ON FUNCTION operator_report(timestamptz, timestamptz, interval, text) IS 'One row for each operator and interval of the range in which something happened; grain and time zone as in queue_report. The columns are those of operator_intervals. A leg that began more than a day before the range is not seen.';

-- One call of the report per day, so that a condition on day limits what is read from the tables. '24 hours', because
-- the length of '1 day' depends on the time zone of the session.
CREATE VIEW queue_intervals AS
SELECT d.day, r.interval_start, l.interval_start AS interval_start_local,
       CASE WHEN EXISTS (SELECT FROM business_hours b WHERE b.site_id = r.site_id)
            THEN EXISTS (SELECT FROM business_hours b
                         WHERE b.site_id = r.site_id AND b.weekday = extract(isodow FROM l.interval_start)
                           AND l.interval_start::time >= b.opens AND l.interval_start::time < b.closes)
                 AND NOT EXISTS (SELECT FROM holidays h WHERE h.site_id = r.site_id AND h.day = l.interval_start::date) END AS in_business_hours,
       r.site_id, s.name AS site_name, r.queue_id, q.name AS queue_name,
       r.accepted_legs, r.accepted_engagements, r.accepted_transfers,
       r.accepted_within_threshold AS accepted_within_20_seconds, r.accept_waits, r.accept_wait_seconds,
       r.longest_accept_wait_seconds, r.ended_legs, r.leg_seconds, r.offered, r.answered, r.abandoned, r.short_abandoned,
       r.passed_on, r.other_outcomes, r.answered_within_service_level, r.answer_wait_seconds, r.longest_wait_seconds,
       r.handled, r.handle_seconds, r.wrap_up_seconds, r.statistics_seconds, r.average_seconds_to_accept,
       r.service_level_of_accepted, r.average_leg_seconds, r.abandonment_rate, r.abandonment_rate_without_short,
       r.service_level, r.average_seconds_to_answer, r.average_handle_seconds
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
COMMENT ON COLUMN queue_intervals.service_level_of_accepted IS 'accepted_within_20_seconds / accept_waits, 0 to 1: of those accepted, without those who gave up.';
COMMENT ON COLUMN queue_intervals.average_leg_seconds IS 'leg_seconds / ended_legs: handle time without wrap-up.';
COMMENT ON COLUMN queue_intervals.abandonment_rate IS 'abandoned / offered, 0 to 1; NULL if nothing was offered, or statistics were not read.';
COMMENT ON COLUMN queue_intervals.abandonment_rate_without_short IS 'Abandonment rate without short abandons: (abandoned - short_abandoned) / (offered - short_abandoned).';
COMMENT ON COLUMN queue_intervals.service_level IS 'answered_within_service_level / (offered - short_abandoned), 0 to 1, by the threshold that the site is configured for.';
COMMENT ON COLUMN queue_intervals.average_seconds_to_answer IS 'answer_wait_seconds / answered: average speed of answer (ASA).';
COMMENT ON COLUMN queue_intervals.average_handle_seconds IS '(handle_seconds + wrap_up_seconds) / handled: average handle time (AHT), with work after the conversation.';

CREATE VIEW operator_intervals AS
SELECT d.day, r.interval_start, r.operator_id, o.name AS operator_name,
       r.accepted_legs, r.accepted_transfers, r.ended_legs, r.leg_seconds, r.busy_seconds, r.parallel_seconds, r.most_at_once,
       r.first_activity, r.last_activity, r.logged_in_seconds, r.available_seconds, r.engaged_seconds, r.wrap_up_seconds,
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

CREATE VIEW transfers AS
SELECT f.engagement_id, f.leg_id AS from_leg_id, t.leg_id AS to_leg_id,
       f.operator_id AS from_operator_id, f.operator_name AS from_operator_name, t.operator_id AS to_operator_id, t.operator_name AS to_operator_name,
       f.queue_id AS from_queue_id, f.queue_name AS from_queue_name, t.queue_id AS to_queue_id, t.queue_name AS to_queue_name,
       f.site_id AS from_site_id, t.site_id AS to_site_id,
       t.requested_at, t.accepted_at, t.accepted_at_local, t.seconds_to_accept,
       CASE WHEN isfinite(t.accepted_at) AND isfinite(f.ended_at)
            THEN greatest(0, (extract(epoch FROM t.accepted_at) - extract(epoch FROM f.ended_at))::float8) END AS seconds_lost
FROM leg_facts t
JOIN leg_facts f ON f.engagement_id = t.engagement_id AND f.position = t.position - 1
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

-- This view and the next have no columns that need the legs of every engagement; engagement_facts has them.
CREATE VIEW repeat_contacts AS
SELECT e.id AS engagement_id, e.created_at, p.previous_engagement_id, p.created_at AS previous_created_at, d.days AS days_since_previous,
       CASE WHEN e.visitor_id IS NOT NULL THEN coalesce(d.days <= 1, false) END AS within_1_day,
       CASE WHEN e.visitor_id IS NOT NULL THEN coalesce(d.days <= 7, false) END AS within_7_days,
       CASE WHEN e.visitor_id IS NOT NULL THEN coalesce(d.days <= 30, false) END AS within_30_days
FROM engagements e
LEFT JOIN LATERAL (SELECT b.id AS previous_engagement_id, b.created_at
                   FROM engagements b
                   WHERE hashtext(b.visitor_id) = hashtext(e.visitor_id) AND b.visitor_id = e.visitor_id
                     AND (b.created_at, b.id) < (e.created_at, e.id) AND isfinite(b.created_at)
                   ORDER BY b.created_at DESC, b.id DESC
                   LIMIT 1) p ON true
CROSS JOIN LATERAL (SELECT ((extract(epoch FROM e.created_at) - extract(epoch FROM p.created_at)) / 86400)::float8) AS d (days)
WHERE isfinite(e.created_at);
COMMENT ON VIEW repeat_contacts IS 'One row for each engagement, with the previous engagement of the same visitor. The share of engagements that no other engagement of the visitor follows within some days is the usual approximation of first contact resolution (FCR). A visitor is recognised by the browser: somebody who comes back with another browser counts as a new visitor. Join engagement_facts by engagement_id for site, queue and operator.';
COMMENT ON COLUMN repeat_contacts.engagement_id IS 'engagements.id';
COMMENT ON COLUMN repeat_contacts.created_at IS 'When the engagement was requested. Ask for a range of this: there is an index.';
COMMENT ON COLUMN repeat_contacts.previous_engagement_id IS 'The last engagement of the same visitor before this one. NULL: none is stored, or the visitor is not known.';
COMMENT ON COLUMN repeat_contacts.previous_created_at IS 'When the previous engagement was requested.';
COMMENT ON COLUMN repeat_contacts.days_since_previous IS 'Days between the two.';
COMMENT ON COLUMN repeat_contacts.within_1_day IS 'True if the one before was within 24 hours; NULL where it is not known who the visitor is (`privacy.visitor_id: drop`).';
COMMENT ON COLUMN repeat_contacts.within_7_days IS 'The same for 7 days.';
COMMENT ON COLUMN repeat_contacts.within_30_days IS 'The same for 30 days. Also false if the tables do not reach back that far.';

CREATE VIEW chat_facts AS
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
) c;
COMMENT ON VIEW chat_facts IS 'One row for each engagement in which the visitor or an operator wrote, calls included: how many messages it has, and how fast operators responded. For chats alone, join engagement_facts and add the condition media = ''text''. Empty unless transcripts are fetched (`enrich.transcripts`). Only messages of visitors and operators count, and only those with a time. Join engagement_facts by engagement_id for site, queue and operator.';
COMMENT ON COLUMN chat_facts.engagement_id IS 'engagements.id';
COMMENT ON COLUMN chat_facts.created_at IS 'When the engagement was requested. Ask for a range of this: there is an index.';
COMMENT ON COLUMN chat_facts.messages IS 'Messages of visitors and operators.';
COMMENT ON COLUMN chat_facts.messages_by_visitor IS 'Messages that visitors wrote.';
COMMENT ON COLUMN chat_facts.messages_by_operator IS 'Messages that operators wrote.';
COMMENT ON COLUMN chat_facts.first_message_at IS 'When the visitor first wrote. NULL: the visitor wrote nothing.';
COMMENT ON COLUMN chat_facts.first_response_at IS 'When an operator first wrote after that. NULL: no operator did.';
COMMENT ON COLUMN chat_facts.seconds_to_first_response IS 'From one to the other. What an operator wrote before the visitor is no response.';
COMMENT ON COLUMN chat_facts.longest_silence_seconds IS 'The longest time between two messages that follow each other, whoever wrote them; NULL with one message.';
