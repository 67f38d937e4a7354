-- The sites that listed an engagement first, one call for each: the one after $1, or NULL.
SELECT min(e.first_site_id) AS site_id FROM engagements e WHERE e.first_site_id > $1;
