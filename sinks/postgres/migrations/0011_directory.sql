-- Version 11: names. Operators, sites and queues are read as whole listings, each a stream of its own.

-- Few rows, of which few change: room for new versions of them on the same page.
CREATE TABLE operators (
    id                   text COLLATE "C" PRIMARY KEY,
    name                 text,
    email                text,
    role                 text,
    enabled              boolean,
    reactive_enabled     boolean,
    proactive_enabled    boolean,
    observation_enabled  boolean,
    picture_url          text,
    audio_source         text,
    phone                text,
    max_engagement_count bigint,
    extra                jsonb,
    fetched_at           timestamptz NOT NULL,
    content_hash         bytea NOT NULL,
    first_seen_at        timestamptz NOT NULL,
    changed_at           timestamptz NOT NULL,
    missing_since        timestamptz
) WITH (fillfactor = 80);
COMMENT ON TABLE operators IS 'The operators of the contact centre, closed accounts included. What changes by the minute, such as whether they are available, is not kept.';
COMMENT ON COLUMN operators.id IS 'Operator id; legs.operator_id and engagement_operators.operator_id refer to it.';
COMMENT ON COLUMN operators.name IS 'Name, as `privacy.operator_name` allows; name_history has the earlier ones.';
COMMENT ON COLUMN operators.email IS 'E-mail address, as `privacy.operator_contact` allows. Personal data.';
COMMENT ON COLUMN operators.role IS 'operator, manager, super_manager, or another role.';
COMMENT ON COLUMN operators.enabled IS 'False if the account is closed.';
COMMENT ON COLUMN operators.reactive_enabled IS 'True if the operator may take engagements that visitors ask for.';
COMMENT ON COLUMN operators.proactive_enabled IS 'True if the operator may offer engagements to visitors.';
COMMENT ON COLUMN operators.observation_enabled IS 'True if the operator may observe visitors.';
COMMENT ON COLUMN operators.picture_url IS 'URL of the picture, as `privacy.operator_contact` allows. Personal data.';
COMMENT ON COLUMN operators.audio_source IS 'How the operator is called, such as phone.';
COMMENT ON COLUMN operators.phone IS 'Telephone number, as `privacy.operator_contact` allows. Personal data.';
COMMENT ON COLUMN operators.max_engagement_count IS 'How many engagements at the same time are allowed; NULL: not limited, or not told.';
COMMENT ON COLUMN operators.extra IS 'Members of the listing that have no column and do not change by the minute; NULL if there were none. Personal data.';
COMMENT ON COLUMN operators.fetched_at IS 'When the listing that last changed this row was asked for, by the clock of the API server.';
COMMENT ON COLUMN operators.content_hash IS 'Hash of what is stored, with its version in front.';
COMMENT ON COLUMN operators.first_seen_at IS 'When the operator was first stored.';
COMMENT ON COLUMN operators.changed_at IS 'When this row was last changed.';
COMMENT ON COLUMN operators.missing_since IS 'Since when no listing shows the operator any more; NULL: one does.';

CREATE TABLE operator_sites (
    operator_id text COLLATE "C" NOT NULL,
    site_id     text COLLATE "C" NOT NULL,
    PRIMARY KEY (operator_id, site_id)
);
-- A listing is compared with what the same site showed before.
CREATE INDEX operator_sites_site ON operator_sites (site_id);
COMMENT ON TABLE operator_sites IS 'The sites whose latest listing shows an operator.';
COMMENT ON COLUMN operator_sites.operator_id IS 'operators.id';
COMMENT ON COLUMN operator_sites.site_id IS 'sites.id';

