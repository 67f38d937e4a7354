-- The site's listing showed these engagements. $1 engagements, $2 the site
INSERT INTO engagement_sites (engagement_id, site_id)
SELECT i.id, $2 FROM unnest($1::text[]) AS i (id) ORDER BY i.id
ON CONFLICT DO NOTHING;
