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
COMMENT ON COLUMN operators.extra IS 'Members of the listing that have no column and do not change by the minute; NULL if there were none.';
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