CREATE TABLE sites (
    id                         text COLLATE "C" PRIMARY KEY,
    name                       text,
    addresses                  text[],
    time_zone                  text,
    iana_time_zone             text,
    reactive_call_timeout      bigint,
    proactive_call_timeout     bigint,
    multi_engagement_max_count bigint,
    extra                      jsonb,
    fetched_at                 timestamptz,
    content_hash               bytea NOT NULL,
    first_seen_at              timestamptz NOT NULL,
    changed_at                 timestamptz NOT NULL
) WITH (fillfactor = 80);
COMMENT ON TABLE sites IS 'The sites, by what the API tells of them or, where the token may not read them, the configuration.';
COMMENT ON COLUMN sites.id IS 'Site id.';
COMMENT ON COLUMN sites.name IS 'Name; name_history has the earlier ones.';
COMMENT ON COLUMN sites.addresses IS 'Addresses of the web pages of the site.';
COMMENT ON COLUMN sites.time_zone IS 'Time zone, in the words of the API, such as Eastern Time (US & Canada).';
COMMENT ON COLUMN sites.iana_time_zone IS 'The same by the name that PostgreSQL knows, such as America/New_York; NULL: not known, read UTC.';
COMMENT ON COLUMN sites.reactive_call_timeout IS 'For how long a visitor''s call rings, in seconds.';
COMMENT ON COLUMN sites.proactive_call_timeout IS 'For how long an operator''s call rings, in seconds.';
COMMENT ON COLUMN sites.multi_engagement_max_count IS 'How many engagements an operator may have at the same time.';
COMMENT ON COLUMN sites.extra IS 'Members that have no column; NULL if there were none.';
COMMENT ON COLUMN sites.fetched_at IS 'When the answer that last changed this row was asked for, by the clock of the API server; NULL: the row is from the configuration.';
COMMENT ON COLUMN sites.content_hash IS 'Hash of what is stored, with its version in front.';
COMMENT ON COLUMN sites.first_seen_at IS 'When the site was first stored.';
COMMENT ON COLUMN sites.changed_at IS 'When this row was last changed.';

ALTER TABLE queues
    ADD COLUMN site_id           text COLLATE "C",
    ADD COLUMN description       text,
    ADD COLUMN status            text,
    ADD COLUMN created_at        timestamptz,
    ADD COLUMN updated_at        timestamptz,
    ADD COLUMN capacity          bigint,
    ADD COLUMN media             text[],
    ADD COLUMN fallback_queue_id text COLLATE "C",
    ADD COLUMN when_unstaffed    text,
    ADD COLUMN extra             jsonb,
    ADD COLUMN listed_at         timestamptz,
    ADD COLUMN content_hash      bytea,
    ADD COLUMN missing_since     timestamptz;
CREATE INDEX queues_site ON queues (site_id);
COMMENT ON TABLE queues IS 'The queues that engagements and legs refer to, and those that the API lists.';
COMMENT ON COLUMN queues.name IS 'Name of the queue in its listing or, if that is newer or the only one, on the newest engagement that carried it; name_history has the earlier ones.';
COMMENT ON COLUMN queues.name_as_of IS 'As of when the queue had that name: created_at of the engagement, or when the listing was asked for.';
COMMENT ON COLUMN queues.site_id IS 'sites.id; this and what follows is NULL for a queue that no listing has shown.';
COMMENT ON COLUMN queues.description IS 'Description.';
COMMENT ON COLUMN queues.status IS 'opened, closed, or another status.';
COMMENT ON COLUMN queues.created_at IS 'When the queue was created at the source.';
COMMENT ON COLUMN queues.updated_at IS 'When the queue was last changed at the source.';
COMMENT ON COLUMN queues.capacity IS 'How many visitors the queue takes.';
COMMENT ON COLUMN queues.media IS 'The media that the queue is for, such as text and audio.';
COMMENT ON COLUMN queues.fallback_queue_id IS 'queues.id of the queue that takes over.';
COMMENT ON COLUMN queues.when_unstaffed IS 'What happens while nobody serves the queue: accept or reject.';
COMMENT ON COLUMN queues.extra IS 'Members of the listing that have no column and do not change by the minute; NULL if there were none.';
COMMENT ON COLUMN queues.listed_at IS 'When the listing that last changed this row was asked for, by the clock of the API server.';
COMMENT ON COLUMN queues.content_hash IS 'Hash of what is stored of the listing, with its version in front.';
COMMENT ON COLUMN queues.missing_since IS 'Since when the listing of its site does not show the queue any more; NULL: it does, or never has.';

