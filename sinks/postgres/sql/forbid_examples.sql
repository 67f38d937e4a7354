-- Examples of undocumented members that privacy does not keep any more.
-- $1 true: of members that the documentation does not know; $2 of these members, wherever they stand
UPDATE undocumented_members u SET example = NULL, example_of = NULL
WHERE u.example IS NOT NULL
  AND ($1::boolean AND u.kind = 'unknown'
       OR EXISTS (SELECT FROM unnest($2::text[]) m (name) WHERE u.path = m.name OR right(u.path, length(m.name) + 1) = '.' || m.name));
