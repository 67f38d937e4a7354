-- Version 1: the tables of DESIGN.md §3.
--
-- Runs inside one transaction with search_path set to the configured schema, so no name here is qualified.
-- No foreign keys: an engagement and its children are replaced in one transaction.
-- Every data table's key begins with the engagement's id, so that the schema can be distributed by it.

-- ---------------------------------------------------------------------------------------------- data

CREATE TABLE engagements (
    id                   text COLLATE "C" PRIMARY KEY,
    engagement_type      text,
    created_at           timestamptz NOT NULL,
    duration             bigint,
    visitor_name         text,
    visitor_browser      text,
    visitor_device_type  text,
    visitor_id           text COLLATE "C",
    cobrowsing_used      boolean,
    video_used           boolean,
    audio_used           boolean,
    flagged              boolean,
    queue_wait_time      bigint,
    crm_forwarded        boolean,
    summary_forwarded    boolean,
    platform             text,
    source               text,
    visitor_href         text,
    chat_transcript_href text,
    extra                jsonb,
    fetched_at           timestamptz NOT NULL,
    first_seen_at        timestamptz NOT NULL DEFAULT now(),
    changed_at           timestamptz NOT NULL DEFAULT now(),
    legs_fetched_at      timestamptz,
    core_hash            bytea NOT NULL,
    list_hash            bytea,
    legs_hash            bytea
-- Almost every engagement is updated once, when its legs arrive: room on the page keeps that update off the index.
) WITH (fillfactor = 85);
-- Analysts ask by time; rows arrive nearly in that order, so a BRIN index answers for next to no cost.
CREATE INDEX engagements_created_at_brin ON engagements USING brin (created_at) WITH (pages_per_range = 32);

COMMENT ON TABLE engagements IS 'One row per engagement: a conversation of a visitor with one or more operators, as the API last showed it.';
COMMENT ON COLUMN engagements.id IS 'Engagement id.';
COMMENT ON COLUMN engagements.engagement_type IS 'proactive (an operator asked) or reactive (the visitor asked); new values load as they are.';
COMMENT ON COLUMN engagements.created_at IS 'When the engagement request was created.';
COMMENT ON COLUMN engagements.duration IS 'Length of the engagement, in seconds.';
COMMENT ON COLUMN engagements.visitor_name IS 'Name of the visitor. Personal data.';
COMMENT ON COLUMN engagements.visitor_browser IS 'Browser of the visitor.';
COMMENT ON COLUMN engagements.visitor_device_type IS 'Kind of device the visitor used, such as desktop or mobile.';
COMMENT ON COLUMN engagements.visitor_id IS 'Visitor id. Personal data.';
COMMENT ON COLUMN engagements.cobrowsing_used IS 'True if CoBrowsing was used.';
COMMENT ON COLUMN engagements.video_used IS 'True if video was used.';
COMMENT ON COLUMN engagements.audio_used IS 'True if audio was used.';
COMMENT ON COLUMN engagements.flagged IS 'True if somebody flagged the engagement.';
COMMENT ON COLUMN engagements.queue_wait_time IS 'Time the visitor waited in a queue before the engagement, in seconds; only for reactive engagements that came through a queue.';
COMMENT ON COLUMN engagements.crm_forwarded IS 'True once the export to the CRM has happened.';
COMMENT ON COLUMN engagements.summary_forwarded IS 'True once the summary has been forwarded.';
COMMENT ON COLUMN engagements.platform IS 'omnibrowse: asked for from the Call Visualizer; omnicore: everything else.';
COMMENT ON COLUMN engagements.source IS 'How the engagement came about, such as tab, callout or sms; NULL or empty: an operator asked.';
COMMENT ON COLUMN engagements.visitor_href IS 'Link to the visitor in the API.';
COMMENT ON COLUMN engagements.chat_transcript_href IS 'Link to the chat transcript in the API.';
COMMENT ON COLUMN engagements.extra IS 'Members that the API sent and its documentation does not know; NULL if there were none.';
COMMENT ON COLUMN engagements.fetched_at IS 'When the response that this row shows was asked for, by the clock of the API server. An older response never overwrites a newer one.';
COMMENT ON COLUMN engagements.first_seen_at IS 'When the engagement was first stored here.';
COMMENT ON COLUMN engagements.changed_at IS 'When anything of the engagement, legs included, was last written here.';
COMMENT ON COLUMN engagements.legs_fetched_at IS 'When the stored legs were asked for, by the clock of the API server; NULL: the legs are still to come.';
COMMENT ON COLUMN engagements.core_hash IS 'Hash of everything but the legs; glia-sync compares it to find changes.';
COMMENT ON COLUMN engagements.list_hash IS 'Hash of the list item last taken over; NULL: the next list item asks for the details again.';
COMMENT ON COLUMN engagements.legs_hash IS 'Hash of the legs.';

