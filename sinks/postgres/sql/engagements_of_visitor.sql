-- $1 visitor, as stored, $2 how many at most
SELECT id FROM engagements WHERE hashtext(visitor_id) = hashtext($1::text) AND visitor_id = $1::text LIMIT $2::bigint;