CREATE TABLE name_history (
    kind       text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz,
    name       text NOT NULL,
    PRIMARY KEY (kind, id, valid_from)
);
COMMENT ON TABLE name_history IS 'Every name that an operator, a site or a queue had in a listing.';
COMMENT ON COLUMN name_history.kind IS 'operator, site or queue.';
COMMENT ON COLUMN name_history.id IS 'operators.id, sites.id or queues.id.';
COMMENT ON COLUMN name_history.valid_from IS 'When the listing that first showed the name was asked for, by the clock of the API server.';
COMMENT ON COLUMN name_history.valid_to IS 'The same of the first listing that showed another name; NULL: it is still the name.';
COMMENT ON COLUMN name_history.name IS 'The name, of an operator as `privacy.operator_name` allows.';

-- A listing that the API refuses is left alone, and told of once a day, whoever reads it.
ALTER TABLE sync_state ADD COLUMN refusal text, ADD COLUMN refusal_warned_at timestamptz;
COMMENT ON COLUMN sync_state.refusal IS 'How the API last refused the listing; NULL: it did not.';
COMMENT ON COLUMN sync_state.refusal_warned_at IS 'When the log last warned of that.';
COMMENT ON COLUMN sync_runs.mode IS 'incremental, revisit, backfill, or listing: operators, sites or queues as a whole.';

-- Names and local times beside the ids; NULL where they are not known.
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
       l.seconds_to_accept,
       l.handle_seconds,
       e.duration AS duration_seconds,
       l.accepted_at,
       CASE WHEN NOT l.ongoing THEN l.ended_at END AS ended_at,
       l.ongoing,
       CASE WHEN NOT l.ongoing THEN l.end_reason END AS end_reason,
       CASE WHEN e.video_used THEN 'video' WHEN e.audio_used THEN 'audio' ELSE 'text' END AS richest_media,
       e.cobrowsing_used,
       e.flagged,
       l.site_id,
       s.name AS site_name,
       l.site_count,
       fo.name AS first_operator_name,
       lo.name AS last_operator_name,
       fq.name AS first_queue_name,
       lq.name AS last_queue_name,
       e.created_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS created_at_local
FROM engagements e
LEFT JOIN LATERAL (
    SELECT count(*)::int AS legs,
           (array_agg(g.operator_id ORDER BY g.position))[1] AS first_operator_id,
           (array_agg(g.operator_id ORDER BY g.position DESC))[1] AS last_operator_id,
           (array_agg(r.queue_id ORDER BY g.position))[1] AS first_queue_id,
           (array_agg(r.queue_id ORDER BY g.position DESC) FILTER (WHERE r.queue_id IS NOT NULL))[1] AS last_queue_id,
           (array_agg(CASE WHEN isfinite(g.accepted_at) AND isfinite(g.requested_at)
                           THEN (extract(epoch FROM g.accepted_at) - extract(epoch FROM g.requested_at))::float8 END
                      ORDER BY g.position))[1] AS seconds_to_accept,
           CASE WHEN count(g.duration) > 0
                THEN greatest(least(sum(g.duration), 9223372036854775807), -9223372036854775808)::bigint END AS handle_seconds,
           (array_agg(g.accepted_at ORDER BY g.position))[1] AS accepted_at,
           max(g.ended_at) AS ended_at,
           bool_or(g.ended_at IS NULL) AS ongoing,
           (array_agg(g.end_reason ORDER BY g.position DESC))[1] AS end_reason,
           (array_agg(g.site_id ORDER BY g.position))[1] AS site_id,
           count(DISTINCT g.site_id)::int AS site_count
    FROM legs g
    LEFT JOIN leg_queues r ON r.engagement_id = g.engagement_id AND r.leg_id = g.id AND r.position = 0
    WHERE g.engagement_id = e.id
    HAVING count(*) > 0
) AS l ON true
LEFT JOIN engagement_queues q ON q.engagement_id = e.id AND q.position = 0
LEFT JOIN sites s ON s.id = l.site_id
LEFT JOIN operators fo ON fo.id = l.first_operator_id
LEFT JOIN operators lo ON lo.id = l.last_operator_id
LEFT JOIN queues fq ON fq.id = coalesce(l.first_queue_id, q.queue_id)
LEFT JOIN queues lq ON lq.id = coalesce(l.last_queue_id, l.first_queue_id, q.queue_id);

