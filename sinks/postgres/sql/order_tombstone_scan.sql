-- An order of its own for each import: the end of one scan must not take away the order of an import that came meanwhile.
INSERT INTO erasures (kind, id) VALUES ('tombstones', clock_timestamp()::text) ON CONFLICT DO NOTHING;