CREATE TABLE engagement_sites (
    engagement_id text COLLATE "C" NOT NULL,
    site_id       text COLLATE "C" NOT NULL,
    PRIMARY KEY (engagement_id, site_id)
);
COMMENT ON TABLE engagement_sites IS 'The sites whose listing showed the engagement; more than one where it was transferred between sites.';
COMMENT ON COLUMN engagement_sites.engagement_id IS 'engagements.id';
COMMENT ON COLUMN engagement_sites.site_id IS 'Site id.';

CREATE TABLE engagement_operators (
    engagement_id text COLLATE "C" NOT NULL,
    position      integer NOT NULL,
    operator_id   text COLLATE "C",
    href          text,
    PRIMARY KEY (engagement_id, position)
);
COMMENT ON TABLE engagement_operators IS 'The operators of an engagement, in the order of the API.';
COMMENT ON COLUMN engagement_operators.engagement_id IS 'engagements.id';
COMMENT ON COLUMN engagement_operators.position IS 'Place in the list, from 0.';
COMMENT ON COLUMN engagement_operators.operator_id IS 'Operator id: the last path segment of href.';
COMMENT ON COLUMN engagement_operators.href IS 'Link to the operator in the API.';

CREATE TABLE engagement_queues (
    engagement_id text COLLATE "C" NOT NULL,
    position      integer NOT NULL,
    queue_id      text COLLATE "C",
    PRIMARY KEY (engagement_id, position)
);
COMMENT ON TABLE engagement_queues IS 'The queues the visitor was in before the engagement started, in the order of the API; none for engagements that used no queue.';
COMMENT ON COLUMN engagement_queues.engagement_id IS 'engagements.id';
COMMENT ON COLUMN engagement_queues.position IS 'Place in the list, from 0.';
COMMENT ON COLUMN engagement_queues.queue_id IS 'queues.id';

CREATE TABLE audio_recordings (
    engagement_id text COLLATE "C" NOT NULL,
    position      integer NOT NULL,
    url           text,
    PRIMARY KEY (engagement_id, position)
);
COMMENT ON TABLE audio_recordings IS 'The audio recordings of an engagement, in the order of the API.';
COMMENT ON COLUMN audio_recordings.engagement_id IS 'engagements.id';
COMMENT ON COLUMN audio_recordings.position IS 'Place in the list, from 0.';
COMMENT ON COLUMN audio_recordings.url IS 'URL that hands out a temporary link to the recording. Personal data.';

