-- Version 9: what the API sends beyond its documentation, and hashes by name and value.

-- Few rows, written often: room for new versions of them on the same page.
CREATE TABLE undocumented_members (
    path          text COLLATE "C" PRIMARY KEY,
    kind          text NOT NULL,
    example       text,
    example_of    text COLLATE "C",
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    times_seen    bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE undocumented_members IS 'What the API sends beyond its documentation, or of another type than documented. The values themselves are in the columns `extra`.';
COMMENT ON COLUMN undocumented_members.path IS 'Where it stands in an engagement: the names of the members above and its own, with [] behind the name of a list, as in `legs[].operator.name`.';
COMMENT ON COLUMN undocumented_members.kind IS '`unknown`: the documentation does not know it; `type`: of another type than documented; `value`: of its documented type, but no such value, as a time that cannot be read.';
COMMENT ON COLUMN undocumented_members.example IS 'The beginning of a value as JSON, with `privacy` applied; NULL if `privacy` does not keep such values, or once the engagement that it was from has been erased. Personal data.';
COMMENT ON COLUMN undocumented_members.example_of IS 'engagements.id of the engagement that the example is from.';
COMMENT ON COLUMN undocumented_members.first_seen_at IS 'When it was first stored.';
COMMENT ON COLUMN undocumented_members.last_seen_at IS 'When it was last stored with an engagement that was new or had changed.';
COMMENT ON COLUMN undocumented_members.times_seen IS 'How often it was stored with an engagement that was new or had changed.';

COMMENT ON COLUMN engagements.core_hash IS 'Hash of everything but the legs, 17 bytes with its version in front; 16 bytes if it was written before schema version 9.';
