-- $1 queues, $2 the time of the transaction, $3 site
UPDATE queues SET missing_since = $2::timestamptz
WHERE id = ANY($1::text[]) AND site_id = $3 AND missing_since IS NULL;
