-- ?1 stream, ?2 site
SELECT id, content_hash, missing FROM directory_entries WHERE stream = ?1 AND site_id = ?2;
