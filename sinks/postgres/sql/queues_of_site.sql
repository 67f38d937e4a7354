-- Those that its listing has shown and that are not missing. $1 site
SELECT id FROM queues WHERE site_id = $1 AND listed_at IS NOT NULL AND missing_since IS NULL;
