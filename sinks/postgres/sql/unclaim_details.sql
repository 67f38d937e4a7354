-- Details that were loaded but are wanted anew: free to be fetched again, at once. $1 engagements
UPDATE detail_queue
SET claimed_by = NULL, claimed_until = NULL, next_attempt_at = '-infinity'
WHERE engagement_id = ANY ($1::text[]);
