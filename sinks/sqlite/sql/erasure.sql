-- Deletion: `forget`, retention, and examples that privacy no longer allows.

-- name: engagements_of_visitor(visitor_digest)
-- Returns the visitor's engagements; the caller forgets them one by one.
SELECT id FROM engagements WHERE visitor_mark = :visitor_digest;

-- name: erase_engagement(engagement)
DELETE FROM engagements WHERE id = :engagement;

-- name: erase_work(engagement)
DELETE FROM detail_queue WHERE engagement_id = :engagement;

-- name: erase_undocumented_example(engagement)
UPDATE undocumented_members SET example = NULL, example_of = NULL WHERE example_of = :engagement;

-- name: erase_rejected(engagement)
DELETE FROM rejected_records WHERE engagement_id = :engagement;

-- name: erase_rejected_one(reject_id)
DELETE FROM rejected_records WHERE id = :reject_id;

-- name: erase_rejected_of_visitor(visitor)
DELETE FROM rejected_records
WHERE instr(payload, '"' || :visitor || '"') > 0 OR instr(payload, '/' || :visitor || '"') > 0;

-- name: erase_rejected_of_operator(operator)
DELETE FROM rejected_records WHERE source = 'operators' AND instr(payload, '/' || :operator || '"') > 0;

-- name: erase_forbidden_rejected_operators(pseudonyms, members)
-- Erases rejected records of operators whose payload contains one of `members`, which privacy no longer allows, or
-- whose payload cannot be searched for members. `pseudonyms`: keep pseudonyms.
DELETE FROM rejected_records
WHERE source = 'operators' AND payload <> 'null'
  AND CASE WHEN json_valid(payload) AND substr(payload, 1, 1) = '{'
           THEN EXISTS (SELECT 1 FROM json_each(payload) p JOIN json_each(:members) m ON m.value = p.key
                        WHERE p.type <> 'null' AND NOT (:pseudonyms AND p.value LIKE 'hmac:%'))
           ELSE 1 END;

-- name: erase_operator(operator)
DELETE FROM directory_entries WHERE stream = 'operators' AND id = :operator;

-- name: erase_forbidden_examples(unknown, members)
-- Deletes examples of undocumented members that privacy no longer allows. `unknown`: examples of all members of the
-- kind unknown. `members`: examples of members with these names, in any object.
UPDATE undocumented_members SET example = NULL, example_of = NULL
WHERE example IS NOT NULL
  AND (:unknown AND kind = 'unknown'
       OR EXISTS (SELECT 1 FROM json_each(:members) m
                  WHERE undocumented_members.path = m.value
                    OR substr(undocumented_members.path, -length(m.value) - 1) = '.' || m.value));

-- name: expired_engagements(before)
SELECT id FROM engagements WHERE created_at < :before LIMIT 500;

-- name: expire_rejected(before)
DELETE FROM rejected_records WHERE last_seen_at < :before;
