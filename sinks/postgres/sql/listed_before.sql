-- Which of these engagements has the site's listing shown before? Without a lock.
-- $1 ids, $2 the site
SELECT s.engagement_id FROM engagement_sites s WHERE s.engagement_id = ANY ($1::text[]) AND s.site_id = $2;