CREATE OR REPLACE VIEW leg_facts AS
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
       CASE WHEN isfinite(g.accepted_at) AND isfinite(g.requested_at)
            THEN (extract(epoch FROM g.accepted_at) - extract(epoch FROM g.requested_at))::float8 END AS seconds_to_accept,
       g.duration AS handle_seconds,
       g.end_reason,
       g.accepted_media_type,
       g.used_cobrowsing,
       o.name AS operator_name,
       s.name AS site_name,
       q.name AS queue_name,
       g.requested_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS requested_at_local,
       g.accepted_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS accepted_at_local,
       g.ended_at AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS ended_at_local
FROM legs g
LEFT JOIN leg_queues r ON r.engagement_id = g.engagement_id AND r.leg_id = g.id AND r.position = 0
LEFT JOIN operators o ON o.id = g.operator_id
LEFT JOIN sites s ON s.id = g.site_id
LEFT JOIN queues q ON q.id = r.queue_id;

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
       count(*) FILTER (WHERE l.seconds_to_accept <= 20)::float8 / nullif(count(l.seconds_to_accept), 0) AS service_level_20_seconds,
       avg(l.handle_seconds)::float8 AS average_handle_seconds,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.handle_seconds) AS median_handle_seconds,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY l.handle_seconds) AS p90_handle_seconds,
       count(*) FILTER (WHERE l.transferred_out)::float8 / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0) AS transfer_rate,
       count(*) FILTER (WHERE l.accepted_at IS NULL AND l.ended_at IS NOT NULL) AS ended_unaccepted,
       q.site_id,
       s.name AS site_name,
       l.hour AT TIME ZONE coalesce(s.iana_time_zone, 'UTC') AS hour_local
FROM (SELECT f.*, date_trunc('hour', coalesce(f.accepted_at, f.requested_at), 'UTC') AS hour FROM leg_facts f) AS l
LEFT JOIN queues q ON q.id = l.queue_id
LEFT JOIN sites s ON s.id = q.site_id
WHERE l.queue_id IS NOT NULL
GROUP BY l.queue_id, q.name, q.site_id, s.name, s.iana_time_zone, l.hour;

CREATE OR REPLACE VIEW operator_daily AS
SELECT l.operator_id,
       l.day,
       count(*) AS legs,
       count(DISTINCT l.engagement_id) AS engagements,
       count(*) FILTER (WHERE l.transferred_in) AS transfers_in,
       count(*) FILTER (WHERE l.transferred_out) AS transfers_out,
       count(*) FILTER (WHERE l.transferred_out)::float8 / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0) AS transfer_rate,
       CASE WHEN count(l.handle_seconds) > 0
            THEN greatest(least(sum(l.handle_seconds), 9223372036854775807), -9223372036854775808)::bigint END AS handle_seconds,
       avg(l.handle_seconds)::float8 AS average_handle_seconds,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.handle_seconds) AS median_handle_seconds,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY l.handle_seconds) AS p90_handle_seconds,
       avg(l.seconds_to_accept) AS average_seconds_to_accept,
       count(*) FILTER (WHERE l.end_reason IN ('visitor_left', 'visitor_hung_up')) AS ended_by_visitor,
       count(*) FILTER (WHERE l.end_reason IN ('operator_left', 'operator_hung_up')) AS ended_by_operator,
       count(*) FILTER (WHERE l.end_reason = 'error') AS ended_by_error,
       o.name AS operator_name
