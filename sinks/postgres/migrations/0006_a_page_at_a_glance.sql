-- What a page of the list shows stands together in the tables too, by site and time: to read a page again is one walk
-- along this index instead of a search for every engagement.
CREATE INDEX engagements_first_site_id_created_at ON engagements (first_site_id, created_at);
