-- Version 15: columns, an index and views for figures that are hard to misread.

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
COMMENT ON VIEW leg_facts IS 'One row for each leg: an engagement has one, and one more for each transfer. Engagements that the source no longer has (engagements.missing_since) are left out.';
COMMENT ON COLUMN leg_facts.request_type IS 'reactive (the visitor asked), proactive (an operator asked) or transfer. For speed of acceptance and service level count reactive legs only: nobody waits for a proactive leg.';
COMMENT ON COLUMN leg_facts.accepted_media_type IS 'Medium with which the request was accepted: text, audio, phone or video. Another one may have been used later: see media.';
COMMENT ON COLUMN leg_facts.used_cobrowsing IS 'True if CoBrowsing was used in the leg. The engagement may say otherwise (engagement_facts.cobrowsing).';
COMMENT ON COLUMN leg_facts.handle_seconds IS 'Length of the leg, in seconds. NULL while it is ongoing.';
COMMENT ON COLUMN leg_facts.media IS 'Medium of the leg: the richest one that visitor or operator used (video before audio before text). If the API does not provide it, the accepted medium, and if that is missing too, the offered one. phone counts as audio.';
COMMENT ON COLUMN leg_facts.hour IS 'Start of the hour in which the leg was accepted, or requested if nobody accepted it. Hours are whole hours of UTC. In a time zone that is not whole hours from UTC, local hours begin at other times.';
COMMENT ON COLUMN leg_facts.day IS 'The day in UTC on which the leg was accepted. NULL: nobody accepted it.';

-- ------------------------------------------------------------------------------------ removals, repeated contacts

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

CREATE VIEW repeat_contacts AS
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
COMMENT ON VIEW repeat_contacts IS 'One row for each engagement, with the previous engagement of the same visitor. The share of engagements that no other engagement of the visitor follows within some days is the usual approximation of first contact resolution (FCR). A visitor is recognised by the browser: somebody who comes back with another browser counts as a new visitor. Join engagement_facts by engagement_id for site, queue and operator.';
COMMENT ON COLUMN repeat_contacts.engagement_id IS 'engagements.id';
COMMENT ON COLUMN repeat_contacts.created_at IS 'When the engagement was requested. Ask for a range of this: there is an index.';
COMMENT ON COLUMN repeat_contacts.previous_engagement_id IS 'The last engagement of the same visitor before this one. NULL: none is stored, or the visitor is not known.';
COMMENT ON COLUMN repeat_contacts.previous_created_at IS 'When the previous engagement was requested.';
COMMENT ON COLUMN repeat_contacts.within_30_days IS 'The same for 30 days. Also false if the tables do not reach back that far.';
COMMENT ON COLUMN repeat_contacts.engagement_type IS 'Type of this engagement, as in engagement_facts. If an operator calls back, the proactive engagement counts as a repeat contact of the visitor too.';

-- ---------------------------------------------------------------------------------------------------------- reports

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
