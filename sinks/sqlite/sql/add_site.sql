-- ?1 site, ?2 stream
INSERT INTO sync_state (site_id, stream) VALUES (?1, ?2) ON CONFLICT DO NOTHING;
