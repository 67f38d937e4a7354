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
COMMENT ON COLUMN queue_wait_intervals.from_transfer IS 'true if a transfer brought the visitor into the queue, otherwise false; a text, as the API sends it.';
COMMENT ON COLUMN queue_wait_intervals.media IS 'Requested medium, such as chat, audio or video. Statistics call the medium chat; legs and engagements call it text.';
COMMENT ON COLUMN queue_wait_intervals.count IS 'Number of waits.';
COMMENT ON COLUMN queue_wait_intervals.total_seconds IS 'Sum of the waits, in seconds.';
COMMENT ON COLUMN queue_wait_intervals.maximum_seconds IS 'The longest of these waits, in seconds.';

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
COMMENT ON COLUMN business_hours.site_id IS 'sites.id';
COMMENT ON COLUMN business_hours.weekday IS '1 for Monday to 7 for Sunday.';
COMMENT ON COLUMN business_hours.opens IS 'Opening time, in local time of the site.';
COMMENT ON COLUMN business_hours.closes IS 'Closing time, in local time of the site. 24:00 is midnight.';

CREATE TABLE holidays (
    site_id text COLLATE "C" NOT NULL,
    day     date NOT NULL,
    PRIMARY KEY (site_id, day)
);
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