CREATE TABLE queues (
    id              text COLLATE "C" PRIMARY KEY,
    name            text,
    name_as_of      timestamptz NOT NULL,
    name_fetched_at timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE queues IS 'The queues that engagements and legs refer to.';
COMMENT ON COLUMN queues.id IS 'Queue id.';
COMMENT ON COLUMN queues.name IS 'Name of the queue on the newest engagement that carried it.';
COMMENT ON COLUMN queues.name_as_of IS 'created_at of that engagement.';
COMMENT ON COLUMN queues.name_fetched_at IS 'fetched_at of the response the name was read from.';

CREATE TABLE legs (
    engagement_id               text COLLATE "C" NOT NULL,
    id                          text COLLATE "C" NOT NULL,
    position                    integer NOT NULL,
    operator_id                 text COLLATE "C",
    site_id                     text COLLATE "C",
    requested_at                timestamptz,
    accepted_at                 timestamptz,
    request_type                text,
    request_source              text,
    offered_media_type          text,
    accepted_media_type         text,
    duration                    bigint,
    highest_visitor_media_type  text,
    highest_operator_media_type text,
    used_cobrowsing             boolean,
    ended_at                    timestamptz,
    end_reason                  text,
    extra                       jsonb,
    PRIMARY KEY (engagement_id, id)
);
CREATE INDEX legs_accepted_at_brin ON legs USING brin (accepted_at) WITH (pages_per_range = 32);
COMMENT ON TABLE legs IS 'The legs of an engagement: it starts with one, and every transfer adds one.';
COMMENT ON COLUMN legs.engagement_id IS 'engagements.id';
COMMENT ON COLUMN legs.id IS 'Leg id; #0, #1, … where the API sent none.';
COMMENT ON COLUMN legs.position IS 'Place in the list, from 0.';
COMMENT ON COLUMN legs.operator_id IS 'The operator of the leg.';
COMMENT ON COLUMN legs.site_id IS 'The site of the leg.';
COMMENT ON COLUMN legs.requested_at IS 'When the engagement or the transfer was requested.';
COMMENT ON COLUMN legs.accepted_at IS 'When the request was accepted.';
COMMENT ON COLUMN legs.request_type IS 'reactive, proactive or transfer.';
COMMENT ON COLUMN legs.request_source IS 'How the request came about; the values of engagements.source.';
COMMENT ON COLUMN legs.offered_media_type IS 'Medium that was offered or asked for: text, audio, phone or video.';
COMMENT ON COLUMN legs.accepted_media_type IS 'Medium that was accepted: text, audio, phone or video.';
COMMENT ON COLUMN legs.duration IS 'Length of the leg, in seconds.';
COMMENT ON COLUMN legs.highest_visitor_media_type IS 'Richest medium the visitor used in the leg: text, audio or video.';
COMMENT ON COLUMN legs.highest_operator_media_type IS 'Richest medium the operator used in the leg: text, audio or video.';
COMMENT ON COLUMN legs.used_cobrowsing IS 'True if CoBrowsing was used in the leg.';
COMMENT ON COLUMN legs.ended_at IS 'When the leg ended or was transferred out; NULL while it goes on.';
COMMENT ON COLUMN legs.end_reason IS 'visitor_left, visitor_hung_up, operator_left, operator_hung_up, error or transfer.';
COMMENT ON COLUMN legs.extra IS 'Members that the API sent and its documentation does not know; NULL if there were none.';

CREATE TABLE leg_queues (
    engagement_id text COLLATE "C" NOT NULL,
    leg_id        text COLLATE "C" NOT NULL,
    position      integer NOT NULL,
    queue_id      text COLLATE "C",
    PRIMARY KEY (engagement_id, leg_id, position)
);
COMMENT ON TABLE leg_queues IS 'The queues of a leg''s request (request_queues), in the order of the API; no rows where queues were not used.';
COMMENT ON COLUMN leg_queues.engagement_id IS 'engagements.id';
COMMENT ON COLUMN leg_queues.leg_id IS 'legs.id';
COMMENT ON COLUMN leg_queues.position IS 'Place in the list, from 0.';
COMMENT ON COLUMN leg_queues.queue_id IS 'queues.id';

CREATE TABLE queue_wait_samples (
    site_id                     text COLLATE "C" NOT NULL,
    sampled_at                  timestamptz NOT NULL,
    average_duration_in_seconds bigint,
    PRIMARY KEY (site_id, sampled_at)
);
COMMENT ON TABLE queue_wait_samples IS 'The average time visitors of a site waited in the queue, sampled from the API.';
COMMENT ON COLUMN queue_wait_samples.site_id IS 'Site id.';
COMMENT ON COLUMN queue_wait_samples.sampled_at IS 'When the sample was taken.';
COMMENT ON COLUMN queue_wait_samples.average_duration_in_seconds IS 'Average wait, in seconds, over the period that the site is configured for.';

CREATE TABLE chat_messages (
    engagement_id text COLLATE "C" NOT NULL,
    position      integer NOT NULL,
    id            text COLLATE "C",
    created_at    timestamptz,
    type          text,
    message       text,
    sender_type   text,
    sender_name   text,
    sender_href   text,
    attachment    jsonb,
    metadata      jsonb,
    extra         jsonb,
    PRIMARY KEY (engagement_id, position)
);
COMMENT ON TABLE chat_messages IS 'The chat transcript of an engagement, where that is switched on.';
COMMENT ON COLUMN chat_messages.engagement_id IS 'engagements.id';
COMMENT ON COLUMN chat_messages.position IS 'Place in the transcript, from 0.';
COMMENT ON COLUMN chat_messages.id IS 'Message id, where the API sends one.';
COMMENT ON COLUMN chat_messages.created_at IS 'When the message was sent.';
COMMENT ON COLUMN chat_messages.type IS 'Kind of message, such as user or suggestion.';
COMMENT ON COLUMN chat_messages.message IS 'The text. Personal data.';
COMMENT ON COLUMN chat_messages.sender_type IS 'visitor, operator, system or another kind of sender.';
COMMENT ON COLUMN chat_messages.sender_name IS 'Name of the sender. Personal data.';
COMMENT ON COLUMN chat_messages.sender_href IS 'Link to the sender in the API.';
COMMENT ON COLUMN chat_messages.attachment IS 'Attachment as the API sent it.';
COMMENT ON COLUMN chat_messages.metadata IS 'Metadata as the API sent them.';
COMMENT ON COLUMN chat_messages.extra IS 'Members that are not known otherwise; NULL if there were none.';

-- --------------------------------------------------------------------------------------------- state

CREATE TABLE sync_state (
    site_id          text COLLATE "C" PRIMARY KEY,
    synced_through   timestamptz,
    pass_from        timestamptz,
    pass_to          timestamptz,
    pass_started_at  timestamptz,
    pass_next_page   text,
    pass_pages       bigint NOT NULL DEFAULT 0,
    pass_engagements bigint NOT NULL DEFAULT 0,
    last_success_at  timestamptz,
    last_error       text,
    last_error_at    timestamptz,
    failures         integer NOT NULL DEFAULT 0,
    next_poll_at     timestamptz,
    lease_owner      text,
    lease_epoch      bigint NOT NULL DEFAULT 0,
    lease_expires_at timestamptz
) WITH (fillfactor = 50);
COMMENT ON TABLE sync_state IS 'One row per site: how far it has been read, the open pass, and who is reading it.';
COMMENT ON COLUMN sync_state.site_id IS 'Site id.';
COMMENT ON COLUMN sync_state.synced_through IS 'Watermark: everything that the API listed by then is stored. The start of the last complete pass, by the clock of the API server.';
COMMENT ON COLUMN sync_state.pass_from IS 'start_date of the open pass; NULL: no pass is open.';
COMMENT ON COLUMN sync_state.pass_to IS 'end_date of the open pass; NULL: none.';
COMMENT ON COLUMN sync_state.pass_started_at IS 'When the first page of the open pass was asked for, by the clock of the API server.';
COMMENT ON COLUMN sync_state.pass_next_page IS 'The link at which the open pass goes on.';
COMMENT ON COLUMN sync_state.pass_pages IS 'Pages of the open pass that are stored.';
COMMENT ON COLUMN sync_state.pass_engagements IS 'Engagements on those pages.';
COMMENT ON COLUMN sync_state.last_success_at IS 'When a pass last reached its end.';
COMMENT ON COLUMN sync_state.last_error IS 'What last went wrong; stays until another error, see last_error_at.';
COMMENT ON COLUMN sync_state.last_error_at IS 'When that was.';
COMMENT ON COLUMN sync_state.failures IS 'Failed passes in a row.';
COMMENT ON COLUMN sync_state.next_poll_at IS 'When the next pass is due.';
COMMENT ON COLUMN sync_state.lease_owner IS 'The instance that reads the site now.';
COMMENT ON COLUMN sync_state.lease_epoch IS 'Counts the leases; a commit under an older one is refused.';
COMMENT ON COLUMN sync_state.lease_expires_at IS 'When others may take the site over, unless the lease is renewed.';

CREATE TABLE revisit_state (
    site_id         text COLLATE "C" NOT NULL,
    back_seconds    bigint NOT NULL,
    last_started_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, back_seconds)
) WITH (fillfactor = 50);
COMMENT ON TABLE revisit_state IS 'When each revisit tier of a site was last read to its end.';
COMMENT ON COLUMN revisit_state.site_id IS 'Site id.';
COMMENT ON COLUMN revisit_state.back_seconds IS 'How far back the tier reads, in seconds.';
COMMENT ON COLUMN revisit_state.last_started_at IS 'Start of the last revisit that reached its end.';

