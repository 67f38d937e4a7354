-- Version 14: marks engagements that the source no longer has (DESIGN.md §3.9), and records the results of `verify`.

ALTER TABLE engagements ADD COLUMN missing_since timestamptz;
-- A nearly empty index, for the metric and for the views, which leave out missing engagements.
CREATE INDEX engagements_missing ON engagements (missing_since) WHERE missing_since IS NOT NULL;
COMMENT ON COLUMN engagements.missing_since IS 'When the program found that the source no longer has the engagement: a complete listing of its time did not show it, and a request for its id found nothing. NULL: it is not known to be missing. The views leave out missing engagements.';
COMMENT ON COLUMN engagements.core_hash IS 'Hash of everything except the legs: 17 bytes, of which the first is the version of the hash; 16 bytes if it was written before schema version 9. If all bytes after the version are zero, the program writes the next response even if nothing has changed.';

CREATE TABLE verifications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    range_from  timestamptz NOT NULL,
    range_to    timestamptz NOT NULL,
    site_id     text COLLATE "C" NOT NULL,
    day         date NOT NULL,
    listed      bigint NOT NULL,
    stored      bigint NOT NULL,
    missing     bigint NOT NULL,
    different   bigint NOT NULL,
    gone        bigint NOT NULL,
    repaired    bigint NOT NULL,
    legs_read   bigint NOT NULL,
    verified_at timestamptz NOT NULL DEFAULT now()
);
-- For the newest day of each site on which nothing differed, or everything that differed was repaired.
CREATE INDEX verifications_in_order ON verifications (site_id, day DESC, id DESC) WHERE missing + different + gone = repaired;
CREATE INDEX verifications_verified_at ON verifications (verified_at);
COMMENT ON TABLE verifications IS 'What `glia-sync verify` found: one row for each run, site and day. State of the program.';
COMMENT ON COLUMN verifications.id IS 'Number of the row.';
COMMENT ON COLUMN verifications.range_from IS 'Start of the range of the run.';
COMMENT ON COLUMN verifications.range_to IS 'End of the range of the run.';
COMMENT ON COLUMN verifications.site_id IS 'Site id.';
COMMENT ON COLUMN verifications.day IS 'The day that was compared, in UTC.';
COMMENT ON COLUMN verifications.listed IS 'Engagements created on that day that the source has.';
COMMENT ON COLUMN verifications.stored IS 'Engagements created on that day that were stored for the site at the time of counting, without those already known to be missing at the source.';
COMMENT ON COLUMN verifications.missing IS 'Engagements that the source has and the tables did not have.';
COMMENT ON COLUMN verifications.different IS 'Stored engagements that differed from the source.';
COMMENT ON COLUMN verifications.gone IS 'Stored engagements that the source no longer has.';
COMMENT ON COLUMN verifications.repaired IS 'How many of missing, different and gone were repaired: loaded, or marked in engagements.missing_since.';
COMMENT ON COLUMN verifications.legs_read IS 'Engagements whose legs were read again and compared.';
COMMENT ON COLUMN verifications.verified_at IS 'When the comparison of the day ended.';
