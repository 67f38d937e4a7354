INSERT INTO forgotten (kind, mark) VALUES (?1, ?2) ON CONFLICT DO NOTHING;