FROM (SELECT f.*, (f.accepted_at AT TIME ZONE 'UTC')::date AS day FROM leg_facts f WHERE f.accepted_at IS NOT NULL) AS l
LEFT JOIN operators o ON o.id = l.operator_id
WHERE l.operator_id IS NOT NULL
GROUP BY l.operator_id, o.name, l.day;

CREATE OR REPLACE VIEW freshness AS
SELECT s.site_id,
       s.synced_through AS complete_through,
       CASE WHEN isfinite(s.synced_through)
            THEN (extract(epoch FROM now()) - extract(epoch FROM s.synced_through))::float8 END AS lag_seconds,
       s.last_success_at,
       coalesce(r.records, 0) AS rejected,
       coalesce(d.engagements, 0) AS waiting_for_legs,
       n.name AS site_name
FROM sync_state s
LEFT JOIN sites n ON n.id = s.site_id
LEFT JOIN (SELECT r.site_id, count(*) AS records FROM rejected_records r WHERE r.resolved_at IS NULL GROUP BY r.site_id) r
       ON r.site_id = s.site_id
LEFT JOIN (SELECT e.site_id, count(*) AS engagements
           FROM detail_queue d JOIN engagement_sites e ON e.engagement_id = d.engagement_id GROUP BY e.site_id) d
       ON d.site_id = s.site_id
WHERE s.stream = 'engagements';

COMMENT ON COLUMN engagement_facts.created_at IS 'When the engagement request was created. Ask for a range of this: there is an index.';
COMMENT ON COLUMN engagement_facts.site_id IS 'The site of the first leg.';
COMMENT ON COLUMN engagement_facts.site_name IS 'Its name.';
COMMENT ON COLUMN engagement_facts.site_count IS 'How many sites the legs are of.';
COMMENT ON COLUMN engagement_facts.first_operator_name IS 'Name of the operator of the first leg.';
COMMENT ON COLUMN engagement_facts.last_operator_name IS 'Name of the operator of the last leg.';
COMMENT ON COLUMN engagement_facts.first_queue_name IS 'Name of first_queue_id.';
COMMENT ON COLUMN engagement_facts.last_queue_name IS 'Name of last_queue_id.';
COMMENT ON COLUMN engagement_facts.created_at_local IS 'created_at in the time zone of the site of the first leg; UTC where that is not known. Ask for a range of created_at, not of this: it has no index.';
COMMENT ON COLUMN leg_facts.operator_name IS 'Name of the operator.';
COMMENT ON COLUMN leg_facts.site_name IS 'Name of the site.';
COMMENT ON COLUMN leg_facts.queue_name IS 'Name of the queue.';
COMMENT ON COLUMN leg_facts.requested_at_local IS 'requested_at in the time zone of the site of the leg; UTC where that is not known.';
COMMENT ON COLUMN leg_facts.accepted_at_local IS 'accepted_at in the time zone of the site of the leg; UTC where that is not known.';
COMMENT ON COLUMN leg_facts.ended_at_local IS 'ended_at in the time zone of the site of the leg; UTC where that is not known.';
COMMENT ON COLUMN queue_hourly.queue_name IS 'Name of the queue.';
COMMENT ON COLUMN queue_hourly.site_id IS 'The site of the queue, as its listing tells.';
COMMENT ON COLUMN queue_hourly.site_name IS 'Name of that site.';
COMMENT ON COLUMN queue_hourly.hour_local IS 'The hour in the time zone of that site; UTC where that is not known.';
COMMENT ON COLUMN operator_daily.operator_name IS 'Name of the operator.';
COMMENT ON COLUMN freshness.site_name IS 'Name of the site.';

COMMENT ON COLUMN forgotten.kind IS '`engagement`, `visitor` or `operator`.';
COMMENT ON COLUMN erasures.kind IS '`engagement`, `visitor`, `operator`, or `recordings`: the files of an engagement whose rows are gone.';
