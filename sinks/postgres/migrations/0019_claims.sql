-- Version 19: a claim of a job changes no index. The index that found the claims of dead instances made each claim
-- write an entry into every index of work_items. Now the instances that claim jobs have a table, and releasing the
-- claims of an instance is a mark in it.
DROP INDEX work_items_claims;
CREATE TABLE claiming_instances (
    instance     text COLLATE "C" PRIMARY KEY,
    claims_until timestamptz NOT NULL,
    released_at  timestamptz
);
COMMENT ON TABLE claiming_instances IS 'The instances that have claimed jobs in work_items. State of the program.';
COMMENT ON COLUMN claiming_instances.instance IS 'The instance, as in work_items.claimed_by.';
COMMENT ON COLUMN claiming_instances.claims_until IS 'When the last of its claims expires.';
COMMENT ON COLUMN claiming_instances.released_at IS 'When its claims were released because it was dead; NULL if they hold.';

-- Claims of instances of the version before.
INSERT INTO claiming_instances (instance, claims_until)
SELECT claimed_by, max(claimed_until) FROM work_items
WHERE claimed_by IS NOT NULL AND claimed_until > now()
GROUP BY claimed_by;
COMMENT ON COLUMN work_items.claimed_until IS 'When the claim expires; earlier if the claims of the instance were released (claiming_instances).';
