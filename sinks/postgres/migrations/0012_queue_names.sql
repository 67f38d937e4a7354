-- Version 12: name_history also has the names of queues that are known only from engagements.

INSERT INTO name_history (kind, id, valid_from, name)
SELECT 'queue', q.id, q.name_as_of, q.name
FROM queues q
WHERE q.name IS NOT NULL
  AND NOT EXISTS (SELECT FROM name_history h WHERE h.kind = 'queue' AND h.id = q.id AND h.valid_to IS NULL)
ON CONFLICT (kind, id, valid_from) DO UPDATE SET name = excluded.name, valid_to = NULL;

COMMENT ON TABLE name_history IS 'Every name that an operator, a site or a queue has had. Names come from the listings; the name of a queue may also come from its newest engagement.';
COMMENT ON COLUMN name_history.valid_to IS 'End of the validity of the name: valid_from of the next name. NULL: the name is current.';

-- An earlier form of version 9 had a shorter comment.
COMMENT ON COLUMN undocumented_members.example IS 'The beginning of one value as JSON, with `privacy` applied. NULL if `privacy` does not keep such values, or if the engagement that had the value has been erased. Personal data.';
