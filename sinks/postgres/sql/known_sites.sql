-- Which of these engagements has the site listed before? $1 ids, $2 the site
SELECT engagement_id FROM engagement_sites WHERE engagement_id = ANY ($1::text[]) AND site_id = $2;
