-- Version 2: reading again what is known asks one table instead of two.

ALTER TABLE engagements ADD COLUMN first_site_id text COLLATE "C";
COMMENT ON COLUMN engagements.first_site_id IS 'The site whose listing showed the engagement first, where that is known: a shortcut of the program. All sites stand in engagement_sites.';
