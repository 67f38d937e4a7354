UPDATE undocumented_members SET example = NULL, example_of = NULL WHERE example_of = ?1;
