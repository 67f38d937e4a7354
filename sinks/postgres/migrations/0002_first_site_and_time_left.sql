-- Version 2: reading again what is known asks one table instead of two, and `status` knows how long a backfill has to go.

ALTER TABLE engagements ADD COLUMN first_site_id text COLLATE "C";
COMMENT ON COLUMN engagements.first_site_id IS 'The site whose listing showed the engagement first, where that is known: a shortcut of the program. All sites stand in engagement_sites.';

ALTER TABLE backfills ADD COLUMN seconds_left bigint;
ALTER TABLE backfills ADD COLUMN seconds_left_at timestamptz;
COMMENT ON COLUMN backfills.seconds_left IS 'How long whoever worked on it last thought that it would take from then.';
COMMENT ON COLUMN backfills.seconds_left_at IS 'When seconds_left was told.';
