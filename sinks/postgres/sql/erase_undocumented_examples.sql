-- Examples from these engagements. $1 ids
UPDATE undocumented_members SET example = NULL, example_of = NULL WHERE example_of = ANY ($1::text[]);