CREATE TABLE sync_runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mode        text NOT NULL,
    site_id     text COLLATE "C",
    backfill_id bigint,
    window_from timestamptz,
    window_to   timestamptz,
    started_at  timestamptz,
    finished_at timestamptz NOT NULL DEFAULT now(),
    pages       bigint NOT NULL DEFAULT 0,
    engagements bigint NOT NULL DEFAULT 0,
    rejected    bigint NOT NULL DEFAULT 0,
    requests    bigint NOT NULL DEFAULT 0,
    error       text
);
CREATE INDEX sync_runs_finished_at ON sync_runs (finished_at);
COMMENT ON TABLE sync_runs IS 'One row per finished or failed pass, and one per finished backfill.';
COMMENT ON COLUMN sync_runs.id IS 'Number of the run.';
COMMENT ON COLUMN sync_runs.mode IS 'incremental, revisit or backfill.';
COMMENT ON COLUMN sync_runs.site_id IS 'Site id; NULL for a backfill.';
COMMENT ON COLUMN sync_runs.backfill_id IS 'backfills.id, for a backfill.';
COMMENT ON COLUMN sync_runs.window_from IS 'start_date of what was read.';
COMMENT ON COLUMN sync_runs.window_to IS 'end_date of what was read; NULL: none.';
COMMENT ON COLUMN sync_runs.started_at IS 'When the first page was asked for, by the clock of the API server.';
COMMENT ON COLUMN sync_runs.finished_at IS 'When the run ended here.';
COMMENT ON COLUMN sync_runs.pages IS 'Pages read.';
COMMENT ON COLUMN sync_runs.engagements IS 'Engagements on those pages.';
COMMENT ON COLUMN sync_runs.rejected IS 'Records that could not be loaded.';
COMMENT ON COLUMN sync_runs.requests IS 'Requests sent, retries included.';
COMMENT ON COLUMN sync_runs.error IS 'Why the pass ended early; NULL: it did not.';

