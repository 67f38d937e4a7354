INSERT INTO engagements (id, created_at, core_hash, list_hash, legs_hash, fetched_at, legs_fetched_at, site_ids, owed,
                         visitor_mark)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (id) DO UPDATE
SET created_at = excluded.created_at, core_hash = excluded.core_hash, list_hash = excluded.list_hash,
    legs_hash = excluded.legs_hash, fetched_at = excluded.fetched_at, legs_fetched_at = excluded.legs_fetched_at,
    site_ids = excluded.site_ids, owed = excluded.owed, visitor_mark = excluded.visitor_mark;
