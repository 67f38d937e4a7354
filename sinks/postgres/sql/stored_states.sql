-- The stored state of these engagements. Takes no row lock.
-- (date_part, because extract computes with numeric; a double tells microseconds apart until the year 2242.)
-- $1 ids, $2 the site whose listing showed them, '' for details
SELECT e.id, e.core_hash, e.list_hash, e.legs_hash,
       (date_part('epoch', e.fetched_at) * 1000000)::bigint AS fetched_at,
       (date_part('epoch', e.legs_fetched_at) * 1000000)::bigint AS legs_fetched_at,
       $2 = '' OR e.first_site_id IS NOT DISTINCT FROM $2 AS site_known
FROM engagements e
WHERE e.id = ANY ($1::text[]);
