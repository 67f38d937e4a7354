-- Version 4: what is erased stays away; transcripts, recordings and the queue's wait are fetched beside the sync.

CREATE TABLE forgotten (
    kind         text NOT NULL,
    mark         bytea NOT NULL,
    forgotten_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, mark)
);
COMMENT ON TABLE forgotten IS 'Tombstones of what `glia-sync forget` erased: none of it is written again. Holds nothing that tells who it was.';
COMMENT ON COLUMN forgotten.kind IS '`engagement` or `visitor`.';
COMMENT ON COLUMN forgotten.mark IS 'The first 16 bytes of the id''s SHA-256.';
COMMENT ON COLUMN forgotten.forgotten_at IS 'When it was asked for.';

CREATE TABLE erasures (
    kind         text NOT NULL,
    id           text COLLATE "C" NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, id)
);
COMMENT ON TABLE erasures IS 'Erasures that are not through yet; whoever finds one goes on with it. A row leaves with the last of what it names.';
COMMENT ON COLUMN erasures.kind IS '`engagement`, `visitor`, or `recordings`: the files of an engagement whose rows are gone.';
COMMENT ON COLUMN erasures.id IS 'The id, of a visitor as it is stored.';
COMMENT ON COLUMN erasures.requested_at IS 'When it was asked for.';

CREATE TABLE enrichments (
    engagement_id   text COLLATE "C" NOT NULL,
    kind            text NOT NULL,
    item            text COLLATE "C" NOT NULL,
    created_at      timestamptz NOT NULL,
    wanted_after    timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL DEFAULT now(),
    done_at         timestamptz,
    waiting         boolean NOT NULL DEFAULT true,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error      text,
    last_error_at   timestamptz,
    claimed_by      text,
    claimed_until   timestamptz,
    path            text,
    size_bytes      bigint,
    sha256          text,
    PRIMARY KEY (engagement_id, kind, item)
) WITH (fillfactor = 80);
CREATE INDEX enrichments_waiting ON enrichments (kind, created_at DESC) WHERE waiting;
COMMENT ON TABLE enrichments IS 'What enrichers have to fetch and have fetched: a row for each transcript and each recording. State of the program.';
COMMENT ON COLUMN enrichments.engagement_id IS 'The engagement.';
COMMENT ON COLUMN enrichments.kind IS '`transcript` or `recording`.';
COMMENT ON COLUMN enrichments.item IS 'Of a recording its URL at the API; else empty.';
COMMENT ON COLUMN enrichments.created_at IS 'The engagement''s: the newest come first.';
COMMENT ON COLUMN enrichments.wanted_after IS 'A response asked for earlier does not settle it.';
COMMENT ON COLUMN enrichments.changed_at IS 'engagements.changed_at when it was asked for.';
COMMENT ON COLUMN enrichments.done_at IS 'When it was last fetched; NULL if it never was.';
COMMENT ON COLUMN enrichments.waiting IS 'True while it is to be fetched.';
COMMENT ON COLUMN enrichments.attempts IS 'Failed attempts in a row.';
COMMENT ON COLUMN enrichments.next_attempt_at IS 'When it is tried next.';
COMMENT ON COLUMN enrichments.last_error IS 'Why it was not fetched last time.';
COMMENT ON COLUMN enrichments.last_error_at IS 'When that was.';
COMMENT ON COLUMN enrichments.claimed_by IS 'The instance that fetches it.';
COMMENT ON COLUMN enrichments.claimed_until IS 'When the claim ends.';
COMMENT ON COLUMN enrichments.path IS 'Of a recording: its file below the configured directory.';
COMMENT ON COLUMN enrichments.size_bytes IS 'Of a recording: the size of its file.';
COMMENT ON COLUMN enrichments.sha256 IS 'Of a recording: the SHA-256 of its file, in hexadecimal digits.';

CREATE TABLE enrichers (
    kind            text PRIMARY KEY,
    next_at         timestamptz NOT NULL DEFAULT now(),
    queued_through  timestamptz,
    last_success_at timestamptz,
    last_error      text,
    last_error_at   timestamptz
);
COMMENT ON TABLE enrichers IS 'When the queue''s wait is to be sampled next, and how each enricher fared last. State of the program.';
COMMENT ON COLUMN enrichers.kind IS '`queue_wait`, `transcript` or `recording`.';
COMMENT ON COLUMN enrichers.next_at IS 'Of the queue''s wait: whoever comes first after this moment takes the next sample.';
COMMENT ON COLUMN enrichers.queued_through IS 'Everything that changed up to then has been asked for.';
COMMENT ON COLUMN enrichers.last_success_at IS 'When something was fetched last.';
COMMENT ON COLUMN enrichers.last_error IS 'The last failure that was not of a single engagement.';
COMMENT ON COLUMN enrichers.last_error_at IS 'When that was.';

ALTER TABLE audio_recordings ADD COLUMN path text;
ALTER TABLE audio_recordings ADD COLUMN size_bytes bigint;
ALTER TABLE audio_recordings ADD COLUMN sha256 text;
ALTER TABLE audio_recordings ADD COLUMN downloaded_at timestamptz;
COMMENT ON COLUMN audio_recordings.path IS 'The file, below the directory of enrich.recordings; NULL until it is downloaded.';
COMMENT ON COLUMN audio_recordings.size_bytes IS 'Size of the file.';
COMMENT ON COLUMN audio_recordings.sha256 IS 'SHA-256 of the file, in hexadecimal digits.';
COMMENT ON COLUMN audio_recordings.downloaded_at IS 'When the file was complete on disk.';

-- What can tell who somebody is says so: config/postgres/roles.sql goes by these words.
COMMENT ON COLUMN engagements.visitor_href IS 'URL of the visitor in the API; it ends in visitor_id. Personal data.';
COMMENT ON COLUMN engagements.extra IS 'What the API sent beyond its documentation, as a JSON object; NULL if there was nothing. Personal data, perhaps.';
COMMENT ON COLUMN legs.extra IS 'What the API sent beyond its documentation, as a JSON object; NULL if there was nothing. Personal data, perhaps.';
COMMENT ON COLUMN chat_messages.sender_href IS 'Link to the sender in the API. Personal data.';
COMMENT ON COLUMN chat_messages.attachment IS 'Attachment as the API sent it. Personal data, perhaps.';
COMMENT ON COLUMN chat_messages.metadata IS 'Metadata as the API sent them. Personal data, perhaps.';
COMMENT ON COLUMN chat_messages.extra IS 'Members that are not known otherwise; NULL if there were none. Personal data, perhaps.';