CREATE TABLE backfills (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    window_from    timestamptz NOT NULL,
    window_to      timestamptz NOT NULL,
    to_is_open     boolean NOT NULL,
    window_seconds bigint NOT NULL,
    sites          text[] NOT NULL,
    started_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz
);
COMMENT ON TABLE backfills IS 'One row per backfill command; the same command again goes on with the unfinished one.';
COMMENT ON COLUMN backfills.id IS 'Number of the backfill.';
COMMENT ON COLUMN backfills.window_from IS 'Start of the range.';
COMMENT ON COLUMN backfills.window_to IS 'End of the range.';
COMMENT ON COLUMN backfills.to_is_open IS 'True if no end was asked for: then it is the time the backfill was first started.';
COMMENT ON COLUMN backfills.window_seconds IS 'Length of a window, in seconds.';
COMMENT ON COLUMN backfills.sites IS 'The sites, sorted.';
COMMENT ON COLUMN backfills.started_at IS 'When the backfill was first started.';
COMMENT ON COLUMN backfills.finished_at IS 'When its last window was done; NULL: unfinished.';

CREATE TABLE backfill_windows (
    backfill_id      bigint NOT NULL,
    site_id          text COLLATE "C" NOT NULL,
    window_from      timestamptz NOT NULL,
    window_to        timestamptz NOT NULL,
    done             boolean NOT NULL DEFAULT false,
    pass_started_at  timestamptz,
    pass_next_page   text,
    pages            bigint NOT NULL DEFAULT 0,
    engagements      bigint NOT NULL DEFAULT 0,
    rejected         bigint NOT NULL DEFAULT 0,
    requests         bigint NOT NULL DEFAULT 0,
    attempts         integer NOT NULL DEFAULT 0,
    last_error       text,
    finished_at      timestamptz,
    lease_owner      text,
    lease_epoch      bigint NOT NULL DEFAULT 0,
    lease_expires_at timestamptz,
    PRIMARY KEY (backfill_id, site_id, window_from)
) WITH (fillfactor = 70);
CREATE INDEX backfill_windows_open ON backfill_windows (backfill_id, window_from, site_id) WHERE NOT done;
COMMENT ON TABLE backfill_windows IS 'The state of each window of each backfill.';
COMMENT ON COLUMN backfill_windows.backfill_id IS 'backfills.id';
COMMENT ON COLUMN backfill_windows.site_id IS 'Site id.';
COMMENT ON COLUMN backfill_windows.window_from IS 'start_date of the window.';
COMMENT ON COLUMN backfill_windows.window_to IS 'end_date of the window.';
COMMENT ON COLUMN backfill_windows.done IS 'True once its listing was read to the end.';
COMMENT ON COLUMN backfill_windows.pass_started_at IS 'When its first page was asked for, by the clock of the API server.';
COMMENT ON COLUMN backfill_windows.pass_next_page IS 'The link at which an interrupted window goes on.';
COMMENT ON COLUMN backfill_windows.pages IS 'Pages stored.';
COMMENT ON COLUMN backfill_windows.engagements IS 'Engagements on those pages.';
COMMENT ON COLUMN backfill_windows.rejected IS 'Records that could not be loaded.';
COMMENT ON COLUMN backfill_windows.requests IS 'Requests sent, retries included.';
COMMENT ON COLUMN backfill_windows.attempts IS 'Failed attempts at the window.';
COMMENT ON COLUMN backfill_windows.last_error IS 'Why the last of them failed.';
COMMENT ON COLUMN backfill_windows.finished_at IS 'When the window was done.';
COMMENT ON COLUMN backfill_windows.lease_owner IS 'The instance that reads the window now.';
COMMENT ON COLUMN backfill_windows.lease_epoch IS 'Counts the leases; a commit under an older one is refused.';
COMMENT ON COLUMN backfill_windows.lease_expires_at IS 'When others may take the window over, unless the lease is renewed.';

