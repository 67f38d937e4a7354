-- $1 visitor, as stored. Reads the whole table: it is asked for seldom, and an index would cost every load.
SELECT id FROM engagements WHERE visitor_id = $1::text ORDER BY id;
