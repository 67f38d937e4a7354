-- Examples of undocumented members that privacy does not keep any more.
-- ?1 true: of members that the documentation does not know; ?2 of these members, wherever they stand
UPDATE undocumented_members SET example = NULL, example_of = NULL
WHERE example IS NOT NULL
  AND (?1 AND kind = 'unknown'
       OR EXISTS (SELECT 1 FROM json_each(?2) m
                  WHERE undocumented_members.path = m.value OR substr(undocumented_members.path, -length(m.value) - 1) = '.' || m.value));
