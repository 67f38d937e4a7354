-- Version 16: engagements by hour, counted and expected, and an index for finding old verifications that newer ones
-- have replaced.

CREATE TABLE volume_hours (
    site_id     text COLLATE "C" NOT NULL,
    hour_start  timestamptz NOT NULL,
    engagements bigint NOT NULL,
    PRIMARY KEY (site_id, hour_start)
);
COMMENT ON TABLE volume_hours IS 'Number of stored engagements by site and hour of created_at. The service counts an hour when the watermark has passed it, and again while engagements may still arrive late. State of the program: read the view volume instead.';
COMMENT ON COLUMN volume_hours.site_id IS 'Site id.';
COMMENT ON COLUMN volume_hours.hour_start IS 'Start of the hour.';
COMMENT ON COLUMN volume_hours.engagements IS 'Engagements created in that hour that the site listed.';

CREATE VIEW volume AS
SELECT v.site_id,
       n.name AS site_name,
       v.hour_start,
       v.hour_start AT TIME ZONE z.zone AS hour_start_local,
       v.engagements,
       CASE WHEN NOT h.is_holiday AND x.weeks >= 4 THEN x.median END AS expected_engagements,
       x.weeks::int AS weeks,
       h.is_holiday
FROM volume_hours v
LEFT JOIN LATERAL (SELECT s.name, s.iana_time_zone FROM sites s WHERE s.id = v.site_id LIMIT 1) n ON true
CROSS JOIN LATERAL (SELECT coalesce(n.iana_time_zone, 'UTC') AS zone) z
-- Holidays by subqueries, so that each day is found by the primary key: for a join the planner reads the whole table.
CROSS JOIN LATERAL (SELECT (SELECT d.day FROM holidays d
                            WHERE d.site_id = v.site_id AND d.day = (v.hour_start AT TIME ZONE z.zone)::date) IS NOT NULL AS is_holiday) h
-- The same local hour of the eight weeks before, because a contact centre opens by local time, also when clocks change.
-- An array, so that each hour is found by the primary key.
CROSS JOIN LATERAL (SELECT array_agg(((v.hour_start AT TIME ZONE z.zone) - k.week * interval '7 days') AT TIME ZONE z.zone) AS hours
                    FROM generate_series(1, 8) AS k (week)) a
CROSS JOIN LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY w.engagements) AS median, count(*) AS weeks
                    FROM volume_hours w
                    WHERE w.site_id = v.site_id AND w.hour_start = ANY (a.hours)
                      AND (SELECT d.day FROM holidays d
                           WHERE d.site_id = w.site_id AND d.day = (w.hour_start AT TIME ZONE z.zone)::date) IS NULL) x;
COMMENT ON VIEW volume IS 'One row for each site and complete hour: how many engagements were created in it, and how many are usual. `glia-sync status`, the metrics glia_sync_volume_… and the alert GliaSyncVolumeUnusual use this view. An hour is counted when it is complete, and again for engagements that arrive late. Engagements that the source no longer has count too. The view is not a history: counting begins 59 days before the first count, older hours are never counted, and counted hours are deleted after 400 days. For a history count engagement_facts.';
COMMENT ON COLUMN volume.site_id IS 'Site id. An engagement that several sites list counts for each.';
COMMENT ON COLUMN volume.site_name IS 'Name of the site, if it is known.';
COMMENT ON COLUMN volume.hour_start IS 'Start of the hour.';
COMMENT ON COLUMN volume.hour_start_local IS 'hour_start in the time zone of the site, or in UTC if that is not known.';
COMMENT ON COLUMN volume.engagements IS 'Engagements created in that hour.';
COMMENT ON COLUMN volume.expected_engagements IS 'Median of the same local hour of the week in the eight weeks before, without holidays. NULL on a holiday, and if fewer than four of those hours are known, as for a new site.';
COMMENT ON COLUMN volume.weeks IS 'How many of those eight hours are known and not on a holiday.';
COMMENT ON COLUMN volume.is_holiday IS 'True if the table holidays has the day for the site.';

CREATE INDEX verifications_of_day ON verifications (site_id, day, id);