CREATE TABLE detail_queue (
    engagement_id   text COLLATE "C" PRIMARY KEY,
    created_at      timestamptz NOT NULL,
    wanted_after    timestamptz NOT NULL,
    enqueued_at     timestamptz NOT NULL DEFAULT now(),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error      text,
    last_error_at   timestamptz,
    parked          boolean NOT NULL DEFAULT false,
    claimed_by      text,
    claimed_until   timestamptz
-- A queue is all churn: vacuum it by its size, not by a share of it.
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX detail_queue_newest_first ON detail_queue (created_at DESC);
COMMENT ON TABLE detail_queue IS 'Engagements whose legs are still to be fetched, newest first.';
COMMENT ON COLUMN detail_queue.engagement_id IS 'engagements.id';
COMMENT ON COLUMN detail_queue.created_at IS 'engagements.created_at: the newest are fetched first.';
COMMENT ON COLUMN detail_queue.wanted_after IS 'Only a response asked for at or after this time (server''s clock) settles the row.';
COMMENT ON COLUMN detail_queue.enqueued_at IS 'When the row was made.';
COMMENT ON COLUMN detail_queue.attempts IS 'Failed attempts.';
COMMENT ON COLUMN detail_queue.next_attempt_at IS 'When the next attempt is due.';
COMMENT ON COLUMN detail_queue.last_error IS 'Why the last attempt failed.';
COMMENT ON COLUMN detail_queue.last_error_at IS 'When that was.';
COMMENT ON COLUMN detail_queue.parked IS 'True: failed for good or too often; tried again less and less often.';
COMMENT ON COLUMN detail_queue.claimed_by IS 'The instance that is fetching it now.';
COMMENT ON COLUMN detail_queue.claimed_until IS 'When others may take it.';

CREATE TABLE ongoing_engagements (
    engagement_id text COLLATE "C" PRIMARY KEY,
    created_at    timestamptz NOT NULL,
    next_fetch_at timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE ongoing_engagements IS 'Engagements with a leg that has not ended: they are fetched again until it has.';
COMMENT ON COLUMN ongoing_engagements.engagement_id IS 'engagements.id';
COMMENT ON COLUMN ongoing_engagements.created_at IS 'engagements.created_at';
COMMENT ON COLUMN ongoing_engagements.next_fetch_at IS 'When it goes into detail_queue again; the older the engagement, the less often.';

CREATE TABLE rejected_records (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       text COLLATE "C",
    engagement_id text COLLATE "C",
    source        text NOT NULL,
    reason        text NOT NULL,
    payload       text NOT NULL,
    payload_hash  bytea NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    times_seen    bigint NOT NULL DEFAULT 1,
    resolved_at   timestamptz
);
CREATE UNIQUE INDEX rejected_records_same ON rejected_records (payload_hash, source, (coalesce(site_id, '')));
CREATE INDEX rejected_records_engagement ON rejected_records (engagement_id) WHERE resolved_at IS NULL;
COMMENT ON TABLE rejected_records IS 'Records that could not be loaded, as they were received.';
COMMENT ON COLUMN rejected_records.id IS 'Number of the record, for `glia-sync rejects`.';
COMMENT ON COLUMN rejected_records.site_id IS 'The site whose listing showed it; NULL for a detail.';
COMMENT ON COLUMN rejected_records.engagement_id IS 'Engagement id, if it could be read.';
COMMENT ON COLUMN rejected_records.source IS 'list or detail.';
COMMENT ON COLUMN rejected_records.reason IS 'What is wrong with it.';
COMMENT ON COLUMN rejected_records.payload IS 'The record as received. May hold personal data.';
COMMENT ON COLUMN rejected_records.payload_hash IS 'Hash of the payload: the same again is counted, not stored again.';
COMMENT ON COLUMN rejected_records.first_seen_at IS 'When it was first met.';
COMMENT ON COLUMN rejected_records.last_seen_at IS 'When it was last met.';
COMMENT ON COLUMN rejected_records.times_seen IS 'How often it was met.';
COMMENT ON COLUMN rejected_records.resolved_at IS 'When the engagement could be loaded after all.';

CREATE TABLE server_clocks (
    machine            text PRIMARY KEY,
    ahead_microseconds bigint NOT NULL,
    updated_at         timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE server_clocks IS 'How far the clock of the API server is ahead of each machine''s that runs glia-sync: times of programs that follow each other compare to fractions of a second.';
COMMENT ON COLUMN server_clocks.machine IS 'The machine, by its current boot.';
COMMENT ON COLUMN server_clocks.ahead_microseconds IS 'Clock of the API server less the clock of the machine, in microseconds.';
COMMENT ON COLUMN server_clocks.updated_at IS 'When that was last found.';
