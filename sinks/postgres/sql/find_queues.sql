-- Listed again. $1 queues
UPDATE queues SET missing_since = NULL WHERE id = ANY($1::text[]) AND missing_since IS NOT NULL;
