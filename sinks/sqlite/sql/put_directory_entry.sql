-- ?1 stream, ?2 site, ?3 id, ?4 hash, ?5 missing
INSERT INTO directory_entries (stream, site_id, id, content_hash, missing) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (stream, site_id, id) DO UPDATE SET content_hash = excluded.content_hash, missing = excluded.missing;
